"""Application Load Balancers and their target groups: `resources.load_balancer`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Literal

from pydantic import Field

from sandbox.world import names, routes
from sandbox.world.api import LeverValue
from sandbox.world.conditions import Condition
from sandbox.world.effects import BaseEffect, FilteredEffect, SelectiveEffect, Sickness
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.function import function_arn, known_function, known_qualifier
from sandbox.world.kinds.resource import Resource
from sandbox.world.levers import Levers
from sandbox.world.metrics import (
    Dimensions,
    Published,
    dimensions,
    nonzero,
    plain,
    weighted,
)
from sandbox.world.minute import Gauges, MinuteRecords
from sandbox.world.names import Target
from sandbox.world.parts import Loc, Part, Problem, Seconds, Share, known
from sandbox.world.records import Caller, Hop, Request
from sandbox.world.routes import Arrival, Front

_NAMESPACE = "AWS/ApplicationELB"


class TargetsDown(BaseEffect):
    """Targets of a target group are out of service.

    While others are healthy the balancer avoids them. When all are unhealthy but registered it
    fails open and sends to them all the same; with `deregistered` none is in service and it answers
    503 itself.
    """

    kind: Literal["targets_down"]
    target_group: str
    targets: int | Literal["all"] = "all"
    reason: Literal["Target.Timeout", "Target.ResponseCodeMismatch", "Target.FailedHealthChecks"]
    deregistered: bool = False

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The target group must exist."""
        section = "load_balancer.target_groups"
        yield from known_group(inventory, (*loc, "target_group"), self.target_group, section)

    def sick(self, group: str, targets: Sequence[Target]) -> Iterator[tuple[str, Sickness]]:
        """The first `targets` of the group."""
        if group == self.target_group:
            count = len(targets) if self.targets == "all" else self.targets
            for target in targets[:count]:
                yield target.target_id, (self.reason, self.deregistered)


class ConnectionErrors(FilteredEffect):
    """The balancer cannot open connections to targets: refused -> 502, timeout (10 s) -> 504."""

    kind: Literal["connection_errors"]
    how: Literal["refused", "timeout"] = "timeout"

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """There must be a target group."""
        if not _groups(inventory):
            yield loc, "connection_errors needs resources.load_balancer"

    def sick(self, group: str, targets: Sequence[Target]) -> Iterator[tuple[str, Sickness]]:
        """Every target, when no connection at all is possible: health checks fail as well."""
        if self.share < 1.0 or self.user_agents or self.paths or self.zones:
            return
        reason = "Target.Timeout" if self.how == "timeout" else "Target.FailedHealthChecks"
        for target in targets:
            yield target.target_id, (reason, False)

    @property
    def stops_outside(self) -> bool:
        """The balancer answers."""
        return True

    def outside(self, rng: Random, request: Arrival, front: Front) -> Request | None:
        """502 or 504."""
        target = rng.choice(front.targets) if front.targets else None
        outcome = routes.unconnected(_zone(request), target, self.how == "refused")
        return routes.through(front.api, outcome, request)


class ZoneFailure(SelectiveEffect):
    """One availability zone fails: `share` of its requests; ends when traffic is shifted away."""

    kind: Literal["zone_failure"]
    zone: str  # suffix
    share: Share = 0.7
    status: Literal[500, 502, 503, 504] = 504

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The balancer must be in the zone."""
        zones = [zone for balancer in inventory.every(LoadBalancer) for zone in balancer.zones]
        yield from known((*loc, "zone"), "zone", self.zone, zones, "load_balancer.zones")

    def concerns(self, caller: Caller) -> bool:
        """Those whose requests the balancer hears in the zone."""
        return caller.zone == self.zone

    @property
    def stops_outside(self) -> bool:
        """The balancer answers."""
        return True

    def outside(self, rng: Random, request: Arrival, front: Front) -> Request | None:
        """The status, from the target itself or from the balancer."""
        zone = _zone(request)
        target = rng.choice(front.targets) if front.targets else None
        local = [each for each in front.targets if each.zone.endswith(zone)]
        target = rng.choice(local) if local else target
        if self.status == 500 and target:
            outcome = routes.answered(zone, target, 500, rng.uniform(5.0, 60.0))
        elif self.status == 503:
            outcome = routes.no_target(zone)
        else:
            outcome = routes.unconnected(zone, target, refused=self.status == 502)
        return routes.through(front.api, outcome, request)


class TargetGroup(Part):
    """A target group; its targets are instances, ECS tasks (ip) or one Lambda function alias."""

    name: str
    kind: Literal["instance", "ip", "lambda"] = "ip"
    targets: int = 4
    function: str | None = None  # kind: lambda
    alias: str | None = None
    health_path: str = "/health"
    interval: Seconds = 30
    timeout: Seconds = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    deregistration_delay: Seconds = 300
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def dimension(self) -> str:
        """The TargetGroup dimension: the tail of its ARN."""
        return f"targetgroup/{self.name}/{names.digest('tg', self.name)}"

    @property
    def health_check(self) -> str:
        """The value of its health_check lever at the start."""
        return json.dumps(
            {
                "interval": self.interval,
                "timeout": self.timeout,
                "path": self.health_path,
                "healthy_threshold": self.healthy_threshold,
                "unhealthy_threshold": self.unhealthy_threshold,
            }
        )


class LoadBalancer(Resource):
    """An Application Load Balancer in front of target groups, spread over zones."""

    effects = (TargetsDown, ConnectionErrors, ZoneFailure)

    name: str
    zones: tuple[str, ...] = ("a", "b", "c")  # suffixes of the region's availability zones
    target_groups: tuple[TargetGroup, ...]
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def dimension(self) -> str:
        """The LoadBalancer dimension: the tail of its ARN."""
        return f"app/{self.name}/{names.digest('alb', self.name)}"

    def members(self, inventory: Inventory, group: TargetGroup) -> tuple[Target, ...]:
        """The targets of a group, dealt over the balancer's zones one after another."""
        if group.kind == "lambda" and group.function:
            return (Target(function_arn(inventory, group.function, group.alias), 0, "all"),)
        found = []
        for index in range(group.targets):
            suffix = self.zones[index % len(self.zones)]
            if group.kind == "instance":
                target_id = f"i-{names.digest('instance', group.name, index, length=17)}"
            else:
                network = 16 * (ord(suffix[-1]) - ord("a"))
                host = (int(names.digest("ip", group.name, length=4), 16) + 13 * index) % 240 + 10
                target_id = f"10.0.{network}.{host}"
            found.append(Target(target_id, names.TARGET_PORT, names.zone(inventory, suffix)))
        return tuple(found)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Functions that are not there, and health checks that cannot be."""
        for index, group in enumerate(self.target_groups):
            here = (*loc, "target_groups", index)
            if group.kind == "lambda" and group.function is None:
                yield here, "a target group of kind lambda needs `function`"
            if group.timeout >= group.interval and group.kind != "lambda":
                yield (*here, "timeout"), "the health check's timeout must be below its interval"
            yield from known_function(inventory, (*here, "function"), group.function)
            yield from known_qualifier(inventory, (*here, "alias"), group.function, group.alias)

    @classmethod
    def condition_problems(
        cls, condition: Condition, inventory: Inventory, loc: Loc
    ) -> Iterator[Problem]:
        """The form {not_shifted_from}."""
        if condition.not_shifted_from and not inventory.every(cls):
            yield loc, "not_shifted_from needs resources.load_balancer"

    def levers(self) -> Mapping[str, LeverValue]:
        """`elb/{target_group}/`: health_check (JSON of interval, timeout, path and thresholds),
        deregistration_delay (seconds). Not set at the start: `shift/{name}`, the zone that traffic
        is shifted away from, or None.
        """
        return {
            key: value
            for group in self.target_groups
            for key, value in (
                (f"elb/{group.name}/health_check", group.health_check),
                (f"elb/{group.name}/deregistration_delay", group.deregistration_delay),
            )
        }

    def shifted(self, inventory: Inventory, levers: Levers, at: float) -> str | None:
        """The suffix of the zone that traffic is shifted away from."""
        away = levers.get(f"shift/{self.name}", at)
        if away is None:
            return None
        return next((z for z in self.zones if names.is_zone(inventory, z, away)), None)

    def holds(
        self, condition: Condition, inventory: Inventory, levers: Levers, at: float
    ) -> float | None:
        """Until traffic is shifted away from the zone."""
        if condition.not_shifted_from is None:
            return None
        return float(self.shifted(inventory, levers, at) != condition.not_shifted_from)

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        """AWS/ApplicationELB: by balancer, target group and availability zone.

        Traffic goes to the first target group. Status codes and connection errors have no data in
        a minute in which there were none, as in AWS.
        """
        hops = [(r.hop, r.weight) for r in minute.ended if r.hop is not None]
        zones: dict[str | None, list[tuple[Hop, int]]] = {None: hops}
        for hop, weight in hops:
            zones.setdefault(hop.zone, []).append((hop, weight))
        for suffix, some in zones.items():
            place = {"AvailabilityZone": names.zone(minute.inventory, suffix)} if suffix else {}
            whole = [dimensions(LoadBalancer=self.dimension, **place)]
            for group in self.target_groups[:1]:
                yield from _hops(whole, [*whole, self._of(group, place)], some)
        for group in self.target_groups:
            if group.kind != "lambda":
                yield from self._hosts(minute.inventory, group, minute.gauges)

    def _hosts(
        self, inventory: Inventory, group: TargetGroup, gauges: Sequence[Gauges]
    ) -> Iterator[Published]:
        """HealthyHostCount and UnHealthyHostCount; a deregistered target is neither."""
        targets = self.members(inventory, group)
        zones: list[str | None] = [None, *sorted({target.zone for target in targets})]
        for zone in zones:
            here = {t.target_id for t in targets if zone is None or t.zone == zone}
            dims = [self._of(group, {"AvailabilityZone": zone} if zone else {})]
            healthy, unhealthy = [], []
            for gauge in gauges:
                sick = {name: gone for name, _, gone in gauge.sick if name in here}
                healthy.append(float(len(here) - len(sick)))
                unhealthy.append(float(sum(not gone for gone in sick.values())))
            yield Published(_NAMESPACE, "HealthyHostCount", dims, plain(healthy, "Count"))
            yield Published(_NAMESPACE, "UnHealthyHostCount", dims, plain(unhealthy, "Count"))

    def _of(self, group: TargetGroup, place: Mapping[str, str]) -> Dimensions:
        return dimensions(LoadBalancer=self.dimension, TargetGroup=group.dimension, **place)

    def alarm_dimensions(self, namespace: str) -> Dimensions | None:
        """The balancer."""
        return dimensions(LoadBalancer=self.dimension) if namespace == _NAMESPACE else None

    def catalogue(self) -> Iterable[tuple[str, object]]:
        """The balancer with its target groups."""
        groups = [group.name for group in self.target_groups]
        return [("load_balancers", {"name": self.name, "target_groups": groups})]

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The balancer and its target groups."""
        service = "elasticloadbalancing"
        yield inventory.arn(service, f"loadbalancer/{self.dimension}"), self.tags
        for group in self.target_groups:
            yield inventory.arn(service, group.dimension), group.tags


def known_group(
    inventory: Inventory, loc: Loc, name: str | None, section: str
) -> Iterator[Problem]:
    """The problem that there is no target group of this name."""
    yield from known(loc, "target group", name, _groups(inventory), section)


def _groups(inventory: Inventory) -> list[str]:
    return [g.name for balancer in inventory.every(LoadBalancer) for g in balancer.target_groups]


def _zone(request: Arrival) -> str:
    return request[3].zone or "a"


def _hops(
    whole: Sequence[Dimensions], both: Sequence[Dimensions], hops: Sequence[tuple[Hop, int]]
) -> Iterator[Published]:
    count = failed = 0
    own: Counter[int] = Counter()
    theirs: Counter[int] = Counter()
    times: list[tuple[float, int]] = []
    for hop, weight in hops:
        count += weight
        if hop.elb_status:
            own[hop.elb_status] += weight
        if hop.target_status:
            theirs[hop.target_status // 100] += weight
        if hop.connect_error:
            failed += weight
        if hop.response is not None:
            times.append((hop.response / 1000.0, weight))
    yield Published(_NAMESPACE, "RequestCount", both, nonzero(count))
    yield Published(_NAMESPACE, "HTTPCode_ELB_5XX_Count", whole, nonzero(sum(own.values())))
    for status, found in own.items():
        yield Published(_NAMESPACE, f"HTTPCode_ELB_{status}_Count", whole, nonzero(found))
    for family, found in theirs.items():
        yield Published(_NAMESPACE, f"HTTPCode_Target_{family}XX_Count", both, nonzero(found))
    yield Published(_NAMESPACE, "TargetConnectionErrorCount", both, nonzero(failed))
    yield Published(_NAMESPACE, "TargetResponseTime", both, weighted(times, "Seconds"))
