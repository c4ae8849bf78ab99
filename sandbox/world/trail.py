"""CloudTrail: the management events the scenario's changes left."""

from __future__ import annotations

from datetime import datetime

from sandbox.world import names
from sandbox.world.api import TrailEvent
from sandbox.world.changes import BaseChange
from sandbox.world.inventory import Inventory

_CLI = "aws-cli/2.31.0"


def event(inventory: Inventory, change: BaseChange, at: datetime) -> TrailEvent:
    """The event of a change that was made at `at`."""
    facts = change.event(inventory)
    return TrailEvent(
        time=at,
        source=facts.source,
        name=facts.name,
        actor=change.by,
        resources=facts.resources,
        request=facts.request,
        error_code=facts.error_code,
        user_agent=_CLI,
        event_id=names.digest("event", facts.source, facts.name, change.by, change.at, length=32),
    )
