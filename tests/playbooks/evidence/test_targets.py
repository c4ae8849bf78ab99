"""Whether a target group had a healthy target."""

from __future__ import annotations

from dataclasses import replace

from playbooks.evidence import targets
from playbooks.probes.balancer import Hosts, Target
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.samples import anomaly_window, balancer, edge, gap, health, scope, series


def test_a_group_that_is_silent_and_was_not_asked_may_be_empty() -> None:
    looked = anomaly_window(edge(), scope())
    two = replace(balancer(own={"503": 180}), healthy={"shop": series(4, 4), "green": TimeSeries()})
    assert targets.without_targets(two, gap(), looked)[0] is None
    assert targets.without_targets(two, health(4), looked)[0] is None  # of "shop" only
    empty = replace(two, healthy={"shop": series(4, 0), "green": TimeSeries()})
    assert targets.without_targets(empty, gap(), looked)[0] is True


def test_a_balancer_that_fails_open_says_so() -> None:
    looked = anomaly_window(edge(), scope())
    none = balancer(targets=900, healthy=(4, 0))
    hosts = {"shop": Hosts(sent_to_unhealthy=series(0, 900))}
    assert targets.failed_open(none, looked) is None
    failing = replace(none, hosts=hosts)
    assert targets.failed_open(failing, looked) == 1.0
    assert targets.without_targets(failing, health(0), looked) == (
        True,
        "shop had 0 healthy targets; 100 % of the requests were sent to unhealthy ones",
    )


def test_targets_that_are_being_replaced_are_not_unhealthy() -> None:
    rollout = replace(
        health(2),
        targets=tuple(
            Target("shop", f"10.0.0.{i}", None, state, None, None)
            for i, state in enumerate(("healthy", "initial", "draining", "unhealthy.draining"))
        ),
    )
    assert targets.unhealthy_now(rollout) == ""
    assert targets.unhealthy_now(health(1, unhealthy=3)) == (
        "3 of 4 targets are unhealthy now (Target.Timeout)"
    )
