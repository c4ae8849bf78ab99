"""A sender that is stopped anywhere, for any time, and then goes on (SIGSTOP, SIGCONT; a machine
that was suspended). Another worker reads back meanwhile. What is recorded is what AWS did."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.changes.executor import NextStep, StepName
from bot.domain.policy import Refusal
from bot.domain.run import Run, RunState
from tests.support.dial import ASKS, RUN, Bench, turn
from tests.support.stepping import drive

Answer = NextStep | Refusal | None
LENGTHS = (3.0, 12.0, 61.0, 290.0, 330.0, 900.0)
PLACES = ("preparing", "leaving", "arriving")


def others_work(bench: Bench, seconds: float, step: str = "apply") -> None:
    """Time passes, and another worker takes the run's step every five seconds."""
    while seconds > 0:
        bench.pass_time(min(5.0, seconds))
        seconds -= 5.0
        drive(getattr(bench.executor, step)(RUN))


def stopped_once(bench: Bench, place: str, seconds: float, step: str) -> None:
    """The sender stands still at this place, once."""

    def stop() -> None:
        setattr(bench.dial, place, lambda: None)
        others_work(bench, seconds, step)

    setattr(bench.dial, place, stop)


def applied_truly(bench: Bench) -> None:
    """What the run says, and what AWS did."""
    turned = bench.dial.ledger == [turn(2)]
    assert len(bench.dial.ledger) <= 1
    assert bench.state() is (RunState.DONE if turned else RunState.REFUSED), bench.run.note
    assert not any(each.event == "drifted" for each in bench.store.chain)


def undone_truly(bench: Bench) -> None:
    undone = bench.dial.ledger == [turn(2), turn(1)]
    assert undone or bench.dial.ledger == [turn(2)]
    assert bench.state() is (RunState.UNDONE if undone else RunState.DONE), bench.run.note
    assert not any(each.event == "drifted" for each in bench.store.chain)


@pytest.mark.parametrize("ahead", [0.0, 120.0])
@pytest.mark.parametrize("seconds", LENGTHS)
@pytest.mark.parametrize("place", PLACES)
def test_stopped_around_the_send_of_a_change(place: str, seconds: float, ahead: float) -> None:
    bench = Bench()
    bench.approved()
    bench.dial.clock_ahead = ahead
    stopped_once(bench, place, seconds, "apply")
    bench.follow(drive(bench.executor.apply(RUN)))
    applied_truly(bench)


@pytest.mark.parametrize("ahead", [0.0, 120.0])
@pytest.mark.parametrize("seconds", LENGTHS)
@pytest.mark.parametrize("place", PLACES)
def test_stopped_around_the_send_of_an_undo(place: str, seconds: float, ahead: float) -> None:
    bench = Bench()
    bench.done()
    bench.dial.clock_ahead = ahead
    stopped_once(bench, place, seconds, "undo")
    bench.follow(drive(bench.executor.undo(RUN, ASKS)))
    undone_truly(bench)


def at_every_wait(
    prepare: Callable[[Bench], None],
    step: Callable[[Bench], Coroutine[Any, Any, Answer]],
    name: str,
    seconds: float,
) -> list[Bench]:
    """The benches of a step that stood still at its first wait, its second, … for so long."""
    benches: list[Bench] = []
    going = True
    while going:
        bench = Bench()
        prepare(bench)
        stepping = step(bench)
        going = False
        following: Answer = None
        try:
            for _ in range(len(benches) + 1):
                stepping.send(None)
            going = True
            others_work(bench, seconds, name)
            following = drive(stepping)
        except StopIteration as end:
            following = end.value
        bench.follow(following)
        bench.follow(NextStep(StepName.APPLY))
        benches.append(bench)
    return benches


@pytest.mark.parametrize("seconds", [12.0, 330.0])
def test_stopped_at_any_wait_of_a_change(seconds: float) -> None:
    found = at_every_wait(
        lambda bench: bench.approved(), lambda bench: bench.executor.apply(RUN), "apply", seconds
    )
    assert len(found) > 20
    for bench in found:
        applied_truly(bench)


@pytest.mark.parametrize("seconds", [12.0, 330.0])
def test_stopped_at_any_wait_of_an_undo(seconds: float) -> None:
    found = at_every_wait(
        lambda bench: bench.done(), lambda bench: bench.executor.undo(RUN, ASKS), "undo", seconds
    )
    assert len(found) > 20
    for bench in found:
        undone_truly(bench)


@settings(max_examples=60, deadline=None)
@given(
    stops=st.dictionaries(st.sampled_from(PLACES), st.floats(0, 700), min_size=1),
    ahead=st.floats(0, 300),
    lost=st.sampled_from(["", "lost_before", "lost_after"]),
)
def test_stopped_again_and_again(stops: dict[str, float], ahead: float, lost: str) -> None:
    bench = Bench()
    bench.approved()
    bench.dial.clock_ahead = ahead
    if lost:
        setattr(bench.dial, lost, True)
    for place, seconds in stops.items():
        stopped_once(bench, place, seconds, "apply")
    bench.follow(drive(bench.executor.apply(RUN)))
    applied_truly(bench)


def test_while_it_may_still_be_accepted_nothing_is_called_not_applied() -> None:
    bench = Bench()
    bench.approved()
    seen: list[tuple[RunState, str]] = []

    def stop() -> None:
        others_work(bench, 310)
        seen.append((bench.state(), bench.run.note))

    bench.dial.arriving = stop
    drive(bench.executor.apply(RUN))
    assert seen == [(RunState.RUNNING, "Whether the call reached AWS is not known yet.")]
    assert bench.dial.ledger == []  # AWS refused the signature
    assert bench.state() is RunState.REFUSED


# --- the window between the last look and the call ------------------------------------------------


def somebody_sets(bench: Bench, value: int) -> Callable[[], None]:
    def change() -> None:
        bench.dial.value = value

    return change


def test_what_somebody_changes_while_the_role_is_assumed_is_not_overwritten() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.preparing = somebody_sets(bench, 50)
    assert drive(bench.executor.apply(RUN)) is None
    assert bench.dial.ledger == []
    assert bench.dial.value == 50
    assert bench.state() is RunState.REFUSED
    assert "value: 1 -> 50" in bench.run.note
    assert "Ask again" in bench.run.note


def test_what_somebody_changes_while_the_undo_is_prepared_is_not_overwritten() -> None:
    bench = Bench()
    bench.done()
    bench.dial.preparing = somebody_sets(bench, 50)
    assert drive(bench.executor.undo(RUN, ASKS)) is None
    assert bench.dial.ledger == [turn(2)]
    assert bench.dial.value == 50
    assert bench.state() is RunState.DONE
    assert "value: 2 -> 50" in bench.run.note
    assert "aws dial" not in bench.run.note, "the command would overwrite it"


def test_what_was_seen_long_ago_is_not_acted_on() -> None:
    bench = Bench()
    bench.approved()
    bench.dial.leaving = lambda: bench.pass_time(9)  # within `sending`, beyond `fresh`
    assert drive(bench.executor.apply(RUN)) is None
    assert bench.dial.ledger == []
    assert bench.state() is RunState.REFUSED


# --- a success that nobody expects any more -------------------------------------------------------


@pytest.mark.parametrize("state", [RunState.REFUSED, RunState.EXPIRED, RunState.REJECTED])
def test_a_success_after_it_was_called_not_applied_is_told(state: RunState) -> None:
    bench = Bench()
    bench.approved()

    def forget() -> None:  # a store that was restored from a backup
        changed = {"state": state, "note": "it was not applied"}
        bench.store.kept[RUN] = Run.model_validate(bench.run.model_dump() | changed)

    bench.dial.arriving = forget
    assert drive(bench.executor.apply(RUN)) is None
    assert bench.state() is RunState.DRIFTED
    assert f"after it was recorded as {state.value}" in bench.run.note
    assert bench.run.results == ({"turned": True, "request_id": "r-1"},)
    assert bench.store.chain[-1].event == "drifted"
    assert "AWS accepted" in bench.store.notes[bench.run.incident][-1].text


@pytest.mark.parametrize(("value", "state"), [(1, RunState.UNDONE), (2, RunState.DRIFTED)])
def test_a_success_told_after_an_undo_is_judged_by_the_resource(
    value: int, state: RunState
) -> None:
    bench = Bench()
    bench.approved()
    write = bench.dial.write

    def answered_late(*args: Any) -> dict[str, Any]:
        reply = write(*args)
        bench.dial.value = value
        bench.store.kept[RUN] = bench.run.model_copy(update={"state": RunState.UNDONE})
        return reply

    bench.dial.write = answered_late  # type: ignore[method-assign]
    assert drive(bench.executor.apply(RUN)) is None
    assert bench.state() is state


@pytest.mark.parametrize(
    ("then", "state"), [(1, RunState.UNDONE), (2, RunState.DONE), (7, RunState.DRIFTED)]
)
def test_an_undo_accepted_after_it_was_called_failed(then: int, state: RunState) -> None:
    bench = Bench()
    bench.done()
    write = bench.dial.write

    def answered_late(*args: Any) -> dict[str, Any]:
        reply = write(*args)
        bench.dial.value = then
        bench.store.kept[RUN] = bench.run.model_copy(update={"state": RunState.DONE})
        return reply

    bench.dial.write = answered_late  # type: ignore[method-assign]
    assert drive(bench.executor.undo(RUN, ASKS)) is None
    assert bench.state() is state
    assert bench.run.undone_at == (bench.dial.clock if state is RunState.UNDONE else None)
