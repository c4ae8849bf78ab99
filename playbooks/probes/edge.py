"""Requests, server errors and latency as the API or load balancer at the front counts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.resources import ApiRef, LoadBalancerRef
from playbooks.probes.front_door import balancer_dimension, find_api, front_door
from playbooks.probes.metrics import PERMISSION, Metric, TimeSeries, read_series, summed

BALANCER_CODES = ("500", "502", "503", "504")  # HTTPCode_ELB_<code>_Count
TARGETS = "targets"  # answers of the targets, which AWS counts without telling the codes apart


@dataclass(frozen=True, slots=True)
class Edge:
    """Requests and server errors (status 500 to 599) a minute; latency in ms.

    `codes`: errors a minute by status code, those of all targets together as TARGETS; empty where
    the metrics do not tell codes apart, as API Gateway's.
    """

    kind: Literal["rest", "http", "alb"]
    name: str
    requests: TimeSeries
    errors: TimeSeries
    codes: Mapping[str, TimeSeries] = field(default_factory=dict)
    p50: TimeSeries = field(default_factory=TimeSeries)
    p99: TimeSeries = field(default_factory=TimeSeries)

    @property
    def rate(self) -> TimeSeries:
        """Server errors as a share of requests, in the minutes that had requests."""
        return self.errors.over(self.requests)


class EdgeProbe(Probe[Edge]):
    """AWS/ApiGateway or AWS/ApplicationELB, whichever the alarm or the service is about."""

    title: ClassVar[str] = "requests and server errors at the front door"
    permissions: ClassVar[tuple[str, ...]] = (
        PERMISSION,
        "apigateway:GET",
        "elasticloadbalancing:DescribeLoadBalancers",
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
        errors=series["errors"].zero_where(series["requests"]),
        p50=series["p50"],
        p99=series["p99"],
    )


def read_balancer(aws: Aws, scope: Scope, balancer: LoadBalancerRef) -> Edge:
    """The load balancer's metrics. Raises ReadFailed."""
    dimensions = {"LoadBalancer": balancer_dimension(aws, scope, balancer)}
    asked = traffic_metrics(dimensions) | {
        "p50": Metric("AWS/ApplicationELB", "TargetResponseTime", "p50", dimensions),
        "p99": Metric("AWS/ApplicationELB", "TargetResponseTime", "p99", dimensions),
    }
    series = read_series(aws, scope.window, asked)
    return Edge(
        kind="alb",
        name=balancer.name,
        requests=all_requests(series),
        errors=server_errors(series),
        codes=errors_by_code(series),
        p50=series["p50"].scaled(1000),
        p99=series["p99"].scaled(1000),
    )


def traffic_metrics(dimensions: Mapping[str, str]) -> dict[str, Metric]:
    """A load balancer's counts: requests, its own answers and those of the targets."""
    counts = {
        "requests": "RequestCount",
        "own errors": "HTTPCode_ELB_5XX_Count",
        TARGETS: "HTTPCode_Target_5XX_Count",
        "target 2XX": "HTTPCode_Target_2XX_Count",
        "target 3XX": "HTTPCode_Target_3XX_Count",
        "target 4XX": "HTTPCode_Target_4XX_Count",
    } | {code: f"HTTPCode_ELB_{code}_Count" for code in BALANCER_CODES}
    return {
        label: Metric("AWS/ApplicationELB", name, "Sum", dimensions)
        for label, name in counts.items()
    }


def all_requests(series: Mapping[str, TimeSeries]) -> TimeSeries:
    """All requests a minute.

    RequestCount leaves out those that no target was chosen for (the load balancer's own 503), so
    the answers counted by code are taken where they are more.
    """
    requests = series["requests"]
    answers = summed(
        series[label] for label in ("target 2XX", "target 3XX", "target 4XX", TARGETS, "own errors")
    )
    return TimeSeries(
        {
            at: max(requests.points.get(at, 0.0), answers.points.get(at, 0.0))
            for at in {*requests.points, *answers.points}
        }
    )


def server_errors(series: Mapping[str, TimeSeries]) -> TimeSeries:
    """The balancer's own server errors and the targets'; both are published only when not zero."""
    own = series["own errors"] or summed(series[code] for code in BALANCER_CODES)
    return summed((own, series[TARGETS])).zero_where(series["requests"])


def errors_by_code(series: Mapping[str, TimeSeries]) -> dict[str, TimeSeries]:
    """Those that are not empty, by status code or TARGETS."""
    return {label: series[label] for label in (*BALANCER_CODES, TARGETS) if series[label]}
