"""Exceptions in the logs of the functions and applications, by class, version and minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from bot.domain.coverage import Coverage
from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from playbooks.probes import log_groups, log_volume, logs_insights
from playbooks.probes.exception_patterns import (
    FIELDS,
    PATTERNS,
    SAYS,
    VERSION,
    message,
    unnamed,
    words,
)
from playbooks.probes.log_groups import LogSource
from playbooks.probes.metrics import PERMISSION

MOST_GROUPS = 50  # StartQuery takes 50
MOST_FUNCTIONS = 10  # whose settings are read; each takes a call


@dataclass(frozen=True, slots=True)
class Raised:
    """Log lines of one minute that name one class of exception.

    `owner`: the function or ECS service that wrote them, None when it is not known; `version`: of
    the function; `says`: words of the message that tell what failed, if it has such; `message`:
    that of the minute's latest line.
    """

    at: datetime
    name: str
    version: str | None
    count: float
    says: str = ""
    message: str = ""
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Exceptions by minute, from `since` on: a log is read 4 hours back at most, and no further
    than the budget for log queries goes. `unread`: sentences on what was not read of the logs."""

    groups: tuple[str, ...]
    query: str
    since: datetime
    raised: tuple[Raised, ...]
    unread: tuple[str, ...] = ()

    @property
    def coverage(self) -> Coverage:
        """Complete when the logs of all functions and containers were read."""
        return Coverage.of(*self.unread)

    def classes(self, start: datetime, end: datetime) -> Counter[str]:
        """Lines by class in [start, end)."""
        counted: Counter[str] = Counter()
        for raised in self.raised:
            if start <= raised.at < end:
                counted[raised.name] += int(raised.count)
        return counted

    def between(self, start: datetime, end: datetime) -> tuple[Raised, ...]:
        """What was raised in [start, end)."""
        return tuple(raised for raised in self.raised if start <= raised.at < end)

    def example(self, start: datetime, end: datetime, names: tuple[str, ...]) -> str:
        """The latest message of one of these classes in [start, end); empty when none is known."""
        found = [
            raised
            for raised in self.raised
            if start <= raised.at < end and raised.name in names and raised.message
        ]
        return max(found, key=lambda each: each.at).message if found else ""

    def writers(
        self, start: datetime, end: datetime, name: str
    ) -> Counter[tuple[str | None, str | None]]:
        """Lines of one class by who wrote them and the version of the function; None where that is
        not known."""
        counted: Counter[tuple[str | None, str | None]] = Counter()
        for raised in self.raised:
            if start <= raised.at < end and raised.name == name:
                counted[raised.owner, raised.version] += int(raised.count)
        return counted


class ExceptionsProbe(Probe[Exceptions]):
    title: ClassVar[str] = "exceptions in the logs"
    permissions: ClassVar[tuple[str, ...]] = (
        PERMISSION,
        *log_groups.PERMISSIONS,
        *logs_insights.PERMISSIONS,
    )

    def read(self, aws: Aws, scope: Scope) -> Exceptions | None:
        volume = log_volume.begin(aws, scope.window, usual_groups(scope))
        sources, unread = sources_of(aws, scope)
        groups = list(dict.fromkeys(source.group for source in sources))
        if not groups and unread:
            raise ReadFailed(GapReason.NOT_CONFIGURED, "; ".join(unread))
        if not groups:
            return None
        asked, left_out = groups[:MOST_GROUPS], groups[MOST_GROUPS:]
        if left_out:
            unread.append(f"{len(left_out)} log groups were not read: a query takes {MOST_GROUPS}")
        query = exception_query(sources)
        part = log_volume.affordable(aws, scope.window, asked, volume.result())
        unread += [part.unread] if part.unread else []
        rows, absent = logs_insights.run_existing(aws, scope.window, asked, query, part.since)
        unread += [f"the log group {group} is not there" for group in absent]
        read = tuple(group for group in asked if group not in absent)
        raised = tuple(raised_of(rows, owners_of(sources)))
        return Exceptions(read, str(query), part.since, raised, tuple(unread))


def usual_groups(scope: Scope) -> list[str]:
    """Log groups that the service most likely has, by the names of its functions."""
    resources = scope.service.resources
    functions = [function.logs for function in resources.functions[:MOST_FUNCTIONS]]
    return [*functions, *resources.log_groups]


def sources_of(aws: Aws, scope: Scope) -> tuple[list[LogSource], list[str]]:
    """The logs of the service's functions and containers and those that the catalogue names, and
    sentences on what is not read."""
    resources = scope.service.resources
    asked, guessed = resources.functions[:MOST_FUNCTIONS], resources.functions[MOST_FUNCTIONS:]
    functions, unread = log_groups.of_functions(aws, asked)
    containers, not_read = log_groups.of_containers(aws, resources.ecs)
    others = [LogSource(function.logs, owner=function.name) for function in guessed]
    others += [LogSource(group) for group in resources.log_groups]
    return list(dict.fromkeys((*functions, *others, *containers))), unread + not_read


def owners_of(sources: list[LogSource]) -> dict[str, str]:
    """Who writes each log group, where that is one function or service."""
    owners: dict[str, set[str]] = {}
    for source in sources:
        owners.setdefault(source.group, set()).add(source.owner)
    return {group: next(iter(found)) for group, found in owners.items() if len(found) == 1}


def exception_query(sources: list[LogSource]) -> logs_insights.Query:
    """Lines that name an exception, of the sources' log streams."""
    named = [f"@message like {logs_insights.pattern(unnamed(each))}" for each in PATTERNS]
    query = logs_insights.Query().filter(" or ".join(named))
    if any(source.streams is not None for source in sources):
        query = query.filter(" or ".join(source.condition for source in sources))
    for pattern in (*PATTERNS, SAYS):
        query = query.parse("@message", pattern)
    counted = {"n": "count(*)", "line": "latest(@message)"}
    by = ("stream_function", "stream_version", "@log")
    return query.parse("@logStream", VERSION).stats(*FIELDS, *by, **counted)


def raised_of(rows: logs_insights.Rows, owners: Mapping[str, str]) -> list[Raised]:
    """The rows that name an exception; `owners`: who writes each log group."""
    return [
        Raised(
            at=logs_insights.minute_of(row),
            name=name,
            version=row.get("stream_version"),
            count=logs_insights.count(row, "n"),
            says=row.get("message_says", "").lower(),
            message=message(row.get("line", ""), name),
            owner=row.get("stream_function") or owners.get(group_of(row)) or None,
        )
        for row in rows
        if (name := words(row)) is not None
    ]


def group_of(row: Mapping[str, str]) -> str:
    """The log group of a row: Insights writes "123456789012:/aws/lambda/checkout" as @log."""
    return row.get("@log", "").partition(":")[2]
