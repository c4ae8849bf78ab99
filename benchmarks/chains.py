"""How long each chain of AWS calls takes: calls that wait for each other, seen from outside.

The bot knows nothing of it: probes and actions are copied, and the copies are handed an `Aws`
that keeps the time.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from bot.domain.ports import Aws
from bot.domain.report import Cost

Reading = TypeVar("Reading")


@dataclass(frozen=True, slots=True)
class Chain:
    """Seconds: in calls, and between looks at a Logs Insights query that was still running."""

    calls: float = 0.0
    pauses: float = 0.0

    def __add__(self, other: Chain) -> Chain:
        return Chain(self.calls + other.calls, self.pauses + other.pauses)

    @property
    def whole(self) -> float:
        return self.calls + self.pauses


@dataclass
class Timed:
    """An `Aws` that keeps the time; calls made in one thread are one chain."""

    aws: Aws
    _chains: dict[int, Chain] = field(default_factory=lambda: defaultdict(Chain))
    _ended: dict[int, float] = field(default_factory=dict)

    @property
    def longest(self) -> Chain:
        return max(self._chains.values(), key=lambda chain: chain.whole, default=Chain())

    @property
    def region(self) -> str:
        return self.aws.region

    def now(self) -> datetime:
        return self.aws.now()

    def cost(self) -> Cost:
        return self.aws.cost()

    def scanned(self, log_bytes: int) -> None:
        self.aws.scanned(log_bytes)

    def log_allowance(self) -> int:
        return self.aws.log_allowance()

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            return self.aws.read(service, operation, region=region, **params)
        finally:
            self._note(began, polled=operation == "get_query_results")

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        pages = self.aws.pages(service, operation, region=region, **params)
        while True:
            began = time.perf_counter()
            try:
                page = next(pages, None)
            finally:
                self._note(began)
            if page is None:
                return
            yield page

    def _note(self, began: float, *, polled: bool = False) -> None:
        thread, now = threading.get_ident(), time.perf_counter()
        pause = began - self._ended[thread] if polled else 0.0
        self._chains[thread] += Chain(now - began, pause)
        self._ended[thread] = now


class Watch:
    """Copies of probes or actions; `longest` is the longest chain that any of them made."""

    def __init__(self) -> None:
        self._timed: list[Timed] = []

    @property
    def longest(self) -> Chain:
        chains = (timed.longest for timed in self._timed)
        return max(chains, key=lambda chain: chain.whole, default=Chain())

    def watched(self, aws: Aws) -> Timed:
        """An `Aws` of this watch's."""
        timed = Timed(aws)
        self._timed.append(timed)
        return timed

    def over(self, things: Mapping[str, Reading], method: str) -> dict[str, Reading]:
        """Copies whose `method(aws, scope, …)` is watched."""
        return {name: self._copied(thing, method) for name, thing in things.items()}

    def _copied(self, thing: Reading, method: str) -> Reading:
        own, do = copy(thing), getattr(thing, method)
        vars(own)[method] = lambda aws, *rest: do(self.watched(aws), *rest)
        return own
