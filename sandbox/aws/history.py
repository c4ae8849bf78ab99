"""Reading the past out of levers: since when has one had its value?"""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.world.api import LeverValue, World

_PRECISION = timedelta(seconds=1)


def reached(
    world: World, key: str, value: LeverValue, after: datetime, before: datetime
) -> datetime | None:
    """When, in (after, before], the lever took this value and kept it; None when it did not.

    Supposes that the lever changed once in that time. To the second.
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
