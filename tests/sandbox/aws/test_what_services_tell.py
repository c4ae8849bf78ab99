"""What services tell of themselves: stopped tasks, service events, RDS events, late CloudTrail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
import pytest

from sandbox.aws.account import Options
from sandbox.aws.server import AwsServer
from sandbox.world.api import Notice, TargetState, TrailEvent
from sandbox.world.kinds import Api, Function, LoadBalancer, Resources, TargetGroup
from sandbox.world.kinds.api import Authorizer, Route
from sandbox.world.kinds.load_balancer import Rule
from tests.sandbox.aws.conftest import Client
from tests.sandbox.aws.plain_world import NOW, PlainWorld

KILLED = {
    "task": "0" * 32,
    "stop_code": "EssentialContainerExited",
    "stopped_reason": "Essential container in task exited",
    "container_reason": "OutOfMemoryError: Container killed due to memory usage",
    "exit_code": "137",
}


def stopped(minutes: float, **details: str) -> Notice:
    at = NOW - timedelta(minutes=minutes)
    told = KILLED | details
    return Notice(at, "ecs-task", "web", told["stopped_reason"], told)


def test_a_task_that_stopped_says_why_for_an_hour(client: Client, world: PlainWorld) -> None:
    world.told = [stopped(2), stopped(70, task="1" * 32)]
    ecs = client("ecs")
    arns = ecs.list_tasks(cluster="main", serviceName="web", desiredStatus="STOPPED")["taskArns"]
    assert [arn.rpartition("/")[2] for arn in arns] == ["0" * 32]
    (task,) = ecs.describe_tasks(cluster="main", tasks=arns)["tasks"]
    assert (task["stopCode"], task["lastStatus"]) == ("EssentialContainerExited", "STOPPED")
    (container,) = task["containers"]
    assert container["exitCode"] == 137
    assert container["reason"].startswith("OutOfMemoryError")


def test_a_task_that_never_ran_has_no_exit_code(client: Client, world: PlainWorld) -> None:
    world.told = [stopped(2, exit_code="", container_reason="", stop_code="TaskFailedToStart")]
    ecs = client("ecs")
    (task,) = ecs.describe_tasks(cluster="main", tasks=["0" * 32])["tasks"]
    assert "exitCode" not in task["containers"][0]
    assert "startedAt" not in task


def test_running_tasks_have_the_address_and_the_revision_of_their_target(
    client: Client, world: PlainWorld
) -> None:
    world.health["web-tasks"] = [
        TargetState(f"10.0.0.{n}", 8080, "us-east-1a", "draining" if n == 4 else "healthy")
        for n in range(1, 5)
    ]
    world.pull("ecs/main/web/rolling", "web:8@0.34")
    ecs = client("ecs")
    arns = ecs.list_tasks(cluster="main", serviceName="web")["taskArns"]
    tasks = ecs.describe_tasks(cluster="main", tasks=arns)["tasks"]
    found = {
        task["attachments"][0]["details"][0]["value"]: task["taskDefinitionArn"].split("/")[-1]
        for task in tasks
    }
    assert found == {"10.0.0.1": "web:8", "10.0.0.2": "web:7", "10.0.0.3": "web:7"}
    digests = {task["containers"][0]["imageDigest"] for task in tasks}
    world.pull("ecs/main/web/image", "other")
    tasks = ecs.describe_tasks(cluster="main", tasks=arns)["tasks"]
    assert not digests & {task["containers"][0]["imageDigest"] for task in tasks}


def test_service_events_are_newest_first(client: Client, world: PlainWorld) -> None:
    said = "(service web) was unable to place a task."
    world.told = [Notice(NOW - timedelta(minutes=1), "ecs", "web", said)]
    (service,) = client("ecs").describe_services(cluster="main", services=["web"])["services"]
    assert service["events"][0]["message"] == said


def test_rds_tells_of_a_failover_in_the_time_that_is_asked(
    client: Client, world: PlainWorld
) -> None:
    world.told = [
        Notice(NOW - timedelta(minutes=m), "rds", "orders", text, {"category": category})
        for m, text, category in (
            (90, "Backing up DB instance", "backup"),
            (3, "Multi-AZ instance failover started.", "failover"),
            (2, "DB instance restarted", "availability"),
        )
    ]
    rds = client("rds")
    found = rds.describe_events(SourceIdentifier="orders", SourceType="db-instance")["Events"]
    assert [event["EventCategories"] for event in found] == [["failover"], ["availability"]]
    assert len(rds.describe_events(Duration=120)["Events"]) == 3
    asked = {"SourceType": "db-instance", "EventCategories": ["failover"]}
    assert len(rds.describe_events(**asked)["Events"]) == 1
    world.pull("rds/orders/state", "failing-over")
    (instance,) = rds.describe_db_instances()["DBInstances"]
    assert instance["DBInstanceStatus"] == "failing-over"


def test_cloudtrail_knows_of_an_event_when_it_is_delivered(
    client: Client, world: PlainWorld
) -> None:
    event = TrailEvent(
        NOW - timedelta(minutes=3),
        "ecs.amazonaws.com",
        "UpdateService",
        "autoscaling",
        invoked_by="ecs.application-autoscaling.amazonaws.com",
        lag=300.0,
    )
    world.events = [event]
    trail = client("cloudtrail")
    assert trail.lookup_events()["Events"] == []
    world.wait(125)
    (found,) = trail.lookup_events()["Events"]
    record = json.loads(found["CloudTrailEvent"])
    assert record["userIdentity"]["invokedBy"] == event.invoked_by
    assert record["awsRegion"] == "us-east-1"


FRONTS = Resources(
    api=Api(
        name="shop",
        function="shop",
        routes=(Route(paths=("POST /pay", "GET /pay"), function="pay", qualifier="live"),),
        authorizer=Authorizer(function="auth"),
    ),
    load_balancer=LoadBalancer(
        name="web",
        target_groups=(TargetGroup(name="blue"), TargetGroup(name="green")),
        rules=(Rule(paths=("GET /old",), forward={"blue": 1}),),
        forward={"blue": 1, "green": 3},
    ),
    functions=(
        Function(name="shop", log_format="json", system_log_level="WARN", logs_to="/shop"),
        Function(name="pay", aliases={"live": "1"}),
        Function(name="auth"),
    ),
)


@dataclass(frozen=True, slots=True)
class Fronts:
    """An account with several ways in, and clients of it."""

    world: PlainWorld
    url: str

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="alice",
            aws_secret_access_key="secret",
        )


@pytest.fixture(scope="module")
def fronts() -> Iterator[Fronts]:
    world = PlainWorld(FRONTS)
    server = AwsServer(world, FRONTS, options=Options(query_seconds=0.0, warm=False))
    with server:
        yield Fronts(world, server.url)


def test_a_listener_shows_its_weights_and_its_rules(fronts: Fronts) -> None:
    elb = fronts.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    (action,) = listener["DefaultActions"]
    weights = [group["Weight"] for group in action["ForwardConfig"]["TargetGroups"]]
    assert weights == [1, 3]
    own, default = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    assert own["Conditions"][0]["PathPatternConfig"]["Values"] == ["/old"]
    assert ":targetgroup/blue/" in own["Actions"][0]["TargetGroupArn"]
    assert (own["IsDefault"], default["IsDefault"]) == (False, True)
    fronts.world.pull("elb/web/forward", json.dumps({"green": 1}))
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert ":targetgroup/green/" in listener["DefaultActions"][0]["TargetGroupArn"]


def test_an_api_shows_its_routes_and_its_authorizer(fronts: Fronts) -> None:
    gateway = fronts.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    items = gateway.get_resources(restApiId=api["id"], embed=["methods"])["items"]
    (route,) = [item for item in items if item["path"] == "/pay"]
    assert {*route["resourceMethods"]} == {"GET", "POST"}
    uri = route["resourceMethods"]["POST"]["methodIntegration"]["uri"]
    assert uri.endswith("function:pay:live/invocations")
    (authorizer,) = gateway.get_authorizers(restApiId=api["id"])["items"]
    assert authorizer["authorizerUri"].endswith("function:auth/invocations")
    assert route["resourceMethods"]["GET"]["authorizerId"] == authorizer["id"]


def test_a_function_says_where_and_at_which_level_it_logs(fronts: Fronts) -> None:
    found = fronts.client("lambda").get_function_configuration(FunctionName="shop")
    logging = found["LoggingConfig"]
    assert (logging["SystemLogLevel"], logging["LogGroup"]) == ("WARN", "/shop")
    before = found["CodeSha256"]
    fronts.world.pull("lambda/shop/code", "c2")
    found = fronts.client("lambda").get_function_configuration(FunctionName="shop")
    assert found["CodeSha256"] != before
