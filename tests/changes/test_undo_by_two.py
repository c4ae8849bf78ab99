"""Undoing a verified fix on a tier 1 service takes a second person."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.changes.executor import NextStep, StepName
from bot.domain.policy import Refusal
from bot.domain.report import GapReason
from bot.domain.run import Answer, RunState
from tests.support.dial import APPROVES, ASKS, INCIDENT, OUTSIDER, RUN, Bench, turn
from tests.support.stepping import Killed, drive

OTHER = "U0OTHER"


def holding(tier: int = 1) -> Bench:
    """A verified fix."""
    bench = Bench(tier=tier)
    bench.people[OTHER] = ("commander",)
    bench.done()
    assert bench.state() is RunState.DONE
    return bench


def reason(answer: object) -> str:
    assert isinstance(answer, Refusal)
    return answer.reason


def test_it_is_asked_for_approved_by_another_and_sent_once() -> None:
    bench = holding()
    assert drive(bench.executor.undo(RUN, ASKS, "click")) == NextStep(StepName.EXPIRE, 600.0)
    assert bench.state() is RunState.UNDO_REQUESTED
    assert bench.dial.ledger == [turn(2)]
    assert "The fix is holding: yes by the detector." in bench.run.note
    assert "Undoing sets value: 2 -> 1." in bench.run.note
    assert bench.store.claims == {"dial": RUN}
    assert drive(bench.executor.approve_undo(RUN, APPROVES)) == NextStep(StepName.UNDO)
    bench.follow(drive(bench.executor.undo(RUN)))
    assert bench.state() is RunState.UNDONE
    assert bench.dial.ledger == [turn(2), turn(1)]
    assert (bench.run.undone_by, bench.run.undo_approved_by) == (ASKS, APPROVES)
    assert bench.store.claims == {}
    told = [each.text for each in bench.store.notes[INCIDENT]]
    assert any(each.startswith("Undo asked for") for each in told)
    assert any(each.startswith("Undo approved") for each in told)


@pytest.mark.parametrize("tier", [2, 3, 4])
def test_elsewhere_one_person_undoes(tier: int) -> None:
    bench = holding(tier)
    bench.follow(drive(bench.executor.undo(RUN, ASKS)))
    assert bench.state() is RunState.UNDONE


@pytest.mark.parametrize("verdict", [Answer.NO, Answer.INCONCLUSIVE])
def test_what_did_not_mend_anything_is_undone_by_one(verdict: Answer) -> None:
    bench = Bench(tier=1, verdicts=[verdict])
    bench.done()
    bench.follow(drive(bench.executor.undo(RUN, ASKS)))
    assert bench.state() is RunState.UNDONE


def test_nobody_approves_their_own_undo_or_without_a_role() -> None:
    bench = holding()
    drive(bench.executor.undo(RUN, APPROVES))
    assert "second person" in reason(drive(bench.executor.approve_undo(RUN, APPROVES)))
    assert "You have no role here" in reason(drive(bench.executor.approve_undo(RUN, OUTSIDER)))
    assert "may approve this." in reason(drive(bench.executor.approve_undo(RUN, ASKS)))
    assert bench.state() is RunState.UNDO_REQUESTED
    drive(bench.executor.undo(RUN))
    drive(bench.executor.undo(RUN, APPROVES))
    assert bench.dial.ledger == [turn(2)]


def test_an_approver_who_lost_the_role_meanwhile_counts_for_nothing() -> None:
    bench = holding()
    drive(bench.executor.undo(RUN, ASKS))
    drive(bench.executor.approve_undo(RUN, APPROVES))
    del bench.people[APPROVES]
    assert drive(bench.executor.undo(RUN)) is None
    assert bench.state() is RunState.DONE
    assert APPROVES in bench.run.note
    assert bench.dial.ledger == [turn(2)]


def test_it_expires_and_the_change_stays() -> None:
    bench = holding()
    following = drive(bench.executor.undo(RUN, ASKS))
    bench.follow(following)
    assert bench.state() is RunState.DONE
    assert "in time" in bench.run.note
    assert "undo requested" not in reason(drive(bench.executor.approve_undo(RUN, APPROVES)))
    assert bench.dial.ledger == [turn(2)]
    assert bench.store.claims == {}


def test_an_approval_does_not_outlive_the_request() -> None:
    bench = holding()
    drive(bench.executor.undo(RUN, ASKS))
    drive(bench.executor.approve_undo(RUN, APPROVES))
    bench.pass_time(601)
    drive(bench.executor.undo(RUN))
    assert bench.state() is RunState.DONE
    assert bench.dial.ledger == [turn(2)]


@pytest.mark.parametrize("who", [ASKS, APPROVES])
def test_the_fix_is_kept(who: str) -> None:
    bench = holding()
    drive(bench.executor.undo(RUN, ASKS))
    assert "You have no role here" in reason(drive(bench.executor.keep(RUN, OUTSIDER)))
    assert drive(bench.executor.keep(RUN, who)) is None
    assert bench.state() is RunState.DONE
    assert who in bench.run.note
    assert isinstance(drive(bench.executor.approve_undo(RUN, OTHER)), Refusal)
    assert bench.dial.ledger == [turn(2)]
    assert bench.store.claims == {}


def test_it_may_be_asked_for_again_after_it_was_kept() -> None:
    bench = holding()
    drive(bench.executor.undo(RUN, ASKS, "one"))
    drive(bench.executor.keep(RUN, APPROVES))
    drive(bench.executor.undo(RUN, OTHER, "two"))
    drive(bench.executor.approve_undo(RUN, APPROVES))
    bench.follow(drive(bench.executor.undo(RUN)))
    assert bench.state() is RunState.UNDONE
    assert bench.run.undone_by == OTHER


def test_a_press_delivered_again_after_it_was_kept_asks_nobody_again() -> None:
    bench = holding()
    drive(bench.executor.undo(RUN, ASKS, "one"))
    drive(bench.executor.keep(RUN, APPROVES))
    assert "handled before" in reason(drive(bench.executor.undo(RUN, ASKS, "one")))
    assert bench.state() is RunState.DONE


def test_what_somebody_changed_meanwhile_stays() -> None:
    bench = holding()
    drive(bench.executor.undo(RUN, ASKS))
    bench.dial.value = 50
    drive(bench.executor.approve_undo(RUN, APPROVES))
    bench.follow(drive(bench.executor.undo(RUN)))
    assert bench.state() is RunState.DONE
    assert "value: 2 -> 50" in bench.run.note
    assert bench.run.note.count("Not undone") == 1
    assert bench.dial.value == 50


def test_a_read_that_may_come_right_is_tried_again() -> None:
    bench = holding()
    drive(bench.executor.undo(RUN, ASKS))
    drive(bench.executor.approve_undo(RUN, APPROVES))
    bench.dial.unreadable = GapReason.THROTTLED
    assert drive(bench.executor.undo(RUN)) == NextStep(StepName.UNDO, 10.0)
    bench.dial.unreadable = None
    bench.follow(drive(bench.executor.undo(RUN)))
    assert bench.state() is RunState.UNDONE


def test_where_nobody_else_may_approve_it_is_refused_with_the_commands() -> None:
    bench = holding()
    bench.people = {ASKS: ("responder", "commander"), OTHER: ("responder",)}
    said = reason(drive(bench.executor.undo(RUN, ASKS)))
    assert "the policy names nobody else" in said
    assert "By hand: " in said
    assert bench.state() is RunState.DONE


def test_nobody_in_time_leaves_the_commands() -> None:
    bench = holding()
    bench.follow(drive(bench.executor.undo(RUN, ASKS)))
    assert bench.state() is RunState.DONE
    assert bench.run.note.startswith("Not undone: nobody approved the undo in time")
    assert "By hand: " in bench.run.note


def test_while_slack_cannot_say_who_may_act_an_approved_undo_waits() -> None:
    bench = holding()
    drive(bench.executor.undo(RUN, ASKS))
    drive(bench.executor.approve_undo(RUN, APPROVES))
    bench.slack.failing = "ratelimited"
    assert drive(bench.executor.undo(RUN)) == NextStep(StepName.UNDO, 10.0)
    assert bench.dial.ledger == [turn(2)]
    bench.slack.failing = None
    bench.follow(drive(bench.executor.undo(RUN)))
    assert bench.state() is RunState.UNDONE


def test_a_read_that_is_denied_ends_it_and_says_once_that_nothing_was_sent() -> None:
    bench = holding()
    drive(bench.executor.undo(RUN, ASKS))
    drive(bench.executor.approve_undo(RUN, APPROVES))
    bench.dial.unreadable = GapReason.DENIED
    bench.follow(drive(bench.executor.undo(RUN)))
    assert bench.state() is RunState.DONE
    assert bench.run.note.startswith("Not undone: nothing was sent: ")
    assert bench.dial.ledger == [turn(2)]


people = st.sampled_from([ASKS, APPROVES, OTHER, OUTSIDER])
presses = st.lists(
    st.tuples(
        st.sampled_from(["undo", "approve_undo", "keep", "expire", "continue", "wait"]),
        people,
        st.one_of(st.none(), st.integers(0, 30)),  # the wait at which the worker is killed
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(presses=presses)
def test_whoever_presses_what_two_people_stand_behind_an_undo(
    presses: list[tuple[str, str, int | None]],
) -> None:
    bench = holding()
    for what, who, kill_at in presses:
        step: Any
        match what:
            case "wait":
                bench.pass_time(250)
                continue
            case "continue":
                step = bench.executor.undo(RUN)
            case "expire":
                step = bench.executor.expire(RUN)
            case _:
                step = getattr(bench.executor, what)(RUN, who)
        try:
            drive(step, kill_at=kill_at)
        except Killed:
            continue
    assert bench.dial.ledger in ([turn(2)], [turn(2), turn(1)])
    if bench.dial.ledger == [turn(2), turn(1)]:
        approvers = [each.actor for each in bench.store.chain if each.event == "undo approved"]
        askers = [each.actor for each in bench.store.chain if each.event == "undo requested"]
        assert approvers
        assert approvers[-1] != askers[-1]
        assert approvers[-1] in (APPROVES, OTHER)
