"""Faults of Slack, such as rate limits and cut connections, played on the local workspace."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

Kind = Literal[
    "ratelimited",
    "server_error",
    "refuse",
    "slow",
    "drop_request",
    "drop_reply",
    "duplicate_event",
    "refresh_sockets",
    "drop_sockets",
    "token_revoked",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to play.

    Attributes:
        kind: ``ratelimited`` (429 with Retry-After), ``server_error`` (5xx), ``refuse`` (ok: false
            with ``error``), ``slow`` (answer after ``seconds``), ``drop_request`` (connection cut
            before anything is done), ``drop_reply`` (done, but the reply is lost),
            ``duplicate_event`` (an event delivered twice), ``refresh_sockets`` and
            ``drop_sockets`` (at once: ask to reconnect, cut), ``token_revoked``.
        match: which methods (or, for duplicates, event types) it strikes; ``*`` and ``?`` allowed.
            For ``token_revoked`` an app id, bot token or app token.
        times: how often it strikes; None means until cleared.
    """

    kind: Kind
    match: str = "*"
    times: int | None = 1
    status: int = 503
    retry_after: int = 1
    seconds: float = 0.1
    error: str = "fatal_error"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(
                f"no fault called {self.kind!r}; there are: {', '.join(get_args(Kind))}"
            )


class Faults:
    """The faults that are still to be played, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def take(self, kind: Kind, name: str) -> Fault | None:
        """The fault to play now, counted as played once, or None."""
        with self._lock:
            for index, fault in enumerate(self._waiting):
                if fault.kind == kind and fnmatchcase(name, fault.match):
                    self._count_down(index, fault)
                    return fault
        return None

    def revoked(self, *names: str) -> bool:
        """Whether one of these tokens or app ids was revoked. Stays so until cleared."""
        with self._lock:
            return any(
                fault.kind == "token_revoked" and fnmatchcase(name, fault.match)
                for fault in self._waiting
                for name in names
            )

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def _count_down(self, index: int, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times <= 1:
            del self._waiting[index]
        else:
            self._waiting[index] = Fault(**{**asdict(fault), "times": fault.times - 1})
