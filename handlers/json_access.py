"""Reading JSON that others wrote: what isn't what it should be is empty, never an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST_NODES = 5_000


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not for us, and why, for the log."""

    reason: str


def text_in(value: object) -> str:
    """A string, without halves of surrogate pairs (JSON may hold them, UTF-8 can't)."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def dict_in(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def list_in(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def number_in(value: object) -> float | None:
    """A number as JSON has it; huge integers and booleans are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def whole_in(value: object) -> int | None:
    number = number_in(value)
    return int(number) if number is not None and abs(number) < 1e12 else None


def nodes(value: object) -> Iterator[dict[str, Any]]:
    """Every object inside a value, in reading order; without recursion, and not without end."""
    stack, left = [value], MOST_NODES
    while stack and left:
        left -= 1
        current = stack.pop()
        if isinstance(current, dict):
            yield current
            stack.extend(reversed(list(current.values())))
        elif isinstance(current, list):
            stack.extend(reversed(current))
