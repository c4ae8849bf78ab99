"""The simulated service: what it stands on, and the state it is in at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sandbox.world import effects as fx
from sandbox.world.backends import Conditions, FleetBackend, FunctionBackend
from sandbox.world.health import Health
from sandbox.world.levers import Levers
from sandbox.world.pool import Supply
from sandbox.world.records import Gauges
from sandbox.world.resources import TargetGroup
from sandbox.world.schema import Scenario
from sandbox.world.traffic import Arrivals
from sandbox.world.variation import Variation

TICK = 15.0  # seconds
_CALM = 0.7  # share of its capacity up to which an overloaded backend keeps up
_PUSH = 0.3  # how much more load provisioned concurrency lets through to it

Active = tuple[fx.Effect, float]
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
        groups = resources.load_balancer.target_groups if resources.load_balancer else ()
        self.health = [Health(resources, g, levers) for g in groups if g.kind != "lambda"]
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
                    held *= self.levers.holds(condition, at)
                if held > 0.0:
                    yield effect, held

    def conditions(self, at: float, active: Iterable[Active]) -> Conditions:
        """What the active effects make of the service as a whole."""
        slowdown, hanging, cold = 1.0, 0.0, None
        for effect, held in active:
            match effect:
                case fx.Overload():
                    slowdown *= 1.0 + (effect.slowdown - 1.0) * self._pressure(effect, at)
                case fx.DbSlow():
                    slowdown *= 1.0 + (effect.slowdown - 1.0) * held
                case fx.Hang() if not (effect.user_agents or effect.paths):
                    hanging = max(hanging, effect.share * held)
                case fx.ColdStarts():
                    cold = effect
                case _:
                    pass
        return Conditions(at, TICK, slowdown, self._scenario.traffic.burst, cold, hanging)

    def gauges(self, at: float, active: Iterable[Active], supply: Supply | None) -> Gauges:
        """What is measured of the service itself."""
        pressure: tuple[float, str | None] = (0.0, None)
        slow: list[tuple[str, float]] = []
        for effect, held in active:
            if isinstance(effect, fx.Overload):
                pressure = (self._pressure(effect, at), effect.database)
            elif isinstance(effect, fx.DbSlow):
                slow.append((effect.database, 1.0 + (effect.slowdown - 1.0) * held))
        found = {name: how for health in self.health for name, how in health.found.items()}
        return Gauges(
            time=at,
            concurrency=(supply.concurrency, supply.peak) if supply else (0.0, 0.0),
            provisioned=self.function.provisioned(at) if self.function else 0,
            provisioned_busy=supply.provisioned_busy if supply else 0.0,
            load=self.arrivals.rate(at + TICK / 2) / self.arrivals.usual,
            pressure=pressure[0],
            pressed=pressure[1],
            slow=tuple(slow),
            sick=tuple((name, reason, gone) for name, (reason, gone) in found.items()),
        )

    def _pressure(self, effect: fx.Overload, at: float) -> float:
        """How far an overload goes: 0 keeps up, 1 at twice the capacity."""
        load = self.arrivals.rate(at + TICK / 2) * 60.0 / effect.capacity
        if self.function and self.function.provisioned(at) > 0:
            load *= 1.0 + _PUSH
        return max(0.0, (load - _CALM) / (2.0 - _CALM))

    def _backend(self, name: str, qualifier: str | None) -> FunctionBackend:
        resources = self._scenario.resources
        function = next(f for f in resources.functions if f.name == name)
        return FunctionBackend(resources, function, qualifier, self.normal, self.levers)


def _timed(scenario: Scenario, variation: Variation) -> list[tuple[fx.Effect, float, float]]:
    """(effect, from, until) with the seed's onset and strength; answers' effects never end."""
    timed: list[tuple[fx.Effect, float, float]] = []
    for effect in scenario.effects:
        start, until = effect.start + variation.shift, effect.until + variation.shift
        timed.append((_scaled(effect, variation.strength), start, until))
    for answer in scenario.answers:
        for effect in answer.effects:
            conditions = (answer.when, *effect.conditions)
            effect = effect.model_copy(update={"conditions": conditions})
            timed.append((effect, effect.start, effect.until))
    return timed


def _scaled(effect: fx.Effect, strength: float) -> fx.Effect:
    """The effect with its share scaled; a share of 1 means all and stays 1."""
    share = getattr(effect, "share", None)
    if share is None or share >= 1.0:
        return effect
    return effect.model_copy(update={"share": min(0.99, share * strength)})
