"""CloudTrail's events about the service's resources."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change, GapReason
from playbooks.probes.changes.collected import Changes, Source, Unread, looked_at

MOST_LOOKUPS = 10  # LookupEvents: 2 a second, account-wide

_API_DATE = re.compile(r"20\d{6}(v\d+)?$")  # UpdateAlias20150331, UpdateFunctionCode20150331v2


class CloudTrail(Source):
    """CloudTrail, asked resource by resource. Events come about five minutes late."""

    title: ClassVar[str] = "CloudTrail"
    permissions: ClassVar[tuple[str, ...]] = ("cloudtrail:LookupEvents",)

    def read(self, aws: Aws, scope: Scope) -> Changes | None:
        if not names_of(scope):
            return None
        events, left = looked_up(aws, scope)
        found = [change for event in events if (change := changed(event)) is not None]
        unread = Unread(
            "all of CloudTrail's events",
            GapReason.BUDGET,
            f"CloudTrail has more events about {', '.join(left)} than {MOST_LOOKUPS} look-ups give",
        )
        return Changes(
            tuple(sorted(found, key=lambda change: change.at)), (unread,) if left else ()
        )


def looked_up(aws: Aws, scope: Scope) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Events about the service's resources, the first page of each before the second of any; and
    the resources of which there is more than the look-ups gave. Raises ReadFailed."""
    start, end = looked_at(scope)
    waiting: deque[tuple[str, dict[str, str]]] = deque((name, {}) for name in names_of(scope))
    events: dict[str, dict[str, Any]] = {}
    for _ in range(MOST_LOOKUPS):
        if not waiting:
            break
        name, token = waiting.popleft()
        answer = aws.read(
            "cloudtrail",
            "lookup_events",
            LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": name}],
            StartTime=start,
            EndTime=end,
            MaxResults=50,
            **token,
        )
        events |= {event["EventId"]: event for event in answer.get("Events", [])}
        if following := answer.get("NextToken"):
            waiting.append((name, {"NextToken": following}))
    return list(events.values()), tuple(name for name, _ in waiting)


def names_of(scope: Scope) -> tuple[str, ...]:
    """Resource names to look up in CloudTrail, those that are deployed first."""
    resources = scope.service.resources
    names = (
        *(function.name for function in resources.functions),
        *(ecs.service for ecs in resources.ecs),
        *(f"{group.application}" for group in resources.codedeploy),
        *resources.security_groups,
        *(name for balancer in resources.load_balancers for name in balancer.target_groups),
        *(balancer.name for balancer in resources.load_balancers),
        *(api.id or api.name for api in resources.apis),
    )
    return tuple(dict.fromkeys(names))


def changed(event: Mapping[str, Any]) -> Change | None:
    """A change from a CloudTrail event; None when it only read, or failed."""
    details = json.loads(event.get("CloudTrailEvent") or "{}")
    if event.get("ReadOnly") == "true" or details.get("errorCode"):
        return None
    name = _API_DATE.sub("", event["EventName"])
    request = details.get("requestParameters") or {}
    resources = [each.get("ResourceName", "") for each in event.get("Resources", [])]
    return Change(
        at=event["EventTime"].astimezone(UTC),
        actor=str(event.get("Username") or "unknown"),
        kind=kind_of(name, request),
        resource=next((each for each in resources if each), ""),
        summary=summary_of(name, request),
    )


def kind_of(name: str, request: Mapping[str, Any]) -> str:
    if name == "UpdateAlias":
        return "alias"
    if name == "UpdateService":
        return "deployment" if "taskDefinition" in request else "scaling"
    if name in ("UpdateFunctionCode", "CreateDeployment"):
        return "deployment"
    if "SecurityGroup" in name:
        return "security-group"
    if "Concurrency" in name or "Scal" in name:
        return "scaling"
    return "configuration" if name.startswith(("Update", "Modify", "Put")) else "other"


def summary_of(name: str, request: Mapping[str, Any]) -> str:
    """The event's name and those of its parameters that say what was changed."""
    told = {
        "name": "alias {}",
        "functionVersion": "to version {}",
        "taskDefinition": "to {}",
        "desiredCount": "to {} tasks",
        "reservedConcurrentExecutions": "reserved {}",
        "provisionedConcurrentExecutions": "provisioned {}",
        "timeout": "timeout {} s",
        "memorySize": "memory {} MB",
        "groupId": "{}",
    }
    parts = [form.format(request[key]) for key, form in told.items() if request.get(key)]
    return " ".join((name, *parts))
