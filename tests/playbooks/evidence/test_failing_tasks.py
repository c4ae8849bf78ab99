"""Tasks that end by themselves since a release."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.plan import Choice
from bot.domain.report import Clue, ClueKind
from playbooks.evidence.changes import Suspect
from playbooks.evidence.failing_tasks import NONE_BESIDE, new_tasks_stop
from playbooks.probes.stopped_tasks import StoppedTask, StoppedTasks
from tests.playbooks.samples import ONSET, anomaly_window, change, edge, gap, minute, scope

LOOKED = anomaly_window(edge(), scope())
OOM = "Essential container in task exited; OutOfMemoryError: killed due to memory usage"


def released(
    suspect: str | None = "shop:42", in_force: float = 1, until: float | None = None
) -> Suspect:
    """`until`: when the rollout ended; None while it goes on."""
    choice = Choice(target="ecs:main/shop", suspect=suspect) if suspect else None
    rollout = change(ONSET - 2, "deployment", until).model_copy(update={"choice": choice})
    return Suspect(rollout, timedelta(minutes=2), timedelta(minutes=in_force))


def task(
    revision: int | None = 42, code: int = 1, at: float = 0, reason: str = "Essential container"
) -> StoppedTask:
    definition = f"shop:{revision}" if revision else ""
    return StoppedTask("shop", minute(at), reason, (code,), definition)


def clues(
    *tasks: StoppedTask, found: Suspect | None = None, traffic: float | None = 1.0
) -> list[Clue]:
    stopped = StoppedTasks(tasks)
    return list(new_tasks_stop(LOOKED, found or released(), stopped, traffic))


def test_tasks_of_the_release_crash_and_no_others() -> None:
    (clue,) = clues(task(), task(at=4, reason="it panicked"))
    assert (clue.kind, clue.holds) == (ClueKind.DECISIVE, True)
    assert clue.text == (
        "2 tasks of shop:42 ended by themselves, 0 of other revisions: it panicked (exit code 1)"
    )


@pytest.mark.parametrize(
    ("until", "missing"),
    [
        (None, ()),  # the rollout goes on: tasks of both revisions run
        (ONSET + 2, ()),
        (ONSET, (NONE_BESIDE,)),
        (ONSET - 1, (NONE_BESIDE,)),  # what ends all tasks ends these
    ],
)
def test_without_tasks_of_another_revision_none_shows_that_they_would_run_on(
    until: float | None, missing: tuple[str, ...]
) -> None:
    (clue,) = clues(task(), task(), found=released(until=until))
    assert (clue.kind, clue.holds) == (ClueKind.DECISIVE, True)
    assert (clue.missing or ()) == missing


def test_one_task_that_stops_is_an_accident() -> None:
    (clue,) = clues(task())
    assert clue.holds is None
    assert clue.text.startswith("whether only tasks of the release end by themselves: 1 task of")


def test_tasks_of_another_revision_crash_as_well() -> None:
    (clue,) = clues(task(), task(), task(41), task(41))
    assert (clue.kind, clue.holds) == (ClueKind.CONTRADICTING, True)
    (clue,) = clues(task(41))
    assert (clue.kind, clue.holds) == (ClueKind.CONTRADICTING, True)
    (clue,) = clues(task(), task(), task(), task(41))
    assert (clue.kind, clue.holds) == (ClueKind.DECISIVE, None)


@pytest.mark.parametrize("code", [0, 137, 143])
def test_what_ecs_stops_did_not_end_by_itself(code: int) -> None:
    assert clues(task(code=code), task(code=code), task(code=code)) == []


@pytest.mark.parametrize(("traffic", "holds"), [(1.0, [True]), (1.5, []), (3.0, []), (None, [])])
def test_with_more_traffic_any_revision_may_run_out_of_memory(
    traffic: float | None, holds: list[bool]
) -> None:
    killed = (task(code=137, reason=OOM), task(code=137, reason=OOM))
    assert [clue.holds for clue in clues(*killed, traffic=traffic)] == holds
    crashed = clues(task(), task(), traffic=traffic)  # whatever the traffic is
    assert [clue.holds for clue in crashed] == [True]


@pytest.mark.parametrize("code", ["ServiceSchedulerInitiated", "UserInitiated"])
def test_what_ecs_stopped_did_not_end_by_itself(code: str) -> None:
    """An application may end with an error of its own when it is asked to stop."""
    stopped = replace(task(), code=code)
    assert clues(stopped, stopped) == []


@pytest.mark.parametrize("at", [ONSET - 3, -60, 14])
def test_tasks_that_stopped_before_the_release_or_long_after_do_not_count(at: float) -> None:
    assert clues(task(at=at), task(at=at)) == []


@pytest.mark.parametrize(
    "found", [released(None), released("42"), released(in_force=6), released("mailer-2")]
)
def test_a_release_of_something_else_or_one_that_served_well(found: Suspect) -> None:
    assert clues(task(), task(), found=found) == []


def test_tasks_of_which_no_definition_is_known_accuse_nobody() -> None:
    assert clues(task(None), task(None)) == []


def test_without_a_release_or_without_reading_the_tasks_nothing_is_said() -> None:
    assert list(new_tasks_stop(LOOKED, None, StoppedTasks((task(), task())), 1.0)) == []
    assert list(new_tasks_stop(LOOKED, released(), gap("stopped_tasks"), 1.0)) == []
    assert list(new_tasks_stop(LOOKED, released(), None, 1.0)) == []


def test_tasks_that_were_not_all_read_are_said_not_to_be() -> None:
    stopped = StoppedTasks((task(), task()), ("100 of 140 stopped tasks were read",))
    (clue,) = new_tasks_stop(LOOKED, released(), stopped, 1.0)
    assert clue.missing == ("100 of 140 stopped tasks were read",)
