"""Values of the query language: how they become numbers, compare, sort and print.

A value is a string, a number, a timestamp or missing (None). Logs are text, so a string that
looks like a number counts as one wherever a number is wanted.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

Value: TypeAlias = "str | int | float | None"


class Timestamp(int):
    """Milliseconds since the epoch that print as `2026-11-23 03:07:00.000` (UTC)."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER_START = frozenset("+-.0123456789")
_CHUNK = re.compile(r"\d+|\D+", re.ASCII)
_LARGEST_INTEGER = 2**63
_FIRST_MOMENT, _LAST_MOMENT = -62_135_596_800_000, 253_402_300_799_999


def number(value: Value) -> int | float | None:
    """The value as a number, or None if it is missing or is no number."""
    if isinstance(value, str):
        # The look at the first character keeps whole messages out of the cache.
        return _parsed(value) if value[:1] in _NUMBER_START else None
    return finite(value) if isinstance(value, float) else value


@lru_cache(maxsize=65_536)
def _parsed(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    return finite(float(text)) if _NUMBER.fullmatch(text) else None


def finite(result: int | float) -> int | float | None:
    """The number, or None where it is infinite or none at all.

    Integers beyond 64 bits become floats, as in the service. Raises OverflowError for those that
    no float can hold.
    """
    if isinstance(result, int) and -_LARGEST_INTEGER <= result <= _LARGEST_INTEGER:
        return result
    return float(result) if math.isfinite(result) else None


def timestamp(milliseconds: int | float | None) -> Timestamp | None:
    """The moment, or None where the calendar (years 1 to 9999) ends."""
    if milliseconds is None or not _FIRST_MOMENT <= milliseconds <= _LAST_MOMENT:
        return None
    return Timestamp(milliseconds)


def text(value: Value) -> str:
    """The value as AWS prints it.

    Booleans are 1 and 0, a missing value is nothing, a whole number has no `.0`; floats are
    Java's, so 512 MB of memory read `5.12E8`.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, Timestamp):
        return _moment(value)
    return _decimal(value) if isinstance(value, float) else str(int(value))


def _decimal(value: float) -> str:
    if value == 0 or not math.isfinite(value) or 1e-3 <= abs(value) < 1e7:
        return repr(value).removesuffix(".0")
    digits, _, exponent = f"{Decimal(repr(value)).normalize():E}".partition("E")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def _moment(at: Timestamp) -> str:
    moment = _EPOCH + timedelta(milliseconds=at)
    return moment.replace(tzinfo=None).isoformat(" ", "milliseconds")


def truth(value: Value) -> bool:
    """Whether a `filter` keeps the row: a number other than zero, a boolean being 1 or 0."""
    return bool(number(value))


Relation: TypeAlias = Callable[[Value, Value], bool]

_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def relation(symbol: str) -> Relation:
    """A comparison operator.

    Two numbers (or numeric strings) compare as numbers, two strings as strings; a number is
    neither below nor above a word, only unequal to it. With a missing side every comparison is
    false, `!=` included.
    """
    holds = _RELATIONS[symbol]
    orders = symbol not in ("=", "!=")

    def compare(left: Value, right: Value) -> bool:
        if left is None or right is None:
            return False
        a, b = number(left), number(right)
        if a is not None and b is not None:
            return bool(holds(a, b))
        if orders and not (isinstance(left, str) and isinstance(right, str)):
            return False
        return bool(holds(text(left), text(right)))

    return compare


SortKey: TypeAlias = "tuple[int, float, tuple[tuple[str, int, str], ...]]"


def sort_key(value: Value) -> SortKey:
    """AWS's natural order, ascending: missing, then words, then numbers.

    Within words, runs of digits compare by length and then by value, everything else by Unicode
    (Logs user guide, page CWL_QuerySyntax-Sort).
    """
    if value is None:
        return (0, 0, ())
    as_number = number(value)
    if as_number is not None:
        return (2, as_number, ())
    chunks = _CHUNK.findall(str(value))
    # A run of digits stands where the character 0 stands among other characters.
    return (1, 0, tuple(("0", len(c), c) if c[0] in "0123456789" else (c, 0, "") for c in chunks))
