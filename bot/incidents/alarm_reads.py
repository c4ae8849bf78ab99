"""What is read from CloudWatch before the first card is posted.

A slow AWS must not delay the first card: where the alarm's message says enough, a read gets half
a second. What did not come in time is read again by the investigation.

Each read takes a thread of a pool, None meaning asyncio's own; it keeps it until AWS has answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar

from bot.aws import alarms
from bot.config.catalogue import Catalogue
from bot.domain.alarm import Alarm
from bot.domain.errors import ReadFailed
from bot.domain.incident import Incident
from bot.domain.ports import Accounts, Aws, Store
from bot.domain.report import GapReason
from bot.domain.service import Service

PERSON_SECONDS = 5.0  # that somebody who typed an alarm's name waits for CloudWatch
WAIT_SECONDS = 0.5  # the first card should be posted within 3, also in a storm of them

P = ParamSpec("P")
T = TypeVar("T")


async def reread(
    aws: Aws, alarm: Alarm, pool: Executor | None = None, *, limit_wait: bool = False
) -> tuple[Alarm, str | None]:
    """Read the alarm from CloudWatch.

    Args:
        aws: reads the alarm's account and region.
        alarm: the alarm as its message describes it.
        pool: has the threads.
        limit_wait: wait `WAIT_SECONDS` at most.

    Returns:
        The alarm as CloudWatch has it and None; or the alarm as given, and why it was not read.
    """
    read = _begun(pool, alarms.reread, aws, alarm)
    await asyncio.wait({read}, timeout=WAIT_SECONDS if limit_wait else None)
    if not read.done():
        read.add_done_callback(lambda late: late.cancelled() or late.exception())
        return alarm, f"CloudWatch did not answer within {WAIT_SECONDS:g} s"
    try:
        return read.result(), None
    except ReadFailed as failed:
        return alarm, failed.detail


async def is_missing(aws: Aws, alarm: Alarm) -> bool:
    """Whether CloudWatch says that there is no such alarm. One that can't be read may exist."""
    read = _begun(None, alarms.reread, aws, alarm)
    await asyncio.wait({read}, timeout=PERSON_SECONDS)
    if not read.done():
        read.add_done_callback(lambda late: late.cancelled() or late.exception())
        return False
    fault = read.exception()
    return isinstance(fault, ReadFailed) and fault.reason is GapReason.NOT_FOUND


async def went_off(aws: Aws, known: Alarm, pool: Executor | None = None) -> datetime | None:
    """When an alarm that is OK again had gone into ALARM; when it changed to OK, if its history
    could not be read."""
    try:
        return await _begun(pool, alarms.last_alarm_time, aws, known)
    except ReadFailed:
        return known.changed_at


async def time_for(
    incident: Incident, accounts: Accounts, catalogue: Catalogue, store: Store
) -> datetime:
    """AWS's time for what a person does in an incident: all entries of a timeline are by one
    clock. The store's time where the incident's account cannot be read."""
    service = catalogue.service(incident.service) or Service(name=incident.service)
    try:
        return await now(await asyncio.to_thread(accounts.reader, service), store)
    except ReadFailed:
        return await store.now()


async def now(aws: Aws, store: Store, pool: Executor | None = None) -> datetime:
    """AWS's time; the store's time when AWS does not answer within `WAIT_SECONDS`."""
    read = _begun(pool, aws.now)
    await asyncio.wait({read}, timeout=WAIT_SECONDS)
    return read.result() if read.done() else await store.now()


def _begun(
    pool: Executor | None, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> asyncio.Future[T]:
    return asyncio.get_running_loop().run_in_executor(pool, partial(read, *args, **kwargs))
