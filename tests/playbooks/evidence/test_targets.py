"""Whether a target group had a healthy target, and what the balancer answered itself."""

from __future__ import annotations

from dataclasses import replace

from playbooks.evidence import targets
from playbooks.probes.balancer import Hosts, Target
from playbooks.probes.ecs_services import EcsService
from playbooks.probes.metrics import TimeSeries
from tests.playbooks.samples import (
    anomaly_window,
    balancer,
    edge,
    gap,
    health,
    minute,
    scope,
    series,
)

LOOKED = anomaly_window(edge(), scope())  # 180 errors a minute


def test_a_group_that_is_silent_and_was_not_asked_may_be_empty() -> None:
    two = replace(balancer(own={"503": 180}), healthy={"shop": series(4, 4), "green": TimeSeries()})
    assert targets.without_targets(two, gap(), LOOKED)[0] is None
    assert targets.without_targets(two, health(4), LOOKED)[0] is None  # of "shop" only
    empty = replace(two, healthy={"shop": series(4, 0), "green": TimeSeries()})
    assert targets.without_targets(empty, gap(), LOOKED)[0] is True


def test_what_the_balancer_answers_itself_is_not_told_by_target_group() -> None:
    whole = balancer(own={"503": 90}, targets=90)
    assert targets.answered_itself(whole, LOOKED, "503") == 0.5
    assert targets.answered_itself(replace(whole, groups=("shop",)), LOOKED, "503") is None


def test_of_what_an_api_answered_the_balancer_behind_it_answered_its_part() -> None:
    behind = balancer(own={"503": 9})
    assert targets.answered_itself(behind, LOOKED, "503") == 0.05


def test_a_group_is_emptied_when_it_had_healthy_targets() -> None:
    lost = targets.emptied(balancer(targets=180, healthy=(4, 0)), LOOKED)
    assert lost is not None
    assert (lost.since, lost.share, lost.asked) == (minute(-3), 1.0, True)
    assert not lost.errors_first(LOOKED)
    assert targets.emptied(balancer(targets=180, healthy=(4, 1)), LOOKED) is None
    assert targets.emptied(balancer(targets=180, healthy=(0, 0)), LOOKED) is None


def test_what_came_before_the_targets_were_lost_is_not_theirs() -> None:
    points = dict.fromkeys(series(4, 4).points, 4.0) | {minute(at): 0.0 for at in (9, 10)}
    late = replace(balancer(targets=180), healthy={"shop": TimeSeries(points)})
    lost = targets.emptied(late, LOOKED)
    assert lost is not None
    assert lost.errors_first(LOOKED)
    assert lost.share == 4 / 15  # two minutes without, and two in the finding
    dip = dict.fromkeys(series(4, 4).points, 4.0) | {minute(-1): 0.0}
    lost = targets.emptied(replace(late, healthy={"shop": TimeSeries(dip)}), LOOKED)
    assert lost is not None
    assert lost.share == 2 / 15


def test_a_balancer_that_fails_open_says_so() -> None:
    none = balancer(targets=900, healthy=(4, 0))
    hosts = {"shop": Hosts(sent_to_unhealthy=series(0, 900))}
    assert targets.failed_open(none, LOOKED) is None
    failing = replace(none, hosts=hosts)
    assert targets.failed_open(failing, LOOKED) == 1.0
    assert targets.without_targets(failing, health(0), LOOKED) == (
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


def test_what_ecs_wrote_of_tasks_that_failed() -> None:
    def said(*events: tuple[float, str], name: str = "shop") -> EcsService:
        return EcsService(name, 4, 2, tuple((minute(at), text) for at, text in events))

    unable, steady = "was unable to place a task", "has reached a steady state"
    assert targets.told_by_ecs(LOOKED, (said((1, unable)),)) == f"ECS says: {unable}"
    assert targets.told_by_ecs(LOOKED, (said((1, steady)), said((2, unable)))) == (
        f"ECS says: {unable}"
    )
    shortly_before, long_before = said((-8, unable)), said((-9, unable))
    assert targets.told_by_ecs(LOOKED, (shortly_before,))
    for silent in ((), None, gap(), (said((1, steady)),), (long_before,)):
        assert targets.told_by_ecs(LOOKED, silent) == ""
