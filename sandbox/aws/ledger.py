"""A record of every API call the endpoint received, for tests.

With it they prove that nothing ran twice, that nothing was changed without approval, and how many
calls an investigation takes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One call. `outcome` is "ok" or the error code; `fault` the fault it met, if any."""

    time: datetime  # world time
    service: str
    operation: str
    params: Mapping[str, Any]
    caller: str  # ARN
    request_id: str
    outcome: str
    write: bool
    fault: str | None = None

    @property
    def call(self) -> str:
        """Service and operation, such as "lambda:UpdateAlias"."""
        return f"{self.service}:{self.operation}"


class Ledger:
    """Calls in the order they ended. Writes are all kept; of reads, the latest `reads`."""

    def __init__(self, reads: int = 20_000) -> None:
        self._lock = threading.Lock()
        self._writes: list[Entry] = []
        self._reads: deque[Entry] = deque(maxlen=reads)

    def add(self, entry: Entry) -> None:
        """Record a call."""
        with self._lock:
            (self._writes if entry.write else self._reads).append(entry)

    def writes(self, call: str | None = None, *, outcome: str | None = "ok") -> list[Entry]:
        """Calls that change something, by default those that succeeded (None: all outcomes)."""
        with self._lock:
            entries = list(self._writes)
        return [
            entry
            for entry in entries
            if (call is None or entry.call == call)
            and (outcome is None or entry.outcome == outcome)
        ]

    def reads(self, call: str | None = None) -> list[Entry]:
        """Calls that change nothing."""
        with self._lock:
            entries = list(self._reads)
        return [entry for entry in entries if call is None or entry.call == call]

    def __iter__(self) -> Iterator[Entry]:
        """All calls, by time."""
        entries = self.writes(outcome=None) + self.reads()
        return iter(sorted(entries, key=lambda entry: entry.time))

    def __len__(self) -> int:
        with self._lock:
            return len(self._writes) + len(self._reads)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._writes.clear()
            self._reads.clear()
