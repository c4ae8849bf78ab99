"""A backend that is slow for all."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.report import CauseStatus, Verdict
from playbooks.probes.backends import Backend
from tests.playbooks.samples import counts, decisive, edge, series, verdict, weighed
from tests.playbooks.samples import reports as report_lines
from tests.playbooks.stories import OVERLOAD, TASKS


def test_tasks_at_their_limit_are_overload() -> None:
    assert verdict(TASKS) == (Verdict.HIGH, "backend-overload")


def test_a_slow_database_is_told_from_a_hanging_dependency() -> None:
    slow = Backend("rds", "orders", {"read latency": series(4, 90), "cpu": series(30, 95)})
    found = weighed(OVERLOAD | {"dependencies": (slow,)})
    assert found["backend-overload"].score > weighed(OVERLOAD)["backend-overload"].score
    assert found["function-timeout"].status is CauseStatus.REFUTED


def test_throttles_that_slowness_brought_are_overload() -> None:
    """Calls that take 30 times as long hold 30 times as many executions."""
    evidence = OVERLOAD | {
        "edge": edge(requests=(900, 3600), errors=(0, 1400)),
        "counts": counts(
            invocations=(900, 2900), throttles=(0, 800), concurrency=(5, 1000), mean=(240, 7_200)
        ),
    }
    assert verdict(evidence) == (Verdict.HIGH, "backend-overload")
    assert weighed(evidence)["concurrency-limit"].status is CauseStatus.REFUTED


def test_slowness_by_an_assumed_deadline_is_not_refuted_either() -> None:
    slow = report_lines(warm_p50=(180, 3_000), warm_p99=(900, 9_000))
    assert decisive(weighed(OVERLOAD | {"reports": slow})["backend-overload"].clues)[0] is False
    assumed = replace(slow, deadline_assumed=True)
    assert decisive(weighed(OVERLOAD | {"reports": assumed})["backend-overload"].clues)[0] is None
