"""An AWS that answers from a list, for what a probe sends and how it takes the answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bot.domain.report import Cost


class Answers:
    """Replies by (service, operation): one value, or several that are given one after another."""

    region = "us-east-1"

    def __init__(self, **replies: Any) -> None:
        self._replies = {
            name: list(reply) if isinstance(reply, list) else [reply]
            for name, reply in replies.items()
        }
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.log_bytes = 0
        self.allowance = 5 * 1024**3

    def now(self) -> datetime:
        return datetime(2026, 3, 14, 3, 22, tzinfo=UTC)

    def read(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> dict[str, Any]:
        self.sent.append((f"{service}.{operation}", params))
        replies = self._replies[operation]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if isinstance(reply, Exception):
            raise reply
        return dict(reply)

    def pages(
        self, service: str, operation: str, /, *, region: str | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        self.sent.append((f"{service}.{operation}", params))
        for reply in self._replies[operation]:
            if isinstance(reply, Exception):
                raise reply
            yield reply

    def scanned(self, log_bytes: int) -> None:
        self.log_bytes += log_bytes

    def log_allowance(self) -> int:
        return self.allowance

    def cost(self) -> Cost:
        return Cost()
