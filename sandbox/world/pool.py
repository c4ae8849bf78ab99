"""A Lambda function's execution environments: who finds a warm one, who starts one, who is refused.

Rules (Lambda developer guide, "Understanding Lambda function scaling"): an environment serves one
request at a time; a request that finds none free starts a new one, which is cold; running
environments never exceed the concurrency limit, and requests beyond it are throttled; provisioned
environments are warm from the start and requests beyond them spill over to on-demand ones.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from random import Random

from sandbox.world.sampling import binomial, erlang_loss, poisson

_LIFETIME = 5400.0  # seconds after which Lambda recycles even a busy environment, roughly


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of the pool during one tick. Times in seconds."""

    time: float
    lasting: float
    requests: int
    warm: float  # mean time a request keeps a warm environment
    cold: float  # mean time a cold request keeps its environment: init and first call
    burst: float  # peak concurrency over mean concurrency
    limit: int  # concurrency available to the function
    provisioned: int  # READY on the qualifier that is called
    version: str
    keep_warm: float
    share: float | None = None  # forced share of cold starts
    churn: float = 0.0
    active_churn: bool = False


@dataclass(frozen=True, slots=True)
class Supply:
    """How the pool took a tick's requests; the four counts add up to the requests."""

    warm: int
    provisioned: int
    cold: int
    throttled: int
    concurrency: float  # mean executions
    peak: float
    provisioned_busy: float


class Pool:
    """Environments of one function, stepped tick by tick."""

    def __init__(self) -> None:
        self._ready: float | None = None  # on-demand environments alive
        self._starting: deque[tuple[float, int]] = deque()  # (ready at, how many)
        self._needs: deque[tuple[float, float]] = deque()
        self._version: str | None = None
        self._dependable: float | None = None  # warm when the churn began

    def step(self, rng: Random, demand: Demand) -> Supply:
        """Serve one tick's requests."""
        arrivals = demand.requests / demand.lasting
        need = arrivals * demand.warm * demand.burst
        beyond = max(0.0, need - demand.provisioned)
        ready = self._age(demand, beyond)
        covered = 1.0 - beyond / need if need else 0.0
        provisioned = round(demand.requests * covered)
        rest = demand.requests - provisioned
        cold = min(rest, self._cold(rng, demand, rest, beyond, ready))
        busy = sum(count for _, count in self._starting)
        cold_load = (busy + cold * min(1.0, demand.cold / demand.lasting)) if cold or busy else 0.0
        load = (demand.requests - cold) / demand.lasting * demand.warm + cold_load
        lost = erlang_loss(load, demand.limit)
        throttled = binomial(rng, demand.requests, lost)
        cold -= binomial(rng, cold, lost)
        provisioned -= binomial(rng, provisioned, lost)
        warm = max(0, demand.requests - cold - provisioned - throttled)
        throttled = demand.requests - cold - provisioned - warm
        if cold:
            self._starting.append((demand.time + demand.cold, cold))
        served = load * (1.0 - lost)
        crest = (load - cold_load) * (demand.burst**0.5 - 1.0)
        peak = min(float(demand.limit), served + crest + 2.0 * served**0.5)
        provisioned_busy = min(
            float(demand.provisioned), provisioned / demand.lasting * demand.warm
        )
        return Supply(warm, provisioned, cold, throttled, served, peak, provisioned_busy)

    def _age(self, demand: Demand, need: float) -> float:
        """Environments become ready, idle out, or are replaced by a new version's."""
        if self._ready is None:
            self._ready = need * 1.3 + 1.0
        if self._version not in (None, demand.version):
            self._ready = 0.0
            self._starting.clear()
        self._version = demand.version
        while self._starting and self._starting[0][0] <= demand.time:
            self._ready += self._starting.popleft()[1] * (1.0 - demand.churn)
        self._needs.append((demand.time, need))
        while self._needs[0][0] < demand.time - demand.keep_warm:
            self._needs.popleft()
        most = max(value for _, value in self._needs)
        self._ready = min(self._ready, most * 1.3 + 1.0)
        if demand.active_churn and self._dependable is None:
            self._dependable = self._ready
        elif not demand.active_churn:
            self._dependable = None
        return self._ready

    def _cold(self, rng: Random, demand: Demand, rest: int, need: float, ready: float) -> int:
        recycled = poisson(rng, min(ready, need) * demand.lasting / _LIFETIME)
        if demand.share is not None:
            return binomial(rng, rest, demand.share) + recycled
        missing = max(0.0, need - ready)
        forced = 0
        if self._dependable is not None and need > self._dependable:
            # Each burst meets only what was warm before the churn began, and starts the rest anew.
            forced = binomial(rng, rest, demand.churn * (1.0 - self._dependable / need))
        if missing < 1.0:
            return forced + recycled
        # A request in deficit starts its own environment until the first ones are ready.
        window = min(demand.lasting, demand.cold)
        started = rest / demand.lasting * window * missing / need
        return max(round(max(started, missing)), forced) + recycled
