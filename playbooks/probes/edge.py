"""The front door: requests, 5XX and latency as the API or load balancer counts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from bot.domain.contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.resources import ApiRef, LoadBalancerRef
from playbooks.probes.front import balancer_dimension, find_api, front_door
from playbooks.probes.metrics import PERMISSION, Line, Metric, read_lines, summed

BALANCER_CODES = ("500", "502", "503", "504")  # HTTPCode_ELB_<code>_Count
TARGETS = "5XX of targets"  # the targets' own answers, which AWS counts as one


@dataclass(frozen=True, slots=True)
class Edge:
    """Requests and 5XX a minute; latency in ms. `codes` is empty where metrics do not tell them."""

    kind: Literal["rest", "http", "alb"]
    name: str
    requests: Line
    errors: Line
    codes: Mapping[str, Line] = field(default_factory=dict)
    p50: Line = field(default_factory=Line)
    p99: Line = field(default_factory=Line)

    @property
    def rate(self) -> Line:
        """5XX as a share of requests, in the minutes that had requests."""
        return self.errors.over(self.requests)


class EdgeProbe(Probe[Edge]):
    """AWS/ApiGateway or AWS/ApplicationELB, whichever the alarm or the service is about."""

    title: ClassVar[str] = "requests and 5XX at the front door"
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
    """REST APIs publish by ApiName, HTTP APIs by ApiId (API Gateway, "dimensions and metrics")."""
    if api.kind == "rest":
        errors, dimensions = "5XXError", {"ApiName": api.name, "Stage": api.stage}
    else:
        errors, dimensions = "5xx", {"ApiId": find_api(aws, api), "Stage": api.stage}

    def metric(name: str, stat: str) -> Metric:
        return Metric("AWS/ApiGateway", name, stat, dimensions)

    lines = read_lines(
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
        requests=lines["requests"],
        errors=lines["errors"].zero_where(lines["requests"]),
        p50=lines["p50"],
        p99=lines["p99"],
    )


def read_balancer(aws: Aws, scope: Scope, balancer: LoadBalancerRef) -> Edge:
    dimensions = {"LoadBalancer": balancer_dimension(aws, scope, balancer)}
    asked = traffic_metrics(dimensions) | {
        "p50": Metric("AWS/ApplicationELB", "TargetResponseTime", "p50", dimensions),
        "p99": Metric("AWS/ApplicationELB", "TargetResponseTime", "p99", dimensions),
    }
    lines = read_lines(aws, scope.window, asked)
    return Edge(
        kind="alb",
        name=balancer.name,
        requests=answered(lines),
        errors=failed(lines),
        codes=codes(lines),
        p50=lines["p50"].scaled(1000),
        p99=lines["p99"].scaled(1000),
    )


def traffic_metrics(dimensions: Mapping[str, str]) -> dict[str, Metric]:
    """What a load balancer counts: requests, and answers by who gave them."""
    counts = {
        "requests": "RequestCount",
        "elb 5XX": "HTTPCode_ELB_5XX_Count",
        TARGETS: "HTTPCode_Target_5XX_Count",
        "target 2XX": "HTTPCode_Target_2XX_Count",
        "target 3XX": "HTTPCode_Target_3XX_Count",
        "target 4XX": "HTTPCode_Target_4XX_Count",
    } | {code: f"HTTPCode_ELB_{code}_Count" for code in BALANCER_CODES}
    return {
        label: Metric("AWS/ApplicationELB", name, "Sum", dimensions)
        for label, name in counts.items()
    }


def answered(lines: Mapping[str, Line]) -> Line:
    """All requests. RequestCount leaves out those that no target was chosen for (ALB's own 503),
    so the answers counted by code are taken where they are more."""
    requests = lines["requests"]
    answers = summed(
        lines[label] for label in ("target 2XX", "target 3XX", "target 4XX", TARGETS, "elb 5XX")
    )
    return Line(
        {
            at: max(requests.points.get(at, 0.0), answers.points.get(at, 0.0))
            for at in {*requests.points, *answers.points}
        }
    )


def failed(lines: Mapping[str, Line]) -> Line:
    """The balancer's own 5XX and the targets'; both are published only when not zero."""
    own = lines["elb 5XX"] or summed(lines[code] for code in BALANCER_CODES)
    return summed((own, lines[TARGETS])).zero_where(lines["requests"])


def codes(lines: Mapping[str, Line]) -> dict[str, Line]:
    return {label: lines[label] for label in (*BALANCER_CODES, TARGETS) if lines[label]}
