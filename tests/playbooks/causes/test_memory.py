"""Functions and tasks that are killed for their memory, and those that end for other reasons."""

from __future__ import annotations

import pytest

from bot.domain.report import CauseStatus, Verdict
from playbooks.probes.stopped_tasks import StoppedTask, StoppedTasks
from tests.playbooks.causes.test_dependencies import RAISED
from tests.playbooks.samples import (
    ONSET,
    TARGETS_ONLY,
    balancer,
    change,
    changes,
    exceptions,
    gap,
    health,
    minute,
    verdict,
    weighed,
)
from tests.playbooks.stories import DEPLOYED, UNREACHABLE

OOM = "OutOfMemoryError: Container killed due to memory usage"


def stopped(reason: str, number: int = 4, code: int = 137, at: int = ONSET) -> StoppedTasks:
    task = StoppedTask("shop", minute(at), reason, (code,))
    return StoppedTasks((task,) * number)


CRASHING = TARGETS_ONLY | {"balancer": balancer(own={"502": 180}), "health": health(2, 2)}


@pytest.mark.parametrize("name", ["Runtime.OutOfMemory", "signal: killed", "OutOfMemoryError"])
@pytest.mark.parametrize("released", [None, 1, 38])
def test_a_function_that_lambda_killed(name: str, released: int | None) -> None:
    before = [] if released is None else [change(ONSET - released)]
    evidence = RAISED | {"exceptions": exceptions(name, 180), "changes": changes(*before)}
    assert verdict(evidence) == (Verdict.HIGH, "out-of-memory")


def test_a_process_that_ended_is_not_known_to_lack_memory() -> None:
    evidence = RAISED | {"exceptions": exceptions("Runtime.ExitError", 180)}
    assert verdict(evidence)[0] is Verdict.INCONCLUSIVE
    assert weighed(evidence)["out-of-memory"].status is not CauseStatus.REFUTED


def test_a_key_error_is_no_want_of_memory() -> None:
    assert weighed(DEPLOYED)["out-of-memory"].status is CauseStatus.REFUTED


def test_tasks_that_ecs_killed_for_memory() -> None:
    evidence = CRASHING | {"stopped_tasks": stopped(OOM)}
    assert verdict(evidence) == (Verdict.MEDIUM, "out-of-memory")  # the codes are not known


def test_tasks_that_stopped_for_another_reason() -> None:
    scaled = stopped("Scaling activity initiated by deployment ecs-svc/1", code=143)
    assert weighed(CRASHING | {"stopped_tasks": scaled})["out-of-memory"].status is (
        CauseStatus.REFUTED
    )
    ignored_sigterm = stopped("Scaling activity initiated by deployment ecs-svc/1", code=137)
    assert weighed(CRASHING | {"stopped_tasks": ignored_sigterm})["out-of-memory"].status is (
        CauseStatus.REFUTED
    )


def test_one_killed_task_among_many_that_were_replaced() -> None:
    replaced = stopped("Scaling activity initiated by deployment ecs-svc/1", number=9, code=0)
    both = StoppedTasks((*replaced.tasks, *stopped(OOM, number=1).tasks))
    assert weighed(CRASHING | {"stopped_tasks": both})["out-of-memory"].status is not (
        CauseStatus.SUPPORTED
    )


def test_tasks_that_were_killed_long_before_are_no_cause() -> None:
    old = stopped(OOM, at=ONSET - 40)
    assert weighed(CRASHING | {"stopped_tasks": old})["out-of-memory"].status is (
        CauseStatus.REFUTED
    )


def test_stopped_tasks_that_were_not_read_refute_nothing() -> None:
    found = weighed(CRASHING | {"stopped_tasks": gap("stopped_tasks")})["out-of-memory"]
    assert found.status is not CauseStatus.REFUTED
    assert verdict(UNREACHABLE | {"stopped_tasks": gap("stopped_tasks")})[1] == "connection-errors"
