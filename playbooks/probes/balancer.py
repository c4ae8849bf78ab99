"""The load balancer and its targets: answers by code and zone, connections, health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bot.domain.coverage import Coverage
from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.resources import LoadBalancerRef
from playbooks.probes.balancer_traffic import (
    NAMESPACE,
    TARGETS,
    Dimensions,
    all_requests,
    dimension_sets,
    errors_by_code,
    read_parts,
    server_errors,
    target_metrics,
    traffic_metrics,
)
from playbooks.probes.front_door import (
    balancer_dimension,
    balancer_of,
    find_balancer,
)
from playbooks.probes.metrics import PERMISSION, AnyMetric, Metric, TimeSeries
from playbooks.probes.target_groups import Group, Measured, find_groups, known_groups, measured

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
class Hosts:
    """How many targets of a group are healthy a minute.

    The balancer has a node in each zone, and each node checks for itself: the least and the most
    are those of its nodes, not of the minute's seconds. `sent_to_unhealthy`: requests sent to
    unhealthy targets because there were too few healthy ones (the balancer fails open).
    """

    healthy_least: TimeSeries = field(default_factory=TimeSeries)
    healthy_most: TimeSeries = field(default_factory=TimeSeries)
    unhealthy_least: TimeSeries = field(default_factory=TimeSeries)
    unhealthy_most: TimeSeries = field(default_factory=TimeSeries)
    sent_to_unhealthy: TimeSeries = field(default_factory=TimeSeries)


@dataclass(frozen=True, slots=True)
class Balancer:
    """The load balancer's metrics a minute. Response times in ms; `lambdas` are the target groups
    without health checks.

    `healthy`, by target group of all others: as the node sees it that sees most of them healthy, so
    0 means that none was healthy for any node. `hosts` has the rest of it. When the balancer is
    shared, all of it is of the service's `groups` only.
    """

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
    hosts: Mapping[str, Hosts] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()  # sentences: what could not be read or counted

    @property
    def coverage(self) -> Coverage:
        """Complete when requests were published, and zones and target groups could be read."""
        silent = None if self.requests else f"CloudWatch has no requests of {self.name}"
        return Coverage.of(silent, *self.unread)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the metrics of a balancer are asked by: its dimension, zones and target groups."""

    dimension: str
    zones: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    unread: tuple[str, ...] = ()


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
        parts = find_parts(aws, scope, reference)
        if parts.dimension.startswith("net/"):
            asked = network_metrics(parts)
            return of_network(reference.name, parts, read_parts(aws, scope.window, asked))
        of = measured(aws, scope, reference)
        asked = balancer_metrics(parts, of)
        return from_series(reference.name, parts, of, read_parts(aws, scope.window, asked))


def find_parts(aws: Aws, scope: Scope, reference: LoadBalancerRef) -> Parts:
    """The balancer's parts. What may not be described is left out and told, as long as its
    dimension is known otherwise. Raises ReadFailed."""
    try:
        found = find_balancer(aws, reference)
    except ReadFailed as failed:
        dimension = _known_dimension(aws, scope, reference, failed)
        told = f"the zones and target groups of {reference.name} were not read ({failed})"
        try:
            return Parts(dimension, groups=known_groups(aws, scope, reference), unread=(told,))
        except ReadFailed:
            return Parts(dimension, unread=(told,))
    try:
        return Parts(found.dimension, found.zones, find_groups(aws, found, reference))
    except ReadFailed as failed:
        told = f"the target groups of {reference.name} were not read ({failed})"
        return Parts(found.dimension, found.zones, unread=(told,))


def _known_dimension(aws: Aws, scope: Scope, reference: LoadBalancerRef, failed: ReadFailed) -> str:
    try:
        return balancer_dimension(aws, scope, reference)
    except ReadFailed:
        raise failed from None


def checked(parts: Parts) -> list[Group]:
    """The target groups that have health checks."""
    return [group for group in parts.groups if group.kind != "lambda"]


def balancer_metrics(parts: Parts, of: Measured) -> dict[str, list[Mapping[str, AnyMetric]]]:
    """The metrics to read: of "all", of each "zone …" and of the "hosts …" of each group."""
    whole = {"LoadBalancer": parts.dimension}
    asked: dict[str, list[Mapping[str, AnyMetric]]] = {
        "all": [
            traffic_metrics(part) | target_metrics(part)
            for part in dimension_sets(whole, of.groups)
        ]
    }
    for zone in parts.zones:
        in_zone = {**whole, "AvailabilityZone": zone}
        asked[f"zone {zone}"] = [
            traffic_metrics(part) for part in dimension_sets(in_zone, of.groups)
        ]
    for group in checked(parts):
        of_group = {**whole, "TargetGroup": group.dimension}
        asked[f"hosts {group.name}"] = [host_metrics(NAMESPACE, of_group) | routing(of_group)]
    return asked


def host_metrics(namespace: str, dimensions: Dimensions) -> dict[str, AnyMetric]:
    """How many targets are healthy and unhealthy, by the nodes that see the least and the most."""
    return {
        f"{label} {word}": Metric(namespace, name, statistic, dimensions)
        for label, name in (("healthy", "HealthyHostCount"), ("unhealthy", "UnHealthyHostCount"))
        for word, statistic in (("least", "Minimum"), ("most", "Maximum"))
    }


def routing(dimensions: Dimensions) -> dict[str, AnyMetric]:
    """Requests that were sent to unhealthy targets (ELB user guide, "Target group health")."""
    return {"failed open": Metric(NAMESPACE, "UnhealthyRoutingRequestCount", "Sum", dimensions)}


def from_series(
    name: str, parts: Parts, of: Measured, series: Mapping[str, Mapping[str, TimeSeries]]
) -> Balancer:
    """The load balancer from its metrics, named as in `balancer_metrics`."""
    everything = series["all"]
    requests = all_requests(everything)
    hosts = hosts_of(parts, series)
    return Balancer(
        name=name,
        requests=requests,
        errors=server_errors(everything),
        codes=errors_by_code(everything),
        targets=everything[TARGETS].zero_where(requests),
        connection_errors=everything["connection errors"].zero_where(requests),
        p50=everything["p50"],
        p99=everything["p99"],
        zones={
            zone: ZoneTraffic(
                all_requests(series[f"zone {zone}"]), server_errors(series[f"zone {zone}"])
            )
            for zone in parts.zones
        },
        healthy={group: each.healthy_most for group, each in hosts.items()},
        lambdas=tuple(group.name for group in parts.groups if group.kind == "lambda"),
        hosts=hosts,
        groups=tuple(group.name for group in of.groups or ()),
        unread=tuple(dict.fromkeys((*parts.unread, *of.unread))),
    )


def hosts_of(parts: Parts, series: Mapping[str, Mapping[str, TimeSeries]]) -> dict[str, Hosts]:
    return {
        group.name: Hosts(
            healthy_least=found["healthy least"],
            healthy_most=found["healthy most"],
            unhealthy_least=found["unhealthy least"],
            unhealthy_most=found["unhealthy most"],
            sent_to_unhealthy=found.get("failed open", TimeSeries()),
        )
        for group in checked(parts)
        for found in (series[f"hosts {group.name}"],)
    }


# --- Network Load Balancers -----------------------------------------------------------------------


def network_metrics(parts: Parts) -> dict[str, list[Mapping[str, AnyMetric]]]:
    """The metrics to read: of the "hosts …" of each target group."""
    whole = {"LoadBalancer": parts.dimension}
    return {
        f"hosts {group.name}": [
            host_metrics("AWS/NetworkELB", {**whole, "TargetGroup": group.dimension})
        ]
        for group in checked(parts)
    }


def of_network(name: str, parts: Parts, series: Mapping[str, Mapping[str, TimeSeries]]) -> Balancer:
    """A Network Load Balancer: the health of its targets, without requests and answers."""
    nothing, hosts = TimeSeries(), hosts_of(parts, series)
    return Balancer(
        name=name,
        requests=nothing,
        errors=nothing,
        codes={},
        targets=nothing,
        connection_errors=nothing,
        p50=nothing,
        p99=nothing,
        healthy={group: each.healthy_most for group, each in hosts.items()},
        hosts=hosts,
        unread=(*parts.unread, f"{name} is a Network Load Balancer: it counts no requests"),
    )


# --- targets --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """One registered target, as DescribeTargetHealth shows it now."""

    group: str
    id: str
    zone: str | None
    state: str
    reason: str | None
    description: str | None

    @property
    def unhealthy(self) -> bool:
        """Whether it fails its health check. A target that is new (initial), being taken out
        (draining, unhealthy.draining), not used or not checked (unused, unavailable) does not."""
        return self.state == "unhealthy"


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """All registered targets, now, of the groups that have health checks; of ten at most, which
    `groups` names."""

    groups: tuple[str, ...]
    targets: tuple[Target, ...]
    unread: tuple[str, ...] = ()  # target groups that were not asked

    @property
    def coverage(self) -> Coverage:
        """Complete when the targets of all groups were read."""
        names = ", ".join(self.unread)
        return Coverage.of(f"the targets of {names} were not read" if names else None)

    def of(self, group: str) -> tuple[Target, ...]:
        return tuple(target for target in self.targets if target.group == group)


class TargetHealthProbe(Probe[TargetHealth]):
    title: ClassVar[str] = "health of the targets"
    permissions: ClassVar[tuple[str, ...]] = PERMISSIONS

    def read(self, aws: Aws, scope: Scope) -> TargetHealth | None:
        reference = balancer_of(scope)
        if reference is None:
            return None
        groups = [group for group in _groups(aws, scope, reference) if group.kind != "lambda"]
        if not groups:
            return None
        asked, left_out = groups[:MOST_ASKED], groups[MOST_ASKED:]
        found: list[Target] = []
        for group in asked:
            answer = aws.read("elbv2", "describe_target_health", TargetGroupArn=group.arn)
            found += targets_of(group.name, answer)
        return TargetHealth(
            tuple(group.name for group in asked),
            tuple(found),
            unread=tuple(group.name for group in left_out),
        )


def _groups(aws: Aws, scope: Scope, reference: LoadBalancerRef) -> tuple[Group, ...]:
    """The service's target groups with their ARNs, also where the balancer may not be described.
    Raises ReadFailed."""
    try:
        return find_groups(aws, find_balancer(aws, reference), reference)
    except ReadFailed as failed:
        try:
            groups = known_groups(aws, scope, reference)
        except ReadFailed:
            raise failed from None
        if not groups or any(group.arn is None for group in groups):
            raise
        return groups


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
