"""Target health: what health checks find, after the interval and thresholds that are set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sandbox.world import names
from sandbox.world.effects import ConnectionErrors, Effect, TargetsDown
from sandbox.world.levers import Levers
from sandbox.world.names import Target
from sandbox.world.resources import Resources, TargetGroup

Sick = Mapping[str, tuple[str, bool]]
"""Target id -> (reason, deregistered)."""


class Health:
    """The health of one target group's targets, stepped tick by tick."""

    def __init__(self, resources: Resources, group: TargetGroup, levers: Levers) -> None:
        self.group = group
        self.targets = names.targets(resources, group)
        self._levers = levers
        self._key = f"elb/{group.name}/health_check"
        self._failing: dict[str, float] = {}  # target id -> since when
        self._passing: dict[str, float] = {}
        self.sick: dict[str, tuple[str, bool]] = {}  # fails when it is asked
        self.found: dict[str, tuple[str, bool]] = {}  # known to the balancer

    def step(self, at: float, effects: Iterable[Effect]) -> None:
        """Move to `at`: what is sick then, and what the checks have found by then."""
        self.sick = dict(self._ill(effects))
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

    def _ill(self, effects: Iterable[Effect]) -> Iterable[tuple[str, tuple[str, bool]]]:
        for effect in effects:
            if isinstance(effect, TargetsDown) and effect.target_group == self.group.name:
                count = len(self.targets) if effect.targets == "all" else effect.targets
                for target in self.targets[:count]:
                    yield target.target_id, (effect.reason, effect.deregistered)
            elif isinstance(effect, ConnectionErrors) and effect.share >= 1.0:
                if effect.user_agents or effect.paths or effect.zones:
                    continue
                timeout = effect.how == "timeout"
                reason = "Target.Timeout" if timeout else "Target.FailedHealthChecks"
                for target in self.targets:
                    yield target.target_id, (reason, False)

    def _check(self, at: float) -> tuple[float, int, int]:
        settings = json.loads(str(self._levers.get(self._key, at)))
        return (
            float(settings["interval"]),
            int(settings["healthy_threshold"]),
            int(settings["unhealthy_threshold"]),
        )
