"""The use cases of a posted alarm: an incident opens, goes on or ends, or a person is asked.

Every method may run twice for one event (Slack and the queue deliver at least once) and changes
nothing the second time.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from bot import render
from bot.domain.alarm import Alarm, AlarmState
from bot.domain.incident import Incident, IncidentState, TimelineEntry
from bot.domain.playbook_contract import Playbook
from bot.domain.ports import Aws
from bot.domain.service import Service
from bot.incidents import alarm_reads, doubtful_posts
from bot.incidents.alarm_accounts import AlarmAccounts
from bot.incidents.alarm_choice import AlarmChoice, question
from bot.incidents.context import IncidentContext
from bot.incidents.doubtful_posts import Trust
from bot.incidents.lifecycle import incident_key
from bot.incidents.requests import Asked, Place
from bot.investigation.routing import Route, RouteKind

log = logging.getLogger(__name__)

REPEATED = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class AlarmPost:
    """The Slack post an alarm came with."""

    channel: str
    ts: str
    thread_ts: str | None  # when it was posted in a thread

    @property
    def thread(self) -> str:
        """The thread it is in, or begins."""
        return self.thread_ts or self.ts


@dataclass(frozen=True, slots=True)
class PostedAlarms:
    """Opens, joins and ends incidents for the alarms that are posted."""

    context: IncidentContext
    accounts: AlarmAccounts

    async def alarm_seen(
        self,
        alarm: Alarm,
        channel: str,
        ts: str,
        thread_ts: str | None = None,
        *,
        known_sender: bool = True,
        forwarded: bool = False,
        asked: Asked | None = None,
    ) -> None:
        """Open an incident for a posted alarm, join the open one, or end it.

        Args:
            alarm: as the post describes it.
            channel: id of the channel of the post.
            ts: the post's timestamp; the incident's card becomes a reply to it.
            thread_ts: the thread the post is in, when it is in one.
            known_sender: whether it is by an app known to post alarms. Of all others only what
                CloudWatch confirms counts.
            forwarded: whether a person forwarded it.
            asked: who asked for it at the post. Then an incident opens whatever the alarm's state.
        """
        service = self.accounts.owner(alarm, channel).service
        aws = await self.accounts.reader_of(alarm, channel)
        limit_wait = known_sender and await self._post_suffices(service, alarm)
        known, unread = await alarm_reads.reread(
            aws, alarm, self.accounts.pool, limit_wait=limit_wait
        )
        # The post says what happened; one that does not leaves it to CloudWatch.
        state = alarm.state or (known.state if unread is None else None)
        alarm = known.model_copy(update={"state": state})
        ownership, route = self.accounts.owner(alarm, channel), self.context.router.route(alarm)
        service, playbook = ownership.service, route.playbook
        ask = partial(
            question,
            alarm,
            route,
            ownership,
            self.context.router,
            ts=ts,
            thread_ts=thread_ts,
            unread=unread,
        )
        if not known_sender and asked is None:
            at = await alarm_reads.now(aws, self.context.store, self.accounts.pool)
            trust = doubtful_posts.trust(alarm, None if unread else known, at, forwarded=forwarded)
            if trust is not Trust.ENOUGH:
                log.info("post %s about %s: %s", ts, alarm.name, trust.value)
            if trust is Trust.NONE:
                return
            if trust is Trust.ASK:
                await self.context.announcer.post(channel, _question_key(ts), ask(), thread_ts=ts)
                return
        if state is AlarmState.OK and asked is None:
            if unread is not None or known.state is AlarmState.OK:  # CloudWatch outranks the post
                await self._alarm_ended(alarm, (service,) if service else ownership.candidates)
        elif (asked or state is AlarmState.ALARM) and service and playbook:
            post = AlarmPost(channel, ts, thread_ts)
            await self._alarm_started(aws, alarm, known, service, playbook, post, asked)
        elif asked or state is not AlarmState.INSUFFICIENT_DATA:
            around = self._look_around(route, AlarmState.ALARM if asked else state)
            message = ask(looking=service is not None and around is not None)
            if service is not None and around is not None:
                post = AlarmPost(channel, ts, thread_ts)
                await self._alarm_started(aws, alarm, known, service, around, post, asked)
            await self.context.announcer.post(
                channel, _question_key(ts), message, thread_ts=thread_ts or ts
            )

    async def alarm_chosen(self, value: str, place: Place, seed: str) -> None:
        """Somebody chose the incident type or the service of an alarm: open it.

        Args:
            value: an `AlarmChoice` as JSON.
            place: where it was clicked, and by whom.
            seed: key of the click; a second delivery has the same.
        """
        choice = AlarmChoice.model_validate_json(value)
        playbook = self.context.router.named(choice.playbook)
        service = self.context.catalogue.service(choice.service)
        if playbook is None or service is None:
            what = f"{choice.playbook} of {choice.service} is not known any more."
            await self.context.tell(place, render.notice(what))
            return
        aws = await asyncio.to_thread(self.accounts.reader, choice.alarm, service)
        known, _ = await alarm_reads.reread(aws, choice.alarm)
        alarm = known.model_copy(update={"state": AlarmState.ALARM})
        post = AlarmPost(place.channel, choice.ts, choice.thread_ts)
        incident = await self._alarm_started(aws, alarm, known, service, playbook, post)
        now = await self.context.time(incident)
        text = f"chose {playbook.id} of {service.name} for {alarm.name}"
        await self.context.note(
            incident,
            TimelineEntry(at=now, kind="triage", text=text, actor=place.user, ref=seed),
        )
        answer = render.alarm_answer(f"{playbook.title} of {service.name}", place.user)
        await self.context.announcer.post(
            place.channel, _question_key(choice.ts), answer, thread_ts=post.thread
        )

    def _look_around(self, route: Route, state: AlarmState | None) -> Playbook | None:
        """What opens for an alarm that went off and that no type claims."""
        unclaimed = route.kind is RouteKind.UNKNOWN and state is AlarmState.ALARM
        return self.context.router.for_any_alarm if unclaimed else None

    async def _alarm_ended(self, alarm: Alarm, services: tuple[Service, ...]) -> None:
        """End the incidents whose own alarm it is, of whatever type: a person may have chosen."""
        for service in services:
            for playbook in self.context.router.playbooks.values():
                latest = await self.context.store.incident_for(
                    incident_key(service, playbook, alarm)
                )
                await self.context.lifecycle.recover(latest, alarm)

    async def _post_suffices(self, service: Service | None, alarm: Alarm) -> bool:
        """Whether the post says enough to open an incident without waiting for CloudWatch.

        A post of an alarm that has recovered since may be a late one: only CloudWatch can tell.
        """
        playbook = self.context.router.route(alarm).playbook
        if service is None or playbook is None or alarm.state is not AlarmState.ALARM:
            return False
        latest = await self.context.store.incident_for(incident_key(service, playbook))
        if latest is None or latest.alarm is None or latest.state is not IncidentState.RECOVERED:
            return True
        return latest.alarm.name != alarm.name

    async def _alarm_started(
        self,
        aws: Aws,
        alarm: Alarm,
        known: Alarm,
        service: Service,
        playbook: Playbook,
        post: AlarmPost,
        asked: Asked | None = None,
    ) -> Incident:
        """Open an incident, or join the open one, and investigate."""
        latest = await self.context.store.incident_for(incident_key(service, playbook, alarm))
        over_already = known.state is AlarmState.OK  # the post is late: CloudWatch has the recovery
        if over_already:
            began = await alarm_reads.went_off(aws, known, self.accounts.pool)
            alarm = alarm.model_copy(update={"changed_at": began})
        at = alarm.changed_at or await alarm_reads.now(aws, self.context.store, self.accounts.pool)
        await self.context.lifecycle.close_stale(aws, latest, alarm, at)
        incident, new = await self.context.lifecycle.open(
            service,
            playbook,
            post.channel,
            opened_at=at,
            thread_ts=post.thread,
            alarm=alarm,
            seed=asked.seed if asked else post.ts,
            by=asked.user if asked else None,
        )
        text = f"{alarm.name} went into ALARM: {alarm.reason}" if alarm.reason else alarm.name
        await self.context.note(
            incident, TimelineEntry(at=at, kind="alarm", text=text, ref=alarm.key)
        )
        if asked:
            text = f"asked to look at {alarm.name}"
            entry = TimelineEntry(at=at, kind="triage", text=text, actor=asked.user, ref=asked.seed)
            await self.context.note(incident, entry)
        if not new and (incident.channel, incident.thread_ts) != (post.channel, post.thread):
            pointer = render.already_open(incident, await self.context.card_link(incident))
            key = f"elsewhere:{post.ts}"
            await self.context.announcer.post(post.channel, key, pointer, thread_ts=post.thread)
        if over_already:
            await self.context.lifecycle.recover(incident, known)
        if asked or new or not _repeats(incident, known, post):
            seed = asked.seed if asked else f"alarm:{post.channel}:{post.ts}"
            await self.context.investigate(incident, new, seed)
        return incident


def _repeats(incident: Incident, known: Alarm, post: AlarmPost) -> bool:
    """Whether a post tells once more what opened the incident: the same alarm, the same change of
    state; where CloudWatch has not said which, a post within minutes of the first.

    The first post itself never does: its task may be delivered again because it did not finish.
    """
    own = incident.alarm
    if own is None or own.name != known.name or incident.thread_ts in (None, post.ts):
        return False
    if own.changed_at is not None and known.changed_at is not None:
        return own.changed_at == known.changed_at
    try:
        return abs(float(post.ts) - float(incident.thread_ts or 0)) < REPEATED
    except ValueError:
        return False


def _question_key(ts: str) -> str:
    """The key of the question about the alarm in a post."""
    return f"unknown:{ts}"
