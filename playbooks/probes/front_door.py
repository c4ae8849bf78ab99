"""The API or load balancer at which requests arrive, and what it calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef, LoadBalancerRef

# Defaults of AWS. REST APIs: 29 s; HTTP APIs: 30 s; load balancers: idle timeout of 60 s.
PAGE = 500  # the most that GetResources and GetIntegrations give; 25 is their default
DEFAULT_DEADLINE = {"rest": 29.0, "http": 30.0, "alb": 60.0}

_FUNCTION = re.compile(r":function:(?P<name>[A-Za-z0-9-_]+)(?::(?P<qualifier>[A-Za-z0-9-_$]+))?")
_VARIABLE = re.compile(r"\$\{stageVariables\.(?P<name>\w+)\}")


@dataclass(frozen=True, slots=True)
class Call:
    """One integration of an API: what it calls, how long it waits (s)."""

    function: str | None
    qualifier: str | None  # None calls $LATEST
    timeout: float
    target: str


@dataclass(frozen=True, slots=True)
class BalancerId:
    """A load balancer as AWS knows it; `dimension` is the metrics' "app/name/id", for Network Load
    Balancers "net/name/id"."""

    arn: str
    dimension: str
    zones: tuple[str, ...]

    @property
    def network(self) -> bool:
        """Whether it is a Network Load Balancer: other metrics, and none of HTTP."""
        return self.dimension.startswith("net/")


def front_door(scope: Scope) -> ApiRef | LoadBalancerRef | None:
    """Where this service's requests arrive: what the alarm is about, else the API, else the ALB."""
    resources = scope.service.resources
    dimensions = scope.alarm.dimensions if scope.alarm else {}
    apis = {key: api for api in resources.apis for key in (api.name, api.id) if key}
    if named := dimensions.get("ApiName") or dimensions.get("ApiId"):
        stage = dimensions.get("Stage")
        kind = apis.get(named)
        if kind is not None:
            return kind.model_copy(update={"stage": stage}) if stage else kind
        if "ApiId" in dimensions:
            return ApiRef(name=named, id=named, kind="http", stage=stage or "$default")
        return ApiRef(name=named, stage=stage or "prod")
    if named := dimensions.get("LoadBalancer"):
        for balancer in resources.load_balancers:
            if short_name(balancer.name) == short_name(named):
                return balancer
        return LoadBalancerRef(name=named)
    if resources.apis:
        return resources.apis[0]
    return resources.load_balancers[0] if resources.load_balancers else None


def balancer_of(scope: Scope) -> LoadBalancerRef | None:
    """The load balancer, be it at the front or behind an API."""
    front = front_door(scope)
    if isinstance(front, LoadBalancerRef):
        return front
    balancers = scope.service.resources.load_balancers
    return balancers[0] if balancers else None


def short_name(balancer: str) -> str:
    """ "checkout" of "app/checkout/50dc6c495c0c9188"."""
    parts = balancer.split("/")
    return parts[1] if len(parts) == 3 else balancer


def find_balancer(aws: Aws, balancer: LoadBalancerRef) -> BalancerId:
    """The load balancer, looked up by name. Raises ReadFailed."""
    answer = aws.read("elbv2", "describe_load_balancers", Names=[short_name(balancer.name)])
    found = answer.get("LoadBalancers", [])
    if not found:
        raise ReadFailed(GapReason.NOT_FOUND, f"no load balancer is called {balancer.name}")
    return balancer_id(found[0])


def balancer_dimension(aws: Aws, scope: Scope, balancer: LoadBalancerRef) -> str:
    """ "app/name/id", by the catalogue or the alarm, else looked up. So metrics can be read where
    DescribeLoadBalancers is denied. Raises ReadFailed."""
    alarm = scope.alarm.dimensions.get("LoadBalancer", "") if scope.alarm else ""
    for name in (balancer.name, alarm):
        if name.count("/") == 2 and short_name(name) == short_name(balancer.name):
            return name
    return find_balancer(aws, balancer).dimension


def balancer_id(described: Mapping[str, Any]) -> BalancerId:
    arn = str(described["LoadBalancerArn"])
    zones = sorted(zone["ZoneName"] for zone in described.get("AvailabilityZones", []))
    return BalancerId(arn, arn.split(":loadbalancer/", 1)[-1], tuple(zones))


def find_api(aws: Aws, api: ApiRef) -> str:
    """The API's id, looked up by name when the catalogue has none. Raises ReadFailed."""
    if api.id is not None:
        return api.id
    service, operation, items, identity, label = (
        ("apigateway", "get_rest_apis", "items", "id", "name")
        if api.kind == "rest"
        else ("apigatewayv2", "get_apis", "Items", "ApiId", "Name")
    )
    for page in aws.pages(service, operation):
        for found in page.get(items, []):
            if found.get(label) == api.name:
                return str(found[identity])
    raise ReadFailed(GapReason.NOT_FOUND, f"no {api.kind.upper()} API is called {api.name}")


def calls_of(aws: Aws, api: ApiRef) -> tuple[Call, ...]:
    """The API's integrations, with the stage's variables replaced. Raises ReadFailed.

    They are those of the API as it is edited. A REST API's stage runs the deployment that was made
    of it last, which may be older (API Gateway developer guide, "Deploy REST APIs").
    """
    api_id = find_api(aws, api)
    found: list[Call] = []
    if api.kind == "rest":
        asked: dict[str, Any] = {"restApiId": api_id, "embed": ["methods"], "limit": PAGE}
        for page in aws.pages("apigateway", "get_resources", **asked):
            found += rest_calls(page)
    else:
        for page in aws.pages(
            "apigatewayv2", "get_integrations", ApiId=api_id, MaxResults=str(PAGE)
        ):
            found += http_calls(page)
    if any(_VARIABLE.search(each.target) for each in found):
        variables = stage_variables(aws, api, api_id)
        found = [replaced(each, variables) for each in found]
    return tuple(dict.fromkeys(found))


def stage_variables(aws: Aws, api: ApiRef, api_id: str) -> dict[str, str]:
    """The stage's variables. Raises ReadFailed."""
    if api.kind == "rest":
        stage = aws.read("apigateway", "get_stage", restApiId=api_id, stageName=api.stage)
        return dict(stage.get("variables") or {})
    stage = aws.read("apigatewayv2", "get_stage", ApiId=api_id, StageName=api.stage)
    return dict(stage.get("StageVariables") or {})


def replaced(each: Call, variables: Mapping[str, str]) -> Call:
    """The call with stage variables replaced; one that is not set stays as it is written."""
    target = _VARIABLE.sub(lambda found: variables.get(found["name"], found[0]), each.target)
    function, qualifier = function_in(target)
    return replace(each, function=function, qualifier=qualifier, target=target)


def rest_calls(page: Mapping[str, Any]) -> list[Call]:
    """Integrations in a page of GetResources(embed=methods)."""
    return [
        call(integration.get("uri", ""), integration.get("timeoutInMillis"), "rest")
        for resource in page.get("items", [])
        for method in resource.get("resourceMethods", {}).values()
        if (integration := method.get("methodIntegration")) and integration.get("type") != "MOCK"
    ]


def http_calls(page: Mapping[str, Any]) -> list[Call]:
    """Integrations in a page of GetIntegrations."""
    return [
        call(item.get("IntegrationUri", ""), item.get("TimeoutInMillis"), "http")
        for item in page.get("Items", [])
    ]


def call(uri: str, timeout_ms: int | None, kind: str) -> Call:
    """An integration. The URI of a function holds its ARN with the alias or version, if any."""
    function, qualifier = function_in(uri)
    return Call(
        function=function,
        qualifier=qualifier,
        timeout=timeout_ms / 1000 if timeout_ms else DEFAULT_DEADLINE[kind],
        target=uri,
    )


def function_in(arn: str) -> tuple[str | None, str | None]:
    """A function's name and its alias or version, of an ARN or of a URI that has one in it."""
    match = _FUNCTION.search(arn)
    if match is None or arn[match.end() : match.end() + 1] in ("$", "{"):
        return None, None  # none, or part of it is a stage variable
    return match["name"], match["qualifier"]
