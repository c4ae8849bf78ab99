"""Target groups and targets."""

from __future__ import annotations

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.resources import LoadBalancerRef
from playbooks.probes import balancer, front_door
from tests.playbooks.aws_stub import Answers


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


def test_health_is_not_asked_of_functions() -> None:
    groups = balancer.groups_of(
        [
            {
                "TargetGroupName": "fn",
                "TargetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/fn/1",
                "TargetType": "lambda",
            }
        ],
        (),
    )
    found = front_door.balancer_id(
        {
            "LoadBalancerArn": "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/shop/9",
            "AvailabilityZones": [{"ZoneName": "us-east-1b"}, {"ZoneName": "us-east-1a"}],
        }
    )
    assert (found.dimension, found.zones) == ("app/shop/9", ("us-east-1a", "us-east-1b"))
    asked = balancer.balancer_metrics(found, groups)
    assert not any(label.startswith("healthy") for label in asked)
    assert asked["503 us-east-1b"].dimensions == {
        "LoadBalancer": "app/shop/9",
        "AvailabilityZone": "us-east-1b",
    }


def found_groups(*wanted: str, number: int = 2) -> tuple[balancer.Group, ...]:
    described = [
        {"TargetGroupName": f"g{i}", "TargetGroupArn": f"arn:x:targetgroup/g{i}/1"}
        for i in range(number)
    ]
    aws = Answers(describe_target_groups={"TargetGroups": described})
    named = front_door.BalancerId("arn", "app/shop/1", ("us-east-1a",))
    return balancer.find_groups(aws, named, LoadBalancerRef(name="shop", target_groups=wanted))


def test_target_groups_that_are_not_there_are_a_failed_read() -> None:
    with pytest.raises(ReadFailed, match=r"none of the target groups .* \(old\); it has g0, g1"):
        found_groups("old")
    assert [group.name for group in found_groups("g1", "old")] == ["g1"]


def test_no_target_group_is_dropped() -> None:
    assert len(found_groups(number=40)) == 40
