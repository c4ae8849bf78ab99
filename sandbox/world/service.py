"""The simulated service: what it stands on, and the state it is in at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sandbox.world.backends import Conditions, FleetBackend, FunctionBackend
from sandbox.world.conditions import Condition
from sandbox.world.effects import BaseEffect, Hang, Load, Overload
from sandbox.world.health import Health
from sandbox.world.kinds import Resource, TargetGroup
from sandbox.world.kinds.function import ColdStarts
from sandbox.world.levers import Levers
from sandbox.world.minute import Gauges
from sandbox.world.pool import Supply
from sandbox.world.schema import Scenario
from sandbox.world.traffic import Arrivals
from sandbox.world.variation import Variation

TICK = 15.0  # seconds
_PUSH = 0.3  # how much more load provisioned concurrency lets through to it

Active = tuple[BaseEffect, float]
"""An effect that is active, and the part to which its conditions hold."""


class Service:
    """The scenario's service with its front door and its backend."""

    def __init__(self, scenario: Scenario, variation: Variation, levers: Levers, name: str) -> None:
        resources = scenario.resources
        self.name = name
        self.levers = levers
        self.normal = variation.normal(scenario.normal)
        self.arrivals = Arrivals(scenario, variation, name)
        self.api = resources.api
        self.function: FunctionBackend | None = None
        self.fleet: FleetBackend | None = None
        self.group: TargetGroup | None = None  # the target group the traffic goes to
        self._scenario = scenario
        self._effects = _timed(scenario, variation)
        self.balancer = balancer = resources.load_balancer
        groups = balancer.target_groups if balancer else ()
        self.health = [
            Health(resources, balancer, group, levers)
            for group in groups
            if balancer and group.kind != "lambda"
        ]
        if self.api and self.api.function:
            self.function = self._backend(self.api.function, self.api.qualifier)
        elif groups:
            self.group = groups[0]
            if self.group.function:
                self.function = self._backend(self.group.function, self.group.alias)
            else:
                self.fleet = FleetBackend(self.health[0], self.normal)

    def active(self, at: float) -> Iterator[Active]:
        """The effects active at a time."""
        for effect, start, until in self._effects:
            if start <= at < until:
                held = 1.0
                for condition in effect.conditions:
                    held *= self._holds(condition, at)
                if held > 0.0:
                    yield effect, held

    def shifted(self, at: float) -> str | None:
        """The suffix of the zone that traffic is shifted away from."""
        if self.balancer is None:
            return None
        return self.balancer.shifted(self._scenario.resources, self.levers, at)

    def conditions(self, at: float, active: Iterable[Active]) -> Conditions:
        """What the active effects make of the service as a whole."""
        slowdown, hanging, cold = 1.0, 0.0, None
        load = self._load(at)
        for effect, held in active:
            slowdown *= effect.duration_factor(held, load)
            if isinstance(effect, Hang) and not (effect.user_agents or effect.paths):
                hanging = max(hanging, effect.share * held)
            elif isinstance(effect, ColdStarts):
                cold = effect
        return Conditions(at, TICK, slowdown, self._scenario.traffic.burst, cold, hanging)

    def gauges(self, at: float, active: Iterable[Active], supply: Supply | None) -> Gauges:
        """What is measured of the service itself."""
        active = tuple(active)
        load = self._load(at)
        overloads = [effect for effect, _ in active if isinstance(effect, Overload)]
        found = {name: how for health in self.health for name, how in health.found.items()}
        return Gauges(
            time=at,
            concurrency=(supply.concurrency, supply.peak) if supply else (0.0, 0.0),
            provisioned=self.function.provisioned(at) if self.function else 0,
            provisioned_busy=supply.provisioned_busy if supply else 0.0,
            load=self.arrivals.rate(at + TICK / 2) / self.arrivals.usual,
            pressure=overloads[-1].pressure(load) if overloads else 0.0,
            pressed=overloads[-1].database if overloads else None,
            active=active,
            sick=tuple((name, reason, gone) for name, (reason, gone) in found.items()),
        )

    def _load(self, at: float) -> Load:
        pushed = self.function is not None and self.function.provisioned(at) > 0
        rpm = self.arrivals.rate(at + TICK / 2) * 60.0
        return Load(rpm, 1.0 + _PUSH if pushed else 1.0)

    def _holds(self, condition: Condition, at: float) -> float:
        """To what part a condition holds: 0 or 1, or the share of a weighted alias."""
        resources = self._scenario.resources
        for resource in resources.every(Resource):
            held = resource.holds(condition, resources, self.levers, at)
            if held is not None:
                return held
        return condition.compare(self.levers, at) if condition.lever else 0.0

    def _backend(self, name: str, qualifier: str | None) -> FunctionBackend:
        resources = self._scenario.resources
        function = next(f for f in resources.functions if f.name == name)
        return FunctionBackend(resources, function, qualifier, self.normal, self.levers)


def _timed(scenario: Scenario, variation: Variation) -> list[tuple[BaseEffect, float, float]]:
    """(effect, from, until) with the seed's onset and strength; answers' effects never end."""
    timed: list[tuple[BaseEffect, float, float]] = []
    for effect in scenario.effects:
        start, until = effect.start + variation.shift, effect.until + variation.shift
        timed.append((_scaled(effect, variation.strength), start, until))
    for answer in scenario.answers:
        for effect in answer.effects:
            conditions = (answer.when, *effect.conditions)
            effect = effect.model_copy(update={"conditions": conditions})
            timed.append((effect, effect.start, effect.until))
    return timed


def _scaled(effect: BaseEffect, strength: float) -> BaseEffect:
    """The effect with its share scaled; a share of 1 means all and stays 1."""
    share = getattr(effect, "share", None)
    if share is None or share >= 1.0:
        return effect
    return effect.model_copy(update={"share": min(0.99, share * strength)})
