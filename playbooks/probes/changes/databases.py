"""RDS's own events: reboots, failovers, maintenance. Nobody need have asked for them, so CloudTrail
may have none of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change
from playbooks.probes.changes.collected import Found, Source, looked_at

_CATEGORIES = frozenset(
    {
        "availability",
        "configuration change",
        "deletion",
        "failover",
        "failure",
        "global-failover",
        "low storage",
        "maintenance",
        "recovery",
        "restoration",
        "security patching",
    }
)
"""Of events that change or interrupt something (RDS user guide, "Amazon RDS event categories");
backups, notifications and read replicas are left out."""


class DatabaseEvents(Source):
    """The events of all databases, as a cluster's failover names its instances in the text only."""

    title: ClassVar[str] = "RDS events"
    permissions: ClassVar[tuple[str, ...]] = ("rds:DescribeEvents",)

    def read(self, aws: Aws, scope: Scope) -> Found | None:
        databases = scope.service.resources.databases
        if not databases:
            return None
        start, end = looked_at(scope)
        events = [
            event
            for page in aws.pages("rds", "describe_events", StartTime=start, EndTime=end)
            for event in page.get("Events", [])
        ]
        return Found(
            tuple(told for event in events if (told := happened(event, databases)) is not None)
        )


def happened(event: Mapping[str, Any], databases: tuple[str, ...]) -> Change | None:
    """The event as a change; None when it is of other databases, or changes nothing."""
    categories = event.get("EventCategories") or []
    if categories and not _CATEGORIES.intersection(categories):
        return None
    source, message = str(event.get("SourceIdentifier", "")), str(event.get("Message", ""))
    texts = f"{source} {message}"
    met = tuple(name for name in databases if re.search(rf"(?<![\w-]){name}(?![\w-])", texts))
    if not met:
        return None
    return Change(
        at=event["Date"].astimezone(UTC),
        actor="AWS (rds)",
        kind="database",
        resource=met[0],
        summary=f"{source}: {message}",
        source="RDS events",
        touches=met,
    )
