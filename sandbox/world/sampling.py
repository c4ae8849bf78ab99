"""Random counts and durations, so that a few records can stand for many requests exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from random import Random
from statistics import NormalDist

from sandbox.world.normal import Spread

_NORMAL = NormalDist()
_Z99 = _NORMAL.inv_cdf(0.99)
# The last twentieth of the distribution is drawn finer: percentiles live there.
_TAIL = (0.98, 0.99, 0.995, 0.999, 1.0)


def binomial(rng: Random, n: int, p: float) -> int:
    """How many of `n` have a property of probability `p`."""
    if n <= 0 or p <= 0.0:
        return 0
    if p >= 1.0:
        return n
    if p > 0.5:
        return n - binomial(rng, n, 1.0 - p)
    mean = n * p
    if mean > 12.0:
        return min(n, max(0, round(rng.gauss(mean, math.sqrt(mean * (1.0 - p))))))
    return min(n, poisson(rng, mean))


def poisson(rng: Random, mean: float) -> int:
    """A Poisson count; for large means its normal approximation."""
    if mean <= 0.0:
        return 0
    if mean > 30.0:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def split(count: int, parts: int) -> Iterator[int]:
    """`count` as at most `parts` positive whole numbers, as equal as possible."""
    parts = min(count, parts)
    for index in range(parts):
        yield count * (index + 1) // parts - count * index // parts


@lru_cache(maxsize=64)
def _edges(parts: int) -> tuple[float, ...]:
    body = parts - len(_TAIL)
    return tuple(0.95 * i / body for i in range(body + 1)) + _TAIL


@lru_cache(maxsize=64)
def sigma(spread: Spread) -> float:
    """The log-normal's sigma that puts its p50 and p99 where the spread says."""
    return math.log(spread.p99 / spread.p50) / _Z99


@lru_cache(maxsize=64)
def mean(spread: Spread) -> float:
    """The mean of the spread, seconds."""
    return spread.p50 * math.exp(sigma(spread) ** 2 / 2.0)


def draw(rng: Random, spread: Spread) -> float:
    """One duration, seconds."""
    return spread.p50 * math.exp(sigma(spread) * rng.gauss(0.0, 1.0))


def stratified(rng: Random, spread: Spread, count: int, parts: int) -> Iterator[tuple[float, int]]:
    """(duration, weight) pairs for `count` requests, the tail as exact as the middle."""
    width = sigma(spread)
    if count <= 2 * parts:
        for weight in split(count, parts):
            yield spread.p50 * math.exp(width * rng.gauss(0.0, 1.0)), weight
        return
    edges = _edges(max(parts, 2 * len(_TAIL)))
    # A random offset makes roundings fair: thin strata get their record now and then.
    offset, done = rng.random(), 0
    for low, high in pairwise(edges):
        upto = count if high == 1.0 else math.floor(count * high + offset)
        if weight := min(upto, count) - done:
            done += weight
            quantile = min(low + (high - low) * rng.random(), 0.9999) or 1e-6
            yield spread.p50 * math.exp(width * _NORMAL.inv_cdf(quantile)), weight


def erlang_loss(load: float, servers: int) -> float:
    """The share of arrivals that find all servers busy (Erlang's B formula)."""
    if load <= 0.0:
        return 0.0
    if servers <= 0:
        return 1.0
    if load + 5.0 * math.sqrt(load) < servers:
        return 0.0
    inverse = 1.0
    for busy in range(1, servers + 1):
        inverse = 1.0 + inverse * busy / load
        if inverse > 1e12:
            return 0.0
    return 1.0 / inverse
