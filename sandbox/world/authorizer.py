"""The Lambda authorizer of an API: whom it lets through, and what its invocations are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from sandbox.world.effects import SelectiveEffect
from sandbox.world.kinds.function_changes import Throttle
from sandbox.world.normal import Spread
from sandbox.world.records import Call, Request
from sandbox.world.sampling import binomial, draw, split
from sandbox.world.service import Service

_USUAL = Spread(p50=0.02, p99=0.12)  # seconds an authorizer takes


class Authorizations:
    """The authorizer during one tick. Nothing happens where the API has none."""

    def __init__(self, service: Service, rng: Random, at: float) -> None:
        self._backend = service.authorizer
        api = service.api
        self._cached = api.authorizer.cached if api and api.authorizer else 1.0
        self._service = service
        self._rng = rng
        self._at = at
        self._serial = 0
        self._asked = self._passed = 0  # let through: by an invocation, and altogether
        self._slow: list[tuple[float, float]] = []  # (share, seconds)

    def failing(
        self, met: Iterable[tuple[SelectiveEffect, float]], count: int
    ) -> Iterator[tuple[int, Call]]:
        """(weight, invocation) of the requests it does not let through, of `count`.

        Effects on it name its function in `backends`; answers it gave before are cached.
        """
        if self._backend is None:
            return
        name, self._slow = self._backend.function.name, []
        left = binomial(self._rng, count, 1.0 - self._cached)
        kept = count - left
        limit = self._backend.timeout(self._at)
        for effect, held in met:
            if name not in effect.backends:
                continue
            result, share = effect.in_code(), self._service.share_of(effect) * held
            throttled = isinstance(effect, Throttle)
            if result is not None and result.exception is None and not throttled:
                self._slow.append((share, min(result.takes or 0.0, limit)))
                if (result.takes or 0.0) < limit:
                    continue
            elif result is None and not throttled:
                continue
            struck = binomial(self._rng, left, share)
            left -= struck
            for weight in split(struck, 6):
                call = self._call(weight)
                call.throttled = throttled
                if result is not None and (result.hangs or (result.takes or 0.0) >= limit):
                    call.duration, call.timeout = limit * 1000.0, limit
                elif result is not None:
                    call.duration = (result.takes or 0.02) * 1000.0
                    call.exception, call.crash = result.exception, result.crash
                yield weight, call
        self._asked += left
        self._passed += left + kept

    def allow(self, request: Request) -> None:
        """A request that went through: what its authorization took, unless it was cached."""
        if self._backend is None or self._rng.random() * self._passed >= self._asked:
            return
        call = self._call(request.weight)
        call.start = request.time + 0.002
        seconds = draw(self._rng, _USUAL)
        for share, takes in self._slow:
            if self._rng.random() < share:
                seconds = takes
        call.duration = seconds * 1000.0
        request.authorization = call
        request.latency += call.duration
        if request.call is not None:
            request.call.start += seconds

    def _call(self, weight: int) -> Call:
        assert self._backend is not None
        self._serial += 1
        function, qualifier = self._backend.function.name, self._backend.qualifier
        version = next(iter(self._backend.variants(self._at)))
        key = f"authorizer/{self._at:.0f}/{self._serial}"
        return Call(function, qualifier, version, key, weight, start=self._at)
