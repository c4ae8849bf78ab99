"""API Gateway, REST and HTTP."""

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
from sandbox.world.kinds import Api, Function, Resources
from tests.sandbox_aws.conftest import RESOURCES, Client
from tests.sandbox_aws.plain_world import NOW, PlainWorld

assert RESOURCES.api is not None
API = RESOURCES.api.api_id
LEVER = "api/checkout/prod/deployment"


@pytest.fixture
def rest(client: Client) -> Any:
    return client("apigateway")


def test_the_stage_names_its_access_log_and_format(rest: Any) -> None:
    (api,) = rest.get_rest_apis()["items"]
    assert (api["id"], api["name"]) == (API, "checkout")
    stage = rest.get_stage(restApiId=API, stageName="prod")
    settings = stage["accessLogSettings"]
    assert settings["destinationArn"].endswith(":log-group:/aws/apigateway/checkout/prod")
    keys = json.loads(settings["format"])
    assert "$context.status" in keys.values()
    assert rest.get_stages(restApiId=API)["item"][0]["deploymentId"] == stage["deploymentId"]


def test_the_integration_carries_the_qualifier(rest: Any) -> None:
    resources = rest.get_resources(restApiId=API, embed=["methods"])["items"]
    proxy = next(item for item in resources if item["path"] == "/{proxy+}")
    embedded = proxy["resourceMethods"]["ANY"]["methodIntegration"]
    method = {"restApiId": API, "resourceId": proxy["id"], "httpMethod": "ANY"}
    integration = rest.get_integration(**method)
    assert integration["uri"].endswith(":function:checkout:live/invocations")
    assert integration["timeoutInMillis"] == 29000
    assert embedded["uri"] == integration["uri"]
    assert rest.get_method(**method)["methodIntegration"]["uri"] == integration["uri"]


def test_a_deployment_of_the_scenario_shows_and_can_be_undone(rest: Any, world: PlainWorld) -> None:
    deployed = NOW - timedelta(minutes=9)
    request = {"createDeploymentInput": {"stageName": "prod", "description": "new routes"}}
    world.events.append(
        TrailEvent(deployed, "apigateway.amazonaws.com", "CreateDeployment", "dana", (), request)
    )
    world.set_lever(LEVER, "d7k2m1", deployed)
    newest, oldest = rest.get_deployments(restApiId=API)["items"]
    assert (newest["id"], newest["description"]) == ("d7k2m1", "new routes")
    assert newest["createdDate"] == deployed
    stage = rest.get_stage(restApiId=API, stageName="prod")
    assert stage["deploymentId"] == "d7k2m1"
    assert stage["lastUpdatedDate"] == deployed
    patch = {"op": "replace", "path": "/deploymentId", "value": oldest["id"]}
    changed = rest.update_stage(restApiId=API, stageName="prod", patchOperations=[patch])
    assert changed["deploymentId"] == oldest["id"] == world.lever(LEVER)
    assert changed["lastUpdatedDate"] == NOW


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ({"op": "replace", "path": "/deploymentId", "value": "none"}, "NotFoundException"),
        ({"op": "replace", "path": "/tracingEnabled", "value": "true"}, "BadRequestException"),
        ({"op": "remove", "path": "/description"}, "BadRequestException"),
    ],
)
def test_refused_patches(rest: Any, patch: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        rest.update_stage(restApiId=API, stageName="prod", patchOperations=[patch])
    assert caught.value.response["Error"]["Code"] == code


def test_throttling_can_be_patched(rest: Any) -> None:
    patch = {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "50"}
    rest.update_stage(restApiId=API, stageName="prod", patchOperations=[patch])
    stage = rest.get_stage(restApiId=API, stageName="prod")
    assert stage["methodSettings"]["*/*"]["throttlingRateLimit"] == 50.0


def test_what_is_not_there(rest: Any) -> None:
    for call in (
        lambda: rest.get_stage(restApiId=API, stageName="none"),
        lambda: rest.get_stages(restApiId="none"),
        lambda: rest.get_integration(restApiId=API, resourceId="none", httpMethod="ANY"),
        lambda: rest.get_deployment(restApiId=API, deploymentId="none"),
    ):
        with pytest.raises(rest.exceptions.NotFoundException):
            call()


@pytest.fixture
def http() -> Iterator[Any]:
    api = Api(name="cart", kind="http", function="cart", log_format={"code": "$context.status"})
    function = Function(name="cart", aliases={"live": "1"})
    resources = Resources(region="eu-west-1", api=api, functions=(function,))
    options = Options(warm=False)
    with AwsServer(PlainWorld(resources), resources, options=options) as server:
        yield boto3.client(
            "apigatewayv2",
            endpoint_url=server.url,
            region_name="eu-west-1",
            aws_access_key_id="alice",
            aws_secret_access_key="secret",
        )


def test_http_api(http: Any) -> None:
    (api,) = http.get_apis()["Items"]
    stage = http.get_stage(ApiId=api["ApiId"], StageName="prod")
    assert json.loads(stage["AccessLogSettings"]["Format"]) == {"code": "$context.status"}
    (integration,) = http.get_integrations(ApiId=api["ApiId"])["Items"]
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:cart"
    assert integration["IntegrationUri"] == arn  # no qualifier: $LATEST
    (deployment,) = http.get_deployments(ApiId=api["ApiId"])["Items"]
    assert deployment["DeploymentId"] == stage["DeploymentId"]
    (route,) = http.get_routes(ApiId=api["ApiId"])["Items"]
    assert route["Target"] == f"integrations/{integration['IntegrationId']}"
    changed = http.update_stage(ApiId=api["ApiId"], StageName="prod", Description="watched")
    assert changed["Description"] == "watched"
    with pytest.raises(http.exceptions.NotFoundException):
        http.get_api(ApiId="none")
