"""API Gateway, REST and HTTP APIs: `resources.api`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Literal

from pydantic import Field

from sandbox.world import names, routes
from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.effects import FilteredEffect
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.function_base import known_function, known_qualifier
from sandbox.world.kinds.load_balancer import LoadBalancer
from sandbox.world.kinds.resource import Resource
from sandbox.world.logs import AccessLog, Stamp
from sandbox.world.metrics import (
    Dimensions,
    Published,
    dimensions,
    flags,
    incoming,
    total,
    weighted,
)
from sandbox.world.minute import MinuteRecords
from sandbox.world.parts import Loc, Part, Problem, Seconds, Share, known
from sandbox.world.records import Request
from sandbox.world.routes import Arrival, Front

ACCESS_LOG_FORMAT: dict[str, str] = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "httpMethod": "$context.httpMethod",
    "path": "$context.path",
    "resourcePath": "$context.resourcePath",
    "status": "$context.status",
    "userAgent": "$context.identity.userAgent",
    "ip": "$context.identity.sourceIp",
    "responseType": "$context.error.responseType",
    "errorMessage": "$context.error.message",
    "integrationStatus": "$context.integration.status",
    "integrationLatency": "$context.integration.latency",
    "integrationRequestId": "$context.integration.requestId",
    "integrationError": "$context.integration.error",
    "authorizerError": "$context.authorizer.error",
    "responseLatency": "$context.responseLatency",
}
"""The access-log format of a stage that names none (key -> $context variable)."""

_NAMESPACE = "AWS/ApiGateway"
_BYTES = 470  # of an entry in the access log, on average


class ApiDeployment(BaseChange):
    """apigateway:CreateDeployment to the API's stage."""

    kind: Literal["api_deployment"]
    deployment: str  # "d7k2m1"
    description: str = ""

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """There must be an API."""
        if not inventory.every(Api):
            yield loc, "api_deployment needs resources.api"

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The id of the deployment the stage serves: not set before the first one."""
        return {
            f"api/{api.name}/{api.stage}/deployment": (0.0, self.deployment)
            for api in inventory.every(Api)
        }

    def event(self, inventory: Inventory) -> EventFacts:
        """CreateDeployment."""
        (api,) = inventory.every(Api)
        request = {
            "createDeploymentInput": {"stageName": api.stage, "description": self.description}
        }
        touched = (("AWS::ApiGateway::RestApi", api.name),)
        return EventFacts("apigateway.amazonaws.com", "CreateDeployment", touched, request)


class VpcLinkErrors(FilteredEffect):
    """Requests do not get through the API's VPC link to the load balancer: no hop is seen there."""

    kind: Literal["vpc_link_errors"]
    how: Literal["refused", "timeout"] = "refused"

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The API must have a VPC link."""
        if not any(api.vpc_link for api in inventory.every(Api)):
            yield loc, "vpc_link_errors needs resources.api with `vpc_link`"

    @property
    def stops_outside(self) -> bool:
        """The gateway answers."""
        return True

    def outside(self, rng: Random, request: Arrival, front: Front) -> Request | None:
        """The gateway's answer."""
        return routes.unlinked(front.api, request, self.how == "refused") if front.api else None


class Authorizer(Part):
    """A Lambda authorizer; its answers are kept for a while, so only some requests invoke it."""

    function: str
    qualifier: str | None = None
    cached: Share = 0.9  # the part of the requests for which an answer is kept


class Route(Part):
    """Paths that go to another function than the API's, or to its load balancer."""

    paths: tuple[str, ...] = Field(min_length=1)  # as written in `traffic`
    function: str | None = None
    qualifier: str | None = None
    load_balancer: str | None = None


class Api(Resource):
    """An API Gateway API and its one stage; it calls function aliases or a load balancer."""

    effects = (VpcLinkErrors,)
    changes = (ApiDeployment,)

    name: str
    kind: Literal["rest", "http"] = "rest"
    stage: str = "prod"
    integration_timeout: Seconds = 29
    function: str | None = None
    qualifier: str | None = None  # alias or version in the integration URI; None is $LATEST
    load_balancer: str | None = None
    routes: tuple[Route, ...] = ()  # the first that has the path is taken
    authorizer: Authorizer | None = None
    vpc_link: str | None = None  # the id of the VPC link to the load balancer
    access_log: bool = True
    # access-log key -> $context variable; the default has every key the playbooks can use
    log_format: dict[str, str] | None = None
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def api_id(self) -> str:
        """The ten-character API id."""
        return names.digest("api", self.name, length=10)

    @property
    def log_group(self) -> str:
        """The log group of its access log."""
        return f"/aws/apigateway/{self.name}/{self.stage}"

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """It must call one thing that exists."""
        calls: list[tuple[Loc, Api | Route]] = [(loc, self)]
        calls += [((*loc, "routes", index), route) for index, route in enumerate(self.routes)]
        balancers = [balancer.name for balancer in inventory.every(LoadBalancer)]
        section = "resources.load_balancer"
        for place, each in calls:
            if (each.function is None) == (each.load_balancer is None):
                yield (
                    place,
                    "an api calls either a `function` or a `load_balancer`: name exactly one",
                )
            yield from known_function(inventory, (*place, "function"), each.function)
            here = (*place, "qualifier")
            yield from known_qualifier(inventory, here, each.function, each.qualifier)
            here = (*place, "load_balancer")
            yield from known(here, "load balancer", each.load_balancer, balancers, section)
        if self.authorizer is not None:
            here, name = (*loc, "authorizer"), self.authorizer.function
            yield from known_function(inventory, (*here, "function"), name)
            qualifier = self.authorizer.qualifier
            yield from known_qualifier(inventory, (*here, "qualifier"), name, qualifier)
        if self.vpc_link is not None and not inventory.every(LoadBalancer):
            yield (*loc, "vpc_link"), "needs resources.load_balancer"

    def called(self, path: str) -> tuple[str | None, str | None]:
        """The function and qualifier that a path ("GET /orders") calls; None: the balancer."""
        taken = next((route for route in self.routes if path in route.paths), self)
        return taken.function, taken.qualifier

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        """AWS/ApiGateway: REST APIs by name, HTTP APIs by id. A request counts when it ends."""
        ended = minute.ended
        count = sum(r.weight for r in ended)
        if ended:
            rest = self.kind == "rest"
            sets = [self._dimensions(), self._dimensions(Stage=self.stage)]
            server = sum(r.weight for r in ended if r.status >= 500)
            client = sum(r.weight for r in ended if 400 <= r.status < 500)
            latency = weighted(((r.latency, r.weight) for r in ended), "Milliseconds")
            behind = weighted(
                ((r.integration, r.weight) for r in ended if r.integration is not None),
                "Milliseconds",
            )
            for name, sample in (
                ("Count", total(count)),
                ("5XXError" if rest else "5xx", flags(server, count)),
                ("4XXError" if rest else "4xx", flags(client, count)),
                ("Latency", latency),
                ("IntegrationLatency", behind),
            ):
                yield Published(_NAMESPACE, name, sets, sample)
        if self.access_log:
            yield from incoming(self.log_group, count, count * _BYTES)

    def alarm_dimensions(self, namespace: str) -> Dimensions | None:
        """The API and its stage."""
        return self._dimensions(Stage=self.stage) if namespace == _NAMESPACE else None

    def _dimensions(self, **more: str) -> Dimensions:
        if self.kind == "rest":
            return dimensions(ApiName=self.name, **more)
        return dimensions(ApiId=self.api_id, **more)

    def logs(self, inventory: Inventory, stamp: Stamp) -> Iterable[AccessLog]:
        """The access log, if it has one."""
        if self.access_log:
            form = self.log_format or ACCESS_LOG_FORMAT
            yield AccessLog(inventory.account, self.log_group, form, stamp)

    def catalogue(self) -> Iterable[tuple[str, object]]:
        """The API and its stage."""
        return [("apis", {"name": self.name, "kind": self.kind, "stage": self.stage})]

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The API and its stage; their ARNs have no account."""
        section = "restapis" if self.kind == "rest" else "apis"
        arn = f"arn:aws:apigateway:{inventory.region}::/{section}/{self.api_id}"
        return [(arn, self.tags), (f"{arn}/stages/{self.stage}", self.tags)]
