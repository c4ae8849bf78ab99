"""What goes wrong between a load balancer and its targets, and who changes what there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Literal

from pydantic import Field, model_validator

from sandbox.world import routes
from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.effects import BaseEffect, FilteredEffect, SelectiveEffect, Sickness
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.target_group import Balancing, groups, known_group
from sandbox.world.names import Target
from sandbox.world.parts import Loc, Problem, Seconds, Share, known
from sandbox.world.records import Caller, Request
from sandbox.world.routes import Arrival, Front

Reason = Literal["Target.Timeout", "Target.ResponseCodeMismatch", "Target.FailedHealthChecks"]


class TargetsDown(BaseEffect):
    """Targets of a target group are out of service.

    While others are healthy the balancer avoids them. When all are unhealthy but registered it
    fails open and sends to them all the same; with `deregistered` none is in service and it answers
    503 itself.
    """

    kind: Literal["targets_down"]
    target_group: str
    targets: int | Literal["all"] = "all"
    reason: Reason
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


class HealthChecksFail(BaseEffect):
    """Targets fail their health checks although they answer requests as always.

    The check asks the wrong thing, or has no patience, or asks something behind the targets. While
    others are healthy the balancer avoids them; when all are unhealthy it fails open, and requests
    are answered as before. With `flaps` they fail for that long and pass for that long, in turn.
    """

    kind: Literal["health_checks_fail"]
    target_group: str
    targets: int | Literal["all"] = "all"
    reason: Reason = "Target.ResponseCodeMismatch"
    flaps: Seconds | None = Field(default=None, gt=0)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The target group must exist."""
        section = "load_balancer.target_groups"
        yield from known_group(inventory, (*loc, "target_group"), self.target_group, section)

    def failing_checks(
        self, group: str, targets: Sequence[Target], at: float
    ) -> Iterator[tuple[str, Sickness]]:
        """The first `targets` of the group; of those that flap, each in its own rhythm."""
        if group != self.target_group:
            return
        count = len(targets) if self.targets == "all" else self.targets
        for index, target in enumerate(targets[:count]):
            turn = (at / self.flaps + index * 0.37) % 2.0 if self.flaps else 0.0
            if turn < 1.0:
                yield target.target_id, (self.reason, False)


class ConnectionClosed(FilteredEffect):
    """The target closes the connection before it answers: 502 by the balancer, the target is well.

    That is what a keep-alive shorter than the balancer's idle timeout looks like, and an
    application that quits while it still has requests.
    """

    kind: Literal["connection_closed"]

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """There must be a target group."""
        yield from _needs_balancer(self.kind, inventory, loc)

    @property
    def stops_outside(self) -> bool:
        """The balancer answers."""
        return True

    def outside(self, rng: Random, request: Arrival, front: Front) -> Request | None:
        """502."""
        target = rng.choice(front.targets) if front.targets else None
        return routes.through(front.api, routes.closed(_zone(request), target), request)


class ConnectionErrors(FilteredEffect):
    """The balancer cannot open connections to targets: refused -> 502, timeout (10 s) -> 504; with
    `tls` it can, and they agree on no encryption -> 502."""

    kind: Literal["connection_errors"]
    how: Literal["refused", "timeout", "tls"] = "timeout"

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """There must be a target group."""
        yield from _needs_balancer(self.kind, inventory, loc)

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
        if self.how == "tls":
            outcome = routes.unencrypted(_zone(request), target)
        else:
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
        zones = [zone for balancer in inventory.every(Balancing) for zone in balancer.zones]
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


class HealthCheckChange(BaseChange):
    """elasticloadbalancing:ModifyTargetGroup: name the settings that were set."""

    kind: Literal["health_check"]
    target_group: str
    path: str | None = None
    interval: Seconds | None = None
    timeout: Seconds | None = None
    healthy_threshold: int | None = None
    unhealthy_threshold: int | None = None

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The target group must exist."""
        section = "load_balancer.target_groups"
        yield from known_group(inventory, (*loc, "target_group"), self.target_group, section)

    @property
    def _settings(self) -> dict[str, object]:
        names = ("path", "interval", "timeout", "healthy_threshold", "unhealthy_threshold")
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The health check, with what was set."""
        return {
            f"elb/{group.name}/health_check": (
                0.0,
                json.dumps(json.loads(group.health_check) | self._settings),
            )
            for group in groups(inventory)
            if group.name == self.target_group
        }

    def event(self, inventory: Inventory) -> EventFacts:
        """ModifyTargetGroup."""
        spelt = {
            "path": "healthCheckPath",
            "interval": "healthCheckIntervalSeconds",
            "timeout": "healthCheckTimeoutSeconds",
            "healthy_threshold": "healthyThresholdCount",
            "unhealthy_threshold": "unhealthyThresholdCount",
        }
        arn = group_arn(inventory, self.target_group)
        request: dict[str, object] = {"targetGroupArn": arn}
        request |= {spelt[name]: value for name, value in self._settings.items()}
        touched = (("AWS::ElasticLoadBalancingV2::TargetGroup", arn),)
        return EventFacts(_ELB, "ModifyTargetGroup", touched, request)


class ListenerChange(BaseChange):
    """elasticloadbalancing:ModifyListener, or ModifyRule with `rule`: other weights of the target
    groups, at once. This is how blue/green and canary releases shift traffic at a balancer."""

    kind: Literal["listener"]
    forward: dict[str, float]  # target group to weight
    rule: int | None = Field(default=None, ge=0)  # index in load_balancer.rules; none: the default

    @model_validator(mode="after")
    def _weighted(self) -> ListenerChange:
        if not any(weight > 0 for weight in self.forward.values()):
            raise ValueError("`forward` needs a target group with a weight above 0")
        return self

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The target groups must exist."""
        for name in self.forward:
            yield from known_group(inventory, (*loc, "forward", name), name, "load_balancer")

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The weights."""
        tail = "forward" if self.rule is None else f"rules/{self.rule}"
        weights = json.dumps(self.forward)
        return {f"elb/{each.name}/{tail}": (0.0, weights) for each in inventory.every(Balancing)}

    def event(self, inventory: Inventory) -> EventFacts:
        """ModifyListener or ModifyRule."""
        forward = [
            {"targetGroupArn": group_arn(inventory, name), "weight": weight}
            for name, weight in self.forward.items()
        ]
        request: dict[str, object] = {
            "defaultActions" if self.rule is None else "actions": [
                {"type": "forward", "forwardConfig": {"targetGroups": forward}}
            ]
        }
        touched = tuple(
            ("AWS::ElasticLoadBalancingV2::TargetGroup", group_arn(inventory, name))
            for name in self.forward
        )
        name = "ModifyListener" if self.rule is None else "ModifyRule"
        return EventFacts(_ELB, name, touched, request)


def group_arn(inventory: Inventory, name: str) -> str:
    """The ARN of a target group."""
    found = next(group for group in groups(inventory) if group.name == name)
    return inventory.arn("elasticloadbalancing", found.dimension)


_ELB = "elasticloadbalancing.amazonaws.com"


def _needs_balancer(kind: str, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
    if not groups(inventory):
        yield loc, f"{kind} needs resources.load_balancer"


def _zone(request: Arrival) -> str:
    return request[3].zone or "a"
