"""Changes whose task was lost or given up, and what follows when one has ended."""

from __future__ import annotations

import pytest

from bot.changes.service import ChangeService
from bot.domain.incident import IncidentState
from bot.domain.ports import Aws
from bot.domain.run import RunState
from tests.incidents.test_in_trouble import (
    ALERTS,
    TOLD,
    Store,
    change_service,
    context_of,
    waiting,
)
from tests.support.recorder import Recorder
from tests.support.values import plan


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def changes(store: Store, record: Recorder, reader: Aws) -> ChangeService:
    return change_service(context_of(store, record, reader))


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (RunState.REQUESTED, "expire"),
        (RunState.APPROVED, "apply"),
        (RunState.RUNNING, "apply"),
        (RunState.SETTLING, "settle"),
        (RunState.VERIFYING, "verify"),
        (RunState.UNDOING, "undo"),
    ],
)
async def test_a_change_nobody_works_on_is_taken_up(
    changes: ChangeService, store: Store, record: Recorder, state: RunState, step: str
) -> None:
    waiting(store, state)
    await changes.resume()
    ((kind, about),) = record.tasks
    assert kind == "step"
    assert about.split()[:2] == [step, "CHG-1"]


async def test_a_change_somebody_works_on_is_left_alone(
    changes: ChangeService, store: Store, record: Recorder
) -> None:
    waiting(store, RunState.SETTLING)
    record.busy = {"settle CHG-1 7"}
    await changes.resume()
    assert record.tasks == []


@pytest.mark.parametrize("state", [RunState.DONE, RunState.UNDONE, RunState.PROPOSED])
async def test_nothing_is_done_about_a_change_nobody_waits_for(
    changes: ChangeService, store: Store, record: Recorder, state: RunState
) -> None:
    waiting(store, state)
    await changes.resume()
    assert record.tasks == []


async def test_a_change_given_up_says_where_it_stands(
    changes: ChangeService, store: Store, record: Recorder
) -> None:
    waiting(store, RunState.SETTLING)
    await changes.report_failure("settle CHG-1 3", TOLD)
    ((channel, _, text),) = record.posts
    assert channel == ALERTS
    assert "settling" in text
    assert plan().title in text


# --- after a change -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "again"),
    [
        (RunState.DONE, True),
        (RunState.UNDONE, True),
        (RunState.REFUSED, False),
        (RunState.EXPIRED, False),
    ],
)
async def test_after_a_change_or_its_undo_it_is_investigated_again(
    changes: ChangeService, store: Store, record: Recorder, state: RunState, again: bool
) -> None:
    waiting(store, state)
    await changes.step("settle CHG-1 3")
    assert record.tasks == ([("investigate", "INC-1")] if again else [])


async def test_a_closed_incident_is_not_investigated_again(
    changes: ChangeService, store: Store, record: Recorder
) -> None:
    waiting(store, RunState.DONE)
    await store.change_incident("INC-1", state=IncidentState.CLOSED)
    await changes.step("settle CHG-1 3")
    assert record.tasks == []
