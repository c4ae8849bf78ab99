"""The load balancer and its targets: answers by code and zone, connections, health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import LoadBalancerRef
from playbooks.probes.edge import (
    TARGETS,
    all_requests,
    errors_by_code,
    server_errors,
    traffic_metrics,
)
from playbooks.probes.front_door import BalancerId, balancer_of, find_balancer
from playbooks.probes.metrics import PERMISSION, Metric, TimeSeries, read_series

NAMESPACE = "AWS/ApplicationELB"
MOST_ASKED = 10  # target groups whose targets are read; each takes a call
PERMISSIONS = (
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
)


@dataclass(frozen=True, slots=True)
class ZoneTraffic:
    """Requests and server errors a minute of one zone."""

    requests: TimeSeries
    errors: TimeSeries


@dataclass(frozen=True, slots=True)
class Balancer:
    """The load balancer's metrics a minute. Response times in ms; `healthy` by target group, of
    all that have health checks; `lambdas` are the target groups that have none."""

    name: str
    requests: TimeSeries
    errors: TimeSeries
    codes: Mapping[str, TimeSeries]
    targets: TimeSeries  # the targets' server errors
    connection_errors: TimeSeries
    p50: TimeSeries
    p99: TimeSeries
    zones: Mapping[str, ZoneTraffic] = field(default_factory=dict)
    healthy: Mapping[str, TimeSeries] = field(default_factory=dict)
    lambdas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A target group; groups of kind "lambda" have no health checks."""

    name: str
    arn: str
    kind: str

    @property
    def dimension(self) -> str:
        return self.arn.rsplit(":", 1)[-1]


class BalancerProbe(Probe[Balancer]):
    title: ClassVar[str] = "metrics of the load balancer, its zones and targets"
    permissions: ClassVar[tuple[str, ...]] = (
        PERMISSION,
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
    )

    def read(self, aws: Aws, scope: Scope) -> Balancer | None:
        reference = balancer_of(scope)
        if reference is None:
            return None
        found = find_balancer(aws, reference)
        groups = find_groups(aws, found, reference)
        series = read_series(aws, scope.window, balancer_metrics(found, groups))
        return from_series(reference.name, found.zones, groups, series)


def balancer_metrics(found: BalancerId, groups: Iterable[Group]) -> dict[str, Metric]:
    """The metrics to read, by label; a zone's labels end with its name."""
    whole = {"LoadBalancer": found.dimension}
    asked = traffic_metrics(whole) | {
        "connection errors": Metric(NAMESPACE, "TargetConnectionErrorCount", "Sum", whole),
        "p50": Metric(NAMESPACE, "TargetResponseTime", "p50", whole),
        "p99": Metric(NAMESPACE, "TargetResponseTime", "p99", whole),
    }
    for zone in found.zones:
        part = traffic_metrics(whole | {"AvailabilityZone": zone})
        asked |= {f"{label} {zone}": metric for label, metric in part.items()}
    for group in groups:
        if group.kind != "lambda":
            asked[f"healthy {group.name}"] = Metric(
                NAMESPACE, "HealthyHostCount", "Minimum", whole | {"TargetGroup": group.dimension}
            )
    return asked


def from_series(
    name: str, zones: Iterable[str], groups: Iterable[Group], series: Mapping[str, TimeSeries]
) -> Balancer:
    """The load balancer from its metrics, labelled as in `balancer_metrics`."""
    by_zone = {}
    for zone in zones:
        part = {
            label.removesuffix(f" {zone}"): values
            for label, values in series.items()
            if label.endswith(f" {zone}")
        }
        by_zone[zone] = ZoneTraffic(all_requests(part), server_errors(part))
    requests = all_requests(series)
    return Balancer(
        name=name,
        requests=requests,
        errors=server_errors(series),
        codes=errors_by_code(series),
        targets=series[TARGETS].zero_where(requests),
        connection_errors=series["connection errors"].zero_where(requests),
        p50=series["p50"].scaled(1000),
        p99=series["p99"].scaled(1000),
        zones=by_zone,
        healthy={
            group.name: values
            for group in groups
            if (values := series.get(f"healthy {group.name}")) is not None
        },
        lambdas=tuple(group.name for group in groups if group.kind == "lambda"),
    )


def find_groups(aws: Aws, found: BalancerId, reference: LoadBalancerRef) -> tuple[Group, ...]:
    """The balancer's target groups, those of the catalogue if it names any. Raises ReadFailed,
    also when none of those is there."""
    described = [
        group
        for page in aws.pages("elbv2", "describe_target_groups", LoadBalancerArn=found.arn)
        for group in page.get("TargetGroups", [])
    ]
    groups = groups_of(described, reference.target_groups)
    if reference.target_groups and not groups:
        there = ", ".join(group["TargetGroupName"] for group in described) or "none"
        raise ReadFailed(
            GapReason.NOT_FOUND,
            f"{reference.name} has none of the target groups the catalogue names "
            f"({', '.join(reference.target_groups)}); it has {there}",
        )
    return groups


def groups_of(described: list[dict[str, Any]], wanted: tuple[str, ...]) -> tuple[Group, ...]:
    groups = [
        Group(group["TargetGroupName"], group["TargetGroupArn"], group.get("TargetType", "ip"))
        for group in described
    ]
    return tuple(group for group in groups if not wanted or group.name in wanted)


@dataclass(frozen=True, slots=True)
class Target:
    """One registered target, as DescribeTargetHealth shows it now."""

    group: str
    id: str
    zone: str | None
    state: str
    reason: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """All registered targets, now, of the groups that have health checks; of ten at most, which
    `groups` names."""

    groups: tuple[str, ...]
    targets: tuple[Target, ...]

    def of(self, group: str) -> tuple[Target, ...]:
        return tuple(target for target in self.targets if target.group == group)


class TargetHealthProbe(Probe[TargetHealth]):
    title: ClassVar[str] = "health of the targets"
    permissions: ClassVar[tuple[str, ...]] = PERMISSIONS

    def read(self, aws: Aws, scope: Scope) -> TargetHealth | None:
        reference = balancer_of(scope)
        if reference is None:
            return None
        groups = [
            group
            for group in find_groups(aws, find_balancer(aws, reference), reference)
            if group.kind != "lambda"
        ][:MOST_ASKED]
        if not groups:
            return None
        found: list[Target] = []
        for group in groups:
            answer = aws.read("elbv2", "describe_target_health", TargetGroupArn=group.arn)
            found += targets_of(group.name, answer)
        return TargetHealth(tuple(group.name for group in groups), tuple(found))


def targets_of(group: str, answer: Mapping[str, Any]) -> list[Target]:
    return [
        Target(
            group=group,
            id=described["Target"]["Id"],
            zone=described["Target"].get("AvailabilityZone"),
            state=described["TargetHealth"]["State"],
            reason=described["TargetHealth"].get("Reason"),
            description=described["TargetHealth"].get("Description"),
        )
        for described in answer.get("TargetHealthDescriptions", [])
    ]
