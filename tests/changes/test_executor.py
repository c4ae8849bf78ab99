"""A guarded change from preview to undo, and everything that may go wrong on the way."""

from __future__ import annotations

import pytest

from bot.changes.executor import NextStep, StepName
from bot.domain.plan import Check
from bot.domain.policy import Refusal
from bot.domain.report import GapReason
from bot.domain.run import Answer, RunState
from tests.support.dial import APPROVES, ASKS, INCIDENT, OUTSIDER, RUN, Bench, turn
from tests.support.stepping import drive


def reason(answer: NextStep | Refusal | None) -> str:
    assert isinstance(answer, Refusal)
    return answer.reason


# --- the way through ------------------------------------------------------------------------------


def test_the_whole_way() -> None:
    bench = Bench()
    assert bench.proposed() is None
    assert bench.state() is RunState.PROPOSED
    assert drive(bench.executor.request(RUN, ASKS)) == NextStep(StepName.EXPIRE, 600.0)
    assert drive(bench.executor.approve(RUN, APPROVES)) == NextStep(StepName.APPLY)
    assert bench.dial.ledger == []
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.SETTLE, 10.0)
    assert bench.dial.ledger == [turn(2)]
    assert bench.run.results == ({"turned": True, "request_id": "r-1"},)
    assert bench.run.applied_at == bench.dial.clock
    assert drive(bench.executor.settle(RUN)) == NextStep(StepName.VERIFY, 10.0)
    assert drive(bench.executor.verify(RUN)) is None
    assert bench.state() is RunState.DONE
    assert bench.run.verification is not None
    assert bench.run.verification.answer is Answer.YES
    assert bench.store.claims == {}
    assert [entry.event for entry in bench.store.chain] == [
        "proposed",
        "requested",
        "approved",
        "running",
        "settling",
        "verifying",
        "done",
    ]
    told = [(entry.kind, entry.actor) for entry in bench.store.notes[INCIDENT]]
    assert told == [
        ("approval", ASKS),
        ("approval", APPROVES),
        ("change", APPROVES),
        ("change", None),
        ("change", None),
        ("verification", None),
    ]


def test_every_step_again_changes_nothing() -> None:
    bench = Bench()
    bench.done()
    notes, chain = len(bench.store.notes[INCIDENT]), len(bench.store.chain)
    for step in (
        bench.executor.prepare,
        bench.executor.apply,
        bench.executor.settle,
        bench.executor.verify,
    ):
        assert drive(step(RUN)) is None
    assert drive(bench.executor.begin(RUN, INCIDENT, "turn-dial", ASKS)) is None
    assert drive(bench.executor.approve(RUN, APPROVES)) is None
    assert drive(bench.executor.expire(RUN)) is None
    assert len(bench.dial.ledger) == 1
    assert (len(bench.store.notes[INCIDENT]), len(bench.store.chain)) == (notes, chain)


def test_nothing_to_do_is_said_and_ends_the_run() -> None:
    bench = Bench()
    bench.dial.value = 2
    assert bench.proposed() is None
    assert bench.state() is RunState.REFUSED
    assert "nothing to change" in bench.run.note


# --- who, and when --------------------------------------------------------------------------------


def test_nobody_acts_without_a_role() -> None:
    bench = Bench()
    told = reason(drive(bench.executor.begin(RUN, INCIDENT, "turn-dial", OUTSIDER)))
    assert told == f"You have no role here; <@{APPROVES}> or <@{ASKS}> may ask for this."
    assert RUN not in bench.store.kept
    bench.requested()
    who = f"You have no role here; <@{APPROVES}> may approve this."
    assert reason(drive(bench.executor.approve(RUN, OUTSIDER))) == who
    own = reason(drive(bench.executor.approve(RUN, ASKS)))
    assert own == f"You asked for this; a second person has to approve it: <@{APPROVES}>."
    assert reason(drive(bench.executor.reject(RUN, OUTSIDER))) == who
    assert bench.state() is RunState.REQUESTED
    drive(bench.executor.apply(RUN))
    assert bench.dial.attempts == 0
    done = Bench()
    done.done()
    assert "may undo this" in reason(drive(done.executor.undo(RUN, OUTSIDER)))
    assert done.dial.ledger == [turn(2)]


@pytest.mark.parametrize("gone", [ASKS, APPROVES])
def test_a_role_lost_after_the_approval_stops_the_change(gone: str) -> None:
    bench = Bench()
    bench.approved()
    del bench.people[gone]
    assert drive(bench.executor.apply(RUN)) is None
    assert bench.state() is RunState.REFUSED
    assert gone in bench.run.note
    assert bench.dial.attempts == 0


def test_a_request_nobody_approves_expires() -> None:
    bench = Bench()
    assert bench.requested() == NextStep(StepName.EXPIRE, 600.0)
    bench.pass_time(599)
    assert drive(bench.executor.expire(RUN)) == NextStep(StepName.EXPIRE, 1.0)
    bench.pass_time(1)
    assert drive(bench.executor.expire(RUN)) is None
    assert bench.state() is RunState.EXPIRED
    assert "expired already" in reason(drive(bench.executor.approve(RUN, APPROVES)))


def test_an_approval_does_not_outlive_its_request() -> None:
    bench = Bench()
    bench.approved()
    bench.pass_time(600)
    assert drive(bench.executor.apply(RUN)) is None
    assert "expired" in bench.run.note
    assert bench.dial.attempts == 0


def test_no_is_no_until_the_calls_are_sent() -> None:
    bench = Bench()
    bench.approved()
    assert drive(bench.executor.reject(RUN, ASKS)) is None
    assert bench.state() is RunState.REJECTED
    assert drive(bench.executor.apply(RUN)) is None
    assert bench.dial.attempts == 0
    late = Bench()
    late.done()
    assert "Too late" in reason(drive(late.executor.reject(RUN, APPROVES)))


# --- the world moved, or is not known -------------------------------------------------------------


def test_a_resource_changed_after_the_plan_is_left_alone() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.value = 7
    assert drive(bench.executor.apply(RUN)) is None
    assert bench.state() is RunState.REFUSED
    assert "value: 1 -> 7" in bench.run.note
    assert bench.dial.attempts == 0
    assert bench.store.claims == {}


def test_a_check_that_could_not_be_made_blocks() -> None:
    bench = Bench()
    bench.action.checks = (Check(text="the dial is greased", holds=None),)
    bench.proposed()
    assert "could not be checked" in reason(drive(bench.executor.request(RUN, ASKS)))
    assert bench.state() is RunState.PROPOSED


def test_a_check_that_fails_after_the_approval_blocks() -> None:
    bench = Bench()
    bench.approved()
    bench.action.checks = (Check(text="the dial is greased", holds=False),)
    assert drive(bench.executor.apply(RUN)) is None
    assert "the dial is greased" in bench.run.note
    assert bench.dial.attempts == 0


def test_one_pending_change_per_target() -> None:
    bench = Bench()
    bench.requested()
    drive(bench.executor.begin("run-2", INCIDENT, "turn-dial", ASKS))
    drive(bench.executor.prepare("run-2"))
    assert "pending (run-1)" in reason(drive(bench.executor.request("run-2", ASKS)))
    assert bench.store.kept["run-2"].state is RunState.REFUSED
    assert bench.store.claims == {"dial": RUN}


def test_a_claim_that_an_ended_run_left_behind_is_taken_over() -> None:
    bench = Bench()
    bench.done()
    bench.store.claims["dial"] = RUN  # killed between its end and its release
    bench.dial.value = 1
    drive(bench.executor.begin("run-2", INCIDENT, "turn-dial", ASKS))
    drive(bench.executor.prepare("run-2"))
    assert drive(bench.executor.request("run-2", ASKS)) == NextStep(StepName.EXPIRE, 600.0)
    assert bench.store.claims == {"dial": "run-2"}


def test_a_broken_audit_chain_freezes_changes_but_no_way_back() -> None:
    bench = Bench()
    bench.done()
    bench.store.audit_fault = "Entry 3 was edited."
    bench.follow(drive(bench.executor.undo(RUN, ASKS)))
    assert bench.state() is RunState.UNDONE
    other = Bench()
    other.approved()
    other.store.audit_fault = "Entry 3 was edited."
    drive(other.executor.apply(RUN))
    assert "frozen" in other.run.note
    assert other.dial.attempts == 0


def test_a_read_that_may_come_right_is_tried_again_while_the_approval_holds() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.unreadable = GapReason.THROTTLED
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.APPLY, 10.0)
    bench.dial.unreadable = None
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.SETTLE, 10.0)
    denied = Bench()
    denied.approved()
    denied.dial.unreadable = GapReason.DENIED
    assert drive(denied.executor.apply(RUN)) is None
    assert "Nothing was sent" in denied.run.note


# --- what came of the calls -----------------------------------------------------------------------


def test_aws_says_no() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.refuses = True
    assert drive(bench.executor.apply(RUN)) is None
    assert bench.state() is RunState.REFUSED
    assert "AccessDenied" in bench.run.note
    assert bench.dial.ledger == []


def test_an_answer_lost_after_the_call_took_effect_is_read_back() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.lost_after = True
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.SETTLE, 10.0)
    assert bench.dial.attempts == 1
    assert bench.state() is RunState.SETTLING


def test_a_call_that_never_arrived_is_not_sent_again() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.lost_before = True
    following = drive(bench.executor.apply(RUN))
    assert following == NextStep(StepName.APPLY, 10.0)  # it may still land
    assert bench.state() is RunState.RUNNING
    bench.follow(following)
    assert bench.state() is RunState.REFUSED
    assert "ask for it again" in bench.run.note
    assert bench.dial.attempts == 1


def test_a_call_that_lands_late_counts_as_applied() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.lost_before = True
    drive(bench.executor.apply(RUN))
    bench.pass_time(20)
    bench.dial.value = 2  # AWS was slow
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.SETTLE, 10.0)
    assert bench.dial.attempts == 1


def test_what_aws_is_still_at_is_not_taken_for_unchanged() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.lost_before, bench.dial.turning = True, True
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.APPLY, 10.0)
    bench.pass_time(326)  # its deadline is over, and the dial still turns
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.APPLY, 10.0)
    assert bench.state() is RunState.RUNNING
    bench.dial.value = 2
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.SETTLE, 10.0)
    stuck = Bench()
    stuck.approved()
    stuck.dial.lost_before, stuck.dial.turning = True, True
    stuck.follow(drive(stuck.executor.apply(RUN)))
    assert stuck.state() is RunState.REFUSED  # not for ever


def test_neither_before_nor_after_is_for_a_person() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.lost_before = True
    following = drive(bench.executor.apply(RUN))
    bench.dial.value = 9
    bench.follow(following)
    assert bench.state() is RunState.DRIFTED
    assert "value: 2 -> 9" in bench.run.note


def test_unreadable_after_the_call_is_asked_again_and_said_once() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.lost_after = True
    drive(bench.executor.apply(RUN))
    bench.store.kept[RUN] = bench.run.model_copy(update={"state": RunState.RUNNING})
    bench.dial.unreadable = GapReason.DENIED
    bench.pass_time(3600)
    for _ in range(3):
        assert drive(bench.executor.apply(RUN)) == NextStep(StepName.APPLY, 10.0)
    assert bench.state() is RunState.RUNNING
    said = [entry for entry in bench.store.notes[INCIDENT] if entry.kind == "note"]
    assert len(said) == 1


def test_a_worker_that_was_held_up_sends_nothing() -> None:
    bench = Bench()
    bench.approved()
    apply = bench.executor.apply(RUN)
    while bench.state() is not RunState.RUNNING:
        apply.send(None)
    bench.pass_time(21)  # stopped like this, then continued
    bench.follow(drive(apply))
    assert bench.dial.attempts == 0
    assert bench.state() is RunState.REFUSED


# --- in force, verified ---------------------------------------------------------------------------


def test_a_change_that_fails_to_come_into_force_is_no() -> None:
    bench = Bench()
    bench.action.in_force = Answer.NO
    bench.done()
    assert bench.run.verification is not None
    assert bench.run.verification.answer is Answer.NO
    assert bench.run.in_force_at is None
    (told,) = [each.text for each in bench.store.notes[INCIDENT] if each.kind == "verification"]
    assert told == "It did not come into force: as the dial says"


def test_a_change_that_never_comes_into_force_ends_inconclusive() -> None:
    bench = Bench()
    bench.action.in_force = Answer.INCONCLUSIVE
    bench.done()
    assert bench.state() is RunState.DONE
    assert bench.run.verification is not None
    assert bench.run.verification.answer is Answer.INCONCLUSIVE
    assert bench.run.verification.text == "not confirmed after 2 minutes: as the dial says"
    assert bench.run.in_force_at is None


def test_a_slow_rollout_is_verified_from_when_it_was_in_force() -> None:
    bench = Bench(verdicts=[Answer.INCONCLUSIVE])
    bench.action.in_force = Answer.INCONCLUSIVE
    bench.approved()
    drive(bench.executor.apply(RUN))
    applied = bench.run.applied_at
    bench.pass_time(110)
    assert drive(bench.executor.settle(RUN)) == NextStep(StepName.SETTLE, 10.0)
    bench.action.in_force = Answer.YES
    assert drive(bench.executor.settle(RUN)) == NextStep(StepName.VERIFY, 10.0)
    in_force = bench.run.in_force_at
    assert applied is not None
    assert in_force is not None
    assert (in_force - applied).total_seconds() == 110
    bench.pass_time(1200)  # Timeouts.verify: the last moment
    assert drive(bench.executor.verify(RUN)) == NextStep(StepName.VERIFY, 10.0)
    bench.pass_time(1)
    assert drive(bench.executor.verify(RUN)) is None
    assert bench.state() is RunState.DONE


@pytest.mark.parametrize("last", list(Answer))
def test_verification_is_asked_until_it_knows(last: Answer) -> None:
    bench = Bench(verdicts=[Answer.INCONCLUSIVE, Answer.INCONCLUSIVE, last])
    bench.done()
    assert bench.state() is RunState.DONE
    assert bench.run.verification is not None
    assert bench.run.verification.answer is last
