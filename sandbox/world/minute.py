"""What happened in one minute: what the kinds of resources make their metrics from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from sandbox.world.effects import BaseEffect
from sandbox.world.inventory import Inventory
from sandbox.world.levers import Levers
from sandbox.world.normal import Normal
from sandbox.world.records import Call, Request


@dataclass(frozen=True, slots=True)
class Executions:
    """A function's executions during one tick."""

    mean: float = 0.0
    peak: float = 0.0
    provisioned: int = 0  # executions READY on the qualifier that is called
    provisioned_busy: float = 0.0


@dataclass(frozen=True, slots=True)
class Hosts:
    """The targets of a target group during one tick, by id."""

    registered: tuple[str, ...]
    found: tuple[tuple[str, str, bool], ...]  # (target id, reason, deregistered)
    fails_open: bool  # all are unhealthy, and get requests all the same


@dataclass(frozen=True, slots=True)
class Pressure:
    """An overload during one tick."""

    amount: float  # 0 none, 1 twice the capacity
    database: str | None  # which bears it; None: the compute
    effect: BaseEffect


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is measured of the service itself, not of a request, during one tick."""

    time: float
    functions: Mapping[str, Executions] = field(default_factory=dict)  # by function, if called
    load: float = 1.0  # traffic over the usual
    pressures: tuple[Pressure, ...] = ()
    active: tuple[tuple[BaseEffect, float], ...] = ()  # effects, and the part to which they hold
    hosts: Mapping[str, Hosts] = field(default_factory=dict)  # by target group
    pools: tuple[tuple[str | None, float], ...] = ()  # (database, connections that are open)
    waiting: Mapping[str, float] = field(default_factory=dict)  # database: requests that wait

    def pressure(self, *, database: str | None = None, backends: Sequence[str] = ()) -> float:
        """How far a database, or the compute of a backend, is overloaded."""
        found = [
            each.amount
            for each in self.pressures
            if each.database == database and (database or each.effect.about(backends))
        ]
        return found[-1] if found else 0.0

    @property
    def concurrency(self) -> float:
        """Mean executions of all functions."""
        return sum(each.mean for each in self.functions.values())


@dataclass(frozen=True, slots=True)
class MinuteRecords:
    """The requests of one minute and the state of the service meanwhile."""

    start: float  # seconds relative to the scenario's zero
    arrived: Sequence[Request]  # requests that arrived in it
    ended: Sequence[Request]  # requests that ended in it
    gauges: Sequence[Gauges]  # one a tick
    inventory: Inventory
    normal: Normal
    levers: Levers
    called: frozenset[tuple[str, str | None]]  # functions that serve, with their qualifiers
    rng: Random

    @property
    def calls(self) -> Sequence[Call]:
        """The invocations of the requests that arrived."""
        return [call for request in self.arrived for call in request.calls]


def cpu(normal: Normal, gauge: Gauges, pressure: float, rng: Random) -> float:
    """Percent of CPU: grows a little with load, and to the limit under pressure."""
    calm = min(65.0, normal.cpu * (1.0 + 0.35 * (gauge.load - 1.0)))
    hot = 70.0 + 28.0 * min(1.0, pressure / 0.3) if pressure > 0 else 0.0
    return min(99.7, max(1.0, max(calm, hot) + rng.gauss(0.0, 1.5)))
