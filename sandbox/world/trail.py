"""CloudTrail: the management events the scenario's changes left."""

from __future__ import annotations

from datetime import datetime

from sandbox.world import names
from sandbox.world.api import TrailEvent
from sandbox.world.changes import BaseChange
from sandbox.world.inventory import Inventory

_CLI = "aws-cli/2.31.0"


_LAG = (120, 420)  # seconds: "typically within an average of about 5 minutes of an API call"


def lag(seed: int, *parts: object) -> float:
    """Seconds until LookupEvents knows of an event: 2 to 7 minutes, the same in every run.

    Source: CloudTrail user guide, "How CloudTrail works" (delivery within about 5 minutes, not
    guaranteed).
    """
    low, high = _LAG
    return low + int(names.digest("lag", seed, *parts, length=8), 16) % (high - low + 1)


def event(
    inventory: Inventory, change: BaseChange, at: datetime, seed: int = 0
) -> TrailEvent | None:
    """The event of a change that was made at `at`; None when it left none."""
    facts = change.event(inventory)
    if facts is None:
        return None
    return TrailEvent(
        time=at,
        source=facts.source,
        name=facts.name,
        actor=change.by,
        resources=facts.resources,
        request=facts.request,
        error_code=facts.error_code,
        user_agent=_CLI,
        region=facts.region,
        invoked_by=change.invoked_by,
        lag=lag(seed, facts.name, change.by, change.at),
        event_id=names.digest("event", facts.source, facts.name, change.by, change.at, length=32),
    )
