"""The API's access log: server errors by status, by API Gateway's own reason, and latency.

An access log has the keys somebody chose. They are derived from the stage's format, so the query
names `httpStatus` where the format says `"httpStatus": "$context.status"`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef
from playbooks.probes import logs_insights
from playbooks.probes.front_door import find_api, front_door

STATUS = ("status",)
# $context variables, the best first. REST: "API Gateway mapping template and access logging
# variable reference"; HTTP APIs: "logging variables".
RESPONSE_TYPE = ("error.responseType",)
INTEGRATION_STATUS = ("integration.integrationStatus", "integration.status", "integrationStatus")
LATENCY = ("responseLatency", "integration.latency", "integrationLatency")

_UNQUOTED = re.compile(r'(?<!")(\$context\.[\w.]+)(?!")')


@dataclass(frozen=True, slots=True)
class Answers:
    """Server errors of one minute that are alike; `p50` and `p99` are their latency in ms."""

    at: datetime
    status: str
    response_type: str | None  # INTEGRATION_TIMEOUT…; None when it is the backend's own answer
    integration_status: str | None
    count: float
    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class AccessLog:
    """The server errors in the access log. `fields`: the optional parts that its format has."""

    group: str
    query: str
    fields: frozenset[str]  # of "response_type", "integration_status", "latency"
    answers: tuple[Answers, ...]

    def between(self, start: datetime, end: datetime) -> tuple[Answers, ...]:
        return tuple(answers for answers in self.answers if start <= answers.at < end)


class AccessLogProbe(Probe[AccessLog]):
    title: ClassVar[str] = "access log of the API"
    permissions: ClassVar[tuple[str, ...]] = ("apigateway:GET", *logs_insights.PERMISSIONS)

    def read(self, aws: Aws, scope: Scope) -> AccessLog | None:
        api = front_door(scope)
        if not isinstance(api, ApiRef):
            return None
        settings = access_log_settings(aws, api)
        group = group_of(settings)
        keys = keys_of(settings.get("format", ""))
        status = first(keys, STATUS)
        if status is None:
            raise ReadFailed(
                GapReason.NOT_CONFIGURED,
                f"the access log of {api.name}/{api.stage} has no status as JSON; "
                'add "status": "$context.status" to its format',
            )
        query, fields = query_of(keys, status)
        rows = logs_insights.run(aws, scope.window, (group,), query)
        return AccessLog(group, str(query), fields, tuple(answers_of(rows)))


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


def keys_of(log_format: str) -> dict[str, str]:
    """$context variable -> key of the log line, for a format that is JSON; else empty.

    Keys of nested objects are dotted, as Insights finds them. `"status": $context.status`, without
    quotes, is a usual way of logging a number.
    """
    quoted = _UNQUOTED.sub(r'"\1"', log_format)
    try:
        tree = json.loads(quoted)
    except ValueError:
        return {}
    found: dict[str, str] = {}

    def walk(node: object, path: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, f"{path}.{key}" if path else str(key))
        elif isinstance(node, str) and node.startswith("$context."):
            found.setdefault(node.removeprefix("$context."), path)

    walk(tree, "")
    return found


def first(keys: Mapping[str, str], variables: tuple[str, ...]) -> str | None:
    return next((keys[variable] for variable in variables if variable in keys), None)


def query_of(keys: Mapping[str, str], status: str) -> tuple[logs_insights.Query, frozenset[str]]:
    """Server errors (status 500 and above) by minute and by all that the format tells."""
    parts = {
        "response_type": first(keys, RESPONSE_TYPE),
        "integration_status": first(keys, INTEGRATION_STATUS),
        "latency": first(keys, LATENCY),
    }
    expressions = {"n": "count(*)"}
    if latency := parts["latency"]:
        field = logs_insights.name(latency)
        expressions |= {"p50": f"pct({field}, 50)", "p99": f"pct({field}, 99)"}
    named = {"status": logs_insights.name(status)} | {
        label: logs_insights.name(key)
        for label in ("response_type", "integration_status")
        if (key := parts[label])
    }
    aliases = {f"by_{label}": field for label, field in named.items()}
    query = (
        logs_insights.Query()
        .filter(f"{logs_insights.name(status)} >= 500")
        .fields(**aliases)
        .stats(*aliases, **expressions)
    )
    return query, frozenset(label for label, key in parts.items() if key)


def answers_of(rows: logs_insights.Rows) -> list[Answers]:
    """The query's rows as values."""

    def value_of(row: Mapping[str, str], key: str) -> str | None:
        value = row.get(key)
        return None if value in (None, "-") else value

    return [
        Answers(
            at=logs_insights.minute_of(row),
            status=row.get("by_status", "unknown"),
            response_type=value_of(row, "by_response_type"),
            integration_status=value_of(row, "by_integration_status"),
            count=logs_insights.count(row, "n"),
            p50=logs_insights.number(row, "p50"),
            p99=logs_insights.number(row, "p99"),
        )
        for row in rows
    ]
