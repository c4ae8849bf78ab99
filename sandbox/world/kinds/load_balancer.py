"""Application Load Balancers: `resources.load_balancer`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from pydantic import Field

from sandbox.world import names
from sandbox.world.api import LeverValue
from sandbox.world.conditions import Condition
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.balancer_metrics import group_metrics, request_metrics
from sandbox.world.kinds.function_base import function_arn, known_function, known_qualifier
from sandbox.world.kinds.target_effects import (
    ConnectionClosed,
    ConnectionErrors,
    HealthCheckChange,
    HealthChecksFail,
    ListenerChange,
    TargetsDown,
    ZoneFailure,
)
from sandbox.world.kinds.target_group import Balancing, TargetGroup
from sandbox.world.levers import Levers
from sandbox.world.metrics import Dimensions, Published, dimensions
from sandbox.world.minute import MinuteRecords
from sandbox.world.names import Target
from sandbox.world.parts import Loc, Part, Problem, known

_NAMESPACE = "AWS/ApplicationELB"

Forward = Annotated[dict[str, Annotated[float, Field(ge=0)]], Field(min_length=1)]
"""Target groups and their weights; need not add up to 1."""


class Rule(Part):
    """A listener rule: requests to these paths go to these target groups, by weight."""

    paths: tuple[str, ...] = Field(min_length=1)  # as written in `traffic`
    forward: Forward


class LoadBalancer(Balancing):
    """An Application Load Balancer in front of target groups, spread over zones."""

    effects = (TargetsDown, HealthChecksFail, ConnectionErrors, ConnectionClosed, ZoneFailure)
    changes = (HealthCheckChange, ListenerChange)

    rules: tuple[Rule, ...] = ()
    forward: Forward | None = None  # where no rule matches; default: the first target group
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def dimension(self) -> str:
        """The LoadBalancer dimension: the tail of its ARN."""
        return f"app/{self.name}/{names.digest('alb', self.name)}"

    def members(
        self, inventory: Inventory, group: TargetGroup, count: int | None = None
    ) -> tuple[Target, ...]:
        """The targets of a group, dealt over the balancer's zones one after another; `count` where
        there are more or fewer now than at the start."""
        if group.kind == "lambda" and group.function:
            return (Target(function_arn(inventory, group.function, group.alias), 0, "all"),)
        found = []
        for index in range(group.targets if count is None else count):
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
        """Functions and target groups that are not there, and health checks that cannot be."""
        for index, group in enumerate(self.target_groups):
            here = (*loc, "target_groups", index)
            if group.kind == "lambda" and group.function is None:
                yield here, "a target group of kind lambda needs `function`"
            if group.timeout >= group.interval and group.kind != "lambda":
                yield (*here, "timeout"), "the health check's timeout must be below its interval"
            yield from known_function(inventory, (*here, "function"), group.function)
            yield from known_qualifier(inventory, (*here, "alias"), group.function, group.alias)
        names_of = [group.name for group in self.target_groups]
        for index, rule in enumerate(self.rules):
            for name in rule.forward:
                place = (*loc, "rules", index, "forward", name)
                yield from known(place, "target group", name, names_of, "target_groups")
        for name in self.forward or ():
            yield from known((*loc, "forward", name), "target group", name, names_of, "here")

    @classmethod
    def condition_problems(
        cls, condition: Condition, inventory: Inventory, loc: Loc
    ) -> Iterator[Problem]:
        """The form {not_shifted_from}."""
        if condition.not_shifted_from and not inventory.every(cls):
            yield loc, "not_shifted_from needs resources.load_balancer"

    def levers(self) -> Mapping[str, LeverValue]:
        """`elb/{target_group}/`: health_check (JSON of interval, timeout, path and thresholds),
        deregistration_delay (seconds). `elb/{name}/`: forward and rules/{index} (JSON: target group
        to weight). Not set at the start: `shift/{name}`, the zone that traffic is shifted away
        from, or None.
        """
        found: dict[str, LeverValue] = {}
        for group in self.target_groups:
            found[f"elb/{group.name}/health_check"] = group.health_check
            found[f"elb/{group.name}/deregistration_delay"] = group.deregistration_delay
        first = {group.name: 1.0 for group in self.target_groups[:1]}
        found[f"elb/{self.name}/forward"] = json.dumps(self.forward or first)
        for index, rule in enumerate(self.rules):
            found[f"elb/{self.name}/rules/{index}"] = json.dumps(rule.forward)
        return found

    def rule(self, path: str) -> int | None:
        """The index of the first rule for a path ("GET /orders"); None: the default action."""
        return next((i for i, rule in enumerate(self.rules) if path in rule.paths), None)

    def forwards(self, levers: Levers, rule: int | None, at: float) -> dict[str, float]:
        """Target group to the share of a rule's (None: the default action's) requests."""
        key = f"elb/{self.name}/forward" if rule is None else f"elb/{self.name}/rules/{rule}"
        weights: dict[str, float] = json.loads(str(levers.get(key, at)))
        total = sum(weights.values())
        return {name: weight / total for name, weight in weights.items() if weight > 0}

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
        """AWS/ApplicationELB: by balancer, target group and availability zone."""
        yield from request_metrics(self.dimension, minute)
        for group in self.target_groups:
            most = max(
                (
                    len(g.hosts[group.name].registered)
                    for g in minute.gauges
                    if group.kind != "lambda"
                ),
                default=0,
            )
            targets = self.members(minute.inventory, group, most)
            yield from group_metrics(self.dimension, group, targets, minute)

    def alarm_dimensions(self, namespace: str) -> Dimensions | None:
        """The balancer."""
        return dimensions(LoadBalancer=self.dimension) if namespace == _NAMESPACE else None

    def group_dimensions(self, target_group: str) -> Dimensions | None:
        """The balancer and the target group."""
        found = next((g for g in self.target_groups if g.name == target_group), None)
        if found is None:
            return None
        return dimensions(LoadBalancer=self.dimension, TargetGroup=found.dimension)

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
