"""Databases, tasks and Lambda's concurrency at their limit."""

from __future__ import annotations

import pytest

from playbooks.evidence import saturation
from playbooks.evidence.saturation import Limit
from playbooks.probes.backends import Backend
from playbooks.probes.functions import Limits
from tests.playbooks.samples import anomaly_window, counts, edge, gap, scope, series

LOOKED = anomaly_window(edge(), scope())  # 180 errors a minute


def full(**metrics: tuple[float, float]) -> tuple[bool | None, str]:
    """Whether a backend with these metrics (usual, abnormal) is at its limit."""
    of_backend = {label.replace("_", " "): series(*each) for label, each in metrics.items()}
    return saturation.saturated(((Backend("rds", "orders", of_backend),),), LOOKED)


def test_more_connections_than_usual_leave_it_open_whether_a_database_is_full() -> None:
    assert full(cpu=(30, 32), connections=(20, 22))[0] is False
    answer, text = full(cpu=(30, 32), connections=(20, 400))
    assert answer is None
    assert "connections to orders 20.0x" in text
    assert full(cpu=(30, 32), connections=(2, 30))[0] is False  # no database is full with 30


def test_tasks_without_memory_are_at_their_limit() -> None:
    assert full(cpu=(30, 32), memory=(60, 97))[0] is True
    assert full(cpu=(30, 32), memory=(92, 95))[0] is False  # it is always so high


@pytest.mark.parametrize(("usual", "now", "answer"), [(30, 95, True), (72, 98, True), (85, 88, 0)])
def test_a_cpu_is_full_when_it_is_high_and_was_not(usual: float, now: float, answer: bool) -> None:
    assert full(cpu=(usual, now))[0] is bool(answer)


@pytest.mark.parametrize(
    ("usual", "now", "answer"), [(0.3, 1.0, False), (4, 90, None), (30, 40, False)]
)
def test_a_latency_is_no_limit_and_below_some_milliseconds_nothing(
    usual: float, now: float, answer: bool | None
) -> None:
    assert full(cpu=(30, 31), read_latency=(usual, now))[0] is answer


def test_throttled_calls_are_a_limit_when_they_are_many() -> None:
    assert full(read_throttles=(0, 100))[0] is True
    assert full(read_throttles=(0, 1))[0] is False


def test_nothing_measured_is_not_nothing_full() -> None:
    assert saturation.saturated((gap(), None), LOOKED)[0] is None


def test_limits_that_were_not_read_were_not_measured() -> None:
    found = saturation.concurrency(counts(), gap(), LOOKED)
    assert (found.limit, found.measured) == (None, False)


def test_a_reservation_is_reached_whatever_the_account_has() -> None:
    limits = Limits(reserved=50, account=1000, unreserved=950)
    found = saturation.concurrency(counts(concurrency=(5, 49), claimed=(60, 90)), limits, LOOKED)
    assert found.limit is Limit.RESERVED
    below = saturation.concurrency(counts(concurrency=(5, 40)), limits, LOOKED)
    assert (below.limit, below.measured) == (None, True)
