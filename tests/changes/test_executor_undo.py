"""Undoing a guarded change: what was comes back, once, and nothing else is overwritten."""

from __future__ import annotations

import pytest

from bot.changes.executor import NextStep, StepName, next_step
from bot.domain.policy import Refusal
from bot.domain.run import Answer, RunState
from tests.support.dial import APPROVES, ASKS, RUN, Bench, turn
from tests.support.stepping import drive


def reason(answer: NextStep | Refusal | None) -> str:
    assert isinstance(answer, Refusal)
    return answer.reason


# --- undo -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [RunState.SETTLING, RunState.VERIFYING, RunState.DONE])
def test_an_undo_brings_back_what_was(state: RunState) -> None:
    bench = Bench(verdicts=[Answer.INCONCLUSIVE, Answer.NO])
    bench.approved()
    following: NextStep | Refusal | None = drive(bench.executor.apply(RUN))
    while bench.state() is not state and isinstance(following, NextStep):
        following = drive(getattr(bench.executor, following.step.value)(RUN))
    assert bench.state() is state
    assert drive(bench.executor.undo(RUN, ASKS)) is None
    assert bench.state() is RunState.UNDONE
    assert bench.run.undone_by == ASKS
    assert bench.dial.value == 1
    assert bench.dial.ledger == [turn(2), turn(1)]
    assert bench.store.claims == {}
    assert drive(bench.executor.undo(RUN, ASKS)) is None
    assert len(bench.dial.ledger) == 2


def test_an_undo_never_overwrites_what_somebody_did_since() -> None:
    bench = Bench()
    bench.done()
    bench.dial.value = 5
    said = reason(drive(bench.executor.undo(RUN, ASKS)))
    assert "value: 2 -> 5" in said
    assert bench.state() is RunState.DONE
    assert len(bench.dial.ledger) == 1
    bench.dial.value = 1
    assert "already" in reason(drive(bench.executor.undo(RUN, ASKS)))


def test_an_undo_refused_by_aws_leaves_the_command_for_a_person() -> None:
    bench = Bench()
    bench.done()
    bench.dial.refuses = True
    assert drive(bench.executor.undo(RUN, ASKS)) is None
    assert bench.state() is RunState.DONE
    assert "aws dial turn --cli-input-json '{\"to\": 1}'" in bench.run.note
    bench.dial.refuses = False
    drive(bench.executor.undo(RUN, ASKS))
    assert bench.state() is RunState.UNDONE


def test_an_undo_that_was_lost_is_read_back_and_may_be_asked_for_again() -> None:
    bench = Bench()
    bench.done()
    bench.dial.lost_before = True
    following = drive(bench.executor.undo(RUN, ASKS))
    assert following == NextStep(StepName.UNDO, 10.0)
    bench.follow(following)
    assert bench.state() is RunState.DONE
    assert bench.dial.attempts == 2
    bench.dial.lost_before, bench.dial.lost_after = False, True
    bench.follow(drive(bench.executor.undo(RUN, ASKS)))
    assert bench.state() is RunState.UNDONE
    assert bench.dial.ledger == [turn(2), turn(1)]


def test_a_click_on_undo_that_comes_again_sends_nothing_again() -> None:
    bench = Bench()
    bench.done()
    bench.dial.refuses = True
    assert drive(bench.executor.undo(RUN, ASKS, "click-1")) is None
    assert bench.state() is RunState.DONE
    bench.dial.refuses = False
    said = reason(drive(bench.executor.undo(RUN, ASKS, "click-1")))
    assert "Press Undo to try again" in said
    assert "AWS refused" in said
    assert bench.dial.attempts == 2
    assert drive(bench.executor.undo(RUN, ASKS, "click-2")) is None
    assert bench.state() is RunState.UNDONE
    assert drive(bench.executor.undo(RUN, ASKS, "click-2")) is None
    assert bench.dial.ledger == [turn(2), turn(1)]


def test_a_click_redelivered_while_the_first_delivery_hangs_sends_nothing() -> None:
    bench = Bench()
    bench.done()
    bench.dial.refuses = True
    hanging = bench.executor.undo(RUN, ASKS, "click-1")
    hanging.send(None)  # it has read the run, and stands still
    drive(bench.executor.undo(RUN, ASKS, "click-1"))
    bench.dial.refuses = False
    assert "handled before" in reason(drive(hanging))
    assert bench.dial.ledger == [turn(2)]


def test_what_somebody_else_put_in_force_is_not_undone() -> None:
    bench = Bench()
    bench.done()
    bench.action.stranger = "the dial is at 2 because of somebody else."
    assert "somebody else" in reason(drive(bench.executor.undo(RUN, ASKS)))
    assert bench.dial.attempts == 1
    assert bench.state() is RunState.DONE


def test_no_again_is_no() -> None:
    bench = Bench()
    bench.requested()
    assert drive(bench.executor.reject(RUN, APPROVES)) is None
    assert drive(bench.executor.reject(RUN, APPROVES)) is None
    assert bench.state() is RunState.REJECTED


def test_what_cannot_be_undone_says_so() -> None:
    bench = Bench()
    bench.action.reversible = False
    bench.done()
    assert "ratchet" in reason(drive(bench.executor.undo(RUN, ASKS)))


def test_an_undo_stands_back_when_another_change_took_the_target() -> None:
    bench = Bench()
    bench.done()
    undo = bench.executor.undo(RUN, ASKS)
    while bench.state() is not RunState.UNDOING:
        undo.send(None)
    bench.store.kept["run-2"] = bench.run.model_copy(
        update={"id": "run-2", "state": RunState.RUNNING}
    )
    bench.store.claims["dial"] = "run-2"
    drive(undo)
    assert bench.state() is RunState.DONE
    assert bench.dial.attempts == 1


def test_every_state_has_its_next_step_or_is_over() -> None:
    bench = Bench()
    bench.requested()
    waiting = {
        state: next_step(
            bench.run.model_copy(update={"state": state}),
            bench.store.clock,
            bench.executor.timeouts,
        )
        for state in RunState
    }
    assert {state: following.step for state, following in waiting.items() if following} == {
        RunState.PREPARING: StepName.PREPARE,
        RunState.REQUESTED: StepName.EXPIRE,
        RunState.APPROVED: StepName.APPLY,
        RunState.RUNNING: StepName.APPLY,
        RunState.SETTLING: StepName.SETTLE,
        RunState.VERIFYING: StepName.VERIFY,
        RunState.UNDO_APPROVED: StepName.UNDO,
        RunState.UNDOING: StepName.UNDO,
    }
