"""The composition root of `incident serve`: everything is made and wired here, once."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import cast

import uvicorn
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

from bot import catalogue, metrics, registry, startup, valkey
from bot.accounts import AwsAccounts
from bot.act import Actor, Pace
from bot.announce import SlackAnnouncer
from bot.catalogue import Catalogue, PolicyFile
from bot.changes import Changes, Detector
from bot.config import Settings, settings, slack_ready
from bot.desk import Desk
from bot.errors import ConfigError
from bot.inbox import DocketInbox, StoreReplays
from bot.inquiry import Inquiry
from bot.jobs import Jobs, Kind
from bot.outbox import Outbox
from bot.question import THREADS
from bot.redact import RedactingFilter
from bot.render import Entry
from bot.slack_client import SlackClient, web_client
from bot.sockets import Sockets
from bot.store import RedisStore, connect
from handlers.commands import Vocabulary
from handlers.dispatch import Dispatch
from handlers.door import Door
from handlers.ingress import SlackIngress
from handlers.listeners import register, slack_app

log = logging.getLogger(__name__)

TICKS = {"sweep": 5, "look_after": 60}  # seconds
VALKEY_SECONDS = 1.0  # between looks at the embedded Valkey


@dataclass(frozen=True, slots=True)
class Program:
    """The parts that run, and what tells whether they do."""

    config: Settings
    redis: Redis
    jobs: Jobs
    bolt: AsyncApp
    sockets: Sockets | None
    store: RedisStore
    web: AsyncWebClient

    def http(self) -> Starlette:
        """/slack/events, /healthz, /readyz, /metrics."""
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
        """The process answers."""
        return JSONResponse({"ok": True})

    async def _readyz(self, request: Request) -> Response:
        """It could take an event now: Redis answers, and Slack can reach it."""
        faults = []
        try:
            await self.redis.ping()
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
    """Run until SIGTERM or Ctrl-C. Raises ConfigError when something it needs is missing."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(RedactingFilter())
    for chatty in ("apscheduler", "botocore", "docket", "slack_bolt"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    config = settings()
    slack_ready(config)
    known = catalogue.load(config.catalogue)
    startup.state_dir(config.state_dir)
    url = config.redis_url or valkey.embedded(config.state_dir)
    await startup.redis_answers(url)
    with startup.listener(config.host, config.port) as listener:
        async with program(config, known, url) as running:
            await startup.slack_takes(running.web)
            try:
                await _run(running, listener)
            except BaseExceptionGroup as group:
                if fault := startup.mendable(group):
                    raise fault from None
                raise


async def _run(running: Program, listener: socket) -> None:
    """Everything at once until a signal comes."""
    config = running.config
    address = f"http://{config.host}:{listener.getsockname()[1]}"
    server = _Server(
        uvicorn.Config(
            running.http(), lifespan="off", log_level="warning", timeout_graceful_shutdown=5
        )
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        http = group.create_task(server.serve(sockets=[listener]), name="http")
        tasks = [
            group.create_task(running.jobs.work(), name="worker"),
            group.create_task(running.jobs.tick(TICKS), name="clock"),
        ]
        if running.sockets is not None:
            tasks.append(group.create_task(running.sockets.run(), name="sockets"))
        if config.redis_url is None:
            tasks.append(group.create_task(_keep_valkey(config.state_dir), name="valkey"))
        _tell_address(config.state_dir, address)
        log.info("ready at %s", address)
        await stop.wait()
        log.info("stopping")
        for task in tasks:
            task.cancel()
        server.should_exit = True
        await http


async def _keep_valkey(state_dir: Path) -> None:
    """The embedded Valkey is ours to look after: one that died is started again, with its data."""
    while True:
        await asyncio.sleep(VALKEY_SECONDS)
        try:
            await asyncio.to_thread(valkey.embedded, state_dir, patience=5.0)
        except ConfigError as fault:
            log.error("the embedded Valkey is down: %s", fault)


@asynccontextmanager
async def program(config: Settings, known: Catalogue, redis_url: str) -> AsyncIterator[Program]:
    """Everything made and connected."""
    redis = connect(redis_url)
    store = RedisStore(redis)
    jobs = Jobs(redis_url, redelivery_seconds=config.redelivery_seconds)
    router = registry.router()
    accounts = AwsAccounts(known, config, registry.ACTIONS)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="aws")
    pool.submit(accounts.prepare)
    # asyncio's own has 6 threads on 2 cores: a few slow AWS calls would hold up everybody's card
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    token = config.slack_bot_token.get_secret_value() if config.slack_bot_token else ""
    web = web_client(token, config.slack_api_url)
    announcer = SlackAnnouncer(Outbox(redis), SlackClient(web), web, jobs, store)
    desk = Desk(
        store=store,
        announcer=announcer,
        queue=jobs,
        accounts=accounts,
        catalogue=known,
        router=router,
        inquiry=Inquiry(router, registry.ACTIONS, pool),
    )
    actor = Actor(
        store=store,
        actions=registry.ACTIONS,
        service=known.service,
        policy=PolicyFile(config.catalogue, known),
        reader=accounts.reader,
        writer=accounts.writer,
        detector=Detector(store, desk, accounts, router, pool),
        pace=Pace(
            approval=config.approval_minutes * 60,
            poll=config.poll_seconds,
            verify=config.verify_minutes * 60,
        ),
    )
    changes = Changes(actor, desk, store, announcer, jobs)
    vocabulary = Vocabulary(
        playbooks=tuple(
            Entry(each.id, each.title, each.looks_like) for each in router.playbooks.values()
        ),
        services=tuple(service.name for service in known.services),
    )
    dispatch = Dispatch(desk, changes, announcer, known, router, vocabulary)

    async def sweep(_: str) -> None:
        """Messages nobody is sending."""
        await announcer.sweep()

    async def look_after(_: str) -> None:
        """Changes nobody works on, and whether the audit chain is whole."""
        if fault := await store.verify_audit():
            log.critical("the audit chain is broken, nothing is approved or applied: %s", fault)
        await changes.resume()

    bolt = slack_app(web, _secret(config))
    door = Door(
        teams=frozenset({config.slack_team_id} if config.slack_team_id else ()),
        app_id=config.slack_app_id,
        alarm_apps=config.alarm_app_ids,
    )
    register(bolt, DocketInbox(jobs), door, vocabulary)
    app_token = config.slack_app_token
    sockets = Sockets(bolt, app_token.get_secret_value()) if app_token else None
    kinds = {
        "intake": Kind(dispatch, dispatch.gave_up),
        "investigate": Kind(desk.investigate, desk.gave_up),
        "step": Kind(changes.step, changes.gave_up),
        "flush": Kind(announcer.flush, attempts=1),  # the next sweep finds what is left
        "sweep": Kind(sweep, attempts=1),
        "look_after": Kind(look_after, attempts=1),
    }
    try:
        async with jobs.opened(kinds):
            yield Program(config, redis, jobs, bolt, sockets, store, web)
    finally:
        await redis.aclose()
        pool.shutdown(wait=False, cancel_futures=True)


class _Server(uvicorn.Server):
    """Leaves signals to `serve`, which stops the other parts too."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _secret(config: Settings) -> str | None:
    secret = config.slack_signing_secret
    return secret.get_secret_value() if secret else None


def _tell_address(state_dir: Path, address: str) -> None:
    """For whoever started the bot with PORT=0."""
    state_dir.mkdir(parents=True, exist_ok=True)
    (state_dir / "address").write_text(address, encoding="utf-8")
