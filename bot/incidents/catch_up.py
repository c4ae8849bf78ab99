"""What becomes of alarms that went off while the bot was away.

An alarm that is still on gets its incident, under its post. Of those that are over none opens: they
are told in one message for each channel.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import render
from bot.aws import alarms
from bot.domain.alarm import Alarm, AlarmState
from bot.domain.errors import ReadFailed
from bot.domain.incident import IncidentState, TimelineEntry
from bot.domain.ports import Aws
from bot.incidents import alarm_reads
from bot.incidents.lifecycle import incident_key
from bot.incidents.posted_alarms import PostedAlarms
from bot.investigation.ownership import owner

log = logging.getLogger(__name__)

MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Missed:
    """A post about an alarm that was not handled when it came."""

    key: str  # of its envelope
    alarm: Alarm
    ts: str
    thread_ts: str | None
    known_sender: bool = True
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Handles what was missed."""

    alarms: PostedAlarms

    async def tell(
        self,
        channel: str,
        missed: Sequence[Missed],
        since: datetime,
        handled: Callable[[Missed], Awaitable[object]],
    ) -> bool:
        """Open, recover and tell what the missed posts of a channel are about.

        Args:
            channel: the channel they are in.
            missed: the posts, the oldest first.
            since: when the bot went away, by Slack's clock.
            handled: called with each post that was handled.

        Returns:
            Whether all were handled; those that were not have to be told again.
        """
        whole = True
        on: list[str] = []
        over: list[str] = []
        for posts in _by_alarm(missed):
            try:
                await self._tell_alarm(channel, posts, on, over)
            except Exception:  # one alarm must not keep the others from being told
                log.exception("what was missed of %s is not handled", posts[-1].alarm.name)
                whole = False
                continue
            for each in posts:
                await handled(each)
        if on or over:
            now = await self.alarms.context.store.now()
            text = f"I was away from {since:%H:%M} to {now:%H:%M} UTC."
            if on:
                text += f" Found on return, still in ALARM: {_named(on)}."
            if over:
                text += f" Over meanwhile, and not investigated: {_named(over)}."
            key = f"missed:{since:%Y%m%dT%H%M%S}:{missed[0].ts}"
            await self.alarms.context.announcer.post(channel, key, render.notice(text))
        return whole

    async def _tell_alarm(
        self, channel: str, posts: Sequence[Missed], on: list[str], over: list[str]
    ) -> None:
        """Handle the posts about one alarm; add it to those still on or those over."""
        known, is_over = await self._now(posts, channel)
        latest = next((each for each in reversed(posts) if each.known_sender), posts[-1])
        said = AlarmState.OK if is_over else latest.alarm.state
        await self.alarms.alarm_seen(
            latest.alarm.model_copy(update={"state": said}),
            channel,
            latest.ts,
            latest.thread_ts,
            known_sender=latest.known_sender,
            forwarded=latest.forwarded,
        )
        if not latest.known_sender:
            return
        if not is_over:
            on.append(f"{known.name}{_at(known, ' since ')}")
        elif any(each.alarm.state is not AlarmState.OK for each in posts):
            over.append(f"{known.name}{_at(known, ', OK since ')}")

    async def look_for_unposted(self, seconds: float) -> None:
        """Open incidents for alarms that went off in the last so many seconds and have none, in the
        channels of the services they belong to.

        One DescribeAlarms for each account and region of a service that has a channel.
        """
        context, accounts = self.alarms.context, self.alarms.accounts
        services = context.catalogue.services
        places = {(each.account, each.region): each for each in services if each.channel}
        for place in places.values():
            try:
                aws = await accounts.in_thread(context.accounts.reader, place)
                firing = await accounts.in_thread(alarms.list_firing, aws)
            except ReadFailed as failed:  # not known; their posts were looked for, too
                log.warning("alarms of %s are not read: %s", place.account, failed)
                continue
            now = await alarm_reads.now(aws, context.store, accounts.pool)
            for alarm in firing:
                went_off = alarm.changed_at is not None and (
                    now - alarm.changed_at < timedelta(seconds=seconds)
                )
                if went_off:
                    try:
                        await self._open(aws, alarm)
                    except Exception:  # the others are looked at all the same
                        log.exception("%s in ALARM opened no incident", alarm.name)

    async def _open(self, aws: Aws, alarm: Alarm) -> None:
        context = self.alarms.context
        service = owner(alarm, context.catalogue.services)
        playbook = context.router.route(alarm).playbook
        if service is None or service.channel is None or playbook is None:
            return
        latest = await context.store.incident_for(incident_key(service, playbook, alarm))
        if latest is not None and latest.state is IncidentState.OPEN:
            return
        at = alarm.changed_at or await context.store.now()
        incident, new = await context.lifecycle.open(
            service,
            playbook,
            service.channel,
            opened_at=at,
            thread_ts=None,
            alarm=alarm,
            seed=alarm.key,
        )
        if not new:
            return
        text = f"{alarm.name} was found in ALARM on return; no post about it was seen"
        entry = TimelineEntry(at=at, kind="alarm", text=text, ref=alarm.key)
        await context.note(incident, entry)
        await context.investigate(incident, new, seed=alarm.key)

    async def _now(self, posts: Sequence[Missed], channel: str) -> tuple[Alarm, bool]:
        """The alarm as it is now, and whether it is over: by CloudWatch, else by its last post."""
        alarm = posts[-1].alarm
        try:
            aws = await self.alarms.accounts.reader_of(alarm, channel)
            known, unread = await alarm_reads.reread(aws, alarm, self.alarms.accounts.pool)
        except ReadFailed as failed:
            known, unread = alarm, failed.detail
        return known, (alarm if unread else known).state is AlarmState.OK


def _by_alarm(missed: Iterable[Missed]) -> list[list[Missed]]:
    found: dict[tuple[str | None, str, str], list[Missed]] = {}
    for each in missed:
        alarm = each.alarm
        found.setdefault((alarm.account, alarm.region, alarm.name), []).append(each)
    return list(found.values())


def _at(alarm: Alarm, word: str) -> str:
    return f"{word}{alarm.changed_at:%H:%M}" if alarm.changed_at else ""


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return "; ".join(names[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
