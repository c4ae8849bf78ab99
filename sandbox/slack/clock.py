"""Time and identifiers of a workspace; tests move the clock, nobody sleeps."""

from __future__ import annotations

import itertools
import random
import string
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Now = Callable[[], float]

_ALPHABET = string.ascii_uppercase + string.digits


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things live, in seconds, as Slack documents them.

    ``retries`` are the waits before each redelivery of an event nobody acknowledged.
    """

    ack: float = 3.0
    trigger: float = 3.0
    response_url: float = 1800.0
    response_url_uses: int = 5
    retries: tuple[float, ...] = (0.0, 60.0, 300.0)


@dataclass(slots=True)
class MovableClock:
    """A clock for tests: it stands still until it is moved."""

    at: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += seconds


@dataclass(slots=True)
class Identifiers:
    """Hands out ids of Slack's form and message timestamps that never repeat."""

    now: Now = time.time
    seed: int | None = None
    _random: random.Random = field(init=False)
    _last: int = field(default=0, init=False)
    _count: itertools.count[int] = field(default_factory=itertools.count, init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def new(self, prefix: str, length: int = 10) -> str:
        """An id such as ``C0A1B2C3D4E``."""
        return prefix + "".join(self._random.choices(_ALPHABET, k=length))

    def secret(self) -> str:
        return "".join(self._random.choices(string.ascii_letters + string.digits, k=24))

    def number(self) -> int:
        return next(self._count)

    def timestamp(self) -> str:
        """Seconds and six digits, unique in the workspace and always growing."""
        micro = max(int(self.now() * 1_000_000), self._last + 1)
        self._last = micro
        return f"{micro // 1_000_000}.{micro % 1_000_000:06d}"
