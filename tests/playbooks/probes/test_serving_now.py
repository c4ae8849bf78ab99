"""What serves now, and how much of it a change keeps."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from bot.domain.resources import EcsRef
from playbooks.probes.serving_now import deployment_keeps, healthy_targets, tasks_kept

BLUE = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/blue/73e2d6bc24d8a067"


def service(**bounds: Any) -> dict[str, Any]:
    return {
        "serviceName": "web",
        "desiredCount": 5,
        "runningCount": 4,
        "deploymentConfiguration": bounds,
    }


class Stub:
    """Answers every read with the same reply, or fails."""

    def __init__(self, reply: dict[str, Any] | ReadFailed) -> None:
        self.reply = reply

    def read(self, *_: str, **__: Any) -> dict[str, Any]:
        if isinstance(self.reply, ReadFailed):
            raise self.reply
        return self.reply


@pytest.mark.parametrize(
    ("described", "said"),
    [
        (
            service(minimumHealthyPercent=100, maximumPercent=200),
            "4 of 5 tasks of web run; the rollout keeps at least 5 and runs up to 10",
        ),
        (
            service(minimumHealthyPercent=50, maximumPercent=150),
            "4 of 5 tasks of web run; the rollout keeps at least 3 and runs up to 7",
        ),
        (
            service(minimumHealthyPercent=0, maximumPercent=100),
            "4 of 5 tasks of web run; the rollout may stop all of them at once "
            "(minimumHealthyPercent 0)",
        ),
        (service(), "4 of 5 tasks of web run; how many the rollout keeps is not known"),
        ({"serviceName": "web"}, "how many tasks of web run is not known"),
    ],
)
def test_tasks_that_a_rolling_update_keeps(described: dict[str, Any], said: str) -> None:
    assert tasks_kept(described) == said


def test_healthy_targets_are_counted_by_group() -> None:
    states = ["healthy", "healthy", "unhealthy", "draining"]
    stub: Any = Stub({"TargetHealthDescriptions": [{"TargetHealth": {"State": s}} for s in states]})
    assert list(healthy_targets(stub, [BLUE])) == ["2 of 4 targets of blue are healthy now"]


def test_targets_that_could_not_be_read_are_not_told_as_healthy() -> None:
    stub: Any = Stub(ReadFailed(GapReason.DENIED, "no permission"))
    (said,) = healthy_targets(stub, [BLUE])
    assert said.startswith("how many targets of blue are healthy could not be read")


def test_groups_that_were_not_looked_at_are_named() -> None:
    groups = [BLUE.replace("blue", f"g{number}") for number in range(7)]
    stub: Any = Stub({"TargetHealthDescriptions": []})
    assert list(healthy_targets(stub, groups))[-1] == "2 more target groups were not looked at"


def test_a_deployment_names_its_configuration_and_the_tasks() -> None:
    stub: Any = Stub({"services": [service()]})
    deployment = {"computePlatform": "ECS", "deploymentConfigName": "ECSAllAtOnce"}
    refs = [EcsRef(cluster="main", service="web")]
    assert list(deployment_keeps(stub, refs, deployment)) == [
        "traffic and hosts are moved as ECSAllAtOnce says",
        "4 of 5 tasks of web run",
    ]
