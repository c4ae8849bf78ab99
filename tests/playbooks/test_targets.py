"""The incident type of unhealthy targets: each cause told from its rivals, from plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.alarm import Alarm
from bot.domain.playbook_contract import Scope
from bot.domain.report import Cause, Verdict
from bot.domain.resources import LoadBalancerRef, Resources
from bot.domain.run import Answer
from bot.domain.service import Service
from bot.investigation.facts import with_facts
from bot.investigation.verdict import judge, rank
from bot.investigation.weighing import weigh
from playbooks.evidence import levels
from playbooks.evidence.levels import Level
from playbooks.probes.backends import Backend, Backends
from playbooks.probes.balancer import Balancer, Hosts, Target, TargetHealth
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.health_checks import HealthCheck, HealthChecks
from playbooks.probes.instances import Instances
from playbooks.probes.metrics import TimeSeries
from playbooks.targets import SIGNALS, UNHEALTHY, Targets
from tests.playbooks.samples import (
    BEGAN,
    NOW,
    ONSET,
    TARGETS_ONLY,
    balancer,
    change,
    changes,
    gap,
    minute,
    scope,
    series,
)

GROUP = "targetgroup/shop/0123456789abcdef"
ALARM = Alarm(
    name="shop-unhealthy",
    region="us-east-1",
    namespace="AWS/ApplicationELB",
    metric="UnHealthyHostCount",
    dimensions={"LoadBalancer": "app/shop/0123456789abcdef", "TargetGroup": GROUP},
    statistic="Maximum",
    period=60,
    threshold=1,
    comparison="GreaterThanOrEqualToThreshold",
    evaluation_periods=10,
    datapoints_to_alarm=4,
)
SHOP = Service(name="shop", resources=Resources(load_balancers=(LoadBalancerRef(name="shop"),)))
LOOKED = scope(alarm=ALARM, service=SHOP)

HASTY = HealthCheck("shop", 5, 2, 2, 2, path="/ready", codes="200")
CALM = HealthCheck("shop", 30, 5, 2, 2, path="/ready", codes="200")


def hosts(unhealthy: TimeSeries, registered: int = 4) -> Hosts:
    healthy = TimeSeries({at: registered - value for at, value in unhealthy.points.items()})
    return Hosts(healthy, healthy, unhealthy, unhealthy)


def flapping() -> TimeSeries:
    """Up and down every two minutes since the onset."""
    points = dict(series(0, 0).points)
    points |= {minute(m): float((m - ONSET) // 2 % 2 == 0) for m in range(ONSET, NOW)}
    return TimeSeries(points)


def states(reason: str, unhealthy: int = 1, description: str = "") -> TargetHealth:
    found = [
        Target("shop", f"10.0.0.{i}", "us-east-1a", "healthy", None, None)
        for i in range(4 - unhealthy)
    ]
    found += [
        Target("shop", f"10.0.1.{i}", "us-east-1b", "unhealthy", reason, description)
        for i in range(unhealthy)
    ]
    return TargetHealth(("shop",), tuple(found))


def evidence(
    unhealthy: TimeSeries,
    health: TargetHealth,
    check: HealthCheck = HASTY,
    measured: Balancer | None = None,
    **more: object,
) -> dict[str, object]:
    found = measured or balancer()
    found = replace(found, hosts={"shop": hosts(unhealthy)})
    found = replace(found, healthy={"shop": found.hosts["shop"].healthy_most})
    edge = Edge("alb", "shop", found.requests, found.errors, p50=found.p50, p99=found.p99)
    own = {"balancer": found, "health": health, "edge": edge, "instances": None}
    return TARGETS_ONLY | own | {"checks": HealthChecks(shop=check)} | more


def weighed(known: Mapping[str, object], looked: Scope = LOOKED) -> dict[str, Cause]:
    playbook = Targets()
    full: dict[str, Any] = dict.fromkeys(playbook.probes) | dict(known)
    facts = with_facts(playbook, looked, full)
    return {each.id: weigh(playbook, each, looked, facts) for each in playbook.hypotheses}


def verdict(known: Mapping[str, object]) -> tuple[Verdict, str]:
    ranked = rank(tuple(weighed(known).values()))
    return judge(ranked), ranked[0].id


FLAPS = evidence(flapping(), states("Target.Timeout"))
SLOW = balancer(p50=(80, 1_900), p99=(400, 9_000), targets=60)
BUSY = Backends((Backend("ecs", "shop", {"cpu": series(40, 98)}),))
DROWNING = evidence(series(0, 3), states("Target.Timeout", 3), measured=SLOW, tasks=BUSY)
WRONG = evidence(series(0, 4), states("Target.ResponseCodeMismatch", 4, "codes: [404]"))
CUT = evidence(
    series(0, 4),
    states("Target.Timeout", 4),
    measured=balancer(own={"504": 800}, connections=(0, 800)),
)


@pytest.mark.parametrize(
    ("known", "cause"),
    [
        (FLAPS, "health-check-too-aggressive"),
        (DROWNING, "backend-overload"),
        (WRONG, "endpoint-wrong"),
        (CUT, "connection-errors"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_cause_is_found_with_high_confidence(known: dict[str, object], cause: str) -> None:
    assert verdict(known) == (Verdict.HIGH, cause)


@pytest.mark.parametrize(
    "known",
    [
        DROWNING,
        WRONG,
        CUT,
        evidence(flapping(), states("Target.Timeout"), CALM),
        evidence(series(0, 1), states("Target.Timeout")),
        evidence(flapping(), states("Target.Timeout"), measured=balancer(targets=300)),
    ],
    ids=["drowning", "wrong path", "cut off", "patient", "one that stays sick", "answering 5XX"],
)
def test_a_check_is_innocent_where_targets_are_sick_or_have_time(known: dict[str, object]) -> None:
    assert weighed(known)["health-check-too-aggressive"].status != "supported"


def test_an_endpoint_is_innocent_where_users_get_errors_too() -> None:
    sick = evidence(
        series(0, 4), states("Target.ResponseCodeMismatch", 4), measured=balancer(targets=400)
    )
    assert weighed(sick)["endpoint-wrong"].status != "supported"


def test_a_release_is_named_where_it_changed_what_the_check_gets() -> None:
    released = WRONG | {"changes": changes(change(ONSET - 1, "deployment", until=ONSET))}
    found = weighed(released)
    assert found["release-broke-health-check"].status == "supported"
    early = WRONG | {"changes": changes(change(ONSET - 50, "deployment", until=ONSET - 48))}
    assert weighed(early)["release-broke-health-check"].status == "refuted"


def test_new_targets_are_not_sick() -> None:
    new = Target("shop", "10.0.2.1", "us-east-1a", "initial", "Elb.InitialHealthChecking", None)
    health = states("", 0)
    health = replace(health, targets=(*health.targets, new))
    found = weighed(evidence(series(0, 0), health))
    assert found["new-targets-only"].status == "supported"
    assert weighed(FLAPS)["new-targets-only"].status == "refuted"


def test_targets_that_were_taken_out_are_not_sick() -> None:
    stopped = Target("shop", "i-1", "us-east-1a", "unused", "Target.InvalidState", None)
    health = states("", 0)
    health = replace(health, targets=(*health.targets[1:], stopped))
    found = weighed(evidence(series(0, 0), health))
    assert found["targets-stopped"].status == "supported"
    assert weighed(FLAPS)["targets-stopped"].status == "refuted"


@pytest.mark.parametrize(("left", "guilty"), [(1.0, True), (200.0, False)])
def test_instances_without_credits_are_slow(left: float, guilty: bool) -> None:
    one = Target("shop", "i-1", "us-east-1a", "unhealthy", "Target.Timeout", None)
    health = TargetHealth(("shop",), (one,))
    credits = Instances(credits={"i-1": series(240, left)}, cpu={})
    found = weighed(evidence(series(0, 1), health, measured=SLOW, instances=credits))
    assert (found["cpu-credits"].status == "supported") is guilty


@pytest.mark.parametrize("probe", ["balancer", "health", "checks", "edge", "changes"])
@pytest.mark.parametrize("known", [FLAPS, DROWNING, WRONG, CUT])
def test_a_gap_never_names_another_cause(known: dict[str, object], probe: str) -> None:
    expected = verdict(known)[1]
    found, cause = verdict(known | {probe: gap(probe)})
    assert cause == expected or found is not Verdict.HIGH


def test_an_unread_trail_is_no_proof_that_nothing_was_released() -> None:
    unread = WRONG | {"changes": Changes()}
    assert weighed(unread)["release-broke-health-check"].status != "refuted"


# --- the signal -----------------------------------------------------------------------------------


def test_the_alarms_m_of_n_confirms_a_level_that_comes_and_goes() -> None:
    level = Level(UNHEALTHY, flapping(), "shop")
    assert levels.anomaly_window(level, None, LOOKED, "5XX").onset == minute(ONSET)
    strict = ALARM.model_copy(update={"datapoints_to_alarm": 10})
    looked = replace(LOOKED, alarm=strict)
    calm = TimeSeries(flapping().between(minute(-120), minute(0)).points)
    one = TimeSeries(dict(series(0, 0).points) | {minute(-3): 1.0})
    assert levels.anomaly_window(Level(UNHEALTHY, one, "shop"), None, looked, "5XX").onset is None
    assert calm


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        (series(0, 0), Answer.YES),
        (flapping(), Answer.NO),
        (series(0, 0, now=NOW - 8), Answer.INCONCLUSIVE),
    ],
)
def test_it_is_over_after_quiet_minutes_only(values: TimeSeries, answer: Answer) -> None:
    level = Level(UNHEALTHY, values, "shop")
    assert levels.recovery(level, LOOKED, BEGAN).answer is answer


def test_a_bad_minute_just_after_the_change_is_no_failure() -> None:
    soon = TimeSeries(dict(series(0, 0).points) | {minute(2): 1.0})
    found = levels.recovery(Level(UNHEALTHY, soon, "shop"), LOOKED, BEGAN + timedelta(minutes=2))
    assert found.answer is Answer.INCONCLUSIVE


def test_too_few_healthy_targets_are_below_the_alarms_threshold() -> None:
    alarm = ALARM.model_copy(
        update={"metric": "HealthyHostCount", "comparison": "LessThanThreshold", "threshold": 2.0}
    )
    signal = next(each for each in SIGNALS if each.watched_by(alarm))
    limit = signal.limit(alarm)
    assert [limit.reached(value) for value in (1.0, 2.0, 4.0)] == [True, False, False]
