"""How long finished requests took, and how many errors late ones make up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from playbooks.evidence import durations
from tests.playbooks.samples import anomaly_window, balancer, counts, edge, gap, reports, scope

LOOKED = anomaly_window(edge(), scope())  # 180 of 900 requests a minute fail
HANGING = counts(p50=(180, 60_000), p99=(900, 60_000))


@pytest.mark.parametrize(
    ("ratio", "now", "answer"),
    [(4.0, 40.0, False), (4.0, 400.0, True), (1.2, 5_000.0, False), (None, 400.0, None)],
)
def test_a_duration_rose_when_somebody_waits_for_it(
    ratio: float | None, now: float, answer: bool | None
) -> None:
    assert durations.rose(ratio, now, 2.0) is answer


def test_hanging_requests_do_not_make_the_others_slow() -> None:
    half_hang = reports(timed_warm=450, missed_warm=450, warm_p50=(180, 180))
    found = durations.slowness(half_hang, HANGING, None, LOOKED)
    assert found is not None
    assert (found.what, found.p50) == ("warm requests", 1.0)


def test_where_none_finished_the_timeout_is_no_duration() -> None:
    all_hang = reports(timed_warm=898, missed_warm=898)
    nothing_finished = replace(
        all_hang,
        rows=tuple(replace(row, p50=None, p99=None) if row.timed else row for row in all_hang.rows),
    )
    assert durations.slowness(nothing_finished, HANGING, None, LOOKED) is None


def test_without_reports_the_durations_must_stay_below_the_timeout() -> None:
    known = replace(HANGING, timeout=60.0)
    assert durations.slowness(gap(), known, None, LOOKED) is None
    slow = replace(counts(p50=(180, 6_000), p99=(900, 40_000)), timeout=60.0)
    found = durations.slowness(gap(), slow, None, LOOKED)
    assert found is not None
    assert found.p99_ms == 40_000
    measured = durations.slowness(gap(), known, balancer(p99=(400, 800)), LOOKED)
    assert measured is not None
    assert measured.what == "answers of targets"


def test_slowness_says_whose_it_is() -> None:
    of_function = durations.slowness(reports(), counts(), balancer(), LOOKED)
    of_targets = durations.slowness(None, None, balancer(), LOOKED)
    assert of_function is not None
    assert of_targets is not None
    assert (of_function.of_targets, of_targets.of_targets) == (False, True)


def test_lines_of_failures_only_are_counted_against_all_invocations() -> None:
    kept = reports(cold=(0, 0), warm=(1, 9), timed_warm=9, invocations=(900, 900))
    now, _ = durations.tallies(kept, LOOKED)
    assert durations.invoked(kept, LOOKED, now) == 900 * 15
    assert durations.accounts_for(LOOKED, now.timed_out, now.total) is False
    assert durations.accounts_for(LOOKED, 180 * 15, 900 * 15) is True


def test_late_requests_of_a_function_that_gets_few_explain_few_errors() -> None:
    """30 % of its 60 requests a minute are late; 180 a minute fail."""
    assert durations.explained(LOOKED, 18 * 15, 60 * 15) == pytest.approx(0.1)
    assert durations.explained(LOOKED, 0, 900) == 0.0
    assert durations.explained(LOOKED, 5, 0) is None
