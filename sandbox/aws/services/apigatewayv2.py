"""API Gateway v2: HTTP APIs."""

from __future__ import annotations

from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
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


def _stage(call: Call, api: Api) -> dict[str, Any]:
    gateway = call.store(Gateway)
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
        "Description": gateway.description or None,
        "LastUpdatedDate": gateway.last_changed(api),
        "RouteSettings": {},
        "StageName": api.stage,
        "StageVariables": {},
        "Tags": api.tags,
    }


@operation("apigatewayv2", "GetStage")
def get_stage(call: Call, params: Params) -> Reply:
    """The stage, with the access log's format and the deployment it serves."""
    api = _api(call, params)
    call.store(Gateway).check_stage(api, params["StageName"])
    return _stage(call, api)


@operation("apigatewayv2", "GetStages")
def get_stages(call: Call, params: Params) -> Reply:
    """The one stage."""
    return {"Items": [_stage(call, _api(call, params))]}


@operation("apigatewayv2", "UpdateStage")
def update_stage(call: Call, params: Params) -> Reply:
    """Point the stage at another deployment, or describe it."""
    api = _api(call, params)
    gateway = call.store(Gateway)
    gateway.check_stage(api, params["StageName"])
    unknown = params.keys() - {"ApiId", "StageName", "DeploymentId", "Description"}
    if unknown:
        raise AwsError(
            "BadRequestException",
            f"Changing {', '.join(sorted(unknown))} is not supported by this sandbox",
        )
    if "DeploymentId" in params:
        gateway.serve(api, params["DeploymentId"])
    gateway.description = params.get("Description", gateway.description)
    gateway.changed()
    return _stage(call, api)


def _integration(call: Call, api: Api) -> dict[str, Any]:
    function = api.function is not None
    return {
        "ConnectionType": "INTERNET",
        "IntegrationId": code("integration", api.name, length=7),
        "IntegrationMethod": "POST" if function else "ANY",
        "IntegrationType": "AWS_PROXY" if function else "HTTP_PROXY",
        "IntegrationUri": call.store(Gateway).integration_uri(api),
        "PayloadFormatVersion": "2.0" if function else "1.0",
        "TimeoutInMillis": round(api.integration_timeout * 1000),
    }


@operation("apigatewayv2", "GetIntegrations")
def get_integrations(call: Call, params: Params) -> Reply:
    """The one integration; the URI of a function carries its qualifier."""
    return {"Items": [_integration(call, _api(call, params))]}


@operation("apigatewayv2", "GetIntegration")
def get_integration(call: Call, params: Params) -> Reply:
    """One integration."""
    found = _integration(call, _api(call, params))
    if params["IntegrationId"] != found["IntegrationId"]:
        raise AwsError("NotFoundException", "Invalid integration identifier specified")
    return found


@operation("apigatewayv2", "GetRoutes")
def get_routes(call: Call, params: Params) -> Reply:
    """The default route."""
    integration = _integration(call, _api(call, params))["IntegrationId"]
    route = {
        "ApiKeyRequired": False,
        "AuthorizationType": "NONE",
        "RouteId": code("route", params["ApiId"], length=7),
        "RouteKey": "$default",
        "Target": f"integrations/{integration}",
    }
    return {"Items": [route]}


@operation("apigatewayv2", "GetDeployments")
def get_deployments(call: Call, params: Params) -> Reply:
    """The API's deployments, newest first."""
    return {
        "Items": [
            {
                "AutoDeployed": False,
                "CreatedDate": item.created,
                "DeploymentId": item.deployment_id,
                "DeploymentStatus": "DEPLOYED",
                "Description": item.description or None,
            }
            for item in call.store(Gateway).deployments(_api(call, params))
        ]
    }


@operation("apigatewayv2", "GetAuthorizers")
def get_authorizers(call: Call, params: Params) -> Reply:
    """None."""
    _api(call, params)
    return {"Items": []}
