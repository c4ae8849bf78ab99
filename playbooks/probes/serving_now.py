"""What serves requests now, and how much of it keeps serving while a change is made.

The figures for "how many users can this change hurt": tasks that run and the least of them that a
rollout keeps, and healthy targets of the target groups.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.resources import EcsRef
from playbooks.probes.action_reads import tried

_MOST_GROUPS = 5  # target groups that are looked at for one plan


def tasks_kept(service: Mapping[str, Any]) -> str:
    """How many tasks run, and how many of them a rolling update keeps, in a sentence.

    ECS keeps at least minimumHealthyPercent of the desired count, rounded up, and starts up to
    maximumPercent of it, rounded down (Amazon ECS developer guide, "Deployment configuration").

    Args:
        service: one service as DescribeServices returns it.
    """
    said, desired = tasks_running(service), service.get("desiredCount")
    if desired is None or service.get("runningCount") is None:
        return said
    bounds = service.get("deploymentConfiguration", {})
    least, most = bounds.get("minimumHealthyPercent"), bounds.get("maximumPercent")
    if least is None or most is None:
        return f"{said}; how many the rollout keeps is not known"
    kept = math.ceil(desired * least / 100)
    if kept == 0:
        return f"{said}; the rollout may stop all of them at once (minimumHealthyPercent {least})"
    up_to = math.floor(desired * most / 100)
    return f"{said}; the rollout keeps at least {kept} and runs up to {up_to}"


def deployment_keeps(
    aws: Aws, services: Iterable[EcsRef], deployment: Mapping[str, Any]
) -> Iterator[str]:
    """What serves now and what a CodeDeploy deployment does to it, by its platform.

    Args:
        aws: reads the deployment's account.
        services: the ECS services of the service, as the catalogue names them.
        deployment: the group's latest deployment, a DeploymentInfo.
    """
    platform, config = deployment.get("computePlatform"), deployment.get("deploymentConfigName")
    if config:
        yield f"traffic and hosts are moved as {config} says"
    if platform != "ECS":
        return
    for ref in services:
        read = partial(
            aws.read, "ecs", "describe_services", cluster=ref.cluster, services=[ref.service]
        )
        answer = tried(read)
        if isinstance(answer, ReadFailed):
            yield f"how many tasks of {ref.service} run could not be read [{answer}]"
        else:
            yield from map(tasks_running, answer.get("services", []))


def tasks_running(service: Mapping[str, Any]) -> str:
    """How many tasks of an ECS service run, in a sentence."""
    desired, running = service.get("desiredCount"), service.get("runningCount")
    name = service.get("serviceName", "the service")
    if desired is None or running is None:
        return f"how many tasks of {name} run is not known"
    return f"{running} of {desired} tasks of {name} run"


def healthy_targets(aws: Aws, groups: Iterable[str]) -> Iterator[str]:
    """How many targets of each target group are healthy, a sentence for each.

    Args:
        aws: reads the groups' account.
        groups: ARNs of target groups; those beyond five are counted only.
    """
    arns = sorted(groups)
    for arn in arns[:_MOST_GROUPS]:
        name = arn.split(":targetgroup/", 1)[-1].split("/", 1)[0]
        answer = tried(partial(aws.read, "elbv2", "describe_target_health", TargetGroupArn=arn))
        if isinstance(answer, ReadFailed):
            yield f"how many targets of {name} are healthy could not be read [{answer}]"
            continue
        states = [
            str(each["TargetHealth"]["State"])
            for each in answer.get("TargetHealthDescriptions", [])
        ]
        healthy = states.count("healthy")
        yield f"{healthy} of {len(states)} targets of {name} are healthy now"
    if len(arns) > _MOST_GROUPS:
        yield f"{len(arns) - _MOST_GROUPS} more target groups were not looked at"
