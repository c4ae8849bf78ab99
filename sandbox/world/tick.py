"""One tick: requests arrive, meet the effects that are active, and leave their records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random

from sandbox.world import routes
from sandbox.world.backends import OK, Conditions, Part
from sandbox.world.effects import CodeResult, SelectiveEffect
from sandbox.world.kinds.function import Throttle
from sandbox.world.minute import Gauges
from sandbox.world.pool import Supply
from sandbox.world.records import Caller, Request
from sandbox.world.routes import Arrival, Front, Outcome
from sandbox.world.sampling import binomial, split
from sandbox.world.service import TICK, Active, Service
from sandbox.world.traffic import CallerGroup

Selective = tuple[SelectiveEffect, float]
"""An active effect that may concern some callers only, and the part to which it holds."""

Inside = tuple[CallerGroup, list[Selective], int]
"""A group of callers, the effects it meets, and how many of its requests reach the backend."""

_RECORDS = 24  # records of a tick's main part; there are four ticks in a minute


def play(service: Service, at: float) -> tuple[list[Request], Gauges]:
    """The requests that arrive in [at, at + TICK), and what is measured meanwhile."""
    rng = Random(f"{service.name}/{round(at / TICK)}")
    active = [*service.active(at)]
    for health in service.health:
        health.step(at, [effect for effect, _ in active])
    tick = _Tick(service, rng, at, service.conditions(at, active))
    requests = [*tick.run(active)]
    return requests, service.gauges(at, active, tick.supply)


class _Tick:
    """The requests of one tick on their way through the service."""

    def __init__(self, service: Service, rng: Random, at: float, now: Conditions) -> None:
        self._service = service
        self._rng = rng
        self._at = at
        self._now = now
        self._total = service.arrivals.count(rng, at, TICK)
        self._serial = 0
        self.supply: Supply | None = None

    def run(self, active: Sequence[Active]) -> Iterator[Request]:
        """Every request of the tick."""
        selective: list[Selective] = [
            (effect, held) for effect, held in active if isinstance(effect, SelectiveEffect)
        ]
        shifted = self._service.shifted(self._at)
        groups = self._service.arrivals.groups([e for e, _ in selective], shifted)
        counts = apportion(self._rng, self._total, [group.share for group, _ in groups])
        inside: list[Inside] = []
        for (group, pattern), count in zip(groups, counts, strict=True):
            met = [pair for pair, hit in zip(selective, pattern, strict=True) if hit]
            left = count
            for effect, held in met:
                if effect.stops_outside:
                    stopped = binomial(self._rng, left, effect.share * held)
                    yield from self._outside(group, effect, stopped)
                    left -= stopped
            inside.append((group, met, left))
        yield from self._inside(inside)

    def _outside(
        self, group: CallerGroup, effect: SelectiveEffect, count: int
    ) -> Iterator[Request]:
        """Requests that an effect stops before they reach the code."""
        service = self._service
        front = Front(service.api, service.fleet.health.targets if service.fleet else ())
        weights = [*split(count, self._parts(count))]
        for caller, weight in zip(group.pick(self._rng, len(weights)), weights, strict=True):
            arrival = self._arrival(caller, weight)
            if request := effect.outside(self._rng, arrival, front):
                yield request

    def _inside(self, parts: list[Inside]) -> Iterator[Request]:
        """Requests that reach the backend: with a function, by how its pool takes them."""
        sizes = [count for _, _, count in parts]
        taken = {"": sizes} if self._service.function is None else self._pooled(parts, sizes)
        for index, (group, met, _) in enumerate(parts):
            for temperature, counts in taken.items():
                yield from self._in_code(group, met, temperature, counts[index])

    def _pooled(self, parts: list[Inside], sizes: list[int]) -> dict[str, list[int]]:
        """Temperature -> requests of each part."""
        assert self._service.function is not None
        rng = self._rng
        forced = [
            binomial(rng, size, _forced_throttling(met))
            for (_, met, _), size in zip(parts, sizes, strict=True)
        ]
        left = _minus(sizes, forced)
        supply = self.supply = self._service.function.serve(rng, sum(left), self._now)
        taken: dict[str, list[int]] = {"throttled": forced}
        for name, count in (
            ("throttled", supply.throttled),
            ("cold", supply.cold),
            ("provisioned", supply.provisioned),
        ):
            dealt = deal(rng, count, left)
            left = _minus(left, dealt)
            before = taken.get(name, [0] * len(parts))
            taken[name] = [a + b for a, b in zip(before, dealt, strict=True)]
        return taken | {"warm": left}

    def _in_code(
        self, group: CallerGroup, met: Iterable[Selective], temperature: str, count: int
    ) -> Iterator[Request]:
        """Requests in the code: each effect that can strike takes its share, the rest is well."""
        left = count
        if temperature != "throttled":
            for share, result in self._possible(met):
                struck = binomial(self._rng, left, share)
                left -= struck
                yield from self._serve(group, (result, temperature, struck))
        yield from self._serve(group, (OK, temperature, left))

    def _possible(self, met: Iterable[Selective]) -> Iterator[tuple[float, CodeResult]]:
        for effect, held in met:
            if result := effect.in_code():
                yield effect.share * held, result
        normal = self._service.normal
        yield normal.errors, CodeResult(500, (normal.exception, normal.message), takes=0.09)

    def _serve(self, group: CallerGroup, part: Part) -> Iterator[Request]:
        count = part[2]
        if count:
            service, parts = self._service, self._parts(count)
            self._serial += 1
            key = f"{self._at:.0f}/{self._serial}"
            if service.function:
                outcomes = service.function.play(self._rng, part, parts, self._now, key)
            elif service.fleet:
                outcomes = service.fleet.play(self._rng, part, parts, self._now)
            else:
                return
            pairs = [*outcomes]
            callers = group.pick(self._rng, len(pairs))
            for caller, (weight, outcome) in zip(callers, pairs, strict=True):
                yield self._arrive(caller, weight, outcome)

    def _arrive(self, caller: Caller, weight: int, outcome: Outcome) -> Request:
        """Give an outcome its time and zone, and let it out through the front door."""
        arrival = self._arrival(caller, weight)
        zone = caller.zone or "a"
        if outcome.call:
            outcome.call.start = arrival[1] + 0.004
            if self._service.group:
                outcome = routes.balanced(outcome, zone)
        elif outcome.hop:
            outcome.hop.zone = zone
        return routes.through(self._service.api, outcome, arrival)

    def _parts(self, count: int) -> int:
        """Into how many records to put `count` requests: rare ones get some as well."""
        return 3 + round(_RECORDS * count / max(1, self._total))

    def _arrival(self, caller: Caller, weight: int) -> Arrival:
        self._serial += 1
        time = self._at + self._rng.random() * TICK
        return f"{self._at:.0f}-{self._serial}", time, weight, caller


def apportion(rng: Random, count: int, shares: Sequence[float]) -> list[int]:
    """`count` dealt at random by shares; the parts add up to it."""
    parts: list[int] = []
    left, rest = count, sum(shares)
    for share in shares[:-1]:
        part = binomial(rng, left, share / rest) if rest > 0 else 0
        parts.append(part)
        left, rest = left - part, rest - share
    return [*parts, left] if shares else []


def deal(rng: Random, count: int, sizes: Sequence[int]) -> list[int]:
    """`count` things dealt to parts by their sizes, never more to a part than its size."""
    parts: list[int] = []
    left, rest = count, sum(sizes)
    for size in sizes:
        rest -= size
        mean = size / (rest + size) if rest + size else 0.0
        part = max(left - rest, min(size, binomial(rng, left, mean)))
        parts.append(part)
        left -= part
    return parts


def _minus(left: Sequence[int], right: Sequence[int]) -> list[int]:
    return [a - b for a, b in zip(left, right, strict=True)]


def _forced_throttling(met: Iterable[Selective]) -> float:
    return sum(effect.share * held for effect, held in met if isinstance(effect, Throttle))
