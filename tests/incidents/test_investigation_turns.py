"""One investigation of an incident at a time, with two workers on a real Valkey."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from redis.asyncio import Redis

from bot.incidents.investigation_turns import InvestigationTurns
from bot.state.durable_tasks import Jobs, Kind, Lane
from bot.state.investigation_turns import RedisTurns
from tests.support.waiting import until

SECONDS = 1.0


class Account:
    """What is investigated, and how often: each run takes until it is let go."""

    def __init__(self) -> None:
        self.began = 0
        self.now = 0
        self.most = 0
        self.ended = 0
        self.go_on = asyncio.Event()

    async def investigate(self, incident_id: str) -> None:
        self.began += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.go_on.wait()
            self.ended += 1
        finally:
            self.now -= 1


@asynccontextmanager
async def worker(
    redis: Redis, url: str, name: str, investigate: Callable[[str], Awaitable[None]], slots: int = 4
) -> AsyncIterator[Jobs]:
    jobs = Jobs(url, name=name, redelivery_seconds=SECONDS, first_pause=timedelta(milliseconds=1))
    turns = InvestigationTurns(RedisTurns(redis, name), jobs, investigate, SECONDS)
    kinds = {
        "investigate": Kind(turns.ask),
        "investigation": Kind(turns.run, lane=Lane("investigations", slots)),
    }
    async with jobs.opened(kinds):
        working = asyncio.create_task(jobs.work())
        try:
            yield jobs
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def ask(jobs: Jobs, times: int, incident: str = "INC-1") -> None:
    for _ in range(times):
        await jobs.put("investigate", incident, key=uuid.uuid4().hex)


async def all_asked(redis: Redis, name: str, times: int, incident: str = "INC-1") -> None:
    async def counted() -> bool:
        return int(await redis.hget(f"{{{name}}}:turn:{incident}", "asked") or 0) == times

    await until(counted)


async def quiet(jobs: Jobs) -> None:
    async def nothing_waits() -> bool:
        return not (await jobs.waiting("investigate") or await jobs.waiting("investigation"))

    await until(nothing_waits)


async def test_sixty_who_ask_get_two_runs_at_most_one_after_the_other(
    redis: Redis, redis_url: str, namespace: str
) -> None:
    account = Account()
    async with (
        worker(redis, redis_url, namespace, account.investigate) as jobs,
        worker(redis, redis_url, namespace, account.investigate),
    ):
        await ask(jobs, 60)
        await all_asked(redis, namespace, 60)
        account.go_on.set()
        await quiet(jobs)
    assert account.most == 1
    assert 1 <= account.ended == account.began <= 2


async def test_what_is_asked_during_a_run_is_honoured_by_one_more(
    redis: Redis, redis_url: str, namespace: str
) -> None:
    account = Account()
    async with (
        worker(redis, redis_url, namespace, account.investigate) as jobs,
        worker(redis, redis_url, namespace, account.investigate),
    ):
        await ask(jobs, 1)
        await until(lambda: account.began == 1)
        await ask(jobs, 10)
        await all_asked(redis, namespace, 11)
        account.go_on.set()
        await until(lambda: account.ended == 2)
        await quiet(jobs)
        assert (account.began, account.most) == (2, 1)
        await ask(jobs, 1)
        await until(lambda: account.ended == 3)


async def test_a_run_longer_than_its_lease_is_not_taken_over(
    redis: Redis, redis_url: str, namespace: str
) -> None:
    account = Account()
    async with worker(redis, redis_url, namespace, account.investigate) as jobs:
        await ask(jobs, 1)
        await until(lambda: account.began == 1)
        await ask(jobs, 1)
        await asyncio.sleep(2 * SECONDS)
        assert account.began == 1
        account.go_on.set()
        await until(lambda: account.ended == 2)


async def test_the_run_of_a_dead_worker_is_done_by_another(
    redis: Redis, redis_url: str, namespace: str
) -> None:
    """The dead one: its lease is never renewed nor ended, its task never acknowledged."""
    account = Account()
    account.go_on.set()
    turns = RedisTurns(redis, namespace)
    await turns.ask("INC-1")
    await turns.begin("INC-1", "dead", SECONDS)
    async with worker(redis, redis_url, namespace, account.investigate) as jobs:
        await ask(jobs, 1)  # as the redelivered task, or anybody else's
        await until(lambda: account.ended == 1)
        await quiet(jobs)
    assert account.began == 1


async def test_a_failed_run_is_tried_again(redis: Redis, redis_url: str, namespace: str) -> None:
    attempts: list[str] = []

    async def fail_once(incident_id: str) -> None:
        attempts.append(incident_id)
        if len(attempts) == 1:
            raise LookupError("not yet")

    async with worker(redis, redis_url, namespace, fail_once) as jobs:
        await ask(jobs, 1)
        await until(lambda: len(attempts) == 2)
        await quiet(jobs)
    assert attempts == ["INC-1", "INC-1"]


async def test_who_lost_the_lease_stops(redis: Redis, namespace: str) -> None:
    """A process that was stopped for longer than its lease, and another has taken over."""
    account, turns = Account(), RedisTurns(redis, namespace)
    queued: list[str] = []

    class Queue:
        async def put(self, kind: str, about: str, *, key: str, after: float = 0.0) -> None:
            queued.append(key)

        async def waiting(self, kind: str) -> set[str]:
            return set()

    stopped = InvestigationTurns(turns, Queue(), account.investigate, 0.15)
    await stopped.ask("INC-1")
    running = asyncio.create_task(stopped.run("INC-1"))
    await until(lambda: account.began == 1)
    await redis.hset(f"{{{namespace}}}:turn:INC-1", "owner", "heir")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(running, 5)
    assert (account.now, account.ended) == (0, 0)
    assert queued == ["investigation:INC-1:0"]


async def test_other_lanes_go_on_while_all_slots_are_taken(
    redis: Redis, redis_url: str, namespace: str
) -> None:
    account = Account()
    async with worker(redis, redis_url, namespace, account.investigate, slots=1) as jobs:
        for number in range(5):
            await ask(jobs, 1, f"INC-{number}")
        for number in range(5):
            await all_asked(redis, namespace, 1, f"INC-{number}")
        assert account.began <= 1
        account.go_on.set()
        await until(lambda: account.ended == 5)
    assert account.most == 1
