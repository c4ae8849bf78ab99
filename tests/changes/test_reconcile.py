"""A change that is recorded as not sent, and that AWS has: recorded as drifted, and told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.changes.reconcile import UNSENT, UnsentChanges
from bot.domain.report import GapReason
from bot.domain.run import RunState
from tests.support.dial import APPROVES, ASKS, INCIDENT, RUN, Bench
from tests.support.stepping import drive

HOUR = timedelta(hours=1)


def went_back_to(state: RunState) -> Bench:
    """The dial was turned by a change; the store then goes back to a record of before that."""
    bench = Bench()
    bench.done()
    bench.store.kept[RUN] = bench.run.model_copy(
        update={"state": state, "results": (), "applied_at": None, "verification": None}
    )
    return bench


@pytest.mark.parametrize("state", sorted(UNSENT))
def test_a_change_that_is_in_force_is_drifted(state: RunState) -> None:
    bench = went_back_to(state)
    sent = len(bench.dial.ledger)
    (found,) = drive(UnsentChanges.of(bench.executor).find(HOUR))
    assert bench.state() is found.state is RunState.DRIFTED
    assert f"It is recorded as {state.value}" in bench.run.note
    assert len(bench.dial.ledger) == sent
    assert bench.store.claims == {}
    assert "drifted" in bench.store.notes[INCIDENT][-1].text
    assert drive(UnsentChanges.of(bench.executor).find(HOUR)) == [], "told once"


@pytest.mark.parametrize("state", sorted(frozenset(RunState) - UNSENT))
def test_other_states_are_left_as_they_are(state: RunState) -> None:
    bench = went_back_to(state)
    assert drive(UnsentChanges.of(bench.executor).find(HOUR)) == []
    assert bench.state() is state


def test_what_was_not_sent_is_left_as_it_is() -> None:
    bench = Bench()
    bench.proposed()
    drive(bench.executor.request(RUN, ASKS))
    drive(bench.executor.approve(RUN, APPROVES))
    assert drive(UnsentChanges.of(bench.executor).find(HOUR)) == []
    assert bench.state() is RunState.APPROVED


def test_another_change_to_the_same_value_explains_it() -> None:
    """An expired request was asked for again; what is in force is the second change."""
    bench = went_back_to(RunState.EXPIRED)
    first = bench.run
    second = first.model_copy(update={"id": "CHG-2", "state": RunState.DONE})
    bench.store.kept["CHG-2"] = second
    bench.store._audit(ASKS, "done", "CHG-2")
    assert drive(UnsentChanges.of(bench.executor).find(HOUR)) == []
    assert bench.state() is RunState.EXPIRED


def test_what_is_longer_ago_is_not_looked_at() -> None:
    bench = went_back_to(RunState.REFUSED)
    bench.store.advance(7200)
    assert drive(UnsentChanges.of(bench.executor).find(HOUR)) == []


def test_a_read_that_fails_says_nothing() -> None:
    bench = went_back_to(RunState.REFUSED)
    bench.dial.unreadable = GapReason.DENIED
    assert drive(UnsentChanges.of(bench.executor).find(HOUR)) == []
    assert bench.state() is RunState.REFUSED
