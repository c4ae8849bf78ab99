"""Target health: what health checks find, after the interval and thresholds that are set."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sandbox.world.effects import BaseEffect, Sickness
from sandbox.world.inventory import Inventory
from sandbox.world.kinds import LoadBalancer, TargetGroup
from sandbox.world.levers import Levers
from sandbox.world.names import Target


class Health:
    """The health of one target group's targets, stepped tick by tick."""

    def __init__(
        self, inventory: Inventory, balancer: LoadBalancer, group: TargetGroup, levers: Levers
    ) -> None:
        self.group = group
        self.targets = balancer.members(inventory, group)
        self._levers = levers
        self._key = f"elb/{group.name}/health_check"
        self._failing: dict[str, float] = {}  # target id -> since when
        self._passing: dict[str, float] = {}
        self.sick: dict[str, Sickness] = {}  # fails when it is asked
        self.found: dict[str, Sickness] = {}  # known to the balancer

    def step(self, at: float, effects: Iterable[BaseEffect]) -> None:
        """Move to `at`: what is sick then, and what the checks have found by then."""
        self.sick = dict(self._sick(effects))
        interval, healthy, unhealthy = self._check(at)
        for target in self.targets:
            name = target.target_id
            if name in self.sick:
                self._passing.pop(name, None)
                since = self._failing.setdefault(name, at)
                if at - since >= interval * unhealthy:
                    self.found[name] = self.sick[name]
            elif name in self.found:
                self._failing.pop(name, None)
                since = self._passing.setdefault(name, at)
                if at - since >= interval * healthy:
                    del self.found[name]
            else:
                self._failing.pop(name, None)

    def serving(self) -> list[Target]:
        """The targets that get requests. All unhealthy but registered: fail open, all of them.

        Source: "If a target group contains only unhealthy registered targets, the load balancer
        routes requests to all those targets" (ELB user guide, health checks for target groups).
        """
        healthy = [t for t in self.targets if t.target_id not in self.found]
        if healthy:
            return healthy
        return [t for t in self.targets if not self.found[t.target_id][1]]

    def _sick(self, effects: Iterable[BaseEffect]) -> Iterable[tuple[str, Sickness]]:
        for effect in effects:
            yield from effect.sick(self.group.name, self.targets)

    def _check(self, at: float) -> tuple[float, int, int]:
        settings = json.loads(str(self._levers.get(self._key, at)))
        return (
            float(settings["interval"]),
            int(settings["healthy_threshold"]),
            int(settings["unhealthy_threshold"]),
        )
