"""Lesson 3: a guarded change. One dial, one action that turns it to 2, two people.

`tests.support.dial` is the smallest world a change can act on: read it beside this. Every step is
a method of `ChangeExecutor`, safe to call twice; between two steps the process may be killed.
"""

from __future__ import annotations

import pytest

from bot.domain.plan import Check
from bot.domain.policy import Refusal
from bot.domain.run import Answer, RunState
from tests.support.dial import APPROVES, ASKS, OUTSIDER, RUN, Bench, turn
from tests.support.stepping import Killed, drive


def refused(answer: object) -> str:
    assert isinstance(answer, Refusal)
    return answer.reason


def test_the_preview_holds_the_exact_calls_and_sends_none() -> None:
    bench = Bench()
    bench.proposed()
    plan = bench.run.plan
    assert plan is not None
    assert (plan.before, plan.after) == ({"value": 1}, {"value": 2})
    assert (plan.steps, plan.inverse) == ((turn(2),), (turn(1),))
    assert bench.dial.ledger == []


def test_nobody_approves_what_they_asked_for() -> None:
    bench = Bench(people={ASKS: ("commander",), APPROVES: ("commander",)})
    bench.requested()
    assert "a second person" in refused(drive(bench.executor.approve(RUN, ASKS)))
    assert bench.dial.ledger == []


def test_who_is_not_named_may_do_nothing() -> None:
    bench = Bench()
    bench.requested()
    assert "You have no role here" in refused(drive(bench.executor.approve(RUN, OUTSIDER)))


def test_approved_it_is_sent_once_and_verified() -> None:
    bench = Bench()
    bench.done()
    assert bench.dial.ledger == [turn(2)]
    assert bench.run.verification is not None
    assert bench.run.verification.answer is Answer.YES


def test_if_the_world_moved_since_the_preview_nothing_is_sent() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.value = 7
    bench.follow(drive(bench.executor.apply(RUN)))
    assert bench.state() is RunState.REFUSED
    assert "changed since the plan was made" in bench.run.note
    assert bench.dial.ledger == []


def test_a_precondition_that_could_not_be_checked_refuses() -> None:
    bench = Bench()
    bench.action.checks = (Check(text="the dial is oiled", holds=None),)
    bench.proposed()
    assert "could not be checked" in refused(drive(bench.executor.request(RUN, ASKS)))


@pytest.mark.parametrize("wait", range(12))
def test_killed_anywhere_it_is_never_sent_twice(wait: int) -> None:
    bench = Bench()
    bench.approved()
    try:
        following = drive(bench.executor.apply(RUN), kill_at=wait)
    except Killed:
        bench.pass_time(120)
        following = drive(bench.executor.apply(RUN))
    bench.follow(following)
    assert bench.dial.attempts <= 1
    assert (bench.state() is RunState.DONE) == (bench.dial.value == 2)


def test_a_lost_answer_is_read_back_not_repeated() -> None:
    bench = Bench()
    bench.dial.lost_after = True
    bench.done()
    assert bench.dial.ledger == [turn(2)]
    assert bench.state() is RunState.DONE


def test_undo_restores_exactly_the_state_before() -> None:
    bench = Bench()
    bench.done()
    bench.follow(drive(bench.executor.undo(RUN, ASKS)))
    assert bench.state() is RunState.UNDONE
    assert bench.dial.value == 1


def test_undo_never_overwrites_what_somebody_did_since() -> None:
    bench = Bench()
    bench.done()
    bench.dial.value = 5
    assert "changed since" in refused(drive(bench.executor.undo(RUN, ASKS)))
    assert bench.dial.value == 5
