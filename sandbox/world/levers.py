"""Levers: state an API call can change and the simulation reacts to, with its history."""

from __future__ import annotations

import json
from bisect import bisect_right
from typing import cast

from sandbox.world import changes as ch
from sandbox.world import names
from sandbox.world.api import LeverValue
from sandbox.world.effects import Condition
from sandbox.world.resources import Resources, TargetGroup

_ALWAYS = float("-inf")


class Levers:
    """The value of every lever at every time (seconds relative to the scenario's zero)."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._times: dict[str, list[float]] = {}
        self._values: dict[str, list[LeverValue]] = {}
        for key, value in _initial(resources).items():
            self.put(key, value, _ALWAYS)

    def put(self, key: str, value: LeverValue, at: float) -> None:
        """The lever has this value from `at` on, until a later `put`."""
        times = self._times.setdefault(key, [])
        index = bisect_right(times, at)
        times.insert(index, at)
        self._values.setdefault(key, []).insert(index, value)

    def get(self, key: str, at: float) -> LeverValue:
        """The value at a time; None when it was never set."""
        index = bisect_right(self._times.get(key, ()), at)
        return self._values[key][index - 1] if index else None

    def since(self, key: str, at: float) -> float:
        """When the value at `at` was set."""
        index = bisect_right(self._times.get(key, ()), at)
        return self._times[key][index - 1] if index else _ALWAYS

    def number(self, key: str, at: float) -> float | None:
        """The value at a time as a number; None when unset or not a number."""
        value = self.get(key, at)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value)

    def versions(self, function: str, qualifier: str | None, at: float) -> dict[str, float]:
        """Version -> share of the traffic a qualifier sends to it."""
        if qualifier is None:
            return {"$LATEST": 1.0}
        main = self.get(f"lambda/{function}/alias/{qualifier}", at)
        if main is None:
            return {qualifier: 1.0}
        weights = self.get(f"lambda/{function}/weights/{qualifier}", at)
        version, _, weight = str(weights or "").partition(":")
        if not weight:
            return {str(main): 1.0}
        extra = min(1.0, max(0.0, float(weight)))
        return {str(main): 1.0 - extra, version: extra}

    def shifted(self, at: float) -> str | None:
        """The suffix of the zone that traffic is shifted away from."""
        balancer = self._resources.load_balancer
        away = self.get(f"shift/{balancer.name}", at) if balancer else None
        if balancer is None or away is None:
            return None
        return next((z for z in balancer.zones if names.is_zone(self._resources, z, away)), None)

    def holds(self, condition: Condition, at: float) -> float:
        """To what part a condition holds: 0 or 1, or the share of a weighted alias."""
        if condition.function and condition.version:
            versions = self.versions(condition.function, condition.alias, at)
            return versions.get(condition.version, 0.0)
        if condition.ecs:
            service = next(s for s in self._resources.ecs if s.name == condition.ecs)
            key = f"ecs/{service.cluster}/{service.name}/task_definition"
            return float(self.get(key, at) == condition.task_definition)
        if condition.codedeploy:
            key = f"codedeploy/{condition.codedeploy}/revision"
            return float(self.get(key, at) == condition.revision)
        if condition.not_shifted_from:
            return float(self.shifted(at) != condition.not_shifted_from)
        value = self.get(cast(str, condition.lever), at)
        if condition.equals is not None:
            return float(str(value) == str(condition.equals))
        if isinstance(value, bool) or not isinstance(value, int | float):
            return 0.0
        if condition.above is not None:
            return float(value > condition.above)
        return float(condition.below is not None and value < condition.below)


def health_check(group: TargetGroup) -> str:
    """The value of a target group's health_check lever."""
    return json.dumps(
        {
            "interval": group.interval,
            "timeout": group.timeout,
            "path": group.health_path,
            "healthy_threshold": group.healthy_threshold,
            "unhealthy_threshold": group.unhealthy_threshold,
        }
    )


def pulls(resources: Resources, change: ch.Change) -> dict[str, tuple[float, LeverValue]]:
    """The levers a change pulls: key -> (delay in seconds after its start, value)."""
    match change:
        case ch.AliasMove():
            return {f"lambda/{change.function}/alias/{change.alias}": (0.0, change.version)}
        case ch.Deployment():
            name = f"{change.application}/{change.group}"
            found: dict[str, tuple[float, LeverValue]] = {
                f"codedeploy/{name}/revision": (change.takes, change.revision)
            }
            group = next(d for d in resources.codedeploy if f"{d.application}/{d.group}" == name)
            if change.version and group.function and group.alias:
                key = f"lambda/{group.function}/alias/{group.alias}"
                found[key] = (change.takes, change.version)
            for service in resources.ecs:
                if change.task_definition and service.name == group.ecs_service:
                    key = f"ecs/{service.cluster}/{service.name}/task_definition"
                    found[key] = (change.takes, change.task_definition)
            return found
        case ch.EcsUpdate():
            service = next(s for s in resources.ecs if s.name == change.service)
            key = f"ecs/{service.cluster}/{service.name}/task_definition"
            return {key: (change.takes, change.task_definition)}
        case ch.FunctionConfig():
            values = {
                "memory": change.memory_mb,
                "timeout": change.timeout,
                "reserved": change.reserved_concurrency,
            }
            return {
                f"lambda/{change.function}/{key}": (0.0, value)
                for key, value in values.items()
                if value is not None
            }
        case ch.ApiDeployment() if resources.api:
            api = resources.api
            return {f"api/{api.name}/{api.stage}/deployment": (0.0, change.deployment)}
        case _:
            return {}


def _initial(resources: Resources) -> dict[str, LeverValue]:
    values: dict[str, LeverValue] = {}
    for function in resources.functions:
        base = f"lambda/{function.name}"
        values |= {f"{base}/alias/{name}": v for name, v in function.aliases.items()}
        values |= {f"{base}/provisioned/{q}": n for q, n in function.provisioned.items()}
        values[f"{base}/reserved"] = function.reserved_concurrency
        values[f"{base}/memory"] = function.memory_mb
        values[f"{base}/timeout"] = function.timeout
    for service in resources.ecs:
        base = f"ecs/{service.cluster}/{service.name}"
        values[f"{base}/task_definition"] = service.serving
        values[f"{base}/desired"] = service.desired
    if balancer := resources.load_balancer:
        for group in balancer.target_groups:
            values[f"elb/{group.name}/health_check"] = health_check(group)
            values[f"elb/{group.name}/deregistration_delay"] = group.deregistration_delay
    return values
