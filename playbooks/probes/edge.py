"""Requests, server errors and latency as the API or load balancer at the front counts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from bot.domain.coverage import Coverage
from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef, LoadBalancerRef
from playbooks.probes.balancer_traffic import (
    TARGETS,
    all_requests,
    dimension_sets,
    errors_by_code,
    read_parts,
    server_errors,
    target_metrics,
    traffic_metrics,
)
from playbooks.probes.front_door import balancer_dimension, find_api, front_door
from playbooks.probes.metrics import PERMISSION, Metric, TimeSeries, read_series
from playbooks.probes.target_groups import measured

__all__ = ["TARGETS", "Edge", "EdgeProbe"]


@dataclass(frozen=True, slots=True)
class Edge:
    """Requests and server errors (status 500 to 599) a minute; latency in ms.

    `codes`: errors a minute by status code, those of all targets together as TARGETS; empty where
    the metrics do not tell codes apart, as API Gateway's. `groups`: the target groups that are
    measured when it is not the whole load balancer.
    """

    kind: Literal["rest", "http", "alb"]
    name: str
    requests: TimeSeries
    errors: TimeSeries
    codes: Mapping[str, TimeSeries] = field(default_factory=dict)
    p50: TimeSeries = field(default_factory=TimeSeries)
    p99: TimeSeries = field(default_factory=TimeSeries)
    groups: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()  # sentences: what could not be counted

    @property
    def rate(self) -> TimeSeries:
        """Server errors as a share of requests, in the minutes that had requests."""
        return self.errors.over(self.requests)

    @property
    def coverage(self) -> Coverage:
        """Complete when CloudWatch published requests, and errors of all kinds can be counted."""
        silent = None if self.requests else f"CloudWatch has no requests of {self.name}"
        return Coverage.of(silent, *self.unread)


class EdgeProbe(Probe[Edge]):
    """AWS/ApiGateway or AWS/ApplicationELB, whichever the alarm or the service is about."""

    title: ClassVar[str] = "requests and server errors at the front door"
    permissions: ClassVar[tuple[str, ...]] = (
        PERMISSION,
        "apigateway:GET",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
    )

    def read(self, aws: Aws, scope: Scope) -> Edge | None:
        match front_door(scope):
            case ApiRef() as api:
                return read_api(aws, scope, api)
            case LoadBalancerRef() as balancer:
                return read_balancer(aws, scope, balancer)
            case None:
                return None


def read_api(aws: Aws, scope: Scope, api: ApiRef) -> Edge:
    """The API's metrics. REST APIs publish by ApiName, HTTP APIs by ApiId (API Gateway developer
    guide, "Dimensions for metrics"). Raises ReadFailed."""
    if api.kind == "rest":
        errors, dimensions = "5XXError", {"ApiName": api.name, "Stage": api.stage}
    else:
        errors, dimensions = "5xx", {"ApiId": find_api(aws, api), "Stage": api.stage}

    def metric(name: str, stat: str) -> Metric:
        return Metric("AWS/ApiGateway", name, stat, dimensions)

    series = read_series(
        aws,
        scope.window,
        {
            "requests": metric("Count", "Sum"),
            "errors": metric(errors, "Sum"),
            "p50": metric("Latency", "p50"),
            "p99": metric("Latency", "p99"),
        },
    )
    return Edge(
        kind=api.kind,
        name=api.name,
        requests=series["requests"],
        errors=series["errors"],
        p50=series["p50"],
        p99=series["p99"],
    )


def read_balancer(aws: Aws, scope: Scope, balancer: LoadBalancerRef) -> Edge:
    """The load balancer's metrics; those of the service's target groups when it is shared. Raises
    ReadFailed, also for Network Load Balancers, which count no requests."""
    dimension = balancer_dimension(aws, scope, balancer)
    if dimension.startswith("net/"):
        raise ReadFailed(
            GapReason.NOT_CONFIGURED,
            f"{balancer.name} is a Network Load Balancer: it counts neither requests nor answers",
        )
    of = measured(aws, scope, balancer)
    parts = dimension_sets({"LoadBalancer": dimension}, of.groups)
    asked = {"all": [traffic_metrics(part) | target_metrics(part) for part in parts]}
    series = read_parts(aws, scope.window, asked)["all"]
    return Edge(
        kind="alb",
        name=balancer.name,
        requests=all_requests(series),
        errors=server_errors(series),
        codes=errors_by_code(series),
        p50=series["p50"],
        p99=series["p99"],
        groups=tuple(group.name for group in of.groups or ()),
        unread=of.unread,
    )
