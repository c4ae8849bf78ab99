"""Target health: what health checks find, after the interval and thresholds that are set."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from sandbox.world.api import TargetState
from sandbox.world.effects import BaseEffect, Sickness
from sandbox.world.inventory import Inventory
from sandbox.world.kinds import EcsService, LoadBalancer, TargetGroup
from sandbox.world.levers import Levers
from sandbox.world.minute import Hosts
from sandbox.world.names import Target

Chooser = Callable[[BaseEffect, str | None], bool]
"""Whether an effect is about the targets that run a task definition (None: no ECS service)."""

_GONE: Sickness = ("Target.DeregistrationInProgress", True)
_DESCRIPTIONS: Mapping[str, str] = {
    "Target.Timeout": "Request timed out",
    "Target.ResponseCodeMismatch": "Health checks failed with these codes: [503]",
    "Target.FailedHealthChecks": "Health checks failed",
}


class Health:
    """The health of one target group's targets, stepped tick by tick."""

    def __init__(
        self, inventory: Inventory, balancer: LoadBalancer, group: TargetGroup, levers: Levers
    ) -> None:
        self.group = group
        self.service = next(
            (each for each in inventory.every(EcsService) if each.target_group == group.name), None
        )
        self.targets: Sequence[Target] = balancer.members(inventory, group)
        self._inventory = inventory
        self._balancer = balancer
        self._levers = levers
        self._key = f"elb/{group.name}/health_check"
        self._failing: dict[str, float] = {}  # target id -> since when
        self._passing: dict[str, float] = {}
        self._running: dict[str, str] = {}  # target id -> task definition
        self.sick: dict[str, Sickness] = {}  # answers nobody
        self.found: dict[str, Sickness] = {}  # known to the balancer

    def step(self, at: float, effects: Sequence[BaseEffect], chosen: Chooser) -> None:
        """Move to `at`: what is sick then, and what the checks have found by then."""
        self._register(at)
        stopped: set[str] = set()
        self.sick, failing = {}, dict[str, Sickness]()
        for effect in effects:
            concerned = [t for t in self.targets if chosen(effect, self.runs(t))]
            if concerned:
                self.sick |= dict(effect.sick(self.group.name, concerned))
                failing |= dict(effect.failing_checks(self.group.name, concerned, at))
                stopped |= {*effect.stopped(self.group.name, concerned, at)}
        self._check(at, failing | self.sick)
        for name in [name for name, why in self.found.items() if why == _GONE]:
            if name not in stopped:
                del self.found[name]
        self.found |= dict.fromkeys(stopped, _GONE)

    def runs(self, target: Target) -> str | None:
        """The task definition a target runs; None when it is no task."""
        return self._running.get(target.target_id)

    def serving(self) -> list[Target]:
        """The targets that get requests. All unhealthy but registered: fail open, all of them.

        Source: "If a target group contains only unhealthy registered targets, the load balancer
        routes requests to all those targets" (ELB user guide, health checks for target groups).
        """
        healthy = [t for t in self.targets if t.target_id not in self.found]
        if healthy:
            return healthy
        return [t for t in self.targets if not self.found[t.target_id][1]]

    @property
    def fails_open(self) -> bool:
        """Whether unhealthy targets get requests, because there are no others."""
        serving = self.serving()
        return bool(serving) and serving[0].target_id in self.found

    @property
    def hosts(self) -> Hosts:
        """What is published of them."""
        return Hosts(
            tuple(target.target_id for target in self.targets),
            tuple((name, why, gone) for name, (why, gone) in self.found.items()),
            self.fails_open,
        )

    def states(self) -> Iterator[TargetState]:
        """The targets as DescribeTargetHealth shows them."""
        for target in self.targets:
            reason, gone = self.found.get(target.target_id, (None, False))
            if reason is None:
                yield TargetState(target.target_id, target.port, target.zone)
            elif gone:
                text = "Target deregistration is in progress"
                yield TargetState(
                    target.target_id, target.port, target.zone, "draining", _GONE[0], text
                )
            else:
                text = _DESCRIPTIONS[reason]
                yield TargetState(
                    target.target_id, target.port, target.zone, "unhealthy", reason, text
                )

    def _register(self, at: float) -> None:
        """As many targets as the service wants, of the task definitions that run."""
        if self.service is None:
            return
        wanted = self._levers.number(self.service.desired_lever, at)
        more = 0 if wanted is None else round(wanted) - self.service.desired
        count = max(0, self.group.targets + more)
        if count != len(self.targets):
            self.targets = self._balancer.members(self._inventory, self.group, count)
            known = {target.target_id for target in self.targets}
            self.found = {name: why for name, why in self.found.items() if name in known}
        self._running = _deal(self.targets, self.service.served(self._levers, at))

    def _check(self, at: float, failing: Mapping[str, Sickness]) -> None:
        interval, healthy, unhealthy = self._settings(at)
        for target in self.targets:
            name = target.target_id
            if name in failing:
                self._passing.pop(name, None)
                since = self._failing.setdefault(name, at)
                if at - since >= interval * unhealthy:
                    self.found[name] = failing[name]
            elif name in self.found and self.found[name] != _GONE:
                self._failing.pop(name, None)
                since = self._passing.setdefault(name, at)
                if at - since >= interval * healthy:
                    del self.found[name]
            else:
                self._failing.pop(name, None)

    def _settings(self, at: float) -> tuple[float, int, int]:
        settings = json.loads(str(self._levers.get(self._key, at)))
        return (
            float(settings["interval"]),
            int(settings["healthy_threshold"]),
            int(settings["unhealthy_threshold"]),
        )


def _deal(targets: Sequence[Target], served: Mapping[str, float]) -> dict[str, str]:
    """Target id to task definition: the newest first, each its share of the targets."""
    running: dict[str, str] = {}
    left = [target.target_id for target in targets]
    for name, share in reversed([*served.items()]):
        count = len(left) if name == next(iter(served)) else math.ceil(share * len(targets))
        running |= dict.fromkeys(left[:count], name)
        left = left[count:]
    return running
