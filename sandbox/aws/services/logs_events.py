"""CloudWatch Logs: groups, streams and events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.errors import AwsError
from sandbox.aws.log_groups import (
    events,
    group_arn,
    group_name,
    millis,
    moment,
    rows,
    sample,
    stored_bytes,
)
from sandbox.aws.log_pattern import PatternError, compile_pattern
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.insights import Row
from sandbox.insights.events import Event, discover, pointer

_AGE = timedelta(days=400)
_MOST_EVENTS = 10_000
_STREAM_WINDOW = timedelta(hours=3)
_SYSTEM_FIELDS = ("@timestamp", "@message", "@ingestionTime", "@logStream", "@log")


@operation("logs", "DescribeLogGroups")
def describe_log_groups(call: Call, params: Params) -> Reply:
    """The groups by name prefix, pattern or identifier."""
    if "logGroupNamePrefix" in params and "logGroupNamePattern" in params:
        raise AwsError(
            "InvalidParameterException",
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        )
    names = sorted(call.world.log_groups())
    prefix = params.get("logGroupNamePrefix", "")
    pattern = params.get("logGroupNamePattern", "").lower()
    names = [name for name in names if name.startswith(prefix) and pattern in name.lower()]
    if "logGroupIdentifiers" in params:
        wanted = {group_name(call.account, name) for name in params["logGroupIdentifiers"]}
        names = [name for name in names if name in wanted]
    if params.get("logGroupClass", "STANDARD") != "STANDARD":
        names = []
    shown, token = page(names, params.get("nextToken"), params.get("limit", 50))
    return {"logGroups": [_group(call, name) for name in shown], "nextToken": token}


def _group(call: Call, name: str) -> dict[str, Any]:
    arn = group_arn(call.account, name)
    return {
        "logGroupName": name,
        "creationTime": millis(call.account.opened - _AGE),
        "retentionInDays": 30,
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": stored_bytes(call.account, name),
        "logGroupClass": "STANDARD",
    }


@operation("logs", "DescribeLogStreams")
def describe_log_streams(call: Call, params: Params) -> Reply:
    """The streams that were written to in the last hours."""
    group = _asked(call, params)
    seen: dict[str, list[int]] = {}
    for row in rows(call.account, group, millis(call.time - _STREAM_WINDOW), millis(call.time)):
        seen.setdefault(row.stream, []).append(row.timestamp)
    names = [
        name for name in sorted(seen) if name.startswith(params.get("logStreamNamePrefix", ""))
    ]
    if params.get("orderBy") == "LastEventTime":
        names.sort(key=lambda name: max(seen[name]))
    if params.get("descending"):
        names.reverse()
    shown, token = page(names, params.get("nextToken"), params.get("limit", 50))
    arn = group_arn(call.account, group)
    return {
        "logStreams": [
            {
                "logStreamName": name,
                "creationTime": min(seen[name]),
                "firstEventTimestamp": min(seen[name]),
                "lastEventTimestamp": max(seen[name]),
                "lastIngestionTime": max(seen[name]),
                "arn": f"{arn}:log-stream:{name}",
                "storedBytes": 0,
            }
            for name in shown
        ],
        "nextToken": token,
    }


def _asked(call: Call, params: Params) -> str:
    given = [params[key] for key in ("logGroupName", "logGroupIdentifier") if key in params]
    if len(given) != 1:
        raise AwsError(
            "InvalidParameterException",
            "Exactly one of logGroupName and logGroupIdentifier must be given.",
        )
    return group_name(call.account, given[0])


@operation("logs", "FilterLogEvents")
def filter_log_events(call: Call, params: Params) -> Reply:
    """Events that match a filter pattern, oldest first."""
    group = _asked(call, params)
    try:
        matches = compile_pattern(params.get("filterPattern", ""))
    except PatternError as error:
        raise AwsError("InvalidParameterException", str(error)) from None
    streams = set(params.get("logStreamNames", ()))
    prefix = params.get("logStreamNamePrefix", "")
    end = params.get("endTime", millis(call.time))
    found = [
        (row, copy)
        for row, copy in events(call.account, group, params.get("startTime", 0), end)
        if (not streams or row.stream in streams)
        and row.stream.startswith(prefix)
        and matches(row.message)
    ]
    shown, token = page(found, params.get("nextToken"), params.get("limit", _MOST_EVENTS))
    return {
        "events": [
            {
                "logStreamName": row.stream,
                "timestamp": row.timestamp,
                "message": row.message,
                "ingestionTime": row.timestamp,
                "eventId": pointer(row, copy),
            }
            for row, copy in shown
        ],
        "searchedLogStreams": [],
        "nextToken": token,
    }


@operation("logs", "GetLogEvents")
def get_log_events(call: Call, params: Params) -> Reply:
    """Events of one stream: the newest page first, unless asked to start from the head."""
    group = _asked(call, params)
    end = params.get("endTime", millis(call.time))
    found = [
        row
        for row, _ in events(call.account, group, params.get("startTime", 0), end)
        if row.stream == params["logStreamName"]
    ]
    size = params.get("limit", _MOST_EVENTS)
    start = 0 if params.get("startFromHead") else max(0, len(found) - size)
    if "nextToken" in params:
        direction, _, offset = params["nextToken"].partition("/")
        if direction not in ("f", "b") or not offset.isdigit():
            raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
        start = int(offset) if direction == "f" else max(0, int(offset) - size)
        if direction == "b":
            size = min(size, int(offset))
    shown = found[start : start + size]
    return {
        "events": [
            {"timestamp": row.timestamp, "message": row.message, "ingestionTime": row.timestamp}
            for row in shown
        ],
        "nextForwardToken": f"f/{start + len(shown)}",
        "nextBackwardToken": f"b/{start}",
    }


@operation("logs", "GetLogGroupFields")
def get_log_group_fields(call: Call, params: Params) -> Reply:
    """The fields found in events around a time, with the share of events that have them."""
    group = _asked(call, params)
    around = moment(params["time"] * 1000) if "time" in params else call.time
    found = sample(call.account, group, around, 500)
    counts: dict[str, int] = {}
    for row in found:
        for name in {*_SYSTEM_FIELDS, *_discovered(row)}:
            counts[name] = counts.get(name, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {
        "logGroupFields": [
            {"name": name, "percent": round(100 * count / len(found))} for name, count in ordered
        ]
    }


def _discovered(row: Row) -> list[str]:
    return list(row.fields if row.fields is not None else discover(row.message))


@operation("logs", "GetLogRecord")
def get_log_record(call: Call, params: Params) -> Reply:
    """Every field of the event a query result's @ptr points at."""
    wanted = params["logRecordPointer"]
    for group in call.world.log_groups():
        start = millis(call.time - _STREAM_WINDOW)
        for row, copy in events(call.account, group, start, millis(call.time)):
            if pointer(row, copy) == wanted:
                fields = {
                    name: str(Event(row)[name]) for name in (*_SYSTEM_FIELDS, *_discovered(row))
                }
                return {"logRecord": fields}
    raise AwsError("ResourceNotFoundException", "The log record does not exist.")


@operation("logs", "ListTagsForResource")
def list_tags_for_resource(call: Call, params: Params) -> Reply:
    """Log groups carry no tags here."""
    group_name(call.account, params["resourceArn"])
    return {"tags": {}}
