"""What the code calls shows that it fails, while exceptions do not say what failed."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.report import CauseStatus, Verdict
from playbooks.probes.backends import Backend, Backends
from playbooks.probes.ecs_services import EcsService
from tests.playbooks.causes.test_dependencies import RAISED
from tests.playbooks.samples import (
    ONSET,
    TARGETS_ONLY,
    balancer,
    change,
    changes,
    edge,
    exceptions,
    minute,
    series,
    verdict,
    weighed,
)


def table(throttled: float) -> Backends:
    return Backends((Backend("dynamodb", "seats", {"read throttles": series(0, throttled)}),))


def database(now: float) -> Backends:
    return Backends(
        (Backend("rds", "db", {"connections": series(20, now), "cpu": series(30, 30)}),)
    )


VAGUE = RAISED | {"exceptions": exceptions("SeatMapMissing", 180)}


def test_a_table_that_throttles_as_many_requests_as_fail() -> None:
    evidence = VAGUE | {"dependencies": table(400)}
    assert verdict(evidence) == (Verdict.MEDIUM, "throttled-dependency")


@pytest.mark.parametrize("dependencies", [table(0), table(1), None])
def test_a_table_that_throttles_few_is_not_named(dependencies: Backends | None) -> None:
    found = weighed(VAGUE | {"dependencies": dependencies})["throttled-dependency"]
    assert found.status is not CauseStatus.SUPPORTED


def test_a_mistake_in_the_code_is_no_throttling() -> None:
    """The exceptions say what failed: the table's throttles are beside it."""
    evidence = RAISED | {"exceptions": exceptions("KeyError", 180), "dependencies": table(400)}
    assert weighed(evidence)["throttled-dependency"].status is CauseStatus.REFUTED


FAILED_OVER = changes(change(ONSET, kind="database"))


def test_a_database_that_failed_over_and_lost_its_connections_without_logs() -> None:
    evidence = TARGETS_ONLY | {
        "edge": edge(errors=(0, 300), kind="alb", name="shop"),
        "balancer": balancer(targets=300),
        "dependencies": database(0),
        "changes": FAILED_OVER,
    }
    assert verdict(evidence) == (Verdict.MEDIUM, "database-behind")
    alone: dict[str, Any] = evidence | {"changes": changes()}
    assert weighed(alone)["database-behind"].status is not CauseStatus.SUPPORTED
    well = evidence | {"dependencies": database(20)}
    assert weighed(well)["database-behind"].status is not CauseStatus.SUPPORTED


def tasks(message: str) -> tuple[EcsService, ...]:
    return (EcsService("shop", 4, 0, ((minute(ONSET), message),)),)


EMPTY = TARGETS_ONLY | {
    "edge": edge(errors=(0, 300), kind="alb", name="shop"),
    "balancer": balancer(own={"503": 300}, healthy=(4, 0)),
    "changes": changes(change(ONSET - 22, kind="secret")),
}
UNABLE = "(service shop) failed to start: ResourceInitializationError: unable to pull secrets or "
CANNOT = f"{UNABLE}registry auth: unable to retrieve secret from asm: AccessDeniedException"
REGISTRY = f"{UNABLE}registry auth: The task cannot pull registry auth from Amazon ECR"


def test_tasks_that_cannot_start_for_a_secret_that_was_changed() -> None:
    evidence = EMPTY | {"ecs_services": tasks(CANNOT)}
    found = weighed(evidence)["configuration-change"]
    assert found.status is CauseStatus.SUPPORTED
    assert "no-healthy-targets" in found.explains
    for other in (tasks("(service shop) has started 1 tasks."), tasks(REGISTRY), None):
        innocent = weighed(EMPTY | {"ecs_services": other})["configuration-change"]
        assert innocent.status is not CauseStatus.SUPPORTED
    unchanged = evidence | {"changes": changes()}
    assert weighed(unchanged)["configuration-change"].status is not CauseStatus.SUPPORTED
