"""The composition root of `incident serve`: all parts are created and connected here, once."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.app import http_server, preflight, registry
from bot.app.durable_inbox import DocketInbox, StoreReplays
from bot.app.triage_command import THREADS
from bot.aws.accounts import AwsAccounts
from bot.changes.executor import ChangeExecutor, Timeouts
from bot.changes.service import ChangeService, Detector
from bot.config import catalogue
from bot.config.catalogue import Catalogue, PolicyFile
from bot.config.settings import Settings, require_slack, settings
from bot.domain.errors import ConfigError
from bot.incidents.card_publisher import IncidentCard
from bot.incidents.change_watch import ChangeWatch
from bot.incidents.investigation_task import IncidentInvestigation
from bot.incidents.lifecycle import Lifecycle
from bot.incidents.service import IncidentService
from bot.investigation.investigator import Investigator
from bot.render import Entry
from bot.slack.announcer import SlackAnnouncer
from bot.slack.client import SlackClient, web_client
from bot.slack.outbox import Outbox
from bot.slack.socket_mode import Sockets
from bot.state import embedded_valkey
from bot.state.durable_tasks import Jobs, Kind
from bot.state.store import RedisStore, connect
from bot.telemetry import logs, metrics
from handlers.dispatch import Dispatch
from handlers.slack.authorization import Authorization
from handlers.slack.commands import Vocabulary
from handlers.slack.listeners import register, slack_app
from handlers.slack.request_verification import SlackIngress

log = logging.getLogger(__name__)

TICKS = {"sweep": 5, "look_after": 60}  # seconds
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
        """200 when an event could be saved now: Redis takes it and Slack is connected; else 503."""
        faults = []
        try:
            await self.store.check_writable()
        except (RedisError, OSError) as error:
            faults.append(f"redis: {error}")
        if self.sockets is not None and self.sockets.live == 0:
            faults.append(self.sockets.refused or "no Socket Mode connection is up")
        return JSONResponse({"ok": not faults, "faults": faults}, 503 if faults else 200)

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
    await preflight.check_redis(url)
    with preflight.open_socket(config.host, config.port) as listener:
        async with program(config, known, url) as running:
            await preflight.check_slack_token(running.web)
            try:
                await _run(running, listener)
            except BaseExceptionGroup as group:
                if fault := preflight.config_error_in(group):
                    raise fault from None
                raise


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
            task.cancel()
        server.should_exit = True
        await http


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
    redis = connect(redis_url)
    store = RedisStore(redis)
    jobs = Jobs(redis_url, redelivery_seconds=config.redelivery_seconds)
    router = registry.router()
    accounts = AwsAccounts(known, config, registry.ACTIONS)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="aws")
    pool.submit(accounts.prepare)
    # asyncio's default has 6 threads on 2 cores: a few slow AWS calls would delay all cards
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
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
        pool=pool,
        seconds=config.watch_seconds,
    )
    investigation = IncidentInvestigation(
        store=store,
        accounts=accounts,
        catalogue=known,
        router=router,
        investigator=Investigator(router, registry.ACTIONS, pool, accounts.memory),
        card=card,
        watch=watch.begin,
    )
    incidents = IncidentService(
        store=store,
        announcer=announcer,
        queue=jobs,
        accounts=accounts,
        catalogue=known,
        router=router,
        lifecycle=Lifecycle(store, card),
        card=card,
    )
    executor = ChangeExecutor(
        store=store,
        actions=registry.ACTIONS,
        service=known.service,
        policy=PolicyFile(config.catalogue, known),
        reader=accounts.reader,
        writer=accounts.writer,
        detector=Detector(store, known, accounts, router, pool),
        timeouts=Timeouts(
            approval=config.approval_minutes * 60,
            poll=config.poll_seconds,
            verify=config.verify_minutes * 60,
        ),
    )
    changes = ChangeService(executor, card, store, announcer, jobs)
    vocabulary = Vocabulary(
        playbooks=tuple(
            Entry(each.id, each.title, each.looks_like) for each in router.playbooks.values()
        ),
        services=tuple(service.name for service in known.services),
    )
    dispatch = Dispatch(incidents, changes, announcer, known, router, vocabulary)

    async def sweep(_: str) -> None:
        """Send the messages that no task is sending."""
        await announcer.sweep()

    async def look_after(_: str) -> None:
        """Check the audit chain, and schedule changes that have no task."""
        if fault := await store.verify_audit():
            log.critical("the audit chain has a fault, no change is approved or applied: %s", fault)
        await changes.resume()

    bolt = slack_app(web, _secret(config))
    authorization = Authorization(
        teams=frozenset({config.slack_team_id} if config.slack_team_id else ()),
        app_id=config.slack_app_id,
        alarm_apps=config.alarm_app_ids,
    )
    register(bolt, DocketInbox(jobs), authorization, vocabulary)
    app_token = config.slack_app_token
    sockets = Sockets(bolt, app_token.get_secret_value()) if app_token else None
    kinds = {
        "intake": Kind(dispatch, dispatch.report_failure),
        "investigate": Kind(investigation.investigate, investigation.report_failure),
        "watch": Kind(watch.look, watch.look_failed, attempts=3),
        "step": Kind(changes.step, changes.report_failure),
        "flush": Kind(announcer.flush, attempts=1),  # the next sweep sends what is left
        "sweep": Kind(sweep, attempts=1),
        "look_after": Kind(look_after, attempts=1),
    }
    try:
        async with jobs.opened(kinds):
            yield Program(config, redis, jobs, bolt, sockets, store, web)
    finally:
        await redis.aclose()
        pool.shutdown(wait=False, cancel_futures=True)


def _secret(config: Settings) -> str | None:
    secret = config.slack_signing_secret
    return secret.get_secret_value() if secret else None


def _write_address(state_dir: Path, address: str) -> None:
    """Write the address to a file, for whoever started the bot with PORT=0."""
    state_dir.mkdir(parents=True, exist_ok=True)
    (state_dir / "address").write_text(address, encoding="utf-8")
