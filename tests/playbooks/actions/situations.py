"""What the actions find: metrics, targets, deployments."""

from __future__ import annotations

from datetime import timedelta

from bot.aws.client import AwsAccount
from bot.domain.plan import Step
from sandbox.world.api import MetricId, TargetState, TrailEvent
from tests.playbooks.actions.conftest import RESOURCES
from tests.sandbox.aws.plain_world import PlainWorld


def concurrency(world: PlainWorld, function: str = "checkout", peak: float = 70.0) -> None:
    """20 executions as a rule, 70 for the last ten minutes (or another peak)."""
    metric = MetricId("AWS/Lambda", "ConcurrentExecutions", (("FunctionName", function),))
    world.publish(metric, *[20.0] * 125, *[peak] * 10)


def throttles(world: PlainWorld) -> None:
    """A third of the mailer's calls throttled."""
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
    world.health["web-tasks"] = [
        TargetState(f"10.0.{number}.{index}", 8080, zone)
        for number, zone in enumerate(("us-east-1a", "us-east-1b", "us-east-1c"))
        for index in range(4)
    ]


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


def deployed(world: PlainWorld, account: AwsAccount) -> None:
    """mailer-2 was deployed, and an hour went by."""
    place = {"bucket": "deployments", "key": "mailer-2", "bundleType": "zip"}
    step = Step(
        service="codedeploy",
        operation="create_deployment",
        params={
            "applicationName": "mailer",
            "deploymentGroupName": "prod",
            "revision": {"revisionType": "S3", "s3Location": place},
        },
    )
    by_hand(account, step)
    world.wait(3600)


def by_hand(account: AwsAccount, *steps: Step) -> None:
    """What somebody else does."""
    for step in steps:
        account.writer("us-east-1", who="U9", run="-", steps=()).write(step)


def alias_moves(world: PlainWorld, *versions: str) -> None:
    """The alias checkout:live was set to these, the last one an hour ago."""
    for age, version in enumerate(reversed(versions), start=1):
        request = {"functionName": "checkout", "name": "live", "functionVersion": version}
        touched = (("AWS::Lambda::Function", "checkout"),)
        at = world.now() - timedelta(hours=age)
        name = "UpdateAlias20150331"
        world.record(TrailEvent(at, "lambda.amazonaws.com", name, "ann", touched, request))
