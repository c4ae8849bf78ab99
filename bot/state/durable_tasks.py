"""Durable tasks (docket) and periodic ones (APScheduler).

A task is its kind and the id of what it is about; everything else is in the store, so a task that
is delivered twice, or taken over from a dead worker, continues from stored state. docket delivers
at least once: the task of a killed worker is redelivered after `redelivery_seconds`.

A task that raises is tried again, each time after twice the pause, for about six minutes; after
the last attempt the kind's `on_exhausted` is called once.

Each kind belongs to one lane. A lane is a queue with a worker and a number of slots of its own, so
that what one lane does, however slow, never takes a slot of another.

APScheduler keeps time in memory: each tick queues a task whose key names the tick, so that one of
all replicas runs it. docket's own Perpetual tasks are not used: after a crash they keep the time
they were scheduled for, while a tick comes as soon as a worker starts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from docket import Docket, ExponentialRetry, Worker
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.state import queue_client
from bot.state.failover import REFUSED
from bot.telemetry import metrics

log = logging.getLogger(__name__)

Handler = Callable[[str], Awaitable[None]]
"""Does a task, given the id (or the envelope) it is about."""

OnExhausted = Callable[[str, Exception], Awaitable[None]]
"""Called when every attempt has failed, with the task's argument and the latest exception."""

NAME = "incident-helper"
ATTEMPTS = 12
PROBE = "return redis.call('XDEL', KEYS[1], redis.call('XADD', KEYS[1], '*', 'probe', '1'))"
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Lane:
    """A queue of its own.

    `slots` is how many of its tasks one process runs at the same time, `check` the seconds between
    two looks for a task that has become due, or, when all slots are taken, for a free one.
    """

    name: str
    slots: int = 20
    check: float = 0.25


MAIN = Lane("")
"""The lane whose queue has no name of its own. Its worker runs every kind of task: an earlier
version of the program queued all of them there."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task. `attempts` is 1 for periodic tasks: the next tick is the next attempt.

    `begins_anew` is for what may lead to anything: it is not queued when Redis is full.
    """

    do: Handler
    on_exhausted: OnExhausted | None = None
    attempts: int = ATTEMPTS
    begins_anew: bool = False
    lane: Lane = MAIN


class Jobs:
    """The queue of tasks: `put` is one atomic write; `work` runs them until cancelled."""

    def __init__(
        self,
        redis_url: str,
        *,
        redelivery_seconds: float = 10.0,
        first_pause: timedelta = FIRST_PAUSE,
        name: str = NAME,
    ) -> None:
        self._url, self._name = redis_url, name
        self._redelivery = timedelta(seconds=redelivery_seconds)
        self._first_pause = first_pause
        self._begin_anew: frozenset[str] = frozenset()
        self._lanes: dict[Lane, Docket] = {MAIN: self._docket(MAIN)}
        self._lane_of: dict[str, Lane] = {}

    @asynccontextmanager
    async def opened(self, kinds: Mapping[str, Kind]) -> AsyncIterator[Jobs]:
        """Connect to Redis with these kinds of tasks registered by name."""
        for name, kind in kinds.items():
            self._lane_of[name] = kind.lane
            if kind.lane not in self._lanes:
                self._lanes[kind.lane] = self._docket(kind.lane)
            task = self._task(name, kind)
            for lane in {MAIN, kind.lane}:
                self._lanes[lane].register(task)
        self._begin_anew = frozenset(name for name, kind in kinds.items() if kind.begins_anew)
        async with AsyncExitStack() as stack:
            for docket in self._lanes.values():
                await stack.enter_async_context(docket)
                await queue_client.prepare(docket)
            yield self

    async def put(self, kind: str, about: str, *, key: str, after: float = 0.0) -> None:
        """Queue a task to run in `after` seconds, unless one with this key is queued or running.

        Raises redis.RedisError when it could not be written.
        """
        when = datetime.now(UTC) + timedelta(seconds=after)
        add = self._lanes[self._lane_of.get(kind, MAIN)].add(kind, when=when, key=key)
        with queue_client.refused_when_full(kind in self._begin_anew):
            try:
                await add(about)
            except REFUSED:  # by a former primary: nothing was written
                await add(about)

    async def check_writable(self) -> None:
        """Raises redis.exceptions.RedisError when no task could be queued now.

        Adds to the stream of tasks and takes away again, in one step that no worker sees.
        """
        main = self._lanes[MAIN]
        with queue_client.refused_when_full(True):
            async with main.redis() as redis:
                await cast(Redis, redis).eval(PROBE, 1, main.stream_key)

    async def waiting(self, kind: str) -> frozenset[str]:
        """Arguments of the queued and running tasks of one kind, those to be retried included."""
        found: set[str] = set()
        for lane in {MAIN, self._lane_of.get(kind, MAIN)}:
            seen = await self._lanes[lane].snapshot()
            found |= {
                str(task.args[0])
                for task in (*seen.future, *seen.running)
                if task.function_name == kind and task.args
            }
        return frozenset(found)

    async def work(self) -> None:
        """Run the tasks of all lanes until cancelled. While Redis does not answer it waits and
        reconnects.

        Cancelled once, it takes no more tasks and waits for those under way; cancelled again, it
        leaves them to be redelivered.
        """
        await asyncio.gather(
            *(
                asyncio.create_task(self._work_in(lane, docket), name=f"lane {lane.name or 'main'}")
                for lane, docket in self._lanes.items()
            )
        )

    async def _work_in(self, lane: Lane, docket: Docket) -> None:
        async with Worker(
            docket,
            concurrency=lane.slots,
            redelivery_timeout=self._redelivery,
            reconnection_delay=timedelta(seconds=1),
            minimum_check_interval=timedelta(seconds=lane.check),
            scheduling_resolution=timedelta(seconds=lane.check),
        ) as worker:
            await worker.run_forever()

    async def tick(self, every: Mapping[str, int]) -> None:
        """Queue each kind of task now and then every so many seconds, until cancelled. Its
        argument is the number of the tick, the same on all replicas."""
        clock = AsyncIOScheduler(timezone=UTC)
        for kind, seconds in every.items():
            clock.add_job(
                self._tick,
                "interval",
                (kind, seconds),
                seconds=seconds,
                next_run_time=datetime.now(UTC),
                misfire_grace_time=None,
            )
        clock.start()
        try:
            await asyncio.Event().wait()
        finally:
            clock.shutdown(wait=False)

    def _docket(self, lane: Lane) -> Docket:
        name = f"{self._name}-{lane.name}" if lane.name else self._name
        return Docket(name=name, url=self._url, execution_ttl=timedelta(minutes=15))

    async def _tick(self, kind: str, seconds: int) -> None:
        number = int(datetime.now(UTC).timestamp()) // seconds
        try:
            await self.put(kind, str(number), key=f"{kind}:{number}")
        except (RedisError, OSError) as fault:
            log.warning("Redis does not answer, no %s: %s", kind, fault)

    def _task(self, name: str, kind: Kind) -> Callable[..., Awaitable[None]]:
        patience = ExponentialRetry(
            attempts=kind.attempts, minimum_delay=self._first_pause, maximum_delay=LONGEST_PAUSE
        )

        async def task(about: str, retry: ExponentialRetry = patience) -> None:
            try:
                await kind.do(about)
            except Exception as fault:  # whatever a task raises is retried, then reported
                metrics.FAILED.labels(name).inc()
                if retry.attempt < kind.attempts:
                    raise  # docket logs it and tries again
                log.exception("given up after %d attempts: %s %s", retry.attempt, name, about)
                metrics.GIVEN_UP.labels(name).inc()
                if kind.on_exhausted is not None:
                    await kind.on_exhausted(about, fault)

        task.__name__ = name
        return task
