"""Durable tasks (docket) and the clock (APScheduler).

A task is a method name and the id of what it is about; everything else is in the store, so a task
that is delivered twice, or taken over from a dead worker, finds the work where it stands. docket
is at-least-once: a worker killed mid-task has it redelivered after `redelivery_seconds`.

APScheduler keeps time only, in memory: each tick asks for a durable task under a key that names
the tick, so that of all replicas one runs it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from docket import Docket, Retry, Worker

log = logging.getLogger(__name__)

Handler = Callable[[str], Awaitable[None]]
"""What a task does, given the id (or the envelope) it is about."""

NAME = "incident-helper"
TICK_SECONDS = 5
_RETRY = Retry(attempts=5, delay=timedelta(seconds=2))


class Jobs:
    """The queue: `put` is one atomic write; `work` runs what was put until cancelled."""

    def __init__(self, redis_url: str, *, redelivery_seconds: float = 10.0) -> None:
        self._docket = Docket(name=NAME, url=redis_url, execution_ttl=timedelta(minutes=15))
        self._redelivery = timedelta(seconds=redelivery_seconds)

    @asynccontextmanager
    async def opened(self, handlers: Mapping[str, Handler]) -> AsyncIterator[Jobs]:
        """Connects to Redis and registers what each kind of task does."""
        for name, handler in handlers.items():
            self._docket.register(_task(name, handler))
        async with self._docket:
            yield self

    async def put(self, kind: str, about: str, *, key: str, after: float = 0.0) -> None:
        """Ask for a task in `after` seconds. A key that is already waiting or running is kept.

        Raises redis.RedisError when it could not be written: then nothing was promised.
        """
        when = datetime.now(UTC) + timedelta(seconds=after)
        await self._docket.add(kind, when=when, key=key)(about)

    async def work(self) -> None:
        """Run tasks until cancelled."""
        async with Worker(
            self._docket,
            concurrency=20,
            redelivery_timeout=self._redelivery,
            minimum_check_interval=timedelta(milliseconds=50),
            scheduling_resolution=timedelta(milliseconds=100),
        ) as worker:
            await worker.run_forever()

    async def tick(self) -> None:
        """Drive the clock until cancelled."""
        clock = AsyncIOScheduler(timezone=UTC)
        clock.add_job(self._housekeep, "interval", seconds=TICK_SECONDS, misfire_grace_time=None)
        clock.start()
        try:
            await asyncio.Event().wait()
        finally:
            clock.shutdown(wait=False)

    async def _housekeep(self) -> None:
        tick = int(datetime.now(UTC).timestamp()) // TICK_SECONDS
        with suppress(ConnectionError, TimeoutError):
            await self.put("housekeep", str(tick), key=f"housekeep:{tick}")


def _task(name: str, handler: Handler) -> Callable[..., Awaitable[None]]:
    async def task(about: str, retry: Retry = _RETRY) -> None:
        del retry  # docket reads it off the signature
        await handler(about)

    task.__name__ = name
    return task
