"""Exceptions in the logs of the functions and applications, by class, version and minute."""

from __future__ import annotations

import re
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
from playbooks.probes.log_groups import LogSource
from playbooks.probes.metrics import PERMISSION

MOST_GROUPS = 50  # StartQuery takes 50
MOST_FUNCTIONS = 10  # whose settings are read; each takes a call

# What runtimes name: `words` puts it together. The fields have names that no JSON log has.
# "panic: runtime error" of Go, "Error: " of Node, "Exception in thread".
PLAIN = r"\b(?<plain_error>Error|Exception|panic): "
# "KeyError", "java.lang.NullPointerException", "PSQLException".
CLASS = (
    r"\b(?<error_class>(?:Runtime\.)?[A-Z][A-Za-z0-9]*(?:Error|Exception)"
    r"|[a-z][\w.]*\.[A-Z]\w*Exception)\b"
)
# "ERROR /cart UndefinedColumn: …", and the last line of a Python traceback on its own:
# "psycopg2.errors.UndefinedColumn: …".
LEVEL = (
    r"\b(?:ERROR|FATAL|CRITICAL|SEVERE)\b[^\n]*?[\s.\]]"
    r"(?<level_error>[A-Z][a-z0-9]+[A-Z][A-Za-z0-9]*): "
)
TRACEBACK = r"^(?<trace_error>(?:[a-z_]\w*\.)+[A-Z]\w+): "
# Lambda's own: {"errorType":"Error",…}, as JSON or as text in JSON; "Runtime.ExitError".
TYPE = r'\\?"errorType\\?": ?\\?"(?<error_type>[A-Za-z_$][\w.$:]*)'
# errno of Node and libuv, codes of MySQL's client, exits of processes.
CODE = (
    r"\b(?<error_code>EAI_AGAIN|EAI_NODATA|EAI_NONAME|ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT"
    r"|ESOCKETTIMEDOUT|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EADDRINUSE|EPIPE|EPROTO"
    r"|EMFILE|ENOSPC|ENOMEM|ER_[A-Z][A-Z_]+|CERT_HAS_EXPIRED|exit status [1-9]\d*"
    r"|exit code [1-9]\d*|signal: [a-z]+)\b"
)
# Classes that say nothing without the code: a process ends for many reasons.
SAY_LITTLE = ("Error", "Exception", "panic", "Runtime.ExitError", "ExitError")
PATTERNS = (PLAIN, CLASS, LEVEL, TRACEBACK, TYPE, CODE)
FIELDS = tuple(re.findall(r"\(\?<(\w+)>", "".join(PATTERNS)))
# Lambda's log streams are called 2026/11/23/[42]0123456789abcdef: the version is in brackets.
VERSION = r"\[(?<stream_version>[^\]]+)\]"


@dataclass(frozen=True, slots=True)
class Raised:
    """Log lines of one minute that name one class of exception."""

    at: datetime
    name: str
    version: str | None
    count: float


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

    def versions(self, start: datetime, end: datetime, name: str) -> Counter[str]:
        """Lines of one class by version of the function; empty where log streams name none."""
        counted: Counter[str] = Counter()
        for raised in self.raised:
            if start <= raised.at < end and raised.name == name and raised.version:
                counted[raised.version] += int(raised.count)
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
        return Exceptions(read, str(query), part.since, tuple(raised_of(rows)), tuple(unread))


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
    others = [LogSource(function.logs) for function in guessed]
    others += [LogSource(group) for group in resources.log_groups]
    return list(dict.fromkeys((*functions, *others, *containers))), unread + not_read


def exception_query(sources: list[LogSource]) -> logs_insights.Query:
    """Lines that name an exception, of the sources' log streams."""
    named = [f"@message like {logs_insights.pattern(_unnamed(each))}" for each in PATTERNS]
    query = logs_insights.Query().filter(" or ".join(named))
    if any(source.streams is not None for source in sources):
        query = query.filter(" or ".join(source.condition for source in sources))
    for pattern in PATTERNS:
        query = query.parse("@message", pattern)
    return query.parse("@logStream", VERSION).stats(*FIELDS, "stream_version", n="count(*)")


def _unnamed(pattern: str) -> str:
    """The pattern with its named group as a plain one: `like` takes no names."""
    before, _, rest = pattern.partition("(?<")
    return f"{before}(?:{rest.partition('>')[2]}"


def raised_of(rows: logs_insights.Rows) -> list[Raised]:
    return [
        Raised(
            at=logs_insights.minute_of(row),
            name=name,
            version=row.get("stream_version"),
            count=logs_insights.count(row, "n"),
        )
        for row in rows
        if (name := words(row)) is not None
    ]


def words(found: Mapping[str, str]) -> str | None:
    """What an exception is called: its class, and for a plain Error the code it carries:
    "KeyError", "Error: ECONNREFUSED", "ER_LOCK_DEADLOCK"."""
    order = ("error_type", "error_class", "trace_error", "level_error", "plain_error")
    named = next((found[field] for field in order if field in found), None)
    code = found.get("error_code")
    if code is None:
        return named
    return f"{named}: {code}" if named in SAY_LITTLE else named or code
