"""The past of the world: when levers changed, and which changes the scenario made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from sandbox.world.api import LeverValue, TrailEvent, World

_PRECISION = timedelta(seconds=1)


def reached(
    world: World, key: str, value: LeverValue, after: datetime, before: datetime
) -> datetime | None:
    """When, in (after, before], the lever took this value and kept it; None when it did not.

    Exact to the second, if the lever changed once in that time.
    """
    if before <= after or world.lever(key, before) != value:
        return None
    if world.lever(key, after) == value:
        return after
    low, high = after, before
    while high - low > _PRECISION:
        middle = low + (high - low) / 2
        if world.lever(key, middle) == value:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def scenario_changes(world: World, source: str, operation: str) -> Iterator[TrailEvent]:
    """The successful calls of an operation by the scenario, oldest first.

    Calls that came through the endpoint have a response in the trail; the stores know those.

    Args:
        source: the event source without its domain, such as "ecs".
        operation: the operation's name, without the date that Lambda's event names carry.
    """
    name = re.compile(rf"{operation}(\d{{8}}(v\d)?)?")
    for event in world.trail():
        if event.source != f"{source}.amazonaws.com" or not name.fullmatch(event.name):
            continue
        if not event.error_code and not event.response:
            yield event
