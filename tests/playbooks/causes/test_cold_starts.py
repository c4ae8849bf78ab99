"""Late requests that are cold starts, and those that are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.report import CauseStatus, ClueKind, Verdict
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.samples import (
    NOTHING_SPECIAL,
    ONSET,
    change,
    changes,
    counts,
    edge,
    gap,
    reports,
    scope,
    verdict,
    weighed,
)
from tests.playbooks.samples import reports as report_lines
from tests.playbooks.stories import COLD, OVERLOAD, STORIES


@pytest.mark.parametrize("minutes_before", [1, 5, 10, 30])
@pytest.mark.parametrize("story", ["cold-start-surge", "backend-overload", "concurrency-limit"])
def test_an_innocent_deployment_changes_nothing(story: str, minutes_before: int) -> None:
    evidence = STORIES[story] | {"changes": changes(change(ONSET - minutes_before))}
    assert verdict(evidence) == (Verdict.HIGH, story)
    assert weighed(evidence)["bad-deployment"].status is CauseStatus.REFUTED


def test_cold_starts_that_slowness_brought_are_overload() -> None:
    """Slow calls hold their environments, so more have to start; cold and warm fail alike."""
    evidence = OVERLOAD | {
        "reports": reports(
            cold=(2, 1900),
            warm=(898, 1700),
            missed_cold=400,
            missed_warm=300,
            warm_p50=(180, 6_000),
            warm_p99=(900, 40_000),
        )
    }
    assert verdict(evidence) == (Verdict.HIGH, "backend-overload")
    assert weighed(evidence)["cold-start-surge"].status is CauseStatus.REFUTED


def test_inits_stopped_at_ten_seconds_count_as_cold() -> None:
    """Their REPORT lines have no init duration; only INIT_REPORT tells."""
    evidence = COLD | {
        "reports": reports(
            cold=(2, 20),
            warm=(898, 3580),
            missed_cold=0,
            missed_warm=690,
            hidden_cold=690,
            warm_p99=(900, 31_000),
        )
    }
    found = weighed(evidence)
    assert found["cold-start-surge"].status is CauseStatus.SUPPORTED
    assert found["backend-overload"].status is CauseStatus.REFUTED


def test_an_init_that_became_slower_speaks_against_a_surge() -> None:
    evidence = COLD | {
        "reports": reports(
            cold=(10, 760), warm=(890, 2840), missed_cold=680, missed_warm=10, init=(900, 9_000)
        )
    }
    assert weighed(evidence)["cold-start-surge"].score < weighed(COLD)["cold-start-surge"].score


def test_two_late_requests_say_nothing() -> None:
    evidence = COLD | {
        "edge": edge(requests=(4, 4), errors=(0, 0.2)),
        "reports": reports(cold=(0, 0.2), warm=(4, 3.8), missed_cold=0.2),
    }
    decisive = [c for c in weighed(evidence)["cold-start-surge"].clues if c.kind == "decisive"]
    assert [clue.holds for clue in decisive] == [None]


def test_low_traffic_is_enough_when_it_is_clear() -> None:
    evidence = COLD | {
        "edge": edge(requests=(6, 12), errors=(0, 3)),
        "access": gap("access"),
        "counts": counts(invocations=(6, 12)),
        "reports": reports(cold=(0, 3), warm=(6, 9), missed_cold=3),
    }
    looked = scope(alarm=None)
    assert verdict(evidence, looked) == (Verdict.HIGH, "cold-start-surge")


def test_a_deadline_that_is_assumed_refutes_nothing() -> None:
    """An API set to 5 s, its requests late at 6 s: by AWS's 29 s none of them is."""
    quick = report_lines(cold=(2, 400), warm=(898, 500), assumed=True)
    found = weighed(NOTHING_SPECIAL | {"reports": quick})["cold-start-surge"]
    assert found.status is not CauseStatus.REFUTED
    assert [c.holds for c in found.clues if c.kind is ClueKind.NECESSARY] == [None, None]
    known = replace(quick, deadline_assumed=False)
    found = weighed(NOTHING_SPECIAL | {"reports": known})["cold-start-surge"]
    assert found.status is CauseStatus.REFUTED


def test_silent_metrics_are_not_zero_throttles() -> None:
    silent = replace(
        counts(), invocations=TimeSeries(), throttles=TimeSeries(), errors=TimeSeries()
    )
    clues = weighed(COLD | {"counts": silent})["cold-start-surge"].clues
    (throttles,) = [clue for clue in clues if "throttle" in clue.text]
    assert throttles.holds is None
