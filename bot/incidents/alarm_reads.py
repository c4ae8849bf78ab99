"""What AWS says before there is a card: asked for a second at most where the message says enough.

A slow AWS must not hold up the first card. What did not come in time is read again by the
investigation.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from bot.aws import alarms
from bot.domain.alarm import Alarm
from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws, Store

PATIENCE = 1.0  # seconds; the first card should be there within 3


async def reread(aws: Aws, alarm: Alarm, *, enough: bool = False) -> tuple[Alarm, str | None]:
    """The alarm as CloudWatch has it; or as it is, and why it could not be read. Where what is
    known of it is `enough` to begin with, only what comes in time counts."""
    reading = asyncio.ensure_future(asyncio.to_thread(alarms.reread, aws, alarm))
    await asyncio.wait({reading}, timeout=PATIENCE if enough else None)
    if not reading.done():
        reading.add_done_callback(lambda late: late.cancelled() or late.exception())
        return alarm, "CloudWatch takes long to answer"
    try:
        return reading.result(), None
    except ReadFailed as failed:
        return alarm, failed.detail


async def went_off(aws: Aws, known: Alarm) -> datetime | None:
    """When an alarm that is over went into ALARM; when it ended, where that can't be read."""
    try:
        return await asyncio.to_thread(alarms.last_alarm_time, aws, known)
    except ReadFailed:
        return known.changed_at


async def now(aws: Aws, store: Store) -> datetime:
    """AWS's clock, the store's where AWS takes its time."""
    asking = asyncio.ensure_future(asyncio.to_thread(aws.now))
    await asyncio.wait({asking}, timeout=PATIENCE)
    return asking.result() if asking.done() else await store.now()
