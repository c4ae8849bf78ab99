"""API Gateway v2: HTTP APIs."""

from __future__ import annotations

from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.gateway import Gateway, log_format
from sandbox.aws.names import code
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world.kinds import Api


def _api(call: Call, params: Params) -> Api:
    return call.store(Gateway).api("http", params["ApiId"])


def _described(call: Call, api: Api) -> dict[str, Any]:
    api_id, region = api.api_id, call.account.region
    return {
        "ApiEndpoint": f"https://{api_id}.execute-api.{region}.amazonaws.com",
        "ApiId": api_id,
        "ApiKeySelectionExpression": "$request.header.x-api-key",
        "CreatedDate": call.store(Gateway).created(),
        "DisableExecuteApiEndpoint": False,
        "Name": api.name,
        "ProtocolType": "HTTP",
        "RouteSelectionExpression": "$request.method $request.path",
        "Tags": api.tags,
    }


@operation("apigatewayv2", "GetApis")
def get_apis(call: Call, params: Params) -> Reply:
    """The HTTP APIs."""
    del params
    return {"Items": [_described(call, api) for api in call.store(Gateway).apis("http")]}


@operation("apigatewayv2", "GetApi")
def get_api(call: Call, params: Params) -> Reply:
    """One HTTP API."""
    return _described(call, _api(call, params))


@operation("apigatewayv2", "GetStage")
def get_stage(call: Call, params: Params) -> Reply:
    """The stage, with the access log's format and the deployment it serves."""
    api, gateway = _api(call, params), call.store(Gateway)
    gateway.check_stage(api, params["StageName"])
    return {
        "AccessLogSettings": (
            {"DestinationArn": gateway.log_destination(api), "Format": log_format(api)}
            if api.access_log
            else None
        ),
        "AutoDeploy": False,
        "CreatedDate": gateway.created(),
        "DefaultRouteSettings": {"DetailedMetricsEnabled": True},
        "DeploymentId": gateway.serving(api),
        "LastUpdatedDate": gateway.last_changed(api),
        "RouteSettings": {},
        "StageName": api.stage,
        "StageVariables": {},
        "Tags": api.tags,
    }


@operation("apigatewayv2", "GetIntegrations")
def get_integrations(call: Call, params: Params) -> Reply:
    """The one integration; the URI of a function carries its qualifier."""
    api = _api(call, params)
    function = api.function is not None
    integration = {
        "ConnectionType": "INTERNET",
        "IntegrationId": code("integration", api.name, length=7),
        "IntegrationMethod": "POST" if function else "ANY",
        "IntegrationType": "AWS_PROXY" if function else "HTTP_PROXY",
        "IntegrationUri": call.store(Gateway).integration_uri(api),
        "PayloadFormatVersion": "2.0" if function else "1.0",
        "TimeoutInMillis": round(api.integration_timeout * 1000),
    }
    return {"Items": [integration]}
