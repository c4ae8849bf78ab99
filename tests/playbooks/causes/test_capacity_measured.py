"""Capacity that is less by its metrics, whoever lowered it, and what only looks so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.report import CauseStatus, Change
from playbooks.causes.capacity import Part, cut_by, measured
from playbooks.evidence.nearest import Before, nearest_of
from playbooks.probes.backends import Backend
from playbooks.probes.balancer import Balancer, Hosts
from playbooks.probes.ecs_services import EcsService
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.samples import (
    ONSET,
    TARGETS_ONLY,
    anomaly_window,
    balancer,
    change,
    changes,
    counts,
    edge,
    gap,
    health,
    minute,
    scope,
    series,
    weighed,
)
from tests.playbooks.stories import COLD

LOOKED = anomaly_window(edge(), scope())
SHOP = EcsService("shop", 2, 2)
BUSY = (Backend("ecs", "shop", {"cpu": series(30, 97)}),)
FEWER = TARGETS_ONLY | {
    "balancer": balancer(own={"504": 180}, healthy=(8, 2), p50=(80, 900), p99=(400, 30_000)),
    "tasks": BUSY,
    "health": health(2),
    "ecs_services": (SHOP,),
}


def targets(usual: float | None, left: float | None, unhealthy: float | None = None) -> Balancer:
    shown = balancer(own={"504": 180}, healthy=(usual, left))
    if unhealthy is None:
        return shown
    return replace(shown, hosts={"shop": Hosts(unhealthy_most=series(0, unhealthy))})


def ecs(count: int) -> tuple[EcsService, ...]:
    """An ECS service that wants and runs so many tasks."""
    return (EcsService("shop", count, count),)


def provisioned(before: float, now: float | None, spilled: float = 100) -> FunctionCounts:
    return replace(
        counts(),
        provisioned=series(before, now),
        spillover=series(0, spilled) if spilled else TimeSeries(),
    )


# --- targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "less"), [(2, True), (6, True), (7, False), (8, False), (9, False)]
)
def test_a_quarter_of_the_targets_is_gone(left: int, less: bool) -> None:
    found = measured(LOOKED, None, targets(8, left), ecs(left))
    assert (found is not None) is less
    if found:
        assert (found.part, found.less) == (Part.TARGETS, True)
        text = f"shop has {left} targets, usually 8, none unhealthy, and shop wants no more"
        assert found.text == text


def test_targets_that_failed_were_not_taken_away() -> None:
    assert measured(LOOKED, None, targets(8, 2, unhealthy=1), ecs(2)) is None
    assert measured(LOOKED, None, targets(8, 2, unhealthy=0), ecs(2)) is not None
    assert measured(LOOKED, None, targets(8, 0), ecs(0)) is None  # none is left: they failed


@pytest.mark.parametrize(
    ("services", "cut"),
    [
        (None, False),  # nothing tells how many are wanted
        ((), False),
        ((SHOP,), True),
        ((EcsService("shop", 8, 2),), False),  # ECS wants more than it can start
        ((EcsService("shop", 2, 1),), False),
        ((EcsService("shop", 1, 2),), False),  # it is about to stop one
        ((EcsService("search", 3, 3),), False),  # these are of other targets
        ((EcsService("search", 3, 2), SHOP), False),  # its targets may be these
        ((EcsService("search", 2, 2), EcsService("shop", 8, 8)), False),  # shop wants them all
        (gap("ecs_services"), False),
    ],
)
def test_ecs_wants_and_runs_as_many_as_there_are(services: Any, cut: bool) -> None:
    assert (measured(LOOKED, None, targets(8, 2), services) is not None) is cut


def test_how_many_there_were_has_to_be_known() -> None:
    assert measured(LOOKED, None, targets(None, 2), ecs(2)) is None
    assert measured(LOOKED, None, targets(8, None), ecs(2)) is None
    assert measured(LOOKED, None, gap("balancer"), ecs(2)) is None
    assert measured(LOOKED, gap("counts"), None, ecs(2)) is None


def test_fewer_targets_that_are_busy_fail_requests_whoever_took_them() -> None:
    assert weighed(FEWER)["capacity-cut"].status is CauseStatus.SUPPORTED


def test_fewer_targets_that_idle_fail_none() -> None:
    idle = FEWER | {
        "balancer": balancer(own={"504": 180}, healthy=(8, 2)),
        "tasks": (Backend("ecs", "shop", {"cpu": series(10, 30)}),),
    }
    assert weighed(idle)["capacity-cut"].status is CauseStatus.REFUTED


def test_tasks_that_ecs_cannot_start_are_no_cut() -> None:
    wanted = FEWER | {"ecs_services": (EcsService("shop", 8, 2),)}
    assert weighed(wanted)["capacity-cut"].status is CauseStatus.REFUTED


# --- provisioned executions -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "spilled", "less"),
    [
        (50, 10, 100, True),
        (50, 25, 100, True),
        (50, 26, 100, False),  # as with less traffic
        (50, 10, 0, False),  # and nothing spilled over
        (0, 0, 100, False),
        (50, None, 100, False),  # not published
    ],
)
def test_provisioned_executions_that_are_gone_make_calls_spill_over(
    before: float, now: float | None, spilled: float, less: bool
) -> None:
    found = measured(LOOKED, provisioned(before, now, spilled), None, None)
    assert (found is not None) is less
    if found:
        assert found.part is Part.PROVISIONED
        assert found.text == f"up to {now} provisioned executions in use, up to {before} before"


def test_provisioned_executions_that_are_gone_bring_cold_starts() -> None:
    less = COLD | {"counts": provisioned(50, 5)}
    found = weighed(less)
    assert found["capacity-cut"].status is CauseStatus.SUPPORTED
    assert "cold-start-surge" in found["capacity-cut"].explains
    as_many = COLD | {"counts": provisioned(50, 50)}
    assert weighed(as_many)["capacity-cut"].status is CauseStatus.REFUTED


# --- a change, beside what ran before it ----------------------------------------------------------


def before(summary: str) -> Before:
    made = change(ONSET - 2, kind="scaling").model_copy(update={"summary": summary})
    found = nearest_of(changes(made), minute(ONSET), frozenset({"scaling"}), minute(60) - minute(0))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("summary", "left", "part", "less"),
    [
        ("DeleteProvisionedConcurrencyConfig checkout:PROD", 8, Part.PROVISIONED, True),
        ("PutProvisionedConcurrencyConfig checkout:PROD provisioned 20", 8, Part.PROVISIONED, True),
        (
            "PutProvisionedConcurrencyConfig checkout:PROD provisioned 80",
            8,
            Part.PROVISIONED,
            False,
        ),
        ("PutProvisionedConcurrencyConfig checkout:PROD", 8, Part.PROVISIONED, None),
        ("PutFunctionConcurrency reserved 5", 8, Part.RESERVED, True),
        ("PutFunctionConcurrency reserved 100", 8, Part.RESERVED, False),
        ("UpdateService to 4 tasks", 4, Part.TARGETS, True),
        ("UpdateService to 4 tasks", 8, Part.TARGETS, None),  # no group is left with so few
        ("UpdateService to 12 tasks", 8, Part.TARGETS, False),
        ("SetDesiredCapacity to 4 instances", 4, Part.TARGETS, True),
        ("PutScalingPolicy", 8, Part.TARGETS, None),
    ],
)
def test_what_a_change_left_is_compared_with_what_ran(
    summary: str, left: float, part: Part, less: bool | None
) -> None:
    found = cut_by(LOOKED, before(summary), provisioned(50, 50), targets(8, left))
    assert (found.part, found.less) == (part, less)


def test_a_number_of_tasks_is_compared_with_the_group_that_is_left_with_it() -> None:
    groups = {"shop": series(8, 4), "search": series(40, 10)}  # search lost the greater part
    both = replace(targets(8, 4), healthy=groups)
    found = cut_by(LOOKED, before("UpdateService to 4 tasks"), None, both)
    assert (found.less, found.text) == (True, "4 wanted, where 8 were healthy")
    found = cut_by(LOOKED, before("UpdateService to 3 tasks"), None, both)
    assert (found.less, found.text) == (None, "3 wanted, where how many were healthy is not known")


def test_without_metrics_a_change_of_capacity_is_not_known_to_be_less() -> None:
    for summary in ("PutProvisionedConcurrencyConfig provisioned 20", "UpdateService to 4 tasks"):
        found = cut_by(LOOKED, before(summary), gap("counts"), gap("balancer"))
        assert found.less is None


# --- changes that CloudTrail does not show yet ----------------------------------------------------


def late(known: Change | None = None, *, read_at: float) -> dict[str, object]:
    return {"changes": replace(changes(*([known] if known else [])), read_at=minute(read_at))}


def test_a_cut_that_cloudtrail_may_not_show_yet_is_not_denied() -> None:
    normal = TARGETS_ONLY | {"balancer": balancer(targets=180)}
    early = weighed(normal | late(read_at=ONSET + 9))["capacity-cut"]
    assert early.status is not CauseStatus.REFUTED
    assert "CloudTrail may be minutes behind" in early.clues[0].text
    assert weighed(normal | late(read_at=ONSET + 15))["capacity-cut"].status is CauseStatus.REFUTED
