"""Slowness is of requests that finished."""

from __future__ import annotations

from dataclasses import replace

from playbooks.evidence.durations import slowness
from tests.playbooks.samples import anomaly_window, balancer, counts, edge, gap, reports, scope

LOOKED = anomaly_window(edge(), scope())
HANGING = counts(p50=(180, 60_000), p99=(900, 60_000))


def test_hanging_requests_do_not_make_the_others_slow() -> None:
    half_hang = reports(timed_warm=450, missed_warm=450, warm_p50=(180, 180))
    found = slowness(half_hang, HANGING, None, LOOKED)
    assert found is not None
    assert (found.what, found.p50) == ("warm", 1.0)


def test_where_none_finished_the_timeout_is_no_duration() -> None:
    all_hang = reports(timed_warm=898, missed_warm=898)
    nothing_finished = replace(
        all_hang,
        rows=tuple(replace(row, p50=None, p99=None) if row.timed else row for row in all_hang.rows),
    )
    assert slowness(nothing_finished, HANGING, None, LOOKED) is None


def test_without_reports_the_durations_must_stay_below_the_timeout() -> None:
    known = replace(HANGING, timeout=60.0)
    assert slowness(gap(), known, None, LOOKED) is None
    slow = replace(counts(p50=(180, 6_000), p99=(900, 40_000)), timeout=60.0)
    found = slowness(gap(), slow, None, LOOKED)
    assert found is not None
    assert found.p99_ms == 40_000
    measured = slowness(gap(), known, balancer(p99=(400, 800)), LOOKED)
    assert measured is not None
    assert measured.what == "target response"
