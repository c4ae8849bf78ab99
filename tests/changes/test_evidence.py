"""An approval is for a plan and the findings it was made by: what of them makes it void."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.changes.evidence import basis, difference
from bot.changes.executor import NextStep, StepName
from bot.domain.basis import Basis
from bot.domain.errors import ReadFailed
from bot.domain.incident import IncidentState
from bot.domain.plan import Choice
from bot.domain.policy import Refusal
from bot.domain.report import Change, GapReason
from bot.domain.run import Answer, RunState, Verification
from tests.support.change_samples import PLAN, REQUESTED, SETTLING
from tests.support.dial import APPROVES, ASKS, INCIDENT, RUN, Bench
from tests.support.samples import FOUND
from tests.support.samples import INCIDENT as SAMPLE
from tests.support.stepping import drive

NOW = datetime(2026, 11, 23, 3, 20, tzinfo=UTC)
THEN = Basis(made_at=NOW, causes=("cold-starts",), titles=("Cold starts",), figure="5XX 9.7 %")


def change(summary: str, minute: int = 0) -> Change:
    return Change(
        at=NOW + timedelta(minutes=minute),
        actor="maya (role deploy)",
        kind="configuration",
        resource="checkout",
        summary=summary,
    )


def now(**changes: object) -> Basis:
    return THEN.model_copy(update=changes)


# --- the rule -------------------------------------------------------------------------------------


def test_what_is_as_it_was_leaves_the_approval() -> None:
    assert difference(THEN, THEN) is None
    assert difference(THEN, now(made_at=NOW + timedelta(minutes=5), figure="5XX 11 %")) is None
    assert difference(now(over=True), now(over=True)) is None  # it was over when it was planned
    more = now(causes=("cold-starts", "throttled"), titles=("Cold starts", "Throttled"))
    assert difference(THEN, more) is None


@pytest.mark.parametrize(
    ("then", "later", "told"),
    [
        (THEN, now(over=True), "The alarm is OK again."),
        (
            THEN,
            now(causes=("bad-release",), titles=("A bad release",)),
            "“Cold starts” was the likely cause when this was planned, now it is “A bad release”.",
        ),
        (THEN, now(causes=(), titles=()), "the newest findings no longer call for this."),
        (
            now(causes=()),
            now(causes=(), refuted=True, against="The evidence refutes it: warm requests too."),
            "The findings have changed. The evidence refutes it: warm requests too.",
        ),
        (
            now(choice=Choice(suspect="22")),
            now(choice=Choice(suspect="23")),
            "name another version or resource",
        ),
        (
            THEN,
            now(noticed=(change("reserved concurrency 40"),)),
            "Something was changed since this was planned: reserved concurrency 40 by maya.",
        ),
        (
            now(ours=("“A” was applied (CHG-1)",)),
            now(ours=("“A” was applied (CHG-1)", "“A” was undone (CHG-1)")),
            "Since this was planned, “A” was undone (CHG-1).",
        ),
    ],
)
def test_what_is_no_longer_so_is_told(then: Basis, later: Basis, told: str) -> None:
    assert told in (difference(then, later) or "")


@given(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 3), st.integers(0, 3))
def test_only_what_is_new_makes_it_void(
    over: bool, refuted: bool, called: bool, before: int, after: int
) -> None:
    changes = tuple(change(f"change {number}", 10 * number) for number in range(4))
    then = now(noticed=changes[:before])
    later = now(
        over=over,
        refuted=refuted,
        causes=("cold-starts",) if called else (),
        noticed=changes[:after],
    )
    void = over or refuted or not called or after > before
    assert (difference(then, later) is not None) == void
    assert difference(later, later) is None


def test_what_a_plan_rests_on_is_read_from_the_report() -> None:
    run = REQUESTED.model_copy(update={"action": PLAN.action})
    found = basis(SAMPLE, FOUND, [run, SETTLING.model_copy(update={"id": "run-2"})], run)
    assert found.causes
    assert not found.refuted
    assert found.made_at == FOUND.made_at
    assert found.figure
    assert found.ours == (f"“{PLAN.title}” was applied (run-2)",)
    recovered = SAMPLE.model_copy(update={"state": IncidentState.RECOVERED})
    assert basis(recovered, FOUND, [], run).over
    assert basis(SAMPLE, None, [], run) == Basis()


# --- between the click and the call ---------------------------------------------------------------


def said(answer: Answer, text: str, *, mixed: bool = False) -> Verification:
    return Verification(answer=answer, text=text, at=NOW, mixed=mixed)


def applied(bench: Bench) -> str:
    """The note of a change that was approved and not sent."""
    bench.approved()
    drive(bench.executor.apply(RUN))
    assert bench.dial.attempts == 0
    assert bench.state() is RunState.REFUSED
    assert bench.store.claims == {}
    return bench.run.note


def test_what_recovered_by_itself_is_not_changed_any_more() -> None:
    bench = Bench(before=said(Answer.YES, "5XX 0.20% of 3,000 requests"))
    note = applied(bench)
    assert note.startswith("It recovered by itself: 5XX 0.20% of 3,000 requests")
    assert "Open the action again" in note


@pytest.mark.parametrize("text", ["no evidence could be read: denied", "no requests counted"])
def test_what_the_detector_cannot_tell_is_no_reason_to_act(text: str) -> None:
    assert f"I can't tell whether it is still going on: {text}" in applied(
        Bench(before=said(Answer.INCONCLUSIVE, text))
    )


def test_good_and_bad_minutes_are_not_over() -> None:
    bench = Bench(before=said(Answer.INCONCLUSIVE, "normal in 3 of 5 minutes", mixed=True))
    bench.approved()
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.SETTLE, 10.0)
    assert bench.dial.attempts == 1


def test_a_detector_that_is_throttled_is_asked_again_while_the_approval_is_valid() -> None:
    bench = Bench(before=ReadFailed(GapReason.THROTTLED, "too many requests"))
    bench.approved()
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.APPLY, 10.0)
    assert "too many requests" in bench.run.note
    assert bench.state() is RunState.APPROVED
    bench.before = None
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.SETTLE, 10.0)
    late = Bench(before=ReadFailed(GapReason.THROTTLED, "too many requests"))
    late.approved()
    late.pass_time(600)
    drive(late.executor.apply(RUN))
    assert (late.state(), late.dial.attempts) == (RunState.REFUSED, 0)


def test_a_detector_that_fails_refuses() -> None:
    assert "Nothing was sent: denied" in applied(
        Bench(before=ReadFailed(GapReason.DENIED, "denied"))
    )


def recovered(bench: Bench) -> None:
    """The alarm is OK again."""
    kept = bench.store.incidents[INCIDENT]
    bench.store.incidents[INCIDENT] = kept.model_copy(update={"state": IncidentState.RECOVERED})


def test_an_alarm_that_is_ok_again_voids_the_approval_at_every_step() -> None:
    sending = Bench()
    sending.approved()
    recovered(sending)
    drive(sending.executor.apply(RUN))
    assert sending.run.note.startswith("The alarm is OK again.")
    assert sending.dial.attempts == 0
    approving = Bench()
    approving.requested()
    recovered(approving)
    refusal = drive(approving.executor.approve(RUN, APPROVES))
    assert isinstance(refusal, Refusal)
    assert approving.state() is RunState.REFUSED  # the message says so, and asks anew
    asking = Bench()
    asking.proposed()
    recovered(asking)
    assert isinstance(drive(asking.executor.request(RUN, ASKS)), Refusal)


def test_what_was_over_when_it_was_planned_may_be_changed_all_the_same() -> None:
    bench = Bench(before=said(Answer.YES, "5XX 0.20%"))
    recovered(bench)
    bench.approved()
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.SETTLE, 10.0)


def test_a_change_by_somebody_else_voids_the_approval() -> None:
    bench = Bench()
    bench.approved()
    kept = bench.store.incidents[INCIDENT]
    noticed = (change("moved PROD to version 41"),)
    bench.store.incidents[INCIDENT] = kept.model_copy(update={"noticed": noticed})
    drive(bench.executor.apply(RUN))
    assert "moved PROD to version 41 by maya" in bench.run.note
    assert bench.dial.attempts == 0


def test_a_running_investigation_is_waited_for() -> None:
    bench = Bench()
    bench.approved()
    reading = FOUND.model_copy(update={"complete": False, "causes": (), "actions": ()})
    bench.store.reports[INCIDENT] = reading
    assert drive(bench.executor.apply(RUN)) == NextStep(StepName.APPLY, 10.0)
    assert "investigation" in bench.run.note


def test_a_run_of_an_earlier_version_is_asked_for_again() -> None:
    bench = Bench()
    bench.approved()
    bench.store.kept[RUN] = bench.run.model_copy(update={"basis": None})
    drive(bench.executor.apply(RUN))
    assert (bench.state(), bench.dial.attempts) == (RunState.REFUSED, 0)


def test_the_evidence_is_asked_for_before_the_last_look() -> None:
    order: list[str] = []
    bench = Bench()
    bench.approved()
    read, detect = bench.dial.read, bench.executor.detector
    bench.dial.read = lambda *args, **more: (order.append("look"), read(*args, **more))[1]  # type: ignore[method-assign]
    look_up = bench.slack.look_up

    async def asked(*args: object) -> object:
        order.append("people")
        return await look_up(*args)  # type: ignore[arg-type]

    async def detected(run: object) -> Verification:
        order.append("detector")
        return await detect(run)  # type: ignore[arg-type]

    bench.slack.look_up = asked  # type: ignore[method-assign, assignment]
    object.__setattr__(bench.executor, "detector", detected)
    drive(bench.executor.apply(RUN))
    assert order == ["people", "detector", "look", "look"]
    assert bench.dial.attempts == 1
