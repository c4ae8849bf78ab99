"""Access to JSON from outside: a value of the wrong type is read as empty, never an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST_NODES = 5_000


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message the bot does not handle, and why; the reason goes to the log."""

    reason: str


def text_in(value: object) -> str:
    """A string; lone surrogates, which JSON allows and UTF-8 does not, become "?"."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def dict_in(value: object) -> dict[str, Any]:
    """A JSON object; empty for anything else."""
    return value if isinstance(value, dict) else {}


def list_in(value: object) -> list[Any]:
    """A JSON array; empty for anything else."""
    return value if isinstance(value, list) else []


def number_in(value: object) -> float | None:
    """A JSON number as a float; None for anything else, and for integers too large for a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def whole_in(value: object) -> int | None:
    """A number below 10^12 as an integer, cut off at the point; None for anything else."""
    number = number_in(value)
    return int(number) if number is not None and abs(number) < 1e12 else None


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
