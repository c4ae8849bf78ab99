"""What the actions find: metrics, targets, deployments."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from bot.aws.client import AwsAccount
from bot.domain.plan import Step
from sandbox.world.api import MetricId, TargetState, TrailEvent
from tests.playbooks.actions.conftest import RESOURCES
from tests.sandbox.aws.plain_world import PlainWorld


def concurrency(
    world: PlainWorld, function: str = "checkout", peak: float = 70.0, others: float = 100.0
) -> None:
    """20 executions as a rule, 70 for the last ten minutes (or another peak); `others`: what all
    other functions use beside them."""
    metric = MetricId("AWS/Lambda", "ConcurrentExecutions", (("FunctionName", function),))
    world.publish(metric, *[20.0] * 125, *[peak] * 10)
    used = [20.0 + others] * 125 + [peak + others] * 10
    world.publish(MetricId("AWS/Lambda", "UnreservedConcurrentExecutions", ()), *used)
    # what mailer has reserved is claimed as well
    world.publish(MetricId("AWS/Lambda", "ClaimedAccountConcurrency", ()), *[u + 50 for u in used])


def surge_of_calls(world: PlainWorld, usual: float, surge: float) -> None:
    """Calls of checkout a minute, as a rule and for the last ten minutes."""
    metric = MetricId("AWS/Lambda", "Invocations", (("FunctionName", "checkout"),))
    world.publish(metric, *[usual] * 125, *[surge] * 10)


def throttles(world: PlainWorld, others: float = 100.0) -> None:
    """A third of the mailer's calls throttled; `others`: what all other functions use."""
    used = [others] * 60
    world.publish(MetricId("AWS/Lambda", "UnreservedConcurrentExecutions", ()), *used)
    world.publish(MetricId("AWS/Lambda", "Throttles", (("FunctionName", "mailer"),)), 50.0, 50.0)
    world.publish(MetricId("AWS/Lambda", "Invocations", (("FunctionName", "mailer"),)), 100, 100)


def bad_zone(world: PlainWorld, share: float = 0.9) -> None:
    """The 5XX of the last ten minutes, most of them in us-east-1a; four healthy targets each."""
    balancer = RESOURCES.load_balancer
    assert balancer is not None
    dimension = balancer.dimension
    for zone, part in (("us-east-1a", share), ("us-east-1b", 1 - share), ("us-east-1c", 0.0)):
        dimensions = (("AvailabilityZone", zone), ("LoadBalancer", dimension))
        metric = MetricId("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", dimensions)
        world.publish(metric, *[100 * part] * 10)
    requests_by_group(world, tasks=600.0)
    world.health["web-tasks"] = [
        TargetState(f"10.0.{number}.{index}", 8080, zone)
        for number, zone in enumerate(("us-east-1a", "us-east-1b", "us-east-1c"))
        for index in range(4)
    ]


def requests_by_group(world: PlainWorld, **requests: float) -> None:
    """Requests a minute for the last hour: of the whole load balancer, and by target group."""
    balancer = RESOURCES.load_balancer
    assert balancer is not None
    whole = ("LoadBalancer", balancer.dimension)
    counted = {(whole,): sum(requests.values())}
    for group in balancer.target_groups:
        count = requests.get(group.name.removeprefix("web-"), 0.0)
        counted[whole, ("TargetGroup", group.dimension)] = count
    for dimensions, count in counted.items():
        if count:
            world.publish(MetricId("AWS/ApplicationELB", "RequestCount", dimensions), *[count] * 70)


def ecs_rollout(world: PlainWorld, minutes: float = 60.0, *, through: bool = True) -> None:
    """web:8 was rolled out an hour ago; not `through`: it still is under way."""
    at = world.now() - timedelta(minutes=minutes)
    request = {"cluster": "main", "service": "web", "taskDefinition": "web:8"}
    touched = (("AWS::ECS::Service", "web"),)
    world.record(TrailEvent(at, "ecs.amazonaws.com", "UpdateService", "ann", touched, request))
    if through:
        world.set_lever("ecs/main/web/task_definition", "web:8", at + timedelta(seconds=90))


def deployment(world: PlainWorld) -> None:
    """mailer-2 began to be deployed half a minute ago."""
    at = world.now() - timedelta(seconds=30)
    request = {
        "applicationName": "mailer",
        "deploymentGroupName": "prod",
        "revision": {"revisionType": "S3", "s3Location": {"key": "mailer-2"}},
    }
    touched = (("AWS::CodeDeploy::Application", "mailer"),)
    source = "codedeploy.amazonaws.com"
    world.record(TrailEvent(at, source, "CreateDeployment", "ann", touched, request))


def app_spec(current: str, target: str, **spelt: str) -> dict[str, Any]:
    """A revision that moves mailer:live; `spelt`: other spellings of its keys."""
    properties = {
        "Name": "mailer",
        "Alias": "live",
        spelt.get("CurrentVersion", "CurrentVersion"): current,
        spelt.get("TargetVersion", "TargetVersion"): target,
    }
    resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
    content = json.dumps({"version": 0.0, "Resources": [{"mailer": resource}]})
    return {"revisionType": "String", "string": {"content": content}}


def deployed(world: PlainWorld, account: AwsAccount, **spelt: str) -> None:
    """Version 2 of the mailer was deployed, and an hour went by."""
    step = Step(
        service="codedeploy",
        operation="create_deployment",
        params={
            "applicationName": "mailer",
            "deploymentGroupName": "prod",
            "revision": app_spec("1", "2", **spelt),
        },
    )
    by_hand(account, step)
    world.wait(3600)


def by_hand(account: AwsAccount, *steps: Step) -> None:
    """What somebody else does."""
    for step in steps:
        account.writer("us-east-1", session_name="U9.-", steps=()).write(step)


def alias_moves(world: PlainWorld, *versions: str) -> None:
    """The alias checkout:live was set to these, the last one an hour ago."""
    for age, version in enumerate(reversed(versions), start=1):
        request = {"functionName": "checkout", "name": "live", "functionVersion": version}
        touched = (("AWS::Lambda::Function", "checkout"),)
        at = world.now() - timedelta(hours=age)
        name = "UpdateAlias20150331"
        world.record(TrailEvent(at, "lambda.amazonaws.com", name, "ann", touched, request))


def hasty_checks(
    world: PlainWorld,
    *,
    failing: float = 0.0,
    slower: float = 1.0,
    reason: str = "Target.Timeout",
) -> None:
    """One of four tasks is unhealthy; `failing`: 5XX a minute of 600 requests for the last ten
    minutes; `slower`: response times then, as a multiple of the usual."""
    balancer = RESOURCES.load_balancer
    assert balancer is not None
    requests_by_group(world, tasks=600.0)
    group = next(each for each in balancer.target_groups if each.name == "web-tasks")
    of = (("LoadBalancer", balancer.dimension), ("TargetGroup", group.dimension))
    times = MetricId("AWS/ApplicationELB", "TargetResponseTime", of)
    world.publish(times, *[0.1] * 125, *[0.1 * slower] * 10)
    if failing:
        errors = MetricId("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", of)
        world.publish(errors, *[failing] * 10)
    world.health["web-tasks"] = [
        TargetState(
            f"10.0.0.{index}",
            8080,
            "us-east-1a",
            "healthy" if index else "unhealthy",
            None if index else reason,
        )
        for index in range(4)
    ]
    check = json.loads(group.health_check) | {"interval": 5, "timeout": 2}
    world.pull(f"elb/{group.name}/health_check", json.dumps(check))
