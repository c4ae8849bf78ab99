"""API Gateway, REST and HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from sandbox.aws.account import Options
from sandbox.aws.server import AwsServer
from sandbox.world.api import TrailEvent
from sandbox.world.kinds import Api, Function, Resources
from tests.sandbox.aws.conftest import RESOURCES, Client
from tests.sandbox.aws.plain_world import NOW, PlainWorld

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


def test_the_integration_carries_the_qualifier(rest: Any) -> None:
    resources = rest.get_resources(restApiId=API, embed=["methods"])["items"]
    proxy = next(item for item in resources if item["path"] == "/{proxy+}")
    integration = proxy["resourceMethods"]["ANY"]["methodIntegration"]
    assert integration["uri"].endswith(":function:checkout:live/invocations")
    assert integration["timeoutInMillis"] == 29000


def test_the_stage_serves_the_deployment_of_the_scenario(rest: Any, world: PlainWorld) -> None:
    deployed = NOW - timedelta(minutes=9)
    request = {"createDeploymentInput": {"stageName": "prod", "description": "new routes"}}
    world.events.append(
        TrailEvent(deployed, "apigateway.amazonaws.com", "CreateDeployment", "dana", (), request)
    )
    world.set_lever(LEVER, "d7k2m1", deployed)
    stage = rest.get_stage(restApiId=API, stageName="prod")
    assert stage["deploymentId"] == "d7k2m1"
    assert stage["lastUpdatedDate"] == deployed


def test_what_is_not_there(rest: Any) -> None:
    for call in (
        lambda: rest.get_stage(restApiId=API, stageName="none"),
        lambda: rest.get_resources(restApiId="none"),
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
    with pytest.raises(http.exceptions.NotFoundException):
        http.get_api(ApiId="none")
