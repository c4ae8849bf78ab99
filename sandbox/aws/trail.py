"""The CloudTrail event of a call (CloudTrail User Guide, "Record contents")."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.aws.names import unique
from sandbox.aws.subjects import subjects
from sandbox.world.api import TrailEvent

# Event sources that are not the service's SDK name.
_SOURCES = {
    "cloudwatch": "monitoring",
    "elbv2": "elasticloadbalancing",
    "apigatewayv2": "apigateway",
    "service-quotas": "servicequotas",
    "application-autoscaling": "autoscaling",
    "resourcegroupstaggingapi": "tagging",
}

# Lambda's event names carry the date of the API version (Lambda Developer Guide, "Logging Lambda
# API calls using AWS CloudTrail"); younger operations do not.
_LAMBDA_NAMES = {
    "AddPermission": "AddPermission20150331v2",
    "CreateAlias": "CreateAlias20150331",
    "CreateFunction": "CreateFunction20150331",
    "DeleteAlias": "DeleteAlias20150331",
    "DeleteFunctionConcurrency": "DeleteFunctionConcurrency20171031",
    "PublishVersion": "PublishVersion20150331",
    "PutFunctionConcurrency": "PutFunctionConcurrency20171031",
    "RemovePermission": "RemovePermission20150331v2",
    "UpdateAlias": "UpdateAlias20150331",
    "UpdateFunctionCode": "UpdateFunctionCode20150331v2",
    "UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",
}

# Data events: no trail of management events shows them.
_DATA_EVENTS = {
    ("cloudwatch", "PutMetricData"),
    ("logs", "PutLogEvents"),
    ("lambda", "Invoke"),
    ("dynamodb", "PutItem"),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "DeleteItem"),
    ("dynamodb", "BatchWriteItem"),
    ("s3", "PutObject"),
    ("s3", "DeleteObject"),
}


def is_management_event(service: str, operation: str) -> bool:
    """Whether a trail of management events shows this write."""
    return (service, operation) not in _DATA_EVENTS


def event_name(service: str, operation: str) -> str:
    """The event's name, such as "UpdateAlias20150331"."""
    return _LAMBDA_NAMES.get(operation, operation) if service == "lambda" else operation


def event(
    *,
    time: datetime,
    service: str,
    operation: str,
    params: Mapping[str, Any],
    reply: Mapping[str, Any] | None,
    error_code: str | None,
    actor: str,
    user_agent: str,
    request_id: str,
    region: str,
    account: str,
) -> TrailEvent:
    """The event of a call."""
    found = subjects(service, params, region, account)
    named = {(subject.type, subject.name): None for subject in found}
    named |= {(subject.type, subject.arn): None for subject in found}
    return TrailEvent(
        time=time,
        source=f"{_SOURCES.get(service, service)}.amazonaws.com",
        name=event_name(service, operation),
        actor=actor,
        resources=tuple(named),
        request=_camel(params),
        response=_camel(reply) if reply and error_code is None else None,
        error_code=error_code,
        user_agent=user_agent,
        event_id=unique("event", request_id),
    )


def _camel(value: Any) -> Any:
    """Parameters as CloudTrail writes them: camelCase names, times as text, no bytes."""
    if isinstance(value, Mapping):
        return {
            key[:1].lower() + key[1:]: _camel(item)
            for key, item in value.items()
            if not isinstance(item, bytes)
        }
    if isinstance(value, list | tuple):
        return [_camel(item) for item in value]
    if isinstance(value, datetime):
        return value.strftime("%b %d, %Y, %I:%M:%S %p")
    return value
