"""Capacity that was taken away, and changes of it that took nothing away."""

from __future__ import annotations

import pytest

from bot.domain.report import CauseStatus, Change
from playbooks.probes.backends import Backend
from tests.playbooks.samples import (
    ONSET,
    TARGETS_ONLY,
    balancer,
    change,
    changes,
    counts,
    edge,
    gap,
    health,
    reports,
    series,
    weighed,
)
from tests.playbooks.stories import COLD, DEPLOYED, STORIES, THROTTLED


def scaled(summary: str, before: int = 2) -> Change:
    return change(ONSET - before, kind="scaling").model_copy(update={"summary": summary})


REFUSED = THROTTLED | {
    "edge": edge(errors=(0, 180)),
    "counts": counts(invocations=(900, 720), throttles=(0, 180), concurrency=(20, 5)),
    "changes": changes(scaled("PutFunctionConcurrency reserved 5")),
}


def test_a_reservation_that_was_lowered_brings_throttles() -> None:
    found = weighed(REFUSED)
    assert found["capacity-cut"].status is CauseStatus.SUPPORTED
    assert found["concurrency-limit"].status is CauseStatus.SUPPORTED
    assert "concurrency-limit" in found["capacity-cut"].explains


def test_a_reservation_above_what_ran_took_nothing_away() -> None:
    more = REFUSED | {"changes": changes(scaled("PutFunctionConcurrency reserved 100"))}
    assert weighed(more)["capacity-cut"].status is CauseStatus.REFUTED


def test_provisioned_concurrency_that_was_deleted_brings_cold_starts() -> None:
    removed = COLD | {"changes": changes(scaled("DeleteProvisionedConcurrencyConfig checkout"))}
    assert weighed(removed)["capacity-cut"].status is CauseStatus.SUPPORTED
    warm = removed | {"reports": reports(missed_warm=180, warm_p99=(900, 40_000))}
    assert weighed(warm)["capacity-cut"].status is CauseStatus.REFUTED


def test_fewer_tasks_that_are_at_their_limit() -> None:
    cut = TARGETS_ONLY | {
        "balancer": balancer(own={"504": 180}, healthy=(8, 2), p50=(80, 900), p99=(400, 30_000)),
        "tasks": (Backend("ecs", "shop", {"cpu": series(30, 97)}),),
        "health": health(2),
        "changes": changes(scaled("UpdateService to 2 tasks")),
    }
    assert weighed(cut)["capacity-cut"].status is CauseStatus.SUPPORTED
    idle = cut | {
        "balancer": balancer(own={"504": 180}, healthy=(8, 2)),
        "tasks": (Backend("ecs", "shop", {"cpu": series(10, 30)}),),
    }
    assert weighed(idle)["capacity-cut"].status is CauseStatus.REFUTED
    none_left = cut | {
        "balancer": balancer(own={"503": 180}, healthy=(8, 0), p50=(80, None), p99=(400, None)),
        "changes": changes(scaled("UpdateService to 0 tasks")),
    }
    assert weighed(none_left)["capacity-cut"].status is CauseStatus.SUPPORTED


def test_more_tasks_took_nothing_away() -> None:
    evidence = TARGETS_ONLY | {
        "balancer": balancer(own={"504": 180}, healthy=(8, 8), p50=(80, 900)),
        "changes": changes(scaled("UpdateService to 12 tasks")),
    }
    assert weighed(evidence)["capacity-cut"].status is CauseStatus.REFUTED


@pytest.mark.parametrize("story", STORIES)
def test_without_a_change_of_capacity_none_was_taken_away(story: str) -> None:
    assert weighed(STORIES[story])["capacity-cut"].status is CauseStatus.REFUTED


def test_a_cut_is_innocent_of_exceptions_and_unread_metrics_leave_it_open() -> None:
    cut = {"changes": changes(scaled("PutFunctionConcurrency reserved 5"))}
    assert weighed(DEPLOYED | cut)["capacity-cut"].status is CauseStatus.REFUTED
    unread = weighed(REFUSED | {"counts": gap("counts")})["capacity-cut"]
    assert unread.status is CauseStatus.POSSIBLE
