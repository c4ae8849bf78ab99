"""What happened in one minute: what the kinds of resources make their metrics from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from sandbox.world.effects import BaseEffect
from sandbox.world.inventory import Inventory
from sandbox.world.levers import Levers
from sandbox.world.normal import Normal
from sandbox.world.records import Request


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is measured of the service itself, not of a request, during one tick."""

    time: float
    concurrency: tuple[float, float] = (0.0, 0.0)  # mean and peak executions
    provisioned: int = 0  # executions READY on the qualifier that is called
    provisioned_busy: float = 0.0
    load: float = 1.0  # traffic over the usual
    pressure: float = 0.0  # of an overload: 0 none, 1 twice the capacity
    pressed: str | None = None  # the database that bears it; None: the compute
    active: tuple[tuple[BaseEffect, float], ...] = ()  # effects, and the part to which they hold
    sick: tuple[tuple[str, str, bool], ...] = ()  # (target id, reason, deregistered)


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
    called: tuple[str, str | None] | None  # the function that serves, and its qualifier
    rng: Random


def cpu(normal: Normal, gauge: Gauges, pressed: bool, rng: Random) -> float:
    """Percent of CPU: grows a little with load, and to the limit where `pressed` is true."""
    calm = min(65.0, normal.cpu * (1.0 + 0.35 * (gauge.load - 1.0)))
    hot = 70.0 + 28.0 * min(1.0, gauge.pressure / 0.3) if pressed and gauge.pressure > 0 else 0.0
    return min(99.7, max(1.0, max(calm, hot) + rng.gauss(0.0, 1.5)))
