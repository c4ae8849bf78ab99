"""What serves the requests: a Lambda function, or a fleet of targets behind a load balancer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

from sandbox.world import routes
from sandbox.world.conditions import Condition
from sandbox.world.effects import CodeResult
from sandbox.world.health import Health
from sandbox.world.inventory import Inventory
from sandbox.world.kinds import Function
from sandbox.world.kinds.function_changes import ColdStarts
from sandbox.world.levers import Levers
from sandbox.world.names import Target
from sandbox.world.normal import Normal, Spread
from sandbox.world.pool import Demand, Pool, Supply
from sandbox.world.records import Call
from sandbox.world.routes import Outcome
from sandbox.world.sampling import binomial, draw, mean, split, stratified

_REALLOCATION = 150.0  # seconds provisioned environments need again after their alias moved


OK = CodeResult()


@dataclass(frozen=True, slots=True)
class Conditions:
    """The state of a backend during a tick."""

    time: float
    lasting: float
    slowdown: float  # on warm durations
    burst: float
    cold: ColdStarts | None
    occupied: tuple[tuple[float, float], ...]  # (share of its requests, seconds each keeps a place)


Part = tuple[CodeResult, str, int]
"""(result, temperature, count): requests that go the same way."""


class Backend(Protocol):
    """What the rest of the simulation asks of either."""

    def variants(self, at: float) -> Mapping[str, float]:
        """What serves (versions, task definitions) to its share of the requests."""
        ...

    def varies_by(self, condition: Condition) -> bool:
        """Whether a condition is about which of its variants serves."""
        ...

    def born(self, at: float) -> float:
        """When the code that serves was last started anew."""
        ...


def scaled(spread: Spread, factor: float) -> Spread:
    """The spread with durations multiplied."""
    if factor == 1.0:
        return spread
    return Spread.model_construct(p50=spread.p50 * factor, p99=spread.p99 * factor)


class FunctionBackend:
    """A Lambda function, called through one qualifier."""

    def __init__(
        self,
        inventory: Inventory,
        function: Function,
        qualifier: str | None,
        normal: Normal,
        levers: Levers,
    ) -> None:
        self.function = function
        self.qualifier = qualifier
        self._inventory = inventory
        self._normal = normal
        self._levers = levers
        self._pool = Pool()
        self._base = f"lambda/{function.name}"

    def variants(self, at: float) -> Mapping[str, float]:
        """Version to share."""
        return self.function.served(self._levers, self.qualifier, at)

    def varies_by(self, condition: Condition) -> bool:
        """The form {function, alias, version} of its alias."""
        return condition.function == self.function.name and condition.alias == self.qualifier

    def born(self, at: float) -> float:
        """When its alias moved, or its code changed."""
        keys = (f"{self._base}/alias/{self.qualifier}", f"{self._base}/code")
        return max(self._levers.since(key, at) for key in keys)

    def limit(self, at: float) -> int:
        """Concurrency available: the reservation, or what others left in the account's pool."""
        own = self._levers.number(f"{self._base}/reserved", at)
        if own is not None:
            return int(own)
        others = (
            self._levers.number(f"lambda/{f.name}/reserved", at) or 0.0
            for f in self._inventory.every(Function)
            if f.name != self.function.name
        )
        used = self._inventory.account_concurrency_used
        return max(0, int(self._inventory.account_concurrency - used - sum(others)))

    def provisioned(self, at: float) -> int:
        """Executions READY on the qualifier that is called."""
        key = f"{self._base}/provisioned/{self.qualifier}"
        moved = self._levers.since(f"{self._base}/alias/{self.qualifier}", at)
        ready = self._levers.number(key, at) or 0.0
        # Provisioned environments are allocated anew when the alias changes its version.
        if self._levers.since(key, at) < moved and at - moved < _REALLOCATION:
            return 0
        return int(ready)

    def timeout(self, at: float) -> float:
        """Its timeout, seconds."""
        return self._levers.number(f"{self._base}/timeout", at) or self.function.timeout

    def serve(self, rng: Random, requests: int, now: Conditions) -> Supply:
        """Let the pool take a tick's requests."""
        limit = self.timeout(now.time)
        warm = min(mean(self._normal.warm) * now.slowdown, limit)
        for share, seconds in now.occupied:
            warm = warm * (1.0 - share) + seconds * share
        first = self._normal.first_call
        first_call = min(mean(first) if first else warm, limit)
        return self._pool.step(
            rng,
            Demand(
                time=now.time,
                lasting=now.lasting,
                requests=requests,
                warm=warm,
                cold=mean(self._normal.init) + first_call,
                burst=now.burst,
                limit=self.limit(now.time),
                provisioned=self.provisioned(now.time),
                version=next(iter(self.variants(now.time))),
                keep_warm=self._normal.keep_warm,
                share=now.cold.share if now.cold else None,
                churn=now.cold.churn if now.cold else 0.0,
                active_churn=now.cold is not None and now.cold.share is None,
            ),
        )

    def play(
        self, rng: Random, part: Part, parts: int, now: Conditions, key: str, version: str
    ) -> Iterator[tuple[int, Outcome]]:
        """(weight, outcome) of the requests of one part; `key` tells its calls from others."""
        result, temperature, count = part
        limit = self.timeout(now.time) * 1000.0
        spread = scaled(self._normal.warm, now.slowdown)
        first = scaled(self._normal.first_call or self._normal.warm, now.slowdown)
        cold, throttled = temperature == "cold", temperature == "throttled"
        plain = result.takes is None and not result.hangs and not cold and not throttled
        samples = stratified(rng, spread, count, parts) if plain else None
        for index, weight in enumerate(split(count, parts) if samples is None else ()):
            call = self._call(version, f"{key}/{index}", weight)
            call.throttled = throttled
            if cold or (result.crash == "init" and not throttled):
                call.init = min(draw(rng, self._normal.init), 9.98) * 1000.0
            if result.hangs:
                call.duration = limit
            elif result.takes is not None:
                call.duration = result.takes * 1000.0 * rng.uniform(0.7, 1.5)
            elif not throttled:
                call.duration = draw(rng, first) * 1000.0
            yield weight, self._finish(call, result, limit)
        for index, (seconds, weight) in enumerate(samples or ()):
            call = self._call(version, f"{key}/{index}", weight)
            call.duration = seconds * 1000.0
            call.provisioned = temperature == "provisioned"
            yield weight, self._finish(call, result, limit)

    def _call(self, version: str, key: str, weight: int) -> Call:
        return Call(self.function.name, self.qualifier, version, key, weight)

    def _finish(self, call: Call, result: CodeResult, limit: float) -> Outcome:
        if call.throttled:
            return routes.invoked(call, 200)
        if call.duration >= limit:
            call.duration, call.timeout = limit, limit / 1000.0
        elif result.exception is not None:
            call.exception, call.handled = result.exception, result.status is not None
            call.crash = result.crash
        return routes.invoked(call, result.status or 200)


class FleetBackend:
    """Instances or tasks registered in a target group."""

    def __init__(self, health: Health, normal: Normal, levers: Levers) -> None:
        self.health = health
        self._normal = normal
        self._levers = levers

    def variants(self, at: float) -> Mapping[str, float]:
        """Task definition to the share of the targets in service; one without a name for targets
        that are no tasks."""
        serving = self.health.serving()
        counts: dict[str, float] = {}
        for target in serving:
            name = self.health.runs(target) or ""
            counts[name] = counts.get(name, 0.0) + 1.0 / len(serving)
        return counts or {"": 1.0}

    def varies_by(self, condition: Condition) -> bool:
        """The form {ecs, task_definition} of its service."""
        service = self.health.service
        return service is not None and condition.ecs == service.name

    def born(self, at: float) -> float:
        """When its service was last deployed."""
        service = self.health.service
        if service is None:
            return float("-inf")
        return max(self._levers.since(key, at) for key in (service.lever, service.image_lever))

    def play(
        self, rng: Random, part: Part, parts: int, now: Conditions, variant: str
    ) -> Iterator[tuple[int, Outcome]]:
        """(weight, outcome) of the requests of one part; the zone is the caller's."""
        result, temperature, count = part
        serving = [t for t in self.health.serving() if (self.health.runs(t) or "") == variant]
        if not serving:
            yield from ((weight, routes.no_target("")) for weight in split(count, parts))
            return
        sick = [target for target in serving if target.target_id in self.health.sick]
        well = [target for target in serving if target.target_id not in self.health.sick]
        unlucky = binomial(rng, count, len(sick) / len(serving))
        for weight in split(unlucky, max(2, parts // 2)):
            yield weight, self._fails(rng, rng.choice(sick))
        if count > unlucky:
            yield from self._serve(rng, (result, temperature, count - unlucky), parts, now, well)

    def _serve(
        self, rng: Random, part: Part, parts: int, now: Conditions, targets: list[Target]
    ) -> Iterator[tuple[int, Outcome]]:
        result, _, count = part
        status = result.status if result.status is not None else 500
        if result.hangs:
            durations = [(routes.IDLE_TIMEOUT * 1.5, weight) for weight in split(count, parts)]
        elif result.takes is not None:
            durations = [(result.takes * rng.uniform(0.7, 1.5), w) for w in split(count, parts)]
        else:
            durations = [*stratified(rng, scaled(self._normal.warm, now.slowdown), count, parts)]
        for seconds, weight in durations:
            target = rng.choice(targets)
            if result.crash == "memory":  # the task is killed with the request in it
                yield weight, routes.closed("", target)
                continue
            yield weight, routes.answered("", target, status, seconds * 1000.0, result.exception)

    def _fails(self, rng: Random, target: Target) -> Outcome:
        """A sick target that is asked all the same: in the way its health checks fail."""
        reason, _ = self.health.sick[target.target_id]
        if reason == "Target.ResponseCodeMismatch":
            return routes.answered("", target, 503, rng.uniform(2.0, 30.0))
        return routes.unconnected("", target, refused=reason == "Target.FailedHealthChecks")
