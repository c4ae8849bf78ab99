"""Provisioned concurrency and how it becomes READY."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_START_SHARE = 0.1  # of the time passes before the first execution is ready


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A configuration: `had` executions are ready at `began`, `requested` of them `lasts` later."""

    requested: int
    had: int
    began: datetime
    lasts: timedelta
    modified: datetime
    version: str  # the version it is allocated for

    @classmethod
    def ready(cls, count: int, since: datetime, version: str) -> Provisioned:
        """A configuration that became ready before the session."""
        return cls(count, count, since, timedelta(0), since, version)

    def available(self, now: datetime) -> int:
        """The number of executions that are ready."""
        if now >= self.began + self.lasts:
            return self.requested
        share = (now - self.began) / self.lasts
        grown = max(0.0, (share - _START_SHARE) / (1 - _START_SHARE))
        return self.had + int((self.requested - self.had) * grown)

    def status(self, now: datetime) -> str:
        """IN_PROGRESS or READY."""
        return "READY" if self.available(now) >= self.requested else "IN_PROGRESS"
