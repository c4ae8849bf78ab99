"""CloudWatch Logs: groups and events."""

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
    stored_bytes,
)
from sandbox.aws.log_pattern import PatternError, compile_pattern
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.insights.events import pointer

_AGE = timedelta(days=400)
_MOST_EVENTS = 10_000


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
