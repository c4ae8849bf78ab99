"""How long finished requests took, and how many errors late ones make up."""

from __future__ import annotations

import pytest

from playbooks.evidence import durations
from tests.playbooks.samples import anomaly_window, balancer, counts, edge, reports, scope

LOOKED = anomaly_window(edge(), scope())  # 180 of 900 requests a minute fail


@pytest.mark.parametrize(
    ("ratio", "now", "answer"),
    [(4.0, 40.0, False), (4.0, 400.0, True), (1.2, 5_000.0, False), (None, 400.0, None)],
)
def test_a_duration_rose_when_somebody_waits_for_it(
    ratio: float | None, now: float, answer: bool | None
) -> None:
    assert durations.rose(ratio, now, 2.0) is answer


def test_the_functions_duration_says_nothing_of_what_finished_while_some_time_out() -> None:
    stuck = counts(p50=(180, 10_000), p99=(900, 10_000), timeout=10)
    assert durations.slowness(None, stuck, None, LOOKED) is None
    slow = durations.slowness(None, counts(p99=(900, 9_000), timeout=10), None, LOOKED)
    assert slow is not None
    assert slow.slower


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
