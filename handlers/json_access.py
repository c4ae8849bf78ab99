"""What handlers need of JSON from outside, besides `bot.domain.json_access`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.domain.json_access import decoded, dict_in, list_in, number_in, text_in, whole_in

__all__ = [
    "Ignored",
    "decoded",
    "dict_in",
    "list_in",
    "nodes",
    "number_in",
    "text_in",
    "whole_in",
]

MOST_NODES = 5_000


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message the bot does not handle, and why; the reason goes to the log."""

    reason: str


def nodes(value: object) -> Iterator[dict[str, Any]]:
    """All JSON objects inside a value, in reading order, among its first `MOST_NODES` nodes."""
    stack, remaining = [value], MOST_NODES
    while stack and remaining:
        remaining -= 1
        current = stack.pop()
        if isinstance(current, dict):
            yield current
            stack.extend(reversed(list(current.values())))
        elif isinstance(current, list):
            stack.extend(reversed(current))
