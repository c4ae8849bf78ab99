"""CloudTrail: LookupEvents over the world's trail."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sandbox.aws.account import Account, Call, Store
from sandbox.aws.errors import AwsError
from sandbox.aws.names import code, unique
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world.api import TrailEvent

_KEPT = timedelta(days=90)
_GLOBAL = frozenset({"cloudfront", "iam", "organizations", "route53"})
_GLOBAL_REGION = "us-east-1"
"""Where services without a region write their events (CloudTrail user guide, "About global service
events")."""

_ATTRIBUTES: dict[str, Callable[[TrailEvent], set[str]]] = {
    "EventId": lambda event: {event_id(event)},
    "EventName": lambda event: {event.name},
    "EventSource": lambda event: {event.source},
    "ReadOnly": lambda _: {"false"},
    "Username": lambda event: {event.actor},
    "ResourceType": lambda event: {kind for kind, _ in event.resources},
    "ResourceName": lambda event: {name for _, name in event.resources},
    "AccessKeyId": lambda _: set(),
}


class Lookups(Store):
    """The calls of the last second, for the throttle."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._recent: deque[float] = deque()

    def admit(self) -> None:
        """Raises AwsError when there were too many calls in this second of wall time."""
        limit = self.account.options.lookup_limit
        if not limit:
            return
        now = time.monotonic()
        while self._recent and now - self._recent[0] >= 1.0:
            self._recent.popleft()
        if len(self._recent) >= limit:
            raise AwsError("ThrottlingException", "Rate exceeded")
        self._recent.append(now)


def event_id(event: TrailEvent) -> str:
    """The event's id; one that has none gets one that depends on its content."""
    return event.event_id or unique(event.time.isoformat(), event.source, event.name, event.actor)


def region_of(call: Call, event: TrailEvent) -> str:
    """The region whose trail has the event."""
    if event.region:
        return event.region
    is_global = event.source.split(".")[0] in _GLOBAL
    return _GLOBAL_REGION if is_global else call.account.region


@operation("cloudtrail", "LookupEvents")
def lookup_events(call: Call, params: Params) -> Reply:
    """Management events of the region that is asked, newest first; of at most one attribute, in a
    time range."""
    call.store(Lookups).admit()
    attributes = params.get("LookupAttributes", [])
    if len(attributes) > 1:
        raise AwsError(
            "InvalidLookupAttributesException",
            "You can only specify a single lookup attribute.",
        )
    size = params.get("MaxResults", 50)
    start = params.get("StartTime") or call.time - _KEPT
    end = params.get("EndTime") or call.time
    if start > end:
        raise AwsError(
            "InvalidTimeRangeException", "The start time must be before or equal to the end time."
        )
    found = [
        event
        for event in call.world.trail()
        if start <= event.time <= end
        and _delivered(event) <= call.time
        and region_of(call, event) == call.region
    ]
    for attribute in attributes:
        values = _ATTRIBUTES[attribute["AttributeKey"]]
        wanted = attribute["AttributeValue"]
        found = [event for event in found if wanted in values(event)]
    if params.get("EventCategory"):
        found = []  # insight events
    found.sort(key=lambda event: event.time, reverse=True)
    events, token = page(found, params.get("NextToken"), size, _bad_token)
    return {"Events": [_shown(call, event) for event in events], "NextToken": token}


def _delivered(event: TrailEvent) -> datetime:
    """When LookupEvents knows of an event: some minutes after it happened."""
    return event.time + timedelta(seconds=event.lag)


def _bad_token() -> AwsError:
    return AwsError("InvalidNextTokenException", "The NextToken is invalid.")


def _shown(call: Call, event: TrailEvent) -> dict[str, Any]:
    return {
        "EventId": event_id(event),
        "EventName": event.name,
        "ReadOnly": "false",
        "EventTime": event.time.replace(microsecond=0),
        "EventSource": event.source,
        "Username": event.actor,
        "Resources": [
            {"ResourceType": kind, "ResourceName": name} for kind, name in event.resources
        ],
        "CloudTrailEvent": json.dumps(_record(call, event), default=str),
    }


def _record(call: Call, event: TrailEvent) -> dict[str, Any]:
    account = call.account.id
    record: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROA{code('role', event.actor, length=17).upper()}:{event.actor}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{event.actor}/{event.actor}",
            "accountId": account,
            "userName": event.actor,
        },
        "eventTime": event.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": event.source,
        "eventName": event.name,
        "awsRegion": region_of(call, event),
        "sourceIPAddress": "203.0.113.12",
        "userAgent": event.user_agent or "aws-cli/2.30.0",
        "requestParameters": dict(event.request),
        "responseElements": dict(event.response) if event.response is not None else None,
        "requestID": unique("request", event_id(event)),
        "eventID": event_id(event),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }
    if event.error_code:
        record["errorCode"] = event.error_code
    if event.invoked_by:
        record["userIdentity"]["invokedBy"] = event.invoked_by
        record["sourceIPAddress"] = record["userAgent"] = event.invoked_by
    return record
