"""Load balancing and zonal shift."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.world.api import TargetState
from tests.sandbox.aws.conftest import Client
from tests.sandbox.aws.plain_world import NOW, PlainWorld


@pytest.fixture
def balancers(client: Client) -> Any:
    return client("elbv2")


@pytest.fixture
def group(balancers: Any) -> str:
    (found,) = balancers.describe_target_groups(Names=["web-tasks"])["TargetGroups"]
    return str(found["TargetGroupArn"])


def test_balancer_and_groups_hang_together(balancers: Any, group: str) -> None:
    (balancer,) = balancers.describe_load_balancers(Names=["web"])["LoadBalancers"]
    arn = balancer["LoadBalancerArn"]
    assert arn.split(":loadbalancer/")[1].startswith("app/web/")
    zones = [zone["ZoneName"] for zone in balancer["AvailabilityZones"]]
    assert zones == ["us-east-1a", "us-east-1b", "us-east-1c"]
    groups = balancers.describe_target_groups(LoadBalancerArn=arn)["TargetGroups"]
    assert [item["TargetGroupName"] for item in groups] == ["web-tasks", "admin"]
    assert groups[0]["TargetGroupArn"] == group
    shown = attributes(balancers.describe_load_balancer_attributes(LoadBalancerArn=arn))
    assert shown["zonal_shift.config.enabled"] == "true"


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("describe_load_balancers", {"Names": ["none"]}, "LoadBalancerNotFound"),
        ("describe_target_groups", {"TargetGroupArns": ["arn:none"]}, "TargetGroupNotFound"),
        ("describe_target_health", {"TargetGroupArn": "arn:none"}, "TargetGroupNotFound"),
    ],
)
def test_what_is_not_there(balancers: Any, method: str, params: Any, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(balancers, method)(**params)
    assert caught.value.response["Error"]["Code"] == code


def test_target_health_is_the_worlds(balancers: Any, group: str, world: PlainWorld) -> None:
    world.health["web-tasks"] = [
        TargetState("10.0.0.11", 8080, "us-east-1a"),
        TargetState(
            "10.0.16.12", 8080, "us-east-1b", "unhealthy", "Target.Timeout", "Request timed out"
        ),
    ]
    found = balancers.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [item["TargetHealth"]["State"] for item in found] == ["healthy", "unhealthy"]
    assert found[1]["TargetHealth"]["Reason"] == "Target.Timeout"
    assert found[1]["Target"] == {
        "Id": "10.0.16.12",
        "Port": 8080,
        "AvailabilityZone": "us-east-1b",
    }
    gone = balancers.describe_target_health(TargetGroupArn=group, Targets=[{"Id": "10.0.0.99"}])
    assert gone["TargetHealthDescriptions"][0]["TargetHealth"]["State"] == "unused"


def test_health_check_settings_are_a_lever(balancers: Any, group: str, world: PlainWorld) -> None:
    changed = balancers.modify_target_group(
        TargetGroupArn=group, HealthCheckIntervalSeconds=15, UnhealthyThresholdCount=3
    )["TargetGroups"][0]
    assert changed["HealthCheckIntervalSeconds"] == 15
    assert (changed["HealthCheckTimeoutSeconds"], changed["HealthCheckPath"]) == (5, "/health")
    lever = json.loads(str(world.lever("elb/web-tasks/health_check")))
    assert (lever["interval"], lever["unhealthy_threshold"]) == (15, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"HealthCheckIntervalSeconds": 301},
        {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5},
        {"HealthyThresholdCount": 11},
    ],
)
def test_health_check_settings_have_limits(
    balancers: Any, group: str, world: PlainWorld, change: dict[str, int]
) -> None:
    with pytest.raises(ClientError) as caught:
        balancers.modify_target_group(TargetGroupArn=group, **change)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert world.pulls == []


def attributes(reply: dict[str, Any]) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in reply["Attributes"]}


def test_deregistration_delay_is_a_lever(balancers: Any, group: str, world: PlainWorld) -> None:
    key = "deregistration_delay.timeout_seconds"
    shown = attributes(balancers.describe_target_group_attributes(TargetGroupArn=group))
    assert shown[key] == "300"
    change = [{"Key": key, "Value": "120"}]
    balancers.modify_target_group_attributes(TargetGroupArn=group, Attributes=change)
    assert world.lever("elb/web-tasks/deregistration_delay") == 120
    with pytest.raises(ClientError, match="0-3600"):
        balancers.modify_target_group_attributes(
            TargetGroupArn=group, Attributes=[{"Key": key, "Value": "99999"}]
        )


# -- zonal shift


@pytest.fixture
def shift(client: Client, balancers: Any) -> dict[str, str]:
    arn = balancers.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    return {
        "resourceIdentifier": arn,
        "awayFrom": "use1-az2",
        "expiresIn": "30m",
        "comment": "INC-7",
    }


def test_zones_have_the_ids_zonal_shift_uses(client: Client) -> None:
    zones = client("ec2").describe_availability_zones()["AvailabilityZones"]
    assert {zone["ZoneName"]: zone["ZoneId"] for zone in zones}["us-east-1b"] == "use1-az2"


def test_a_shift_moves_traffic_until_it_is_cancelled(
    client: Client, shift: dict[str, str], world: PlainWorld
) -> None:
    arc = client("arc-zonal-shift")
    started = arc.start_zonal_shift(**shift)
    assert started["status"] == "ACTIVE"
    assert started["expiryTime"] == NOW + timedelta(minutes=30)
    assert world.lever("shift/web") == "use1-az2"
    managed = arc.get_managed_resource(resourceIdentifier=shift["resourceIdentifier"])
    assert managed["appliedWeights"] == {"use1-az1": 1.0, "use1-az2": 0.0, "use1-az3": 1.0}
    with pytest.raises(arc.exceptions.ConflictException) as caught:
        arc.start_zonal_shift(**shift)
    assert caught.value.response["zonalShiftId"] == started["zonalShiftId"]
    cancelled = arc.cancel_zonal_shift(zonalShiftId=started["zonalShiftId"])
    assert cancelled["status"] == "CANCELED"
    assert world.lever("shift/web") is None
    managed = arc.get_managed_resource(resourceIdentifier=shift["resourceIdentifier"])
    assert managed["zonalShifts"] == []


def test_a_shift_expires(client: Client, shift: dict[str, str], world: PlainWorld) -> None:
    arc = client("arc-zonal-shift")
    arc.start_zonal_shift(**shift)
    world.wait(31 * 60)
    managed = arc.get_managed_resource(resourceIdentifier=shift["resourceIdentifier"])
    assert managed["zonalShifts"] == []
    assert world.lever("shift/web") is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"awayFrom": "us-east-1b"}, "ValidationException"),
        ({"expiresIn": "5d"}, "ValidationException"),
        ({"expiresIn": "73h"}, "ValidationException"),
        ({"resourceIdentifier": "arn:aws:elasticloadbalancing:x"}, "ResourceNotFoundException"),
    ],
)
def test_refused_shifts(
    client: Client, shift: dict[str, str], change: dict[str, str], code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        client("arc-zonal-shift").start_zonal_shift(**{**shift, **change})
    assert caught.value.response["Error"]["Code"] == code
