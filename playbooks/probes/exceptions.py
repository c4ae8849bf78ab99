"""Exceptions in the logs of the functions and applications, by class, version and minute."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from playbooks.probes import logs_insights

# "KeyError", "java.lang.NullPointerException"; Lambda's own: "Runtime.ExitError".
CLASS = r"\b(?<class>[A-Z][A-Za-z0-9]*(?:Error|Exception)|[a-z][\w.]*\.[A-Z]\w*Exception)\b"
# Lambda's log streams are called 2026/11/23/[42]0123456789abcdef: the version is in brackets.
VERSION = r"\[(?<version>[^\]]+)\]"


@dataclass(frozen=True, slots=True)
class Raised:
    """Log lines of one minute that name one class of exception."""

    at: datetime
    name: str
    version: str | None
    count: float


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Exceptions by minute, from `since` on: a log is read 4 hours back at most."""

    groups: tuple[str, ...]
    query: str
    since: datetime
    raised: tuple[Raised, ...]

    def classes(self, start: datetime, end: datetime) -> Counter[str]:
        """Lines by class in [start, end)."""
        counted: Counter[str] = Counter()
        for raised in self.raised:
            if start <= raised.at < end:
                counted[raised.name] += int(raised.count)
        return counted

    def versions(self, start: datetime, end: datetime, name: str) -> Counter[str]:
        """Lines of one class by version of the function; empty where log streams name none."""
        counted: Counter[str] = Counter()
        for raised in self.raised:
            if start <= raised.at < end and raised.name == name and raised.version:
                counted[raised.version] += int(raised.count)
        return counted


class ExceptionsProbe(Probe[Exceptions]):
    title: ClassVar[str] = "exceptions in the logs"
    permissions: ClassVar[tuple[str, ...]] = logs_insights.PERMISSIONS

    def read(self, aws: Aws, scope: Scope) -> Exceptions | None:
        resources = scope.service.resources
        groups = tuple(
            dict.fromkeys((*(f.logs for f in resources.functions), *resources.log_groups))
        )[:50]  # StartQuery takes 50
        if not groups:
            return None
        query = exception_query()
        rows = logs_insights.run(aws, scope.window, groups, query)
        since = logs_insights.read_from(scope.window)
        return Exceptions(groups, str(query), since, tuple(raised_of(rows)))


def exception_query() -> logs_insights.Query:
    return (
        logs_insights.Query()
        .filter(f"@message like {logs_insights.pattern(CLASS.replace('?<class>', '?:'))}")
        .parse("@message", CLASS)
        .parse("@logStream", VERSION)
        .stats("class", "version", n="count(*)")
    )


def raised_of(rows: logs_insights.Rows) -> list[Raised]:
    return [
        Raised(
            at=logs_insights.minute_of(row),
            name=row["class"],
            version=row.get("version"),
            count=logs_insights.count(row, "n"),
        )
        for row in rows
        if "class" in row
    ]
