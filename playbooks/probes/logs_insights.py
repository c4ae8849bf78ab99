"""CloudWatch Logs Insights: a query builder that escapes, and a runner that ends.

Names and values reach a query only through `name`, `text` and `pattern`, so that a log format or
a resource called `x | display @message` stays a name. Log groups come from the service or from
AWS, never from a message.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import GapReason, Window

PERMISSIONS = ("logs:StartQuery", "logs:GetQueryResults", "logs:StopQuery")
LONGEST = timedelta(hours=4)  # of log scanned by one query: what is scanned is paid for
MOST_ROWS = 10_000  # the most GetQueryResults gives
TIME_LIMIT = 20.0  # seconds until a query is stopped
# Seconds between looks at a query. Hardly any is done sooner than the first; each later one is
# longer by GROWTH, so that a query is looked at two to four times and not for long after its end.
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.5, 2.0, 1.5

Rows = list[dict[str, str]]

_PLAIN = re.compile(r"@?[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_NAMED_GROUP = re.compile(r"\(\?<(?![=!])")  # Insights writes (?<name>…), Python (?P<name>…)
_CHARACTER = re.compile(r"\\.|.", re.DOTALL)  # an escaped one counts as one


def name(field: str) -> str:
    """A field's name as Insights reads it, in backticks when it has other than word characters.

    Raises ValueError for a name that Insights has no way to write.
    """
    if _PLAIN.fullmatch(field):
        return field
    if not field or "`" in field or not field.isprintable():
        raise ValueError(f"Logs Insights cannot name the field {field!r}")
    return f"`{field}`"


def text(value: str) -> str:
    """A string literal. Raises ValueError for control characters."""
    if not value.isprintable():
        raise ValueError(f"{value!r} cannot stand in a query")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def pattern(regex: str) -> str:
    """A regular expression literal, its slashes escaped. Raises ValueError when it is none."""
    if not regex.isprintable():
        raise ValueError(f"{regex!r} cannot stand in a query")
    try:
        re.compile(_NAMED_GROUP.sub("(?P<", regex))
    except re.error as fault:
        raise ValueError(f"{regex!r} is no regular expression: {fault}") from fault
    return f"/{_CHARACTER.sub(_escape_slash, regex)}/"


def _escape_slash(character: re.Match[str]) -> str:
    return "\\/" if character[0] == "/" else character[0]


@dataclass(frozen=True, slots=True)
class Query:
    """Commands, joined with pipes. Build it from literals and from `name`, `text`, `pattern`."""

    commands: tuple[str, ...] = ()

    def filter(self, condition: str) -> Query:
        return self._with(f"filter {condition}")

    def fields(self, **expressions: str) -> Query:
        """Computed fields: `fields(init="coalesce(@initDuration, 0)")`."""
        listed = ", ".join(f"{value} as {name(alias)}" for alias, value in expressions.items())
        return self._with(f"fields {listed}")

    def parse(self, field: str, regex: str) -> Query:
        """Fields from the named groups of a regular expression."""
        return self._with(f"parse {name(field)} {pattern(regex)}")

    def stats(self, *by: str, **expressions: str) -> Query:
        """Statistics a minute (`t`), and by the fields given."""
        listed = ", ".join(f"{value} as {name(alias)}" for alias, value in expressions.items())
        keys = ", ".join(("bin(1m) as t", *(name(field) for field in by)))
        return self._with(f"stats {listed} by {keys}")

    def _with(self, command: str) -> Query:
        return Query((*self.commands, command))

    def __str__(self) -> str:
        return " | ".join(self.commands)


def read_from(window: Window) -> datetime:
    """Where the log is read from: the baseline's start, or 4 hours before the end if that is
    later. Of an incident that began long ago, no baseline may be left."""
    return max(min(window.baseline_start, window.start), window.end - LONGEST)


def run(
    aws: Aws, window: Window, groups: Sequence[str], query: Query, since: datetime | None = None
) -> Rows:
    """All the rows of a query, from `since` to the window's end; without it, over the baseline too.
    Raises ReadFailed, with the query: a person may be able to run it."""
    try:
        started = _start(aws, window, groups, query, since or read_from(window))
        return _finish(aws, started, time.monotonic() + TIME_LIMIT)
    except ReadFailed as failed:
        failed.query, failed.log_groups = str(query), tuple(groups)
        raise


def _start(aws: Aws, window: Window, groups: Sequence[str], query: Query, since: datetime) -> str:
    """The started query's id. Raises ReadFailed."""
    started = aws.read(
        "logs",
        "start_query",
        logGroupNames=list(groups),
        startTime=int(since.timestamp()),
        endTime=int(window.end.timestamp()) - 1,  # AWS: the range is inclusive
        queryString=str(query),
        limit=MOST_ROWS,
    )
    return str(started["queryId"])


def run_existing(
    aws: Aws, window: Window, groups: Sequence[str], query: Query, since: datetime
) -> tuple[Rows, tuple[str, ...]]:
    """The rows of a query over the log groups that are there, and those that are not: the log group
    of a function that never ran, say. Raises ReadFailed, also when none is there."""
    there, absent = list(groups), list[str]()
    while True:
        try:
            return run(aws, window, there, query, since), tuple(absent)
        except ReadFailed as failed:
            if failed.reason is not GapReason.NOT_FOUND or len(there) == 1:
                raise
            missing = _named_in(failed.detail, there) or _not_there(
                aws, window, there, query, since
            )
            if not missing or len(missing) == len(there):
                raise
            absent += missing
            there = [group for group in there if group not in missing]


def _named_in(detail: str, groups: Sequence[str]) -> list[str]:
    """The log group that AWS's refusal names: "Log group '/x' does not exist for account ID …"."""
    words = set(re.split(r"[\s'\",:]+", detail))
    return [group for group in groups if group in words]


def _not_there(
    aws: Aws, window: Window, groups: Sequence[str], query: Query, since: datetime
) -> list[str]:
    """Which log groups AWS refuses when each is asked for alone."""
    missing = []
    for group in groups:
        try:
            started = _start(aws, window, [group], query, since)
        except ReadFailed as failed:
            if failed.reason is not GapReason.NOT_FOUND:
                raise
            missing.append(group)
        else:
            aws.read("logs", "stop_query", queryId=started)
    return missing


def _finish(aws: Aws, query_id: str, deadline: float) -> Rows:
    pause = FIRST_PAUSE
    while True:
        time.sleep(pause)
        try:
            answer = aws.read("logs", "get_query_results", queryId=query_id)
        except ReadFailed as refused:
            # the query goes on whether it is asked about or not
            if refused.reason is not GapReason.THROTTLED or time.monotonic() > deadline:
                raise
            pause = LONGEST_PAUSE
            continue
        status = answer.get("status", "Unknown")
        if status == "Complete":
            aws.scanned(int(answer.get("statistics", {}).get("bytesScanned", 0)))
            return all_rows(rows_of(answer))
        if status in ("Failed", "Cancelled", "Timeout"):
            raise ReadFailed(GapReason.ERROR, f"the Logs Insights query ended as {status}")
        if time.monotonic() > deadline:
            aws.read("logs", "stop_query", queryId=query_id)
            raise ReadFailed(
                GapReason.TIMEOUT, f"the Logs Insights query took longer than {TIME_LIMIT:g} s"
            )
        pause = min(pause * GROWTH, LONGEST_PAUSE)


def all_rows(rows: Rows) -> Rows:
    """The rows, if they are all there are. Raises ReadFailed when there may be more."""
    if len(rows) >= MOST_ROWS:
        raise ReadFailed(
            GapReason.BUDGET,
            f"the Logs Insights query found more rows than one answer holds ({MOST_ROWS:,})",
        )
    return rows


def rows_of(answer: Mapping[str, Any]) -> Rows:
    """The rows of GetQueryResults as name -> text; a field without a value is absent."""
    return [
        {cell["field"]: cell["value"] for cell in row if cell.get("value") not in (None, "")}
        for row in answer.get("results", [])
    ]


def minute_of(row: Mapping[str, str]) -> datetime:
    """The bin a row is about: Insights writes "2026-11-23 03:12:00.000", in UTC."""
    return datetime.fromisoformat(row["t"]).replace(tzinfo=UTC)


def number(row: Mapping[str, str], key: str) -> float | None:
    """A number in a row; None when it is absent or, like API Gateway's "-", none."""
    try:
        return float(row[key])
    except (KeyError, ValueError):
        return None


def count(row: Mapping[str, str], key: str) -> float:
    """A count in a row: one that is absent is none."""
    return number(row, key) or 0.0
