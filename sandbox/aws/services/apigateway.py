"""API Gateway: REST APIs."""

from __future__ import annotations

from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.gateway import Gateway, authorizer_uri, log_format
from sandbox.aws.names import code
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world.kinds import Api
from sandbox.world.kinds.api import Route


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


@operation("apigateway", "GetStage")
def get_stage(call: Call, params: Params) -> Reply:
    """The stage, with the access log's format and the deployment it serves."""
    api, gateway = _api(call, params), call.store(Gateway)
    gateway.check_stage(api, params["stageName"])
    settings: dict[str, Any] = {
        "metricsEnabled": True,
        "loggingLevel": "INFO",
        "dataTraceEnabled": False,
        "throttlingBurstLimit": 5000,
        "throttlingRateLimit": 10_000.0,
        "cachingEnabled": False,
    }
    return {
        "deploymentId": gateway.serving(api),
        "stageName": api.stage,
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


def _integration(call: Call, api: Api, route: Route | None = None) -> dict[str, Any]:
    called = route or api
    lambda_proxy = called.function is not None
    linked = api.vpc_link is not None and not lambda_proxy
    return {
        "type": "AWS_PROXY" if lambda_proxy else "HTTP_PROXY",
        "httpMethod": "POST" if lambda_proxy else "ANY",
        "uri": call.store(Gateway).integration_uri(api, route),
        "connectionType": "VPC_LINK" if linked else "INTERNET",
        "connectionId": api.vpc_link if linked else None,
        "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": round(api.integration_timeout * 1000),
        "cacheNamespace": code("proxy", api.name),
        "cacheKeyParameters": [],
    }


def _method(call: Call, api: Api, verb: str = "ANY", route: Route | None = None) -> dict[str, Any]:
    return {
        "httpMethod": verb,
        "authorizationType": "CUSTOM" if api.authorizer else "NONE",
        "authorizerId": code("authorizer", api.name, length=6) if api.authorizer else None,
        "apiKeyRequired": False,
        "methodIntegration": _integration(call, api, route),
    }


def _routed(call: Call, api: Api, *, methods: bool) -> list[dict[str, Any]]:
    """A resource for each path that a route names."""
    root, found = code("root", api.name, length=10), dict[str, dict[str, Any]]()
    for route in api.routes:
        for text in route.paths:
            verb, _, path = text.partition(" ")
            resource = found.setdefault(
                path,
                {
                    "id": code("resource", api.name, path),
                    "parentId": root,
                    "pathPart": path.rpartition("/")[2],
                    "path": path,
                    "resourceMethods": {},
                },
            )
            method = _method(call, api, verb, route) if methods else {}
            resource["resourceMethods"][verb] = method
    return [*found.values()]


@operation("apigateway", "GetAuthorizers")
def get_authorizers(call: Call, params: Params) -> Reply:
    """The Lambda authorizer, if the API has one."""
    api = _api(call, params)
    if api.authorizer is None:
        return {"items": []}
    authorizer = {
        "id": code("authorizer", api.name, length=6),
        "name": api.authorizer.function,
        "type": "TOKEN",
        "authorizerUri": authorizer_uri(call, api.authorizer),
        "identitySource": "method.request.header.Authorization",
        "authorizerResultTtlInSeconds": 300,
    }
    return {"items": [authorizer]}


@operation("apigateway", "GetResources")
def get_resources(call: Call, params: Params) -> Reply:
    """The root and a greedy proxy resource; with embed=methods also their integrations."""
    api = _api(call, params)
    root = code("root", api.name, length=10)
    methods = "methods" in params.get("embed", [])
    method = _method(call, api) if methods else {}
    found = [
        {"id": root, "path": "/"},
        {
            "id": code("proxy", api.name),
            "parentId": root,
            "pathPart": "{proxy+}",
            "path": "/{proxy+}",
            "resourceMethods": {"ANY": method},
        },
        *_routed(call, api, methods=methods),
    ]
    shown, position = page(found, params.get("position"), params.get("limit") or 25)
    return {"items": shown, "position": position}
