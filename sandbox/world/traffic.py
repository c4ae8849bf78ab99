"""How many requests arrive, and from whom."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from random import Random

from sandbox.world.effects import SelectiveEffect
from sandbox.world.records import Caller
from sandbox.world.sampling import poisson
from sandbox.world.schema import Scenario, Surge
from sandbox.world.variation import Variation

_DAY = 86400.0
_CREST = 6 * 3600.0  # when the daily wave is highest, after the alarm
_FALL = 30.0  # seconds a surge takes to end


Way = tuple[str | None, str | None, int | None]
"""Which way a path takes behind the front door: (function the API calls, its qualifier, rule of the
load balancer)."""


class CallerGroup:
    """Some callers and how frequent each is; a part of the traffic that takes one way, and that
    effects treat alike."""

    def __init__(self, callers: Iterable[tuple[Caller, float]], way: Way) -> None:
        self.way = way
        pairs = [(caller, share) for caller, share in callers if share > 0]
        self.callers = [caller for caller, _ in pairs]
        self.share = sum(share for _, share in pairs)
        self._cumulative = list(accumulate(share for _, share in pairs))

    def pick(self, rng: Random, count: int) -> list[Caller]:
        """`count` callers by frequency."""
        return rng.choices(self.callers, cum_weights=self._cumulative, k=count)


class Arrivals:
    """The stream of requests at the front door."""

    def __init__(
        self,
        scenario: Scenario,
        variation: Variation,
        name: str,
        way: Callable[[Caller], Way],
    ) -> None:
        self._way = way
        self._traffic = scenario.traffic
        self._variation = variation
        self._name = name
        balancer = scenario.resources.load_balancer
        self._zones = balancer.zones if balancer else ()
        self._noise: dict[int, float] = {}
        # by the effects' identity: they live as long as the service that holds them
        self._groups: dict[object, list[tuple[CallerGroup, tuple[bool, ...]]]] = {}
        self._parts: dict[int, float] = {}
        self.ways: dict[Way, float] = {}  # to their share of the traffic
        for caller, share in self._callers(None):
            taken = way(caller)
            self.ways[taken] = self.ways.get(taken, 0.0) + share

    def rate(self, at: float) -> float:
        """Requests a second that are expected at a time, noise included."""
        daily = 1.0 + self._traffic.daily * math.cos(2 * math.pi * (at - _CREST) / _DAY)
        calm = 1.0 + self._traffic.daily * math.cos(2 * math.pi * _CREST / _DAY)
        rate = self.usual * daily / calm * self._jitter(int(at // 60))
        for surge in self._traffic.surges:
            rate *= self._multiplier(surge, at - surge.at - self._variation.shift)
        return rate

    @property
    def usual(self) -> float:
        """Requests a second on an undisturbed evening."""
        return self._traffic.rpm / 60.0 * self._variation.level

    def count(self, rng: Random, at: float, lasting: float) -> int:
        """How many requests arrive from `at` on for `lasting` seconds."""
        return poisson(rng, self.rate(at + lasting / 2) * lasting)

    def part(self, effect: SelectiveEffect) -> float:
        """The part of the traffic an effect concerns."""
        if id(effect) not in self._parts:
            concerned = (share for caller, share in self._callers(None) if effect.concerns(caller))
            self._parts[id(effect)] = sum(concerned)
        return self._parts[id(effect)]

    def groups(
        self, effects: Iterable[SelectiveEffect], shifted: str | None
    ) -> Sequence[tuple[CallerGroup, tuple[bool, ...]]]:
        """The traffic in parts, each with which of the effects' filters it matches."""
        effects = tuple(effects)
        key = (tuple(map(id, effects)), shifted)
        if key not in self._groups:
            self._groups[key] = [*self._split(effects, shifted)]
        return self._groups[key]

    def _split(
        self, effects: Iterable[SelectiveEffect], shifted: str | None
    ) -> Iterator[tuple[CallerGroup, tuple[bool, ...]]]:
        parts: dict[tuple[Way, tuple[bool, ...]], list[tuple[Caller, float]]] = {}
        for caller, share in self._callers(shifted):
            pattern = tuple(effect.concerns(caller) for effect in effects)
            parts.setdefault((self._way(caller), pattern), []).append((caller, share))
        for (way, pattern), callers in parts.items():
            yield CallerGroup(callers, way), pattern

    def _callers(self, shifted: str | None) -> Iterator[tuple[Caller, float]]:
        agents, paths = self._traffic.user_agents, self._traffic.paths
        zones: tuple[str | None, ...] = tuple(z for z in self._zones if z != shifted) or (None,)
        total = sum(agents.values()) * sum(paths.values()) * len(zones)
        for agent, often in agents.items():
            for path, frequent in paths.items():
                method, _, rest = path.partition(" ")
                for zone in zones:
                    yield Caller(agent, method, rest, zone), often * frequent / total

    def _jitter(self, minute: int) -> float:
        if minute not in self._noise:
            rng = Random(f"{self._name}/noise/{minute}")
            self._noise[minute] = max(0.2, 1.0 + rng.gauss(0.0, self._traffic.noise))
        return self._noise[minute]

    def _multiplier(self, surge: Surge, since: float) -> float:
        height = (surge.factor - 1.0) * (self._variation.surge if surge.factor > 1 else 1.0)
        if since < 0.0 or since >= surge.lasts + _FALL:
            return 1.0
        if surge.shape == "spike":
            down = (surge.lasts - since) / (surge.lasts - surge.over)
            return 1.0 + height * max(0.0, min(since / surge.over, down))
        rise = min(1.0, since / surge.over) if surge.shape == "ramp" else 1.0
        fall = min(1.0, (surge.lasts + _FALL - since) / _FALL)
        return 1.0 + height * min(rise, fall)
