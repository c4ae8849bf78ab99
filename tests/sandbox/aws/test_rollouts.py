"""ECS and CodeDeploy: deployments that roll."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.aws.account import Options
from sandbox.aws.server import AwsServer
from sandbox.world.api import TrailEvent
from sandbox.world.kinds import CodeDeploy, EcsService, Resources
from tests.sandbox.aws.conftest import Client
from tests.sandbox.aws.plain_world import NOW, PlainWorld

SERVICE = "ecs/main/web/task_definition"
REVISION = "codedeploy/checkout/prod/revision"
ALIAS = "lambda/checkout/alias/live"
GROUP = {"applicationName": "checkout", "deploymentGroupName": "prod"}


def described(ecs: Any) -> dict[str, Any]:
    (service,) = ecs.describe_services(cluster="main", services=["web"])["services"]
    found: dict[str, Any] = service
    return found


def shape(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (item["status"], item["taskDefinition"].rpartition("/")[2], item["rolloutState"])
        for item in service["deployments"]
    ]


@pytest.fixture
def ecs(client: Client) -> Any:
    return client("ecs")


def test_a_settled_service_has_one_deployment(ecs: Any) -> None:
    service = described(ecs)
    assert shape(service) == [("PRIMARY", "web:7", "COMPLETED")]
    assert (service["desiredCount"], service["runningCount"]) == (4, 4)
    assert service["loadBalancers"][0]["targetGroupArn"].count(":targetgroup/web-tasks/") == 1


def test_an_update_rolls(ecs: Any, world: PlainWorld) -> None:
    ecs.update_service(cluster="main", service="web", taskDefinition="web:8")
    assert shape(described(ecs)) == [
        ("PRIMARY", "web:8", "IN_PROGRESS"),
        ("ACTIVE", "web:7", "COMPLETED"),
    ]
    world.wait(45)
    counts = [item["runningCount"] for item in described(ecs)["deployments"]]
    assert counts == [2, 2]
    assert world.lever(SERVICE) == "web:7"
    world.wait(60)
    assert shape(described(ecs)) == [("PRIMARY", "web:8", "COMPLETED")]
    assert world.lever(SERVICE) == "web:8"
    newest = ecs.list_service_deployments(cluster="main", service="web")["serviceDeployments"][0]
    assert (newest["status"], newest["createdAt"]) == ("SUCCESSFUL", NOW)


def test_a_rollout_can_be_sent_back(ecs: Any, world: PlainWorld) -> None:
    ecs.update_service(cluster="main", service="web", taskDefinition="web:8")
    world.wait(30)
    (running,) = ecs.list_service_deployments(
        cluster="main", service="web", status=["IN_PROGRESS"]
    )["serviceDeployments"]
    arn = running["serviceDeploymentArn"]
    ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    (found,) = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
    assert found["status"] == "ROLLBACK_IN_PROGRESS"
    assert found["rollback"]["serviceRevisionArn"] == found["sourceServiceRevisions"][0]["arn"]
    world.wait(60)
    (found,) = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
    assert found["status"] == "ROLLBACK_SUCCESSFUL"
    assert shape(described(ecs)) == [("PRIMARY", "web:7", "COMPLETED")]
    assert world.lever(SERVICE) == "web:7"
    with pytest.raises(ecs.exceptions.ConflictException):
        ecs.stop_service_deployment(serviceDeploymentArn=arn)


def scenario_update(world: PlainWorld, minutes: float, takes: float) -> None:
    """The scenario's own change: a trail event, and the lever when it is through."""
    began = NOW - timedelta(minutes=minutes)
    request = {"cluster": "main", "service": "web", "taskDefinition": "web:8"}
    world.events.append(
        TrailEvent(began, "ecs.amazonaws.com", "UpdateService", "dana", (), request)
    )
    world.set_lever(SERVICE, "web:8", began + timedelta(seconds=takes))


def test_a_rollout_of_the_past_is_read_from_the_trail(ecs: Any, world: PlainWorld) -> None:
    scenario_update(world, minutes=10, takes=120)
    newest, first = ecs.list_service_deployments(
        cluster="main", service="web", createdAt={"before": NOW}
    )["serviceDeployments"]
    assert newest["status"] == "SUCCESSFUL"
    assert newest["createdAt"] == NOW - timedelta(minutes=10)
    assert newest["finishedAt"] == NOW - timedelta(minutes=8)
    assert first["createdAt"] < NOW - timedelta(days=13)
    arns = [newest["targetServiceRevisionArn"], first["targetServiceRevisionArn"]]
    revisions = ecs.describe_service_revisions(serviceRevisionArns=arns)["serviceRevisions"]
    names = [item["taskDefinition"].rpartition("/")[2] for item in revisions]
    assert names == ["web:8", "web:7"]


def test_a_forced_rollout_of_the_past_leads_to_the_same_tasks(ecs: Any, world: PlainWorld) -> None:
    request = {"cluster": "main", "service": "web", "forceNewDeployment": True}
    began = NOW - timedelta(minutes=10)
    world.events.append(
        TrailEvent(began, "ecs.amazonaws.com", "UpdateService", "dana", (), request)
    )
    newest, _ = ecs.list_service_deployments(cluster="main", service="web")["serviceDeployments"]
    assert (newest["status"], newest["createdAt"]) == ("SUCCESSFUL", began)
    arn = newest["serviceDeploymentArn"]
    (found,) = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
    target = found["targetServiceRevision"]["arn"]
    assert [each["arn"] for each in found["sourceServiceRevisions"]] == [target]
    assert shape(described(ecs)) == [("PRIMARY", "web:7", "COMPLETED")]


def test_a_rollout_of_the_scenario_that_was_stopped_stays_stopped(
    ecs: Any, world: PlainWorld
) -> None:
    scenario_update(world, minutes=1, takes=180)
    assert shape(described(ecs))[0] == ("PRIMARY", "web:8", "IN_PROGRESS")
    (running,) = ecs.list_service_deployments(
        cluster="main", service="web", status=["IN_PROGRESS"]
    )["serviceDeployments"]
    ecs.stop_service_deployment(serviceDeploymentArn=running["serviceDeploymentArn"])
    world.wait(300)
    assert shape(described(ecs)) == [("PRIMARY", "web:7", "COMPLETED")]
    assert world.lever(SERVICE) == "web:7"


def test_a_rollout_of_the_past_is_over_when_a_caller_undoes_it(ecs: Any, world: PlainWorld) -> None:
    scenario_update(world, minutes=10, takes=120)
    ecs.update_service(cluster="main", service="web", taskDefinition="web:7")
    world.wait(120)
    undone, past, _ = ecs.list_service_deployments(cluster="main", service="web")[
        "serviceDeployments"
    ]
    assert undone["createdAt"] == NOW
    assert (past["status"], past["finishedAt"]) == ("SUCCESSFUL", NOW - timedelta(minutes=8))
    assert world.lever(SERVICE) == "web:7"


def test_desired_count_and_a_new_rollout_of_the_same(ecs: Any, world: PlainWorld) -> None:
    ecs.update_service(cluster="main", service="web", desiredCount=6)
    assert world.lever("ecs/main/web/desired") == 6
    assert shape(described(ecs)) == [("PRIMARY", "web:7", "COMPLETED")]
    ecs.update_service(cluster="main", service="web", forceNewDeployment=True)
    assert [item[0] for item in shape(described(ecs))] == ["PRIMARY", "ACTIVE"]


def test_task_definitions(ecs: Any) -> None:
    found = ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]
    assert found["revision"] == 8
    older = ecs.describe_task_definition(taskDefinition="web:7")["taskDefinition"]
    assert older["containerDefinitions"][0]["image"].endswith("/web:7")
    assert older["registeredAt"] < found["registeredAt"]
    with pytest.raises(ecs.exceptions.ClientException):
        ecs.describe_task_definition(taskDefinition="web:9")


def test_services_that_are_not_there(ecs: Any) -> None:
    answer = ecs.describe_services(cluster="main", services=["none"])
    assert answer["failures"][0]["reason"] == "MISSING"
    with pytest.raises(ecs.exceptions.ServiceNotFoundException):
        ecs.update_service(cluster="main", service="none", desiredCount=1)


# -- CodeDeploy


@pytest.fixture
def codedeploy(client: Client) -> Any:
    return client("codedeploy")


@pytest.fixture
def deployed(world: PlainWorld) -> None:
    """Ten minutes ago the scenario deployed revision 9, which serves since eight minutes ago."""
    world.set_lever(REVISION, "checkout-8.zip", NOW - timedelta(days=30))
    scenario_deployment(world, minutes=10, takes=120)


def scenario_deployment(world: PlainWorld, minutes: float, takes: float) -> None:
    began = NOW - timedelta(minutes=minutes)
    location = {"revisionType": "S3", "s3Location": {"key": "checkout-9.zip"}}
    request = {**GROUP, "description": "retry payments", "revision": location}
    world.events.append(
        TrailEvent(began, "codedeploy.amazonaws.com", "CreateDeployment", "dana", (), request)
    )
    through = began + timedelta(seconds=takes)
    world.set_lever(REVISION, "checkout-9.zip", through)
    world.set_lever(ALIAS, "42", through)


def app_spec(current: str, target: str) -> dict[str, Any]:
    """A revision that moves the alias."""
    properties = {
        "Name": "checkout",
        "Alias": "live",
        "CurrentVersion": current,
        "TargetVersion": target,
    }
    resource = {"checkout": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    content = json.dumps({"version": 0.0, "Resources": [resource]})
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}


def newest(codedeploy: Any) -> dict[str, Any]:
    deployment_id = codedeploy.list_deployments(**GROUP)["deployments"][0]
    return one(codedeploy, deployment_id)


def one(codedeploy: Any, deployment_id: str) -> dict[str, Any]:
    info: dict[str, Any]
    (info,) = codedeploy.batch_get_deployments(deploymentIds=[deployment_id])["deploymentsInfo"]
    return info


@pytest.mark.usefixtures("deployed")
def test_a_deployment_of_the_past_is_read_from_the_trail(codedeploy: Any) -> None:
    info = newest(codedeploy)
    assert (info["status"], info["creator"]) == ("Succeeded", "user")
    assert info["createTime"] == NOW - timedelta(minutes=10)
    assert info["completeTime"] == NOW - timedelta(minutes=8)
    content = json.loads(info["revision"]["string"]["content"])
    properties = content["resources"][0]["checkout"]["properties"]
    assert (properties["currentversion"], properties["targetversion"]) == ("41", "42")
    assert info["previousRevision"]["s3Location"]["key"] == "checkout-8.zip"
    assert info["description"] == "retry payments"
    window = {"start": NOW - timedelta(hours=1), "end": NOW}
    assert codedeploy.list_deployments(createTimeRange=window)["deployments"] == [
        info["deploymentId"]
    ]
    ids = [info["deploymentId"], "d-NONE"]
    (batch,) = codedeploy.batch_get_deployments(deploymentIds=ids)["deploymentsInfo"]
    assert batch == info


@pytest.mark.usefixtures("deployed")
def test_going_back_is_a_new_deployment(codedeploy: Any, world: PlainWorld) -> None:
    before = newest(codedeploy)
    refused = codedeploy.create_deployment(**GROUP, revision=before["previousRevision"])
    info = one(codedeploy, refused["deploymentId"])
    assert (info["status"], world.lever(ALIAS)) == ("Failed", "42")
    assert "(that of then) is not the version" in info["errorInformation"]["message"]
    world.wait(1)
    made = codedeploy.create_deployment(**GROUP, revision=app_spec("42", "41"))
    info = one(codedeploy, made["deploymentId"])
    assert info["status"] == "Created"
    world.wait(30)
    assert newest(codedeploy)["status"] == "InProgress"
    assert world.lever(ALIAS) == "42"
    with pytest.raises(codedeploy.exceptions.DeploymentLimitExceededException):
        codedeploy.create_deployment(**GROUP, revision=app_spec("42", "41"))
    world.wait(60)
    info = newest(codedeploy)
    assert (info["status"], info["deploymentId"]) == ("Succeeded", made["deploymentId"])
    assert info["previousRevision"]["s3Location"]["key"] == "checkout-9.zip"
    assert world.lever(REVISION) == "checkout-8.zip"
    assert world.lever(ALIAS) == "41"
    past = one(codedeploy, before["deploymentId"])
    assert past["completeTime"] == before["completeTime"]
    undo = codedeploy.create_deployment(**GROUP, revision=app_spec("41", "42"))
    world.wait(120)
    assert newest(codedeploy)["deploymentId"] == undo["deploymentId"]
    assert (world.lever(REVISION), world.lever(ALIAS)) == ("checkout-9.zip", "42")


def test_a_deployment_under_way_is_stopped_and_rolled_back(
    codedeploy: Any, world: PlainWorld
) -> None:
    world.set_lever(REVISION, "checkout-8.zip", NOW - timedelta(days=30))
    scenario_deployment(world, minutes=1, takes=180)
    running = newest(codedeploy)
    assert running["status"] == "InProgress"
    codedeploy.stop_deployment(deploymentId=running["deploymentId"], autoRollbackEnabled=True)
    back = newest(codedeploy)
    assert back["creator"] == "codeDeployRollback"
    assert back["rollbackInfo"]["rollbackTriggeringDeploymentId"] == running["deploymentId"]
    stopped = one(codedeploy, running["deploymentId"])
    assert (stopped["status"], stopped["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
    assert stopped["rollbackInfo"]["rollbackDeploymentId"] == back["deploymentId"]
    world.wait(300)  # past the moment at which the scenario's deployment would have come through
    assert newest(codedeploy)["status"] == "Succeeded"
    assert (world.lever(REVISION), world.lever(ALIAS)) == ("checkout-8.zip", "41")
    with pytest.raises(codedeploy.exceptions.DeploymentAlreadyCompletedException):
        codedeploy.stop_deployment(deploymentId=running["deploymentId"])


def test_an_appspec_names_the_version(codedeploy: Any, world: PlainWorld) -> None:
    location = app_spec("41", "40")
    codedeploy.create_deployment(**GROUP, revision=location)
    world.wait(100)
    assert newest(codedeploy)["status"] == "Succeeded"
    assert world.lever(ALIAS) == "40"


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        (
            "list_deployments",
            {"applicationName": "x", "deploymentGroupName": "prod"},
            "ApplicationDoesNotExistException",
        ),
        (
            "list_deployments",
            {"applicationName": "checkout", "deploymentGroupName": "x"},
            "DeploymentGroupDoesNotExistException",
        ),
        ("stop_deployment", {"deploymentId": "d-X"}, "DeploymentDoesNotExistException"),
        (
            "list_deployments",
            {"applicationName": "checkout"},
            "DeploymentGroupNameRequiredException",
        ),
        ("create_deployment", GROUP, "RevisionRequiredException"),
    ],
)
def test_refusals(codedeploy: Any, method: str, params: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(codedeploy, method)(**params)
    assert caught.value.response["Error"]["Code"] == code


@pytest.fixture
def ecs_group() -> Iterator[tuple[PlainWorld, Any]]:
    resources = Resources(
        ecs=(
            EcsService(
                name="web",
                target_group="web",
                serving="web:7",
                task_definitions=("web:7", "web:8"),
            ),
        ),
        codedeploy=(CodeDeploy(application="web", group="prod", ecs_service="web"),),
    )
    world = PlainWorld(resources)
    with AwsServer(world, resources, options=Options(warm=False)) as server:
        yield (
            world,
            boto3.client(
                "codedeploy",
                endpoint_url=server.url,
                region_name="us-east-1",
                aws_access_key_id="alice",
                aws_secret_access_key="secret",
            ),
        )


def test_an_ecs_group_moves_the_task_definition(ecs_group: tuple[PlainWorld, Any]) -> None:
    world, codedeploy = ecs_group
    definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:8"
    properties = {"TaskDefinition": definition}
    content = json.dumps({"Resources": [{"TargetService": {"Properties": properties}}]})
    codedeploy.create_deployment(
        applicationName="web",
        deploymentGroupName="prod",
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
    )
    world.wait(100)
    codedeploy.list_deployments()
    assert world.lever(SERVICE) == "web:8"
