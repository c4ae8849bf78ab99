"""One tick: requests arrive, meet the effects that are active, and leave their records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from random import Random

from sandbox.world import routes
from sandbox.world.authorizer import Authorizations
from sandbox.world.backends import OK, Conditions, FleetBackend, FunctionBackend, Part
from sandbox.world.effects import CodeResult, SelectiveEffect
from sandbox.world.kinds.function_changes import Throttle
from sandbox.world.minute import Gauges
from sandbox.world.pool import Supply
from sandbox.world.records import Caller, Request
from sandbox.world.routes import Arrival, Front, Outcome
from sandbox.world.sampling import binomial, split
from sandbox.world.service import TICK, Active, Destination, Service
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
    effects = [effect for effect, _ in active]
    for health in service.health:
        health.step(at, effects, partial(service.concerns_target, health.group.name))
    service.open_pools(at, active)
    tick = _Tick(service, rng, at, active)
    requests = [*tick.run()]
    service.close_pools(requests)
    return requests, service.gauges(at, active, tick.supplies)


class _Tick:
    """The requests of one tick on their way through the service."""

    def __init__(self, service: Service, rng: Random, at: float, active: Sequence[Active]) -> None:
        self._service = service
        self._rng = rng
        self._at = at
        self._active = active
        self._total = service.arrivals.count(rng, at, TICK)
        self._serial = 0
        self._authorizations = Authorizations(service, rng, at)
        self.supplies: dict[FunctionBackend, Supply] = {}

    def run(self) -> Iterator[Request]:
        """Every request of the tick."""
        service, rng = self._service, self._rng
        selective: list[Selective] = [
            (effect, held) for effect, held in self._active if isinstance(effect, SelectiveEffect)
        ]
        groups = service.arrivals.groups([e for e, _ in selective], service.shifted(self._at))
        counts = apportion(rng, self._total, [group.share for group, _ in groups])
        inside: dict[Destination, list[Inside]] = {}
        for (group, pattern), count in zip(groups, counts, strict=True):
            met = [pair for pair, hit in zip(selective, pattern, strict=True) if hit]
            left = count
            for request in self._unauthorized(group, met, left):
                left -= request.weight
                yield request
            ends = service.destinations(group.way, self._at)
            parts = apportion(rng, left, [share for _, share in ends])
            for (destination, _), part in zip(ends, parts, strict=True):
                mine = [pair for pair in met if pair[0].about(destination.names)]
                rest = part
                for request in self._stopped(group, destination, mine, part):
                    rest -= request.weight
                    yield request
                inside.setdefault(destination, []).append((group, mine, rest))
        for destination, some in inside.items():
            yield from self._inside(destination, some)

    def _unauthorized(
        self, group: CallerGroup, met: Iterable[Selective], count: int
    ) -> Iterator[Request]:
        """Requests that the API's Lambda authorizer does not let through."""
        for weight, call in self._authorizations.failing(met, count):
            (caller,) = group.pick(self._rng, 1)
            yield routes.unauthorized(self._arrival(caller, weight), call)

    def _stopped(
        self, group: CallerGroup, destination: Destination, met: Iterable[Selective], count: int
    ) -> Iterator[Request]:
        """Requests that an effect stops before they reach the code."""
        left = count
        for effect, held in met:
            if effect.stops_outside:
                stopped = binomial(self._rng, left, effect.share * held)
                yield from self._outside(group, destination, effect, stopped)
                left -= stopped

    def _outside(
        self, group: CallerGroup, destination: Destination, effect: SelectiveEffect, count: int
    ) -> Iterator[Request]:
        backend = destination.backend
        targets = backend.health.targets if isinstance(backend, FleetBackend) else ()
        front = Front(self._service.api, targets)
        weights = [*split(count, self._parts(count))]
        for caller, weight in zip(group.pick(self._rng, len(weights)), weights, strict=True):
            arrival = self._arrival(caller, weight)
            if request := effect.outside(self._rng, arrival, front):
                if request.hop and request.hop.target and destination.group:
                    request.hop.group = destination.group.name
                yield request

    def _inside(self, destination: Destination, parts: list[Inside]) -> Iterator[Request]:
        """Requests that reach a backend: with a function, by how its pool takes them."""
        now = self._service.conditions(self._at, self._active, destination)
        sizes = [count for _, _, count in parts]
        backend = destination.backend
        taken = {"": sizes}
        if isinstance(backend, FunctionBackend):
            taken = self._pooled(backend, parts, sizes, now)
        variants = backend.variants(self._at)
        for index, (group, met, _) in enumerate(parts):
            for temperature, counts in taken.items():
                dealt = apportion(self._rng, counts[index], [*variants.values()])
                for variant, count in zip(variants, dealt, strict=True):
                    own = [
                        (effect, self._service.held((effect, held), destination, variant, self._at))
                        for effect, held in met
                    ]
                    way = (destination, variant, temperature)
                    yield from self._in_code(group, own, way, count, now)

    def _pooled(
        self, backend: FunctionBackend, parts: list[Inside], sizes: list[int], now: Conditions
    ) -> dict[str, list[int]]:
        """Temperature -> requests of each part."""
        rng = self._rng
        forced = [
            binomial(rng, size, _forced_throttling(met))
            for (_, met, _), size in zip(parts, sizes, strict=True)
        ]
        left = _minus(sizes, forced)
        supply = self.supplies[backend] = backend.serve(rng, sum(left), now)
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
        self,
        group: CallerGroup,
        met: Iterable[Selective],
        way: tuple[Destination, str, str],
        count: int,
        now: Conditions,
    ) -> Iterator[Request]:
        """Requests in the code: each effect that can strike takes its share, the rest is well."""
        destination, variant, temperature = way
        left = count
        if temperature != "throttled":
            for share, result in self._possible(met):
                struck = binomial(self._rng, left, share)
                left -= struck
                part = (result, temperature, struck)
                yield from self._serve(group, destination, variant, part, now)
        part = (OK, temperature, left)
        yield from self._serve(group, destination, variant, part, now)

    def _possible(self, met: Iterable[Selective]) -> Iterator[tuple[float, CodeResult]]:
        for effect, held in met:
            if result := effect.in_code():
                yield self._service.share_of(effect) * held, result
        normal = self._service.normal
        yield normal.errors, CodeResult(500, (normal.exception, normal.message), takes=0.09)

    def _serve(
        self,
        group: CallerGroup,
        destination: Destination,
        variant: str,
        part: Part,
        now: Conditions,
    ) -> Iterator[Request]:
        count, backend = part[2], destination.backend
        if not count:
            return
        parts = self._parts(count)
        self._serial += 1
        key = f"{self._at:.0f}/{self._serial}"
        if isinstance(backend, FunctionBackend):
            outcomes = backend.play(self._rng, part, parts, now, key, variant)
        else:
            outcomes = backend.play(self._rng, part, parts, now, variant)
        pairs = [*outcomes]
        callers = group.pick(self._rng, len(pairs))
        for caller, (weight, outcome) in zip(callers, pairs, strict=True):
            yield self._arrive(caller, destination, weight, outcome)

    def _arrive(
        self, caller: Caller, destination: Destination, weight: int, outcome: Outcome
    ) -> Request:
        """Give an outcome its time and zone, and let it out through the front door."""
        arrival = self._arrival(caller, weight)
        zone, group = caller.zone or "a", destination.group
        if outcome.call:
            outcome.call.start = arrival[1] + 0.004
            if group:
                outcome = routes.balanced(outcome, zone)
        elif outcome.hop:
            outcome.hop.zone = zone
        if outcome.hop and group and (outcome.call or outcome.hop.target):
            outcome.hop.group = group.name
            backend = destination.backend
            outcome.hop.fail_open = isinstance(backend, FleetBackend) and backend.health.fails_open
        request = routes.through(self._service.api, outcome, arrival)
        self._authorizations.allow(request)
        return request

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
