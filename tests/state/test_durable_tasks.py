"""Durable tasks on a real Valkey: tried again, given up with a word, found by their subject."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from bot.state.durable_tasks import ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE, Jobs, Kind
from tests.support.waiting import until

QUICK = timedelta(milliseconds=1)


@asynccontextmanager
async def working(url: str, kinds: Mapping[str, Kind]) -> AsyncIterator[Jobs]:
    jobs = Jobs(url, first_pause=QUICK, name=f"test-{uuid.uuid4().hex[:8]}")
    async with jobs.opened(kinds):
        worker = asyncio.create_task(jobs.work())
        try:
            yield jobs
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)


def counted(name: str, kind: str) -> float:
    return REGISTRY.get_sample_value(name, {"kind": kind}) or 0.0


async def is_done(jobs: Jobs, kind: str, about: str) -> bool:
    return about not in await jobs.waiting(kind)


class Faulty:
    """Fails so many times, then does it."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.attempts: list[str] = []
        self.words: list[tuple[str, str]] = []
        self.ended = asyncio.Event()

    async def do(self, about: str) -> None:
        self.attempts.append(about)
        if len(self.attempts) <= self.failures:
            raise LookupError("not yet")
        self.ended.set()

    async def on_exhausted(self, about: str, fault: Exception) -> None:
        self.words.append((about, str(fault)))
        self.ended.set()


async def test_a_task_that_fails_is_tried_until_it_is_done(redis_url: str) -> None:
    faulty = Faulty(3)
    async with working(redis_url, {"work": Kind(faulty.do, faulty.on_exhausted)}) as jobs:
        await jobs.put("work", "INC-1", key="k")
        await asyncio.wait_for(faulty.ended.wait(), 10)
    assert faulty.attempts == ["INC-1"] * 4
    assert faulty.words == []


async def test_one_last_word_when_all_attempts_are_used_up(redis_url: str) -> None:
    failed = counted("incident_tasks_failed_total", "hopeless")
    given_up = counted("incident_tasks_given_up_total", "hopeless")
    faulty = Faulty(99)
    kinds = {"hopeless": Kind(faulty.do, faulty.on_exhausted, attempts=3)}
    async with working(redis_url, kinds) as jobs:
        await jobs.put("hopeless", "INC-1", key="k")
        await asyncio.wait_for(faulty.ended.wait(), 10)
        await until(lambda: is_done(jobs, "hopeless", "INC-1"))
    assert faulty.attempts == ["INC-1"] * 3
    assert faulty.words == [("INC-1", "not yet")]
    assert counted("incident_tasks_failed_total", "hopeless") == failed + 3
    assert counted("incident_tasks_given_up_total", "hopeless") == given_up + 1


def test_patience_lasts_for_minutes() -> None:
    pauses = [min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(ATTEMPTS - 1)]
    assert timedelta(minutes=4) < sum(pauses, timedelta()) < timedelta(minutes=15)
    assert pauses[0] <= timedelta(seconds=2), "most faults pass at once"


async def test_what_waits_can_be_asked_for(redis_url: str) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(about: str) -> None:
        began.set()
        await go_on.wait()

    kinds = {"step": Kind(slow), "other": Kind(slow)}
    async with working(redis_url, kinds) as jobs:
        await jobs.put("step", "runs", key="1")
        await jobs.put("step", "is scheduled", key="2", after=60)
        await jobs.put("other", "another kind", key="3", after=60)
        await asyncio.wait_for(began.wait(), 10)
        assert await jobs.waiting("step") == {"runs", "is scheduled"}
        go_on.set()
        await until(lambda: is_done(jobs, "step", "runs"))


async def test_a_task_between_two_attempts_waits(redis_url: str) -> None:
    faulty = Faulty(99)
    kinds = {"work": Kind(faulty.do)}
    jobs = Jobs(redis_url, first_pause=timedelta(minutes=1), name=f"test-{uuid.uuid4().hex[:8]}")
    async with jobs.opened(kinds):
        worker = asyncio.create_task(jobs.work())
        await jobs.put("work", "INC-1", key="k")
        await until(lambda: faulty.attempts)
        await asyncio.sleep(0.1)
        assert await jobs.waiting("work") == {"INC-1"}
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_a_tick_is_the_same_on_all_replicas(redis_url: str) -> None:
    seen: list[str] = []

    async def note(about: str) -> None:
        seen.append(about)
        await asyncio.sleep(0.3)  # long enough for the other replica to ask, too

    async with working(redis_url, {"sweep": Kind(note)}) as jobs:
        clocks = [asyncio.create_task(jobs.tick({"sweep": 3600})) for _ in range(2)]
        await until(lambda: seen)
        await asyncio.sleep(0.1)
        for clock in clocks:
            clock.cancel()
        await asyncio.gather(*clocks, return_exceptions=True)
    assert len(seen) == 1


@pytest.mark.parametrize("kind", ["work"])
async def test_a_key_that_waits_is_kept(redis_url: str, kind: str) -> None:
    faulty = Faulty(0)
    async with working(redis_url, {kind: Kind(faulty.do)}) as jobs:
        for about in ("first", "second"):
            await jobs.put(kind, about, key="same", after=0.2)
        await asyncio.wait_for(faulty.ended.wait(), 10)
    assert faulty.attempts == ["first"]
