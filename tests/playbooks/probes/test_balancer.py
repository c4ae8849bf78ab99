"""Target groups and targets."""

from __future__ import annotations

import pytest

from bot.domain.alarm import Alarm
from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.report import GapReason
from bot.domain.resources import LoadBalancerRef, Resources
from bot.domain.service import Service
from playbooks.probes import balancer, edge, front_door, target_groups
from tests.playbooks.probes.answers import Published
from tests.playbooks.samples import ALARM, minute, scope


def test_targets_with_their_reasons() -> None:
    (target,) = balancer.targets_of(
        "shop",
        {
            "TargetHealthDescriptions": [
                {
                    "Target": {"Id": "10.0.1.7", "Port": 80, "AvailabilityZone": "us-east-1b"},
                    "HealthCheckPort": "80",
                    "TargetHealth": {
                        "State": "unhealthy",
                        "Reason": "Target.Timeout",
                        "Description": "Request timed out",
                    },
                }
            ]
        },
    )
    assert (target.zone, target.state, target.reason) == (
        "us-east-1b",
        "unhealthy",
        "Target.Timeout",
    )


ARN = "arn:aws:elasticloadbalancing:us-east-1:1:"
FULL = "app/shop/50dc6c495c0c9188"
DENIED = ReadFailed(GapReason.DENIED, "no", "elasticloadbalancing:Describe")


def group(name: str, kind: str = "ip") -> dict[str, str]:
    arn = f"{ARN}targetgroup/{name}/73e2d6bc24d8a067"
    return {"TargetGroupName": name, "TargetGroupArn": arn, "TargetType": kind}


def described(dimension: str = FULL) -> dict[str, object]:
    zones = [{"ZoneName": "us-east-1b"}, {"ZoneName": "us-east-1a"}]
    arn = f"{ARN}loadbalancer/{dimension}"
    return {"LoadBalancers": [{"LoadBalancerArn": arn, "AvailabilityZones": zones}]}


def account(
    metrics: dict[str, dict[float, float]], *groups: dict[str, str], **more: object
) -> Published:
    replies = {
        "describe_load_balancers": described(),
        "describe_target_groups": {"TargetGroups": list(groups)},
    }
    return Published(metrics, **(replies | more))


def shop(*groups: str, name: str = "shop", alarm: Alarm | None = None) -> Scope:
    reference = LoadBalancerRef(name=name, target_groups=groups)
    return scope(alarm, Service(name="s", resources=Resources(load_balancers=(reference,))))


def alarmed(metric: str = "HTTPCode_Target_5XX_Count", **dimensions: str) -> Alarm:
    return ALARM.model_copy(
        update={"namespace": "AWS/ApplicationELB", "metric": metric, "dimensions": dimensions}
    )


def measured(aws: Published, looked: Scope) -> balancer.Balancer:
    found = balancer.BalancerProbe().read(aws, looked)
    assert found is not None
    return found


def test_health_is_not_asked_of_functions() -> None:
    aws = account({}, group("fn", "lambda"), group("web"))
    found = measured(aws, shop())
    asked = {(each["name"], each["dimensions"].get("TargetGroup")) for each in aws.metrics_asked}
    hosts = {tg for name, tg in asked if name == "HealthyHostCount"}
    assert hosts == {"targetgroup/web/73e2d6bc24d8a067"}
    assert (found.lambdas, sorted(found.healthy)) == (("fn",), ["web"])
    zones = {each["dimensions"].get("AvailabilityZone") for each in aws.metrics_asked}
    assert zones == {None, "us-east-1a", "us-east-1b"}


def test_everything_of_a_balancer_is_one_call() -> None:
    aws = account({}, group("a"), group("b"))
    measured(aws, shop())
    assert [name for name, _ in aws.sent].count("cloudwatch.get_metric_data") == 1


def test_none_is_healthy_when_every_node_says_so() -> None:
    """Minimum and Maximum are over the balancer's nodes: one may see no target of its zone."""
    one_node = {"HealthyHostCount Minimum": {0: 0.0}, "HealthyHostCount Maximum": {0: 2.0}}
    found = measured(account(one_node, group("web")), shop())
    assert found.healthy["web"].points == {minute(0): 2.0}
    assert found.hosts["web"].healthy_least.points == {minute(0): 0.0}
    all_nodes = {"HealthyHostCount Minimum": {0: 0.0}, "HealthyHostCount Maximum": {0: 0.0}}
    assert measured(account(all_nodes, group("web")), shop()).healthy["web"].peak() == 0


def test_a_balancer_that_fails_open_sends_to_unhealthy_targets() -> None:
    published = {
        "RequestCount": {0: 900.0, 1: 900.0},
        "UnhealthyRoutingRequestCount": {0: 900.0},
    }
    hosts = measured(account(published, group("web")), shop()).hosts["web"]
    assert hosts.sent_to_unhealthy.points == {minute(0): 900.0, minute(1): 0.0}
    silent = measured(account({}, group("web")), shop()).hosts["web"]
    assert not silent.sent_to_unhealthy


def test_a_denied_description_does_not_blank_metrics_that_the_alarm_names() -> None:
    published = {"RequestCount": {0: 900.0}, "HealthyHostCount Maximum": {0: 2.0}}
    alarm = alarmed(LoadBalancer=FULL, TargetGroup="targetgroup/web/73e2d6bc24d8a067")
    aws = account(published, describe_load_balancers=DENIED, describe_target_groups=DENIED)
    found = measured(aws, shop(alarm=alarm))
    assert found.requests.total() == 900
    assert found.healthy["web"].peak() == 2
    assert not found.coverage.complete
    assert "zones and target groups of shop were not read" in found.coverage.missing[0]


def test_a_denied_description_of_a_balancer_nobody_names_is_a_failed_read() -> None:
    aws = account({}, describe_load_balancers=DENIED)
    with pytest.raises(ReadFailed) as failed:
        balancer.BalancerProbe().read(aws, shop())
    assert failed.value is DENIED


def test_target_groups_that_may_not_be_described_are_told() -> None:
    found = measured(account({}, describe_target_groups=DENIED), shop("web"))
    assert found.healthy == {}
    assert any("target groups of shop were not read" in text for text in found.coverage.missing)
    whole = measured(account({"RequestCount": {0: 1.0}}, group("web")), shop("web"))
    assert whole.coverage.complete


def test_a_shared_balancer_is_measured_by_the_services_target_groups() -> None:
    web, pay = "targetgroup/web/73e2d6bc24d8a067", "targetgroup/pay/73e2d6bc24d8a067"
    published: dict[str, dict[float, float]] = {
        f"RequestCount {web}": {0: 100.0},
        f"HTTPCode_Target_5XX_Count {web}": {0: 1.0},
        f"RequestCount {pay}": {0: 900.0},
        f"HTTPCode_Target_5XX_Count {pay}": {0: 400.0},
        "RequestCount": {0: 1000.0},
        "HTTPCode_Target_5XX_Count": {0: 401.0},
        "HTTPCode_ELB_5XX_Count": {0: 300.0},
    }
    both = (group("web"), group("pay"))
    found = measured(account(published, *both), shop("web"))
    assert (found.requests.total(), found.errors.total(), found.groups) == (100, 1, ("web",))
    assert "AWS does not tell it by target group" in found.coverage.missing[0]
    front = edge.EdgeProbe().read(account(published, *both), shop("web"))
    assert front is not None
    assert (front.requests.total(), front.errors.total(), front.groups) == (100, 1, ("web",))
    alone = measured(account(published, *both), shop("web", "pay"))
    assert (alone.errors.total(), alone.groups) == (701, ())
    assert alone.coverage.complete
    about_pay = alarmed(LoadBalancer=FULL, TargetGroup=pay)
    assert measured(account(published, *both), shop(alarm=about_pay)).errors.total() == 400


def test_what_a_shared_balancer_answers_itself_is_everybodys_and_that_is_said() -> None:
    published: dict[str, dict[float, float]] = {
        "RequestCount": {0: 1000.0},
        "HTTPCode_ELB_5XX_Count": {0: 300.0},
    }
    about = alarmed("HTTPCode_ELB_5XX_Count", LoadBalancer=FULL)
    front = edge.EdgeProbe().read(
        account(published, group("web"), group("pay")), shop("web", alarm=about)
    )
    assert front is not None
    assert (front.errors.total(), front.groups) == (300, ())
    assert front.coverage.missing == (
        "shop also serves pay: what it answers itself is counted for all of them",
    )


def test_a_network_balancer_has_hosts_and_no_requests() -> None:
    aws = account(
        {"HealthyHostCount Maximum": {0: 2.0}},
        group("web"),
        describe_load_balancers=described("net/shop/1"),
    )
    found = measured(aws, shop())
    assert found.healthy["web"].peak() == 2
    assert {each["namespace"] for each in aws.metrics_asked} == {"AWS/NetworkELB"}
    assert not found.coverage.complete
    with pytest.raises(ReadFailed, match="Network Load Balancer"):
        edge.EdgeProbe().read(account({}), shop(name="net/shop/1"))


@pytest.mark.parametrize(
    ("state", "unhealthy"),
    [
        ("unhealthy", True),
        ("healthy", False),
        ("initial", False),
        ("draining", False),
        ("unhealthy.draining", False),
        ("unused", False),
        ("unavailable", False),
    ],
)
def test_only_a_failed_health_check_is_unhealthy(state: str, unhealthy: bool) -> None:
    found = balancer.Target("web", "10.0.0.1", None, state, None, None)
    assert found.unhealthy is unhealthy


def found_groups(*wanted: str, number: int = 2) -> tuple[target_groups.Group, ...]:
    aws = account({}, *(group(f"g{i}") for i in range(number)))
    named = front_door.BalancerId("arn", "app/shop/1", ("us-east-1a",))
    return target_groups.find_groups(aws, named, LoadBalancerRef(name="shop", target_groups=wanted))


def test_target_groups_that_are_not_there_are_a_failed_read() -> None:
    with pytest.raises(ReadFailed, match=r"none of the target groups .* \(old\); it has g0, g1"):
        found_groups("old")
    assert [each.name for each in found_groups("g1", "old")] == ["g1"]


def test_no_target_group_is_dropped() -> None:
    assert len(found_groups(number=40)) == 40


def test_target_groups_whose_targets_were_not_asked_are_told() -> None:
    target = {"Target": {"Id": "10.0.0.1"}, "TargetHealth": {"State": "healthy"}}
    health = {"TargetHealthDescriptions": [target]}
    many = account({}, *(group(f"g{i}") for i in range(11)), describe_target_health=health)
    found = balancer.TargetHealthProbe().read(many, shop())
    assert found is not None
    assert len(found.targets) == 10
    assert found.coverage.missing == ("the targets of g10 were not read",)
    few = account({}, group("g0"), describe_target_health=health)
    all_read = balancer.TargetHealthProbe().read(few, shop())
    assert all_read is not None
    assert all_read.coverage.complete


def test_targets_are_read_by_the_catalogues_names_where_the_balancer_is_denied() -> None:
    target = {"Target": {"Id": "10.0.0.1"}, "TargetHealth": {"State": "healthy"}}
    aws = account(
        {},
        group("web"),
        describe_load_balancers=DENIED,
        describe_target_health={"TargetHealthDescriptions": [target]},
    )
    found = balancer.TargetHealthProbe().read(aws, shop("web"))
    assert found is not None
    assert found.groups == ("web",)
    with pytest.raises(ReadFailed):
        balancer.TargetHealthProbe().read(aws, shop())
