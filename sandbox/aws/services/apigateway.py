"""API Gateway: REST APIs."""

from __future__ import annotations

from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
from sandbox.aws.gateway import Gateway, Snapshot, log_format
from sandbox.aws.names import code
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world.kinds import Api


def _api(call: Call, params: Params) -> Api:
    return call.store(Gateway).api("rest", params["restApiId"])


def _described(call: Call, api: Api) -> dict[str, Any]:
    return {
        "id": api.api_id,
        "name": api.name,
        "createdDate": call.store(Gateway).created(),
        "apiKeySource": "HEADER",
        "endpointConfiguration": {"types": ["REGIONAL"]},
        "tags": api.tags or None,
        "disableExecuteApiEndpoint": False,
        "rootResourceId": code("root", api.name, length=10),
    }


@operation("apigateway", "GetRestApis")
def get_rest_apis(call: Call, params: Params) -> Reply:
    """The REST APIs."""
    found = [_described(call, api) for api in call.store(Gateway).apis("rest")]
    shown, position = page(found, params.get("position"), params.get("limit", 25))
    return {"items": shown, "position": position}


@operation("apigateway", "GetRestApi")
def get_rest_api(call: Call, params: Params) -> Reply:
    """One REST API."""
    return _described(call, _api(call, params))


def _stage(call: Call, api: Api) -> dict[str, Any]:
    gateway = call.store(Gateway)
    settings: dict[str, Any] = {
        "metricsEnabled": True,
        "loggingLevel": gateway.logging_level,
        "dataTraceEnabled": False,
        "throttlingBurstLimit": int(gateway.throttling.get("burst", 5000)),
        "throttlingRateLimit": gateway.throttling.get("rate", 10_000.0),
        "cachingEnabled": False,
    }
    return {
        "deploymentId": gateway.serving(api),
        "stageName": api.stage,
        "description": gateway.description or None,
        "cacheClusterEnabled": False,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": {"*/*": settings},
        "accessLogSettings": (
            {"destinationArn": gateway.log_destination(api), "format": log_format(api)}
            if api.access_log
            else None
        ),
        "tracingEnabled": False,
        "tags": api.tags or None,
        "createdDate": gateway.created(),
        "lastUpdatedDate": gateway.last_changed(api),
    }


@operation("apigateway", "GetStage")
def get_stage(call: Call, params: Params) -> Reply:
    """The stage, with the access log's format and the deployment it serves."""
    api = _api(call, params)
    call.store(Gateway).check_stage(api, params["stageName"])
    return _stage(call, api)


@operation("apigateway", "GetStages")
def get_stages(call: Call, params: Params) -> Reply:
    """The one stage."""
    stage = _stage(call, _api(call, params))
    asked = params.get("deploymentId") or stage["deploymentId"]
    return {"item": [stage] if asked == stage["deploymentId"] else []}


@operation("apigateway", "UpdateStage")
def update_stage(call: Call, params: Params) -> Reply:
    """Point the stage at another deployment, or change its throttling, logging or description."""
    api = _api(call, params)
    gateway = call.store(Gateway)
    gateway.check_stage(api, params["stageName"])
    for patch in params.get("patchOperations", []):
        path, value = patch.get("path", ""), patch.get("value", "")
        if patch.get("op") != "replace":
            raise AwsError("BadRequestException", f"Invalid patch operation {patch.get('op')}")
        if path == "/deploymentId":
            gateway.serve(api, value)
        elif path == "/description":
            gateway.description = value
        elif path == "/*/*/throttling/rateLimit":
            gateway.throttling["rate"] = float(value)
        elif path == "/*/*/throttling/burstLimit":
            gateway.throttling["burst"] = float(value)
        elif path == "/*/*/logging/loglevel":
            gateway.logging_level = value
        else:
            raise AwsError(
                "BadRequestException", f"Patching {path} is not supported by this sandbox"
            )
    gateway.changed()
    return _stage(call, api)


def _integration(call: Call, api: Api) -> dict[str, Any]:
    lambda_proxy = api.function is not None
    return {
        "type": "AWS_PROXY" if lambda_proxy else "HTTP_PROXY",
        "httpMethod": "POST" if lambda_proxy else "ANY",
        "uri": call.store(Gateway).integration_uri(api),
        "connectionType": "INTERNET",
        "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": round(api.integration_timeout * 1000),
        "cacheNamespace": code("proxy", api.name),
        "cacheKeyParameters": [],
    }


def _method(call: Call, api: Api) -> dict[str, Any]:
    return {
        "httpMethod": "ANY",
        "authorizationType": "NONE",
        "apiKeyRequired": False,
        "methodIntegration": _integration(call, api),
    }


def _check_method(api: Api, params: Params) -> None:
    if params["resourceId"] != code("proxy", api.name):
        raise AwsError("NotFoundException", "Invalid Resource identifier specified")
    if params["httpMethod"] != "ANY":
        raise AwsError("NotFoundException", "Invalid Method identifier specified")


@operation("apigateway", "GetResources")
def get_resources(call: Call, params: Params) -> Reply:
    """The root and a greedy proxy resource; with embed=methods also their integrations."""
    api = _api(call, params)
    root = code("root", api.name, length=10)
    method = _method(call, api) if "methods" in params.get("embed", []) else {}
    found = [
        {"id": root, "path": "/"},
        {
            "id": code("proxy", api.name),
            "parentId": root,
            "pathPart": "{proxy+}",
            "path": "/{proxy+}",
            "resourceMethods": {"ANY": method},
        },
    ]
    shown, position = page(found, params.get("position"), params.get("limit") or 25)
    return {"items": shown, "position": position}


@operation("apigateway", "GetMethod")
def get_method(call: Call, params: Params) -> Reply:
    """The proxy resource's one method, ANY."""
    api = _api(call, params)
    _check_method(api, params)
    return _method(call, api)


@operation("apigateway", "GetIntegration")
def get_integration(call: Call, params: Params) -> Reply:
    """What the API calls; the URI of a function carries its qualifier."""
    api = _api(call, params)
    _check_method(api, params)
    return _integration(call, api)


def _deployment(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "id": snapshot.deployment_id,
        "description": snapshot.description or None,
        "createdDate": snapshot.created,
    }


@operation("apigateway", "GetDeployments")
def get_deployments(call: Call, params: Params) -> Reply:
    """The API's deployments, newest first."""
    found = call.store(Gateway).deployments(_api(call, params))
    shown, position = page(found, params.get("position"), params.get("limit") or 25)
    return {"items": [_deployment(item) for item in shown], "position": position}


@operation("apigateway", "GetDeployment")
def get_deployment(call: Call, params: Params) -> Reply:
    """One deployment."""
    for item in call.store(Gateway).deployments(_api(call, params)):
        if item.deployment_id == params["deploymentId"]:
            return _deployment(item)
    raise AwsError("NotFoundException", "Invalid Deployment identifier specified")


@operation("apigateway", "GetAuthorizers")
def get_authorizers(call: Call, params: Params) -> Reply:
    """None."""
    _api(call, params)
    return {"items": []}


@operation("apigateway", "GetUsagePlans")
def get_usage_plans(call: Call, params: Params) -> Reply:
    """None."""
    del call, params
    return {"items": []}
