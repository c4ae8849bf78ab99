"""API Gateway v2: HTTP APIs."""

from __future__ import annotations

from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.gateway import Gateway, authorizer_uri, log_format
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


@operation("apigatewayv2", "GetAuthorizers")
def get_authorizers(call: Call, params: Params) -> Reply:
    """The Lambda authorizer, if the API has one."""
    api = _api(call, params)
    if api.authorizer is None:
        return {"Items": []}
    authorizer = {
        "AuthorizerId": code("authorizer", api.name, length=6),
        "AuthorizerPayloadFormatVersion": "2.0",
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": authorizer_uri(call, api.authorizer),
        "AuthorizerResultTtlInSeconds": 300,
        "IdentitySource": ["$request.header.Authorization"],
        "Name": api.authorizer.function,
    }
    return {"Items": [authorizer]}


@operation("apigatewayv2", "GetIntegrations")
def get_integrations(call: Call, params: Params) -> Reply:
    """An integration for each route; the URI of a function carries its qualifier."""
    api = _api(call, params)
    return {"Items": [_integration(call, api, index) for index in range(-1, len(api.routes))]}


def _integration(call: Call, api: Api, index: int) -> dict[str, Any]:
    """The integration of a route, by its index; -1 is the API's own."""
    route = api.routes[index] if index >= 0 else None
    function = (route or api).function is not None
    linked = api.vpc_link is not None and not function
    return {
        "ConnectionType": "VPC_LINK" if linked else "INTERNET",
        "ConnectionId": api.vpc_link if linked else None,
        "IntegrationId": _integration_id(api, index),
        "IntegrationMethod": "POST" if function else "ANY",
        "IntegrationType": "AWS_PROXY" if function else "HTTP_PROXY",
        "IntegrationUri": call.store(Gateway).integration_uri(api, route),
        "PayloadFormatVersion": "2.0" if function else "1.0",
        "TimeoutInMillis": round(api.integration_timeout * 1000),
    }


def _integration_id(api: Api, index: int) -> str:
    return code("integration", api.name, *([index] if index >= 0 else []), length=7)


@operation("apigatewayv2", "GetRoutes")
def get_routes(call: Call, params: Params) -> Reply:
    """The routes with their integrations; $default is the API's own."""
    api = _api(call, params)
    keys = [("$default", -1)]
    keys += [(path, index) for index, route in enumerate(api.routes) for path in route.paths]
    return {
        "Items": [
            {
                "RouteId": code("route", api.name, key, length=7),
                "RouteKey": key,
                "Target": f"integrations/{_integration_id(api, index)}",
                "AuthorizationType": "CUSTOM" if api.authorizer else "NONE",
            }
            for key, index in keys
        ]
    }
