"""The Lambda authorizers of an API: which functions they are, and how they fare.

An authorizer that raises, times out or may not be invoked makes API Gateway answer 500 without
calling the backend: AUTHORIZER_FAILURE, AUTHORIZER_CONFIGURATION_ERROR (API Gateway developer
guide, "Gateway response types").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.resources import ApiRef
from playbooks.probes.front_door import PAGE, find_api, front_door, function_in
from playbooks.probes.metrics import PERMISSION, Metric, TimeSeries, read_series

CUSTOM = "CUSTOM"  # a method's authorizationType
LAMBDA = frozenset({"TOKEN", "REQUEST"})  # an authorizer's type; the others call no function


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A function that authorizes requests, with its metrics a minute; `p99` in ms."""

    function: str
    invocations: TimeSeries
    errors: TimeSeries
    throttles: TimeSeries
    p99: TimeSeries


@dataclass(frozen=True, slots=True)
class Authorizers:
    """The API's Lambda authorizers, by its present settings: the stage may have older ones."""

    api: str
    functions: tuple[Authorizer, ...] = ()

    @property
    def names(self) -> str:
        """ "orders-auth, admin-auth"."""
        return ", ".join(each.function for each in self.functions)


class AuthorizersProbe(Probe[Authorizers]):
    title: ClassVar[str] = "Lambda authorizers of the API"
    permissions: ClassVar[tuple[str, ...]] = (PERMISSION, "apigateway:GET")

    def read(self, aws: Aws, scope: Scope) -> Authorizers | None:
        api = front_door(scope)
        if not isinstance(api, ApiRef):
            return None
        names = _of_rest(aws, api) if api.kind == "rest" else _of_http(aws, api)
        return Authorizers(api.name, _measured(aws, scope, names))


def _of_rest(aws: Aws, api: ApiRef) -> tuple[str, ...]:
    """Names of the authorizers' functions. They are asked for only where a method is authorized by
    one, which the resources that are read anyway tell."""
    api_id = find_api(aws, api)
    pages = aws.pages(
        "apigateway", "get_resources", restApiId=api_id, embed=["methods"], limit=PAGE
    )
    used = any(
        method.get("authorizationType") == CUSTOM
        for page in pages
        for item in page.get("items", [])
        for method in (item.get("resourceMethods") or {}).values()
    )
    if not used:
        return ()
    found = aws.read("apigateway", "get_authorizers", restApiId=api_id, limit=PAGE)
    uris = [
        each.get("authorizerUri", "")
        for each in found.get("items", [])
        if each.get("type") in LAMBDA
    ]
    return _functions(uris)


def _of_http(aws: Aws, api: ApiRef) -> tuple[str, ...]:
    found = aws.read("apigatewayv2", "get_authorizers", ApiId=find_api(aws, api))
    uris = [
        each.get("AuthorizerUri", "")
        for each in found.get("Items", [])
        if each.get("AuthorizerType") in LAMBDA
    ]
    return _functions(uris)


def _functions(uris: list[str]) -> tuple[str, ...]:
    named = (function_in(uri)[0] for uri in uris)
    return tuple(dict.fromkeys(name for name in named if name))


def _measured(aws: Aws, scope: Scope, names: tuple[str, ...]) -> tuple[Authorizer, ...]:
    if not names:
        return ()
    metrics = {
        "invocations": ("Invocations", "Sum"),
        "errors": ("Errors", "Sum"),
        "throttles": ("Throttles", "Sum"),
        "p99": ("Duration", "p99"),
    }
    series = read_series(
        aws,
        scope.window,
        {
            f"{label}\t{name}": Metric("AWS/Lambda", metric, stat, {"FunctionName": name})
            for name in names
            for label, (metric, stat) in metrics.items()
        },
    )
    return tuple(
        Authorizer(
            function=name,
            invocations=series[f"invocations\t{name}"],
            errors=series[f"errors\t{name}"],
            throttles=series[f"throttles\t{name}"],
            p99=series[f"p99\t{name}"],
        )
        for name in names
    )
