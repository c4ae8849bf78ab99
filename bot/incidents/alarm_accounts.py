"""Whose alarm it is, and who reads the account it is in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from bot.config.catalogue import Catalogue
from bot.domain.alarm import Alarm
from bot.domain.errors import ReadFailed
from bot.domain.ports import Accounts, Aws
from bot.domain.service import Service
from bot.investigation.ownership import Ownership, find_owner

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AlarmAccounts:
    """The services that alarms may belong to, and the readers of their accounts.

    `pool` has the threads of an alarm's first reads; None: asyncio's own.
    """

    accounts: Accounts
    catalogue: Catalogue
    pool: Executor | None = None

    def owner(self, alarm: Alarm, channel: str) -> Ownership:
        """Whose alarm it is; the service of the channel's when nothing else is known. Of several
        in the channel one has to be chosen."""
        found = find_owner(alarm, self.catalogue.services, channel)
        in_channel = self.catalogue.services_in(channel)
        if found.service or found.candidates or not in_channel:
            return found
        if len(in_channel) == 1:
            return Ownership(in_channel[0], (), "it was posted in the service's channel")
        names = ", ".join(each.name for each in in_channel)
        return Ownership(None, in_channel, f"this is the channel of {names}")

    async def reader_of(self, alarm: Alarm, channel: str) -> Aws:
        """Reads the account of an alarm that was posted in a channel. Raises ReadFailed."""
        return await self.in_thread(self.reader, alarm, self.owner(alarm, channel).service)

    def reader(self, alarm: Alarm, service: Service | None) -> Aws:
        """Reads the account the alarm is in, which may be a monitoring account.

        Raises ReadFailed when there is no role for it, and no service to read instead.
        """
        if service and alarm.account in (None, service.account):
            return self.accounts.reader(service)
        if service and service.account is None:
            return self.accounts.reader(service)
        try:
            return self.accounts.reader(_location_of(alarm))
        except ReadFailed:
            if service is None:
                raise
            return self.accounts.reader(service)

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what may wait for AWS, because an alarm was posted, in a thread of its pool."""
        call = partial(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self.pool, call)


def _location_of(alarm: Alarm) -> Service:
    """The account and region to read an alarm in whose service is not known yet."""
    return Service(name="unknown", account=alarm.account, region=alarm.region)
