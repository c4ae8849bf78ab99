"""Whether a target group had a healthy target."""

from __future__ import annotations

from dataclasses import replace

from playbooks.evidence import targets
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.samples import anomaly_window, balancer, edge, gap, health, scope, series


def test_a_group_that_is_silent_and_was_not_asked_may_be_empty() -> None:
    looked = anomaly_window(edge(), scope())
    two = replace(balancer(own={"503": 180}), healthy={"shop": series(4, 4), "green": TimeSeries()})
    assert targets.without_targets(two, gap(), looked)[0] is None
    assert targets.without_targets(two, health(4), looked)[0] is None  # of "shop" only
    empty = replace(two, healthy={"shop": series(4, 0), "green": TimeSeries()})
    assert targets.without_targets(empty, gap(), looked)[0] is True
