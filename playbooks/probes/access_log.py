"""The API's access log: server errors by status, by API Gateway's own reason, and latency.

An access log has the fields somebody chose. They are derived from the stage's format, so the query
names `httpStatus` where the format says `"httpStatus": "$context.status"`, and takes a line of any
other format (CLF, CSV, XML) apart as the format puts it together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

from bot.domain.coverage import Coverage
from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef
from playbooks.probes import log_volume, logs_insights
from playbooks.probes.front_door import find_api, front_door
from playbooks.probes.metrics import PERMISSION

STATUS = ("status",)
# $context variables, the best first. REST: "API Gateway mapping template and access logging
# variable reference"; HTTP APIs: "logging variables".
RESPONSE_TYPE = ("error.responseType",)
# What the backend answered; of a Lambda proxy integration, what the function's code returned.
INTEGRATION_STATUS = ("integration.status",)
# Of a Lambda integration, what Lambda itself answered the API: 200 although the code returned 500.
INVOKE_STATUS = ("integration.integrationStatus", "integrationStatus")
LATENCY = ("responseLatency", "integration.latency", "integrationLatency")

FEW_UNREADABLE = 0.05  # of the lines that may be errors: more of them make the log a sample

_STRING_OR_BARE = re.compile(r'"(?:[^"\\]|\\.)*"|\$context\.[\w.]+')
_VARIABLE = re.compile(r"\$context\.([\w.]+?)(?=\.?(?:[^\w.]|$))")


@dataclass(frozen=True, slots=True)
class Answers:
    """Server errors of one minute that are alike; `p50` and `p99` are their latency in ms.

    `integration_status`: what the backend, or the function's code, answered; `invoke_status`: what
    Lambda answered the API, which is 200 whatever the code returned.
    """

    at: datetime
    status: str
    response_type: str | None  # INTEGRATION_TIMEOUT…; None when it is the backend's own answer
    integration_status: str | None
    count: float
    p50: float | None
    p99: float | None
    invoke_status: str | None = None


@dataclass(frozen=True, slots=True)
class AccessLog:
    """The server errors in the access log. `fields`: the optional parts that its format has;
    `unreadable`: lines a minute that have no status, as a quote in a user agent breaks JSON."""

    group: str
    query: str
    fields: frozenset[str]  # of "response_type", "integration_status", "invoke_status", "latency"
    answers: tuple[Answers, ...]
    kind: Literal["rest", "http"] = "rest"
    unreadable: Mapping[datetime, float] = field(default_factory=dict)
    unread: str | None = None  # a sentence on the part of the log that was not read

    @property
    def coverage(self) -> Coverage:
        """Complete when next to all lines could be read."""
        lines = sum(self.unreadable.values())
        errors = sum(each.count for each in self.answers)
        many = lines > FEW_UNREADABLE * (lines + errors)
        told = f"{lines:,.0f} lines of {self.group} could not be read" if many else None
        return Coverage.of(self.unread, told)

    def between(self, start: datetime, end: datetime) -> tuple[Answers, ...]:
        return tuple(answers for answers in self.answers if start <= answers.at < end)


@dataclass(frozen=True, slots=True)
class LogFormat:
    """How to find the $context variables in a line: each under its field of `fields`, after the
    line was taken apart by `pattern`, which JSON needs none of."""

    fields: Mapping[str, str]
    pattern: str | None = None

    def first(self, variables: tuple[str, ...]) -> str | None:
        """The field of the first variable that the format has."""
        return next((self.fields[each] for each in variables if each in self.fields), None)


class AccessLogProbe(Probe[AccessLog]):
    title: ClassVar[str] = "access log of the API"
    permissions: ClassVar[tuple[str, ...]] = (
        PERMISSION,
        "apigateway:GET",
        *logs_insights.PERMISSIONS,
    )

    def read(self, aws: Aws, scope: Scope) -> AccessLog | None:
        api = front_door(scope)
        if not isinstance(api, ApiRef):
            return None
        volume = log_volume.begin(aws, scope.window, scope.service.resources.log_groups)
        settings = access_log_settings(aws, api)
        group = group_of(settings)
        log_format = format_of(settings["format"])
        status = log_format.first(STATUS)
        if status is None:
            raise ReadFailed(
                GapReason.NOT_CONFIGURED,
                f"the access log of {api.name}/{api.stage} has no status; "
                'add "status": "$context.status" to its format',
            )
        query, fields = query_of(log_format, status)
        part = log_volume.affordable(aws, scope.window, (group,), volume.result())
        rows = logs_insights.run(aws, scope.window, (group,), query, part.since)
        return AccessLog(
            group,
            str(query),
            fields,
            tuple(answers_of(rows)),
            kind=api.kind,
            unreadable=unreadable_of(rows),
            unread=part.unread,
        )


def access_log_settings(aws: Aws, api: ApiRef) -> dict[str, str]:
    """The stage's "destination" and "format", for both kinds of API. Raises ReadFailed."""
    api_id = find_api(aws, api)
    if api.kind == "rest":
        stage = aws.read("apigateway", "get_stage", restApiId=api_id, stageName=api.stage)
        found: Mapping[str, Any] = stage.get("accessLogSettings") or {}
        settings = {"destination": found.get("destinationArn"), "format": found.get("format")}
    else:
        stage = aws.read("apigatewayv2", "get_stage", ApiId=api_id, StageName=api.stage)
        found = stage.get("AccessLogSettings") or {}
        settings = {"destination": found.get("DestinationArn"), "format": found.get("Format")}
    if not settings["destination"]:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED,
            f"stage {api.stage} of {api.name} writes no access log; turn it on with $context.status"
            ", $context.error.responseType, $context.integration.status, $context.responseLatency",
        )
    return {key: value or "" for key, value in settings.items()}


def group_of(settings: Mapping[str, str]) -> str:
    """The log group's name. Raises ReadFailed when the log goes elsewhere (Firehose)."""
    destination = settings["destination"]
    _, found, group = destination.partition(":log-group:")
    if not found:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED,
            f"the access log goes to {destination}, not to a log group that could be asked",
        )
    return group.removesuffix(":*")


def format_of(log_format: str) -> LogFormat:
    """How a stage's access log is read.

    A format that is JSON as it stands is taken so. `"status": $context.status`, without quotes, is
    a usual way of logging a number: what stands bare is quoted. Any other format is text.
    """
    for candidate in (log_format, _STRING_OR_BARE.sub(_quoted, log_format)):
        try:
            return LogFormat(keys_of(json.loads(candidate)))
        except ValueError:
            continue
    return text_format(log_format)


def _quoted(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else f'"{found[0]}"'


def keys_of(tree: object) -> dict[str, str]:
    """$context variable -> key of the log line. Keys of nested objects are dotted, as Insights
    finds them; a value that is put together from several variables is none of them."""
    found: dict[str, str] = {}

    def walk(node: object, path: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, f"{path}.{key}" if path else str(key))
        elif isinstance(node, str) and (variable := _VARIABLE.fullmatch(node)):
            found.setdefault(variable[1], path)

    walk(tree, "")
    return found


def text_format(log_format: str) -> LogFormat:
    """A format that is no JSON, such as CLF, CSV or XML: each variable ends where the text after it
    begins, which no value has in it."""
    wanted = {*STATUS, *RESPONSE_TYPE, *INTEGRATION_STATUS, *INVOKE_STATUS, *LATENCY}
    fields: dict[str, str] = {}
    pattern, end = "^", 0
    for found in _VARIABLE.finditer(log_format):
        pattern += _spaces(re.escape(log_format[end : found.start()]))
        end = found.end()
        following = log_format[end : end + 1]
        value = f"[^{re.escape(following)}]*" if following.strip() else r"\S*"
        name = "log_" + found[1].replace(".", "_")
        if found[1] in wanted and found[1] not in fields:
            fields[found[1]] = name
            pattern += f"(?<{name}>{value})"
        else:
            pattern += value
    return LogFormat(fields, pattern if fields else None)


def _spaces(escaped: str) -> str:
    """Any run of spaces and line ends as one: API Gateway writes a line without line ends."""
    return re.sub(r"(?:\\\s)+", r"\\s+", escaped)


def query_of(log_format: LogFormat, status: str) -> tuple[logs_insights.Query, frozenset[str]]:
    """Server errors (status 500 and above) by minute and by all that the format tells, and lines
    without a status."""
    parts = {
        "response_type": log_format.first(RESPONSE_TYPE),
        "integration_status": log_format.first(INTEGRATION_STATUS),
        "invoke_status": log_format.first(INVOKE_STATUS),
        "latency": log_format.first(LATENCY),
    }
    expressions = {"n": "count(*)"}
    if latency := parts["latency"]:
        measured = logs_insights.name(latency)
        expressions |= {"p50": f"pct({measured}, 50)", "p99": f"pct({measured}, 99)"}
    code = logs_insights.name(status)
    named = {"status": code} | {
        label: logs_insights.name(key) for label, key in parts.items() if key and label != "latency"
    }
    aliases = {f"by_{label}": key for label, key in named.items()}
    query = logs_insights.Query()
    if log_format.pattern is not None:
        query = query.parse("@message", log_format.pattern)
    query = (
        query.filter(f"{code} >= 500 or not ispresent({code})")
        .fields(**aliases)
        .stats(*aliases, **expressions)
    )
    return query, frozenset(label for label, key in parts.items() if key)


def unreadable_of(rows: logs_insights.Rows) -> dict[datetime, float]:
    """Lines without a status, by minute."""
    found: dict[datetime, float] = {}
    for row in rows:
        if "by_status" not in row:
            at = logs_insights.minute_of(row)
            found[at] = found.get(at, 0.0) + logs_insights.count(row, "n")
    return found


def answers_of(rows: logs_insights.Rows) -> list[Answers]:
    """The query's rows as values; lines without a status are none."""

    def value_of(row: Mapping[str, str], key: str) -> str | None:
        value = row.get(key)
        return None if value in (None, "-") else value

    return [
        Answers(
            at=logs_insights.minute_of(row),
            status=row["by_status"],
            response_type=value_of(row, "by_response_type"),
            integration_status=value_of(row, "by_integration_status"),
            count=logs_insights.count(row, "n"),
            p50=logs_insights.number(row, "p50"),
            p99=logs_insights.number(row, "p99"),
            invoke_status=value_of(row, "by_invoke_status"),
        )
        for row in rows
        if "by_status" in row
    ]
