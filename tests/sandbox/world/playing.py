"""Plain helpers to read a simulation: counts by status, rates, percentiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path

import sandbox.scenarios
from sandbox.world import FrozenClock, Scenario, Simulation, load
from sandbox.world.api import MetricId
from sandbox.world.metrics import percentile, statistic
from sandbox.world.records import Request

FOLDER = Path(next(iter(sandbox.scenarios.__path__)))
FILES = sorted(FOLDER.glob("*.yaml"))


@cache
def scenario(name: str) -> Scenario:
    return load(FOLDER / f"{name}.yaml")


@cache
def shared(name: str, seed: int = 0) -> Simulation:
    """A simulation that stands two minutes after its alarm; for reading only."""
    return Simulation(scenario(name), seed, FrozenClock())


class Play:
    """A simulation of one's own, with its clock."""

    def __init__(self, name: str, seed: int = 0) -> None:
        self.clock = FrozenClock()
        self.simulation = Simulation(scenario(name), seed, self.clock)

    def act(self, lever: str, value: str | int | None) -> None:
        self.simulation.pull(lever, value)

    def wait(self, minutes: float) -> None:
        self.clock.advance(minutes * 60.0)


def recent(simulation: Simulation, minutes: float = 2.0, ago: float = 0.0) -> Sequence[Request]:
    """The requests that arrived in the last `minutes`, ending `ago` minutes before now."""
    end = simulation.now() - timedelta(minutes=ago)
    return simulation.requests(end - timedelta(minutes=minutes), end)


def statuses(requests: Sequence[Request]) -> Counter[int]:
    found: Counter[int] = Counter()
    for request in requests:
        found[request.status] += request.weight
    return found


def failing(requests: Sequence[Request]) -> float:
    """The share of requests answered 5XX."""
    return share(requests, lambda request: request.status >= 500)


def failed(requests: Sequence[Request]) -> int:
    """How many requests were answered 5XX."""
    return sum(request.weight for request in requests if request.status >= 500)


def share(requests: Sequence[Request], test: Callable[[Request], bool]) -> float:
    total = sum(request.weight for request in requests)
    return sum(request.weight for request in requests if test(request)) / total if total else 0.0


def warm_p99(requests: Sequence[Request]) -> float:
    """p99 of warm handler time, ms."""
    pairs = [
        (request.call.duration, request.weight)
        for request in requests
        if request.call and request.call.init is None and not request.call.throttled
    ]
    return percentile(99, [d for d, _ in pairs], [float(w) for _, w in pairs])


def read(
    simulation: Simulation,
    namespace: str,
    name: str,
    stat: str,
    minutes: float = 3.0,
    ago: float = 0.0,
    **dimensions: str,
) -> float | None:
    """A statistic over the last complete minutes, as CloudWatch would compute it."""
    metric = MetricId(namespace, name, tuple(sorted(dimensions.items())))
    end = simulation.now() - timedelta(minutes=ago)
    found = simulation.minutes(metric, end - timedelta(minutes=minutes), end)
    values = [value for minute in found for value in minute.values]
    weights = [weight for minute in found for weight in minute.weights]
    return statistic(stat, values, weights)
