"""Access to JSON from outside: a value of the wrong type is read as empty, never an error."""

from __future__ import annotations

import json
from typing import Any


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


def decoded(value: object) -> dict[str, Any]:
    """A JSON object, given as text or already parsed; empty for anything else."""
    if not isinstance(value, str | bytes):
        return dict_in(value)
    try:
        return dict_in(json.loads(value))
    except (ValueError, RecursionError):
        return {}
