"""The composition root of `incident serve`: all parts are created and connected here, once."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError, RedisError
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.app import http_server, lanes, preflight, redis_checks, registry
from bot.app.durable_inbox import DocketInbox, StoreReplays
from bot.app.reconciliation import Reconciliation
from bot.aws.accounts import AwsAccounts
from bot.changes.executor import ChangeExecutor, Timeouts
from bot.changes.home_tab import HomeTab
from bot.changes.reconcile import UnsentChanges
from bot.changes.service import ChangeService, Detector
from bot.config import catalogue
from bot.config.catalogue import Catalogue, PolicyFile
from bot.config.settings import Settings, require_slack, settings
from bot.domain.errors import ConfigError
from bot.incidents.alarm_accounts import AlarmAccounts
from bot.incidents.card_publisher import IncidentCard
from bot.incidents.catch_up import CatchUp
from bot.incidents.change_watch import ChangeWatch
from bot.incidents.context import IncidentContext
from bot.incidents.investigation_task import IncidentInvestigation
from bot.incidents.investigation_turns import InvestigationTurns
from bot.incidents.lifecycle import Lifecycle
from bot.incidents.lost_records import LostRecords
from bot.incidents.posted_alarms import PostedAlarms
from bot.incidents.refused_posts import RefusedPosts
from bot.incidents.service import IncidentService
from bot.investigation.investigator import Investigator
from bot.render import Entry
from bot.slack.announcer import SlackAnnouncer
from bot.slack.client import SlackClient, web_client
from bot.slack.history import History
from bot.slack.membership import SlackMembership
from bot.slack.outbox import Outbox
from bot.slack.people import SlackPeople
from bot.slack.socket_mode import Sockets
from bot.state import embedded_valkey
from bot.state.anchor import FILE, FileAnchor
from bot.state.durable_tasks import Jobs, Kind
from bot.state.investigation_turns import RedisTurns
from bot.state.posts_seen import PostsSeen
from bot.state.store import RedisStore, connect
from bot.telemetry import logs, metrics
from handlers.dispatch import Dispatch
from handlers.slack.authorization import Authorization
from handlers.slack.commands import Vocabulary
from handlers.slack.listeners import register, slack_app
from handlers.slack.missed_posts import MissedPosts
from handlers.slack.request_verification import SlackIngress

log = logging.getLogger(__name__)

TICKS = {"sweep": 5, "look_after": 60, "follow": 10, "check_record": 3600}  # seconds
STOP_SECONDS = 8.0
"""That a stop waits for what is under way. Amazon ECS and Kubernetes kill after 30."""
VALKEY_SECONDS = 1.0  # between two checks of the embedded Valkey


@dataclass(frozen=True, slots=True)
class Program:
    """The running parts, and the HTTP routes that say whether they work."""

    config: Settings
    redis: Redis
    jobs: Jobs
    bolt: AsyncApp
    sockets: Sockets | None
    store: RedisStore
    web: AsyncWebClient

    def http(self) -> Starlette:
        """The HTTP app: /slack/events (only with a signing secret), /healthz, /readyz, /metrics."""
        routes: list[Route] = [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        secret = self.config.slack_signing_secret
        if secret is not None:
            bolt = AsyncSlackRequestHandler(self.bolt, path="/slack/events")
            ingress = SlackIngress(
                cast(ASGIApp, bolt), secret.get_secret_value(), StoreReplays(self.store)
            )
            # a class instance is served as an ASGI app as it is, whatever the method
            routes.append(Route("/slack/events", ingress))
        return Starlette(routes=routes)

    async def _healthz(self, request: Request) -> Response:
        """200 while the process answers."""
        return JSONResponse({"ok": True})

    async def _readyz(self, request: Request) -> Response:
        """200 when an event could be saved now: Redis takes it and Slack is connected; else 503.

        A freeze is told, and is no reason for 503: events are saved, and changes can be undone.
        """
        faults, frozen = [], None
        try:
            await self.store.check_writable()
            await self.jobs.check_writable()
            frozen = await self.store.frozen()
        except OutOfMemoryError as error:
            faults.append(f"redis is full, only undoing works: {error}")
        except (RedisError, OSError) as error:
            faults.append(f"redis: {error}")
        if self.sockets is not None and self.sockets.live == 0:
            faults.append(self.sockets.refused or "no Socket Mode connection is up")
        told = [*faults, f"changes are frozen: {frozen}"] if frozen else faults
        return JSONResponse({"ok": not faults, "faults": told}, 503 if faults else 200)

    async def _metrics(self, request: Request) -> Response:
        metrics.SOCKETS.set(self.sockets.live if self.sockets else 0)
        body, kind = metrics.exposition()
        return Response(body, media_type=kind)


async def serve() -> None:
    """Run the bot until SIGTERM or Ctrl-C. Raises ConfigError when something is missing."""
    logs.configure()
    config = settings()
    require_slack(config)
    known = catalogue.load(config.catalogue)
    preflight.make_state_dir(config.state_dir)
    url = config.redis_url or embedded_valkey.start(config.state_dir)
    for warning in await redis_checks.check_redis(url, trusted_host=config.redis_trusted_host):
        log.warning("%s", warning)
    with preflight.open_socket(config.host, config.port) as listener:
        async with program(config, known, url) as running:
            await preflight.check_slack_token(running.web)
            try:
                await _run(running, listener)
            except BaseExceptionGroup as group:
                if fault := preflight.config_error_in(group):
                    raise fault from None
                raise
    log.info("stopped")
    logging.shutdown()
    os._exit(0)  # else Python waits for threads whose calls AWS has not answered


async def _run(running: Program, listener: socket) -> None:
    """Run all parts concurrently until a signal comes, then stop them."""
    config = running.config
    address = f"http://{config.host}:{listener.getsockname()[1]}"
    server = http_server.server(running.http(), listener)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        http = group.create_task(server.serve(), name="http")
        tasks = [
            group.create_task(running.jobs.work(), name="worker"),
            group.create_task(running.jobs.tick(TICKS), name="clock"),
        ]
        if running.sockets is not None:
            tasks.append(group.create_task(running.sockets.run(), name="sockets"))
        if config.redis_url is None:
            tasks.append(group.create_task(_keep_valkey(config.state_dir), name="valkey"))
        _write_address(config.state_dir, address)
        log.info("ready at %s", address)
        await stop.wait()
        log.info("stopping")
        for task in tasks:
            task.cancel()  # no new task begins; those under way go on
        server.should_exit = True
        _, late = await asyncio.wait([*tasks, http], timeout=STOP_SECONDS)
        for task in late:
            task.cancel()  # another worker, or the next start, does them again


async def _keep_valkey(state_dir: Path) -> None:
    """Start the embedded Valkey again, with its data, whenever it has died."""
    while True:
        await asyncio.sleep(VALKEY_SECONDS)
        try:
            await asyncio.to_thread(embedded_valkey.start, state_dir, timeout=5.0)
        except ConfigError as fault:
            log.error("the embedded Valkey is down: %s", fault)


@asynccontextmanager
async def program(config: Settings, known: Catalogue, redis_url: str) -> AsyncIterator[Program]:
    """Create and connect all parts; close them at the end of the context."""
    with lanes.pools() as threads:
        async with _program(config, known, redis_url, threads) as running:
            yield running


@asynccontextmanager
async def _program(
    config: Settings, known: Catalogue, redis_url: str, threads: lanes.Pools
) -> AsyncIterator[Program]:
    redis = connect(redis_url)
    store = RedisStore(redis, anchor=FileAnchor(config.state_dir / FILE))
    jobs = Jobs(redis_url, redelivery_seconds=config.redelivery_seconds)
    router = registry.router()
    accounts = AwsAccounts(known, config, registry.ACTIONS)
    threads.investigations.submit(accounts.prepare)
    token = config.slack_bot_token.get_secret_value() if config.slack_bot_token else ""
    web = web_client(token, config.slack_api_url)
    announcer = SlackAnnouncer(Outbox(redis), SlackClient(web), web, jobs, store)
    card = IncidentCard(store, announcer)
    watch = ChangeWatch(
        store=store,
        accounts=accounts,
        catalogue=known,
        router=router,
        queue=jobs,
        card=card,
        pool=threads.investigations,
        seconds=config.watch_seconds,
    )
    investigation = IncidentInvestigation(
        store=store,
        accounts=accounts,
        catalogue=known,
        router=router,
        investigator=Investigator(
            router, registry.ACTIONS, threads.investigations, accounts.memory
        ),
        card=card,
        watch=watch.begin,
    )
    context = IncidentContext(
        store=store,
        announcer=announcer,
        queue=jobs,
        accounts=accounts,
        catalogue=known,
        router=router,
        lifecycle=Lifecycle(store, card, threads.alarms),
        card=card,
    )
    incidents = IncidentService(context)
    alarms = PostedAlarms(context, AlarmAccounts(accounts, known, threads.alarms))
    turns = InvestigationTurns(
        RedisTurns(redis), jobs, investigation.investigate, config.redelivery_seconds
    )
    policy = PolicyFile(config.catalogue, known)
    teams = frozenset({config.slack_team_id} if config.slack_team_id else ())
    people = SlackPeople(
        web,
        teams=frozenset() if config.slack_enterprise_id else teams,
        enterprise=config.slack_enterprise_id,
    )
    executor = ChangeExecutor(
        store=store,
        actions=registry.ACTIONS,
        service=known.service,
        policy=policy,
        people=people,
        reader=accounts.reader,
        writer=accounts.writer,
        detector=Detector(store, known, accounts, router, threads.changes),
        denied=accounts.denied,
        timeouts=Timeouts(
            approval=config.approval_minutes * 60,
            poll=config.poll_seconds,
            verify=config.verify_minutes * 60,
        ),
    )
    changes = ChangeService(executor, card, store, announcer, jobs)
    vocabulary = Vocabulary(
        playbooks=tuple(
            Entry(each.id, each.title, each.looks_like, each.for_any_alarm)
            for each in router.playbooks.values()
        ),
        services=tuple(service.name for service in known.services),
    )
    refused = RefusedPosts(store, announcer, known)
    home = HomeTab(store, announcer, SlackMembership(web), known, policy, people)
    dispatch = Dispatch(incidents, alarms, changes, announcer, known, router, vocabulary, home)

    async def sweep(_: str) -> None:
        """Send the messages that no task is sending."""
        await announcer.sweep()

    reconciliation = Reconciliation(
        store,
        UnsentChanges.of(executor),
        LostRecords(store, announcer, SlackClient(web)),
        changes.show,
    )

    async def look_after(_: str) -> None:
        """Check the audit chain, the policy and the token, and schedule changes without a task."""
        known_now = await asyncio.to_thread(policy)
        metrics.POLICY_UNREADABLE.set(0 if known_now.fault is None else 1)
        await people.check_token()
        if fault := await store.verify_audit():
            log.critical("no change is approved or applied: %s", fault)
            if await store.first_time(f"reconcile:{fault}", 86_400):
                await jobs.put("reconcile", "doubt", key=f"reconcile:{uuid.uuid4().hex}")
        await changes.resume()

    async def check_record(_: str) -> None:
        """Check every entry of the audit chain."""
        await store.verify_audit(full=True)

    bolt = slack_app(web, _secret(config))
    authorization = Authorization(
        teams=teams,
        app_id=config.slack_app_id,
        alarm_apps=config.alarm_app_ids,
        enterprise=config.slack_enterprise_id,
    )
    register(bolt, DocketInbox(jobs), authorization, vocabulary, people)
    app_token = config.slack_app_token
    sockets = Sockets(bolt, app_token.get_secret_value()) if app_token else None
    missed = MissedPosts(
        store=store,
        history=History(web),
        marks=PostsSeen(redis),
        catch_up=CatchUp(alarms),
        connected=lambda: sockets is None or sockets.live > 0,
        alarm_apps=config.alarm_app_ids,
        known=frozenset(each.channel for each in known.services if each.channel),
    )
    kinds = {
        "intake": Kind(dispatch, dispatch.report_failure, begins_anew=True),
        "undo": Kind(dispatch, dispatch.report_failure),
        "alarm": Kind(dispatch, dispatch.report_failure, lane=lanes.ALARMS, begins_anew=True),
        "investigate": Kind(turns.ask, investigation.report_failure, lane=lanes.QUICK),
        "investigation": Kind(turns.run, investigation.report_failure, lane=lanes.INVESTIGATIONS),
        "watch": Kind(
            watch.look, watch.look_failed, attempts=3, lane=lanes.WATCH, begins_anew=True
        ),
        "step": Kind(changes.step, changes.report_failure, lane=lanes.CHANGES),
        # the next sweep sends what is left
        "flush": Kind(announcer.flush, attempts=1, lane=lanes.QUICK),
        "refused": Kind(refused.tell, lane=lanes.QUICK),
        "sweep": Kind(sweep, attempts=1, lane=lanes.QUICK),
        "look_after": Kind(look_after, attempts=1, lane=lanes.CHANGES),
        "follow": Kind(missed.follow, attempts=1, lane=lanes.ALARMS),
        "check_record": Kind(check_record, attempts=1, lane=lanes.CHANGES),
        "reconcile": Kind(reconciliation, lane=lanes.CHANGES),
    }
    try:
        async with jobs.opened(kinds):
            await store.verify_audit()
            await jobs.put("reconcile", "start", key=f"reconcile:{uuid.uuid4().hex}")
            yield Program(config, redis, jobs, bolt, sockets, store, web)
    finally:
        await redis.aclose()


def _secret(config: Settings) -> str | None:
    secret = config.slack_signing_secret
    return secret.get_secret_value() if secret else None


def _write_address(state_dir: Path, address: str) -> None:
    """Write the address to a file, for whoever started the bot with PORT=0."""
    state_dir.mkdir(parents=True, exist_ok=True)
    (state_dir / "address").write_text(address, encoding="utf-8")
