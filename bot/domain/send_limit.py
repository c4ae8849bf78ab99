"""Until when a call of a guarded change may leave this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def time_passed() -> float:
    """Seconds on a clock that goes on while this process or the whole machine is stopped.

    CLOCK_BOOTTIME on Linux: CLOCK_MONOTONIC does not count the time a machine was suspended
    (clock_gettime(2)). On macOS CLOCK_MONOTONIC counts it.
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class SendLimit:
    """The last moment at which a call may leave.

    Two clocks are asked. `clock` goes on while the machine is stopped, and nobody can set it.
    `signed_until` is by this machine's wall clock, which the request's signature carries and AWS
    counts from: it also catches a machine that was copied and continued later, or whose time was
    set meanwhile.
    """

    clock: Callable[[], float]
    until: float  # by `clock`
    signed_until: datetime | None = None  # by this machine's wall clock

    def passed(self, signed: datetime | None = None) -> bool:
        """Whether it is too late to send. `signed` is the time stamp of the request."""
        if self.clock() > self.until:
            return True
        if self.signed_until is None:
            return False
        return max(signed or datetime.min.replace(tzinfo=UTC), datetime.now(UTC)) > (
            self.signed_until
        )
