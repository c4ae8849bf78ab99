"""A small log to query, and results as plain dictionaries."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sandbox.insights import Result, Row, compile

T0 = 1_700_000_040_000  # 2023-11-14 22:14:00 UTC, the start of a minute
MINUTE = 60_000
STREAM, LOG = "2023/11/14/[$LATEST]7d0a", "111122223333:/aws/lambda/checkout"


def event(message: str, at: int = 0, weight: int = 1, stream: str = STREAM) -> Row:
    """A message, `at` milliseconds after T0."""
    return Row(T0 + at, message, stream, LOG, weight)


def entry(at: int = 0, weight: int = 1, **fields: object) -> Row:
    """A JSON message."""
    return event(json.dumps(fields), at, weight)


def run(query: str, rows: Iterable[Row], limit: int = 10_000) -> Result:
    return compile(query).run(rows, start_ms=0, end_ms=2 * T0, now_ms=T0, limit=limit)


def table(query: str, rows: Iterable[Row]) -> list[dict[str, str]]:
    """The result as one dictionary for each row, without @ptr."""
    return [
        {cell.field: cell.value for cell in row if cell.field != "@ptr"}
        for row in run(query, rows).rows
    ]


def value(expression: str, **fields: object) -> str | None:
    """What `fields <expression> as x` shows for one event; None where x has no cell."""
    (row,) = table(f"fields {expression} as x", [event(json.dumps(fields))])
    return row.get("x")


def kept(condition: str, **fields: object) -> bool:
    """Whether a filter keeps an event with these fields."""
    return len(table(f"filter {condition}", [event(json.dumps(fields))])) == 1
