"""The simulated service: what it stands on, and the state it is in at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sandbox.world.backends import Conditions, FleetBackend, FunctionBackend
from sandbox.world.changes import ServiceEvent
from sandbox.world.code_effects import ConnectionPool, Hang, Overload
from sandbox.world.conditions import Condition
from sandbox.world.connections import PoolInUse
from sandbox.world.effects import BaseEffect, FilteredEffect, Load, SelectiveEffect
from sandbox.world.health import Health
from sandbox.world.kinds import Function, Resource, TargetGroup
from sandbox.world.kinds.ecs_changes import TasksStop
from sandbox.world.kinds.function_changes import ColdStarts
from sandbox.world.levers import Levers
from sandbox.world.minute import Executions, Gauges, Pressure
from sandbox.world.pool import Supply
from sandbox.world.records import Caller, Request
from sandbox.world.sampling import mean
from sandbox.world.schema import Scenario
from sandbox.world.traffic import Arrivals, Way
from sandbox.world.variation import Variation

TICK = 15.0  # seconds
_PUSH = 0.3  # how much more load provisioned concurrency lets through to it

Active = tuple[BaseEffect, float]
"""An effect that is active, and the part to which its conditions hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """Where requests end: a backend, in a target group or called by the API."""

    backend: FunctionBackend | FleetBackend
    group: TargetGroup | None

    @property
    def names(self) -> tuple[str, ...]:
        """What effects call it: its function or ECS service, and its target group."""
        if isinstance(self.backend, FunctionBackend):
            own = [self.backend.function.name]
        else:
            service = self.backend.health.service
            own = [service.name] if service else []
        return (*own, *([self.group.name] if self.group else []))


class Service:
    """The scenario's service with its front door and its backends."""

    def __init__(self, scenario: Scenario, variation: Variation, levers: Levers, name: str) -> None:
        resources = scenario.resources
        self.name = name
        self.levers = levers
        self.normal = variation.normal(scenario.normal)
        self.api = resources.api
        self.balancer = balancer = resources.load_balancer
        groups = balancer.target_groups if balancer else ()
        self.health = [
            Health(resources, balancer, group, levers)
            for group in groups
            if balancer and group.kind != "lambda"
        ]
        self._scenario = scenario
        self._effects = _timed(scenario, variation)
        self._functions: dict[tuple[str, str | None], FunctionBackend] = {}
        self._of_functions: dict[tuple[str, str | None], Destination] = {}
        self._of_groups = {group.name: self._group(group) for group in groups}
        self.authorizer: FunctionBackend | None = None
        if self.api and self.api.authorizer:
            self.authorizer = self._function(
                self.api.authorizer.function, self.api.authorizer.qualifier
            )
        self.arrivals = Arrivals(scenario, variation, name, self.way)
        self._pools = {
            id(effect): PoolInUse(effect)
            for effect, _, _ in self._effects
            if isinstance(effect, ConnectionPool)
        }

    # -- where requests go

    def way(self, caller: Caller) -> Way:
        """The way of a caller's path."""
        path = f"{caller.method} {caller.path}"
        if self.api:
            function, qualifier = self.api.called(path)
            if function is not None:
                return function, qualifier, None
        return None, None, self.balancer.rule(path) if self.balancer else None

    def destinations(self, way: Way, at: float) -> Sequence[tuple[Destination, float]]:
        """Where the requests of a way end, with their shares."""
        function, qualifier, rule = way
        if function is not None:
            key = (function, qualifier)
            if key not in self._of_functions:
                self._of_functions[key] = Destination(self._function(*key), None)
            return [(self._of_functions[key], 1.0)]
        if self.balancer is None:
            return []
        shares = self.balancer.forwards(self.levers, rule, at)
        return [(self._of_groups[name], share) for name, share in shares.items()]

    def called(self, at: float) -> frozenset[tuple[str, str | None]]:
        """The functions that are called, with their qualifiers."""
        backends = [each.backend for each in self._every(at)]
        if self.authorizer is not None:
            backends.append(self.authorizer)
        return frozenset(
            (each.function.name, each.qualifier)
            for each in backends
            if isinstance(each, FunctionBackend)
        )

    # -- what is wrong

    def active(self, at: float) -> Iterator[Active]:
        """The effects active at a time."""
        for effect, start, until in self._effects:
            if start <= at < until:
                held = 1.0
                for condition in effect.conditions:
                    held *= self._holds(condition, at)
                if held > 0.0:
                    yield effect, held

    def held(self, active: Active, destination: Destination, variant: str, at: float) -> float:
        """The part to which an active effect's conditions hold for one variant of a backend."""
        effect, held = active
        backend = destination.backend
        if not any(backend.varies_by(condition) for condition in effect.conditions):
            return held
        held = 1.0
        for condition in effect.conditions:
            if backend.varies_by(condition):
                named = condition.version or condition.task_definition
                held *= float(named == variant)
            else:
                held *= self._holds(condition, at)
        return held

    def concerns_target(self, group: str, effect: BaseEffect, running: str | None) -> bool:
        """Whether an effect is about a target that runs a task definition."""
        destination = self._of_groups[group]
        if not effect.about(destination.names):
            return False
        conditions = [c for c in effect.conditions if destination.backend.varies_by(c)]
        return all(condition.task_definition == running for condition in conditions)

    def shifted(self, at: float) -> str | None:
        """The suffix of the zone that traffic is shifted away from."""
        if self.balancer is None:
            return None
        return self.balancer.shifted(self._scenario.resources, self.levers, at)

    def share_of(self, effect: SelectiveEffect) -> float:
        """The share of the requests an effect concerns that it strikes."""
        pool = self._pools.get(id(effect))
        return effect.share if pool is None else effect.share * pool.share

    def conditions(
        self, at: float, active: Iterable[Active], destination: Destination
    ) -> Conditions:
        """What the active effects make of a backend as a whole."""
        slowdown, cold = 1.0, None
        load = self._load(at, destination)
        backend, occupied = destination.backend, []
        limit = backend.timeout(at) if isinstance(backend, FunctionBackend) else 60.0
        for effect, held in active:
            if not effect.about(destination.names):
                continue
            slowdown *= effect.duration_factor(held, load)
            if isinstance(effect, ColdStarts):
                cold = effect
            elif isinstance(effect, FilteredEffect):
                seconds = effect.occupies(limit)
                if seconds is not None:
                    share = effect.share * held * self.arrivals.part(effect)
                    occupied.append((min(1.0, share), seconds))
        burst = self._scenario.traffic.burst
        return Conditions(at, TICK, slowdown, burst, cold, tuple(occupied))

    # -- the pools of connections

    def open_pools(self, at: float, active: Iterable[Active]) -> None:
        """A tick begins: what each pool has to give."""
        running = {id(effect) for effect, _ in active}
        for key, pool in self._pools.items():
            names = pool.effect.backends
            mine = [d for d in self._every(at) if pool.effect.about(d.names) or not names]
            born = max((d.backend.born(at) for d in mine), default=float("-inf"))
            rate = self.arrivals.rate(at + TICK / 2) * self.arrivals.part(pool.effect)
            rate *= sum(self._part(d, at) for d in mine) or 1.0
            slow = 1.0
            for effect, held in active:
                slow *= effect.duration_factor(held, self._load(at, mine[0])) if mine else 1.0
            pool.begin(rate if key in running else 0.0, mean(self.normal.warm) * slow, born)

    def close_pools(self, requests: Sequence[Request]) -> None:
        """A tick ends."""
        for pool in self._pools.values():
            pool.end(requests)

    # -- what is measured

    def gauges(
        self, at: float, active: Sequence[Active], supplies: Mapping[FunctionBackend, Supply]
    ) -> Gauges:
        """What is measured of the service itself."""
        functions = {
            backend.function.name: Executions(
                supply.concurrency, supply.peak, backend.provisioned(at), supply.provisioned_busy
            )
            for backend, supply in supplies.items()
        }
        return Gauges(
            time=at,
            functions=functions,
            load=self.arrivals.rate(at + TICK / 2) / self.arrivals.usual,
            pressures=tuple(self._pressures(at, active)),
            active=tuple(active),
            hosts={health.group.name: health.hosts for health in self.health},
            pools=tuple((p.effect.database, p.open) for p in self._pools.values()),
            waiting=self._waiting(at, active),
        )

    def events(self, at: float, active: Iterable[Active]) -> Iterator[tuple[float, ServiceEvent]]:
        """What AWS itself writes of the effects of a tick: (time, event)."""
        for effect, _ in active:
            if isinstance(effect, TasksStop):
                yield from effect.events(self._scenario.resources, at, TICK)

    def _pressures(self, at: float, active: Iterable[Active]) -> Iterator[Pressure]:
        for effect, _ in active:
            if isinstance(effect, Overload):
                borne = [d for d in self._every(at) if effect.about(d.names)]
                amounts = [effect.pressure(self._load(at, each)) for each in borne]
                yield Pressure(max(amounts, default=0.0), effect.database, effect)

    def _waiting(self, at: float, active: Iterable[Active]) -> Mapping[str, float]:
        """Database to the requests that wait for it, each with a connection."""
        found: dict[str, float] = {}
        rate = self.arrivals.rate(at + TICK / 2)
        for effect, held in active:
            if isinstance(effect, Hang) and effect.database:
                share = effect.share * held * self.arrivals.part(effect)
                lasting = min(at + TICK - max(effect.start, at - 60.0), 60.0)
                found[effect.database] = found.get(effect.database, 0.0) + rate * share * lasting
        return found

    def _load(self, at: float, destination: Destination) -> Load:
        backend = destination.backend
        pushed = isinstance(backend, FunctionBackend) and backend.provisioned(at) > 0
        rpm = self.arrivals.rate(at + TICK / 2) * 60.0 * self._part(destination, at)
        targets = len(backend.health.serving()) if isinstance(backend, FleetBackend) else 1
        return Load(rpm, 1.0 + _PUSH if pushed else 1.0, targets)

    def _part(self, destination: Destination, at: float) -> float:
        """The part of the traffic that ends at a destination."""
        return sum(
            share * part
            for way, share in self.arrivals.ways.items()
            for found, part in self.destinations(way, at)
            if found is destination
        )

    def _every(self, at: float) -> Iterator[Destination]:
        """Every destination that gets requests."""
        seen: list[Destination] = []
        for way in self.arrivals.ways:
            for destination, _ in self.destinations(way, at):
                if destination not in seen:
                    seen.append(destination)
                    yield destination

    def _holds(self, condition: Condition, at: float) -> float:
        """To what part a condition holds: 0 or 1, or the share of a weighted alias."""
        resources = self._scenario.resources
        for resource in resources.every(Resource):
            held = resource.holds(condition, resources, self.levers, at)
            if held is not None:
                return held
        return condition.compare(self.levers, at) if condition.lever else 0.0

    def _group(self, group: TargetGroup) -> Destination:
        if group.function:
            return Destination(self._function(group.function, group.alias), group)
        health = next(each for each in self.health if each.group is group)
        return Destination(FleetBackend(health, self.normal, self.levers), group)

    def _function(self, name: str, qualifier: str | None) -> FunctionBackend:
        key = (name, qualifier)
        if key not in self._functions:
            resources = self._scenario.resources
            function = next(f for f in resources.every(Function) if f.name == name)
            self._functions[key] = FunctionBackend(
                resources, function, qualifier, self.normal, self.levers
            )
        return self._functions[key]


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
