"""kill -9 at every wait, and two workers in every order: each call takes effect at most once.

The dial's ledger is kept on the far side; what the run says of itself is checked against it.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.changes.executor import NextStep, StepName, next_step
from bot.domain.policy import Refusal
from bot.domain.run import RunState
from tests.support.dial import ASKS, RUN, Bench, turn
from tests.support.stepping import Killed, drive

Answer = NextStep | Refusal | None
FAULTS = ("none", "lost_before", "lost_after", "refuses")


def faulty(fault: str) -> Bench:
    bench = Bench()
    bench.approved()
    if fault != "none":
        setattr(bench.dial, fault, True)
    return bench


def killed(step: Coroutine[Any, Any, Answer], at: int) -> bool:
    """Whether the step was killed before it came to its end."""
    try:
        drive(step, kill_at=at)
    except Killed:
        return True
    return False


def recover(bench: Bench) -> None:
    """What a start does: every run that waits for something gets it."""
    bench.follow(next_step(bench.run, bench.store.clock, bench.executor.timeouts))


def redeliver(bench: Bench, step: Coroutine[Any, Any, Answer]) -> None:
    """What the queue does with a dead worker's task."""
    bench.follow(drive(step))


def told_truly(bench: Bench) -> bool:
    """The run's end and the far side's ledger agree."""
    turned = bench.dial.ledger == [turn(2)]
    ended = {RunState.DONE: True, RunState.REFUSED: False}
    return len(bench.dial.ledger) <= 1 and ended[bench.state()] == turned


@pytest.mark.parametrize("fault", FAULTS)
def test_killed_at_any_wait_while_applying(fault: str) -> None:
    at = 0
    while True:
        bench = faulty(fault)
        was_killed = killed(bench.executor.apply(RUN), at)
        redeliver(bench, bench.executor.apply(RUN))
        assert told_truly(bench), f"killed at wait {at}: {bench.state()}, {bench.dial.ledger}"
        assert bench.dial.attempts <= 1
        assert bench.store.claims == {}
        if not was_killed:
            break
        at += 1
    assert at > 20


@pytest.mark.parametrize("fault", FAULTS)
def test_killed_at_any_wait_while_undoing(fault: str) -> None:
    at = 0
    while True:
        bench = Bench()
        bench.done()
        if fault != "none":
            setattr(bench.dial, fault, True)
        was_killed = killed(bench.executor.undo(RUN, ASKS), at)
        recover(bench)
        undone = bench.dial.ledger[1:] == [turn(1)]
        assert bench.dial.attempts <= 2, f"killed at wait {at}"
        assert bench.state() == (RunState.UNDONE if undone else RunState.DONE)
        redeliver(bench, bench.executor.undo(RUN, ASKS))
        assert bench.dial.ledger in ([turn(2)], [turn(2), turn(1)])
        if not was_killed:
            break
        at += 1
    assert at > 20


@settings(max_examples=100, deadline=None)
@given(fault=st.sampled_from(FAULTS), kills=st.lists(st.integers(0, 45), max_size=6))
def test_killed_again_and_again(fault: str, kills: list[int]) -> None:
    bench = faulty(fault)
    following: Answer = NextStep(StepName.APPLY)
    for at in kills:
        if not isinstance(following, NextStep):
            break
        bench.pass_time(following.after_seconds)
        killed(getattr(bench.executor, following.step.value)(RUN), at)
        following = next_step(bench.run, bench.store.clock, bench.executor.timeouts)
    recover(bench)
    assert told_truly(bench)
    assert bench.dial.attempts <= 1


class Workers:
    """Two workers on one run, each going from step to step; the test says whose turn it is."""

    def __init__(self, bench: Bench, starts: tuple[tuple[str, tuple[Any, ...]], ...]) -> None:
        self.bench = bench
        self.going = [getattr(bench.executor, name)(RUN, *args) for name, args in starts]
        self.waits: list[Answer] = [None for _ in starts]

    def turn(self, who: int) -> None:
        """One wait further; at a step's end, on to what it said is next."""
        if self.going[who] is None:
            following = self.waits[who]
            if not isinstance(following, NextStep):
                return
            self.going[who] = getattr(self.bench.executor, following.step.value)(RUN)
        try:
            self.going[who].send(None)
        except StopIteration as end:
            self.going[who], self.waits[who] = None, end.value


orders = st.lists(st.one_of(st.sampled_from([0, 1]), st.just(2)), max_size=250)


@settings(max_examples=100, deadline=None)
@given(fault=st.sampled_from(FAULTS), order=orders)
def test_two_workers_apply_in_any_order(fault: str, order: list[int]) -> None:
    bench = faulty(fault)
    workers = Workers(bench, (("apply", ()), ("apply", ())))
    for who in order:
        if who == 2:
            bench.pass_time(5)
        else:
            workers.turn(who)
    for _ in range(2000):
        workers.turn(0)
        workers.turn(1)
        bench.pass_time(1)
    assert bench.dial.attempts <= 1
    assert told_truly(bench), f"{bench.state()}, {bench.dial.ledger}"


@settings(max_examples=100, deadline=None)
@given(order=orders)
def test_a_verification_and_two_undos_in_any_order(order: list[int]) -> None:
    bench = Bench()
    bench.approved()
    drive(bench.executor.apply(RUN))
    workers = Workers(bench, (("settle", ()), ("undo", (ASKS,)), ("undo", (ASKS,))))
    for who in order:
        workers.turn(who)
    for _ in range(300):
        for who in range(3):
            workers.turn(who)
        bench.pass_time(1)
    undone = bench.state() is RunState.UNDONE
    assert bench.dial.ledger == [turn(2), turn(1)][: 2 if undone else 1]
    assert bench.state() in {RunState.UNDONE, RunState.DONE}
    assert bench.dial.value == (1 if undone else 2)
