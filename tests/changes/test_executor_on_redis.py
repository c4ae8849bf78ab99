"""The same way through on the real store: its scripts agree to every move the executor makes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest

from bot.changes.executor import ChangeExecutor, NextStep, Timeouts
from bot.domain.policy import Refusal
from bot.domain.run import Answer, RunState
from bot.state.store import RedisStore
from tests.support.dial import APPROVES, ASKS, INCIDENT, RUN, Bench, turn

AT_ONCE = Timeouts(sending=2.0, in_flight=0.05, poll=0.0)


@dataclass
class RedisBench:
    """The dial's bench with the store exchanged."""

    bench: Bench
    store: RedisStore
    executor: ChangeExecutor

    async def state(self) -> RunState:
        run = await self.store.run(RUN)
        assert run is not None
        return run.state

    async def approved(self) -> None:
        await self.executor.begin(RUN, INCIDENT, "turn-dial", ASKS)
        await self.executor.prepare(RUN)
        await self.executor.request(RUN, ASKS)
        await self.executor.approve(RUN, APPROVES)

    async def follow(self, following: NextStep | Refusal | None) -> None:
        while isinstance(following, NextStep):
            await asyncio.sleep(min(following.after_seconds, 0.06))
            following = await getattr(self.executor, following.step.value)(RUN)


@pytest.fixture
async def redis_bench(store: RedisStore) -> RedisBench:
    bench = Bench(verdicts=[Answer.INCONCLUSIVE, Answer.YES])
    await store.open_incident(bench.store.incidents[INCIDENT], "checkout:5xx")
    executor = replace(bench.executor, store=store, offload=asyncio.to_thread, timeouts=AT_ONCE)
    return RedisBench(bench, store, executor)


async def test_the_whole_way_and_back(redis_bench: RedisBench) -> None:
    await redis_bench.approved()
    await redis_bench.follow(await redis_bench.executor.apply(RUN))
    assert await redis_bench.state() is RunState.DONE
    await redis_bench.follow(await redis_bench.executor.undo(RUN, ASKS))
    assert await redis_bench.state() is RunState.UNDONE
    assert redis_bench.bench.dial.ledger == [turn(2), turn(1)]
    assert await redis_bench.store.verify_audit() is None
    events = [(entry.event, entry.actor) for entry in await redis_bench.store.audit()]
    assert events[1:] == [
        ("proposed", "bot"),
        ("requested", ASKS),
        ("approved", APPROVES),
        ("running", "bot"),
        ("settling", "bot"),
        ("verifying", "bot"),
        ("done", "bot"),
        ("undoing", ASKS),
        ("undone", "bot"),
    ]
    assert await redis_bench.store.claim_target("dial", "run-2") is None


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "refuses"])
async def test_whatever_comes_of_the_call_the_run_ends_truly(
    redis_bench: RedisBench, fault: str
) -> None:
    dial = redis_bench.bench.dial
    await redis_bench.approved()
    setattr(dial, fault, True)
    await redis_bench.follow(await redis_bench.executor.apply(RUN))
    turned = dial.ledger == [turn(2)]
    assert await redis_bench.state() is (RunState.DONE if turned else RunState.REFUSED)
    assert dial.attempts == 1


async def test_an_undo_that_fails_leaves_the_run_done(redis_bench: RedisBench) -> None:
    await redis_bench.approved()
    await redis_bench.executor.apply(RUN)
    redis_bench.bench.dial.refuses = True
    await redis_bench.follow(await redis_bench.executor.undo(RUN, ASKS))
    assert await redis_bench.state() is RunState.DONE
    redis_bench.bench.dial.refuses = False
    redis_bench.bench.dial.value = 9
    assert isinstance(await redis_bench.executor.undo(RUN, ASKS), Refusal)


async def test_the_ends_without_a_call(redis_bench: RedisBench) -> None:
    await redis_bench.executor.begin(RUN, INCIDENT, "turn-dial", ASKS)
    await redis_bench.executor.prepare(RUN)
    hasty = replace(redis_bench.executor, timeouts=replace(AT_ONCE, approval=0.0))
    await redis_bench.follow(await hasty.request(RUN, ASKS))
    assert await redis_bench.state() is RunState.EXPIRED
    for run_id, end in (("run-2", RunState.REJECTED), ("run-3", RunState.REFUSED)):
        await redis_bench.executor.begin(run_id, INCIDENT, "turn-dial", ASKS)
        await redis_bench.executor.prepare(run_id)
        await redis_bench.executor.request(run_id, ASKS)
        if end is RunState.REJECTED:
            await redis_bench.executor.reject(run_id, APPROVES)
        else:
            await redis_bench.executor.approve(run_id, APPROVES)
            redis_bench.bench.dial.value = 7
            await redis_bench.executor.apply(run_id)
        run = await redis_bench.store.run(run_id)
        assert run is not None
        assert run.state is end
    assert redis_bench.bench.dial.attempts == 0


async def test_two_workers_at_once_on_redis(redis_bench: RedisBench) -> None:
    await redis_bench.approved()
    both = (redis_bench.executor.apply(RUN), redis_bench.executor.apply(RUN))
    for following in await asyncio.gather(*both):
        await redis_bench.follow(following)
    assert redis_bench.bench.dial.ledger == [turn(2)]
    assert await redis_bench.state() is RunState.DONE
