"""World time: what "now" is for everything that is simulated."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells world time, UTC."""

    def now(self) -> datetime: ...


class RunningClock:
    """Runs from `start` at `speed` (1 is real time, 10 makes a minute last six seconds)."""

    def __init__(
        self,
        start: datetime | None = None,
        speed: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed <= 0:
            raise ValueError("speed must be above 0")
        self._start = start or datetime.now(UTC)
        self._speed = speed
        self._monotonic = monotonic
        self._began = monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(self._monotonic() - self._began) * self._speed)


class FrozenClock:
    """Stands still until somebody advances it: for scoring and for tests."""

    def __init__(self, at: datetime = datetime(2026, 3, 14, 3, 14, 15, tzinfo=UTC)) -> None:
        self._now = at

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward. Raises ValueError for a negative step: world time does not go back."""
        if seconds < 0:
            raise ValueError("world time does not go back")
        self._now += timedelta(seconds=seconds)
