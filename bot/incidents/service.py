"""The use cases of an incident: an alarm was posted, somebody asked for an investigation, the
timeline or the status.

Every method may run twice for one event (Slack and the queue deliver at least once) and changes
nothing the second time. What people see is rendered from the store, so a worker that takes over
the task of a dead one continues in the same card.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar

from bot import render
from bot.config.catalogue import Catalogue
from bot.domain.alarm import Alarm, AlarmState
from bot.domain.errors import ReadFailed
from bot.domain.incident import Incident, IncidentState, TimelineEntry
from bot.domain.playbook_contract import Playbook
from bot.domain.ports import Accounts, Announcer, Aws, Queue, Store
from bot.domain.service import Service
from bot.incidents import alarm_reads, doubtful_posts, standing
from bot.incidents.alarm_choice import AlarmChoice, question
from bot.incidents.card_publisher import IncidentCard, card_key
from bot.incidents.doubtful_posts import Trust
from bot.incidents.lifecycle import Lifecycle, incident_key
from bot.investigation.ownership import Ownership, find_owner
from bot.investigation.routing import Route, RouteKind, Router

log = logging.getLogger(__name__)

REPEATED = 300.0  # seconds

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in Slack somebody asked or clicked, and who."""

    channel: str
    user: str
    thread_ts: str | None = None
    response_url: str | None = None  # answers whoever used a command or a button there
    mention: str | None = None
    """Timestamp of the post that mentioned the bot: it is answered for all, in its thread."""

    @property
    def answer_in(self) -> str | None:
        """The thread of the answer."""
        return self.thread_ts or self.mention


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for an alarm to be looked at. `seed` is the key of the request."""

    user: str
    seed: str


@dataclass(frozen=True, slots=True)
class _AlarmPost:
    """The Slack post an alarm came with."""

    channel: str
    ts: str
    thread_ts: str | None  # when it was posted in a thread

    @property
    def thread(self) -> str:
        """The thread it is in, or begins."""
        return self.thread_ts or self.ts


@dataclass(frozen=True, slots=True)
class IncidentService:
    """Opens incidents, schedules their investigation, answers questions about them."""

    store: Store
    announcer: Announcer
    queue: Queue
    accounts: Accounts
    catalogue: Catalogue
    router: Router
    lifecycle: Lifecycle
    card: IncidentCard
    pool: Executor | None = None  # has the threads of an alarm's first reads; None: asyncio's own

    # --- an alarm was posted ---------------------------------------------------------------------

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
        service = self._owner(alarm, channel).service
        aws = await self.reader_of(alarm, channel)
        limit_wait = known_sender and await self._post_suffices(service, alarm)
        known, unread = await alarm_reads.reread(aws, alarm, self.pool, limit_wait=limit_wait)
        # The post says what happened; one that does not leaves it to CloudWatch.
        state = alarm.state or (known.state if unread is None else None)
        alarm = known.model_copy(update={"state": state})
        ownership, route = self._owner(alarm, channel), self.router.route(alarm)
        service, playbook = ownership.service, route.playbook
        if not known_sender and asked is None:
            at = await alarm_reads.now(aws, self.store, self.pool)
            trust = doubtful_posts.trust(alarm, None if unread else known, at, forwarded=forwarded)
            if trust is not Trust.ENOUGH:
                log.info("post %s about %s: %s", ts, alarm.name, trust.value)
            if trust is Trust.NONE:
                return
            if trust is Trust.ASK:
                doubt = question(
                    alarm, route, ownership, self.router, ts=ts, thread_ts=thread_ts, unread=unread
                )
                await self.announcer.post(channel, _question_key(ts), doubt, thread_ts=ts)
                return
        if state is AlarmState.OK and asked is None:
            if unread is not None or known.state is AlarmState.OK:  # CloudWatch outranks the post
                await self._alarm_ended(alarm, (service,) if service else ownership.candidates)
        elif (asked or state is AlarmState.ALARM) and service and playbook:
            post = _AlarmPost(channel, ts, thread_ts)
            await self._alarm_started(aws, alarm, known, service, playbook, post, asked)
        elif asked or state is not AlarmState.INSUFFICIENT_DATA:
            around = self._look_around(route, AlarmState.ALARM if asked else state)
            message = question(
                alarm,
                route,
                ownership,
                self.router,
                ts=ts,
                thread_ts=thread_ts,
                unread=unread,
                looking=service is not None and around is not None,
            )
            if service is not None and around is not None:
                post = _AlarmPost(channel, ts, thread_ts)
                await self._alarm_started(aws, alarm, known, service, around, post, asked)
            await self.announcer.post(
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
        playbook = self.router.named(choice.playbook)
        service = self.catalogue.service(choice.service)
        if playbook is None or service is None:
            what = f"{choice.playbook} of {choice.service} is not known any more."
            await self._ephemeral(place, render.notice(what))
            return
        aws = await asyncio.to_thread(self._reader, choice.alarm, service)
        known, _ = await alarm_reads.reread(aws, choice.alarm)
        alarm = known.model_copy(update={"state": AlarmState.ALARM})
        post = _AlarmPost(place.channel, choice.ts, choice.thread_ts)
        incident = await self._alarm_started(aws, alarm, known, service, playbook, post)
        now = await self._time(incident)
        text = f"chose {playbook.id} of {service.name} for {alarm.name}"
        await self._note(
            incident,
            TimelineEntry(at=now, kind="triage", text=text, actor=place.user, ref=seed),
        )
        answer = render.alarm_answer(f"{playbook.title} of {service.name}", place.user)
        await self.announcer.post(
            place.channel, _question_key(choice.ts), answer, thread_ts=post.thread
        )

    def _look_around(self, route: Route, state: AlarmState | None) -> Playbook | None:
        """What opens for an alarm that went off and that no type claims."""
        unclaimed = route.kind is RouteKind.UNKNOWN and state is AlarmState.ALARM
        return self.router.for_any_alarm if unclaimed else None

    def _owner(self, alarm: Alarm, channel: str) -> Ownership:
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
        return await self.in_thread(self._reader, alarm, self._owner(alarm, channel).service)

    def _reader(self, alarm: Alarm, service: Service | None) -> Aws:
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

    async def _alarm_ended(self, alarm: Alarm, services: tuple[Service, ...]) -> None:
        """End the incidents whose own alarm it is, of whatever type: a person may have chosen."""
        for service in services:
            for playbook in self.router.playbooks.values():
                latest = await self.store.incident_for(incident_key(service, playbook, alarm))
                await self.lifecycle.recover(latest, alarm)

    async def _post_suffices(self, service: Service | None, alarm: Alarm) -> bool:
        """Whether the post says enough to open an incident without waiting for CloudWatch.

        A post of an alarm that has recovered since may be a late one: only CloudWatch can tell.
        """
        playbook = self.router.route(alarm).playbook
        if service is None or playbook is None or alarm.state is not AlarmState.ALARM:
            return False
        latest = await self.store.incident_for(incident_key(service, playbook))
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
        post: _AlarmPost,
        asked: Asked | None = None,
    ) -> Incident:
        """Open an incident, or join the open one, and investigate."""
        latest = await self.store.incident_for(incident_key(service, playbook, alarm))
        over_already = known.state is AlarmState.OK  # the post is late: CloudWatch has the recovery
        if over_already:
            began = await alarm_reads.went_off(aws, known, self.pool)
            alarm = alarm.model_copy(update={"changed_at": began})
        at = alarm.changed_at or await alarm_reads.now(aws, self.store, self.pool)
        await self.lifecycle.close_stale(aws, latest, alarm, at)
        incident, new = await self.lifecycle.open(
            service,
            playbook,
            post.channel,
            opened_at=at,
            thread_ts=post.thread,
            alarm=alarm,
            seed=post.ts,
            by=asked.user if asked else None,
        )
        text = f"{alarm.name} went into ALARM: {alarm.reason}" if alarm.reason else alarm.name
        await self._note(incident, TimelineEntry(at=at, kind="alarm", text=text, ref=alarm.key))
        if asked:
            text = f"asked to look at {alarm.name}"
            entry = TimelineEntry(at=at, kind="triage", text=text, actor=asked.user, ref=asked.seed)
            await self._note(incident, entry)
        if not new and (incident.channel, incident.thread_ts) != (post.channel, post.thread):
            pointer = render.already_open(incident, await self._card_link(incident))
            key = f"elsewhere:{post.ts}"
            await self.announcer.post(post.channel, key, pointer, thread_ts=post.thread)
        if over_already:
            await self.lifecycle.recover(incident, known)
        if asked or new or not _repeats(incident, known, post):
            seed = asked.seed if asked else f"alarm:{post.channel}:{post.ts}"
            await self._schedule_investigation(incident, new, seed)
        return incident

    # --- somebody asked --------------------------------------------------------------------------

    async def owner_among(self, name: str, services: Sequence[Service]) -> Service | None:
        """Which of these services an alarm is about, by what CloudWatch says it watches.

        Args:
            name: the alarm's.
            services: those to choose from; an alarm is looked for where they are.

        Returns:
            None when it is not found, or fits several or none.
        """
        places = {(each.account, each.region): each for each in services}
        for service in places.values():
            aws = await asyncio.to_thread(self.accounts.reader, service)
            asked = Alarm(name=name, region=service.region, account=service.account)
            alarm, unread = await alarm_reads.reread(aws, asked)
            if unread is None and (found := find_owner(alarm, services).service):
                return found
        return None

    async def triage(
        self,
        playbook: Playbook,
        service: Service,
        place: Place,
        seed: str,
        *,
        alarm: Alarm | None = None,
        since: Callable[[datetime], datetime] | None = None,
    ) -> None:
        """Open an incident and investigate; an open one of the same type is investigated again.

        Args:
            playbook: the incident type.
            service: the service to investigate.
            place: where it was asked, and by whom.
            seed: key of the request; a second delivery has the same.
            alarm: the alarm that was named, if one was.
            since: gives the time of the beginning, from AWS's time now.
        """
        if not await self.announcer.can_post(place.channel):
            await self._ephemeral(place, render.not_a_member())
            return
        aws = await asyncio.to_thread(self.accounts.reader, service)
        if alarm is not None and await alarm_reads.is_missing(aws, alarm):
            what = f"CloudWatch in {alarm.region} has no alarm “{alarm.name}”. Check its name."
            await self._ephemeral(place, render.notice(what))
            return
        now = await alarm_reads.now(aws, self.store)
        began = since(now) if since else None
        incident, new = await self.lifecycle.open(
            service,
            playbook,
            place.channel,
            opened_at=now,
            thread_ts=place.answer_in,
            alarm=alarm,
            seed=seed,
            by=place.user,
            since=began,
        )
        if began and incident.since != began:
            incident = await self.store.change_incident(incident.id, since=began)
        if alarm and (incident.alarm is None or incident.alarm.name != alarm.name):
            incident = await self.store.change_incident(incident.id, alarm=alarm)
        text = f"asked for triage {playbook.id}"
        entry = TimelineEntry(at=now, kind="triage", text=text, actor=place.user, ref=seed)
        await self._note(incident, entry)
        here = incident.channel == place.channel and incident.thread_ts in (None, place.answer_in)
        if not new and not here:
            message = render.already_open(incident, await self._card_link(incident))
            await self.answer(place, message)
        elif not new and place.mention:
            message = render.looks_again(incident, await self._card_link(incident))
            await self.answer(place, message)
        await self._schedule_investigation(incident, new, seed=seed)

    async def rerun(self, incident_id: str, user: str, seed: str) -> None:
        """Investigate again: the button "Look again" was pressed."""
        incident = await self.store.incident(incident_id)
        if incident is not None:
            now = await self._time(incident)
            text = "asked for another investigation"
            entry = TimelineEntry(at=now, kind="triage", text=text, actor=user, ref=seed)
            await self._note(incident, entry)
            await self._schedule_investigation(incident, new=False, seed=seed)

    async def look_later(self, incident_id: str, place: Place, seed: str) -> None:
        """Investigate again when AWS should have published what decides: "Look again at …".

        Args:
            incident_id: the incident; its report says when.
            place: where it was pressed, and by whom.
            seed: key of the click; a second delivery has the same.
        """
        incident = await self.store.incident(incident_id)
        report = await self.store.report(incident_id)
        at = report.next_test.again_at if report and report.next_test else None
        if incident is None or incident.state is IncidentState.CLOSED:
            return
        if at is None:  # the findings have changed since: nothing has to be waited for
            await self.rerun(incident_id, place.user, seed)
            return
        service = self.catalogue.service(incident.service) or Service(name=incident.service)
        try:
            aws = await asyncio.to_thread(self.accounts.reader, service)
            left = at - await alarm_reads.now(aws, self.store)
        except ReadFailed:
            left = at - await self.store.now()
        text = f"asked for another investigation at {at:%H:%M} UTC"
        now = await self._time(incident)
        entry = TimelineEntry(at=now, kind="triage", text=text, actor=place.user, ref=seed)
        await self._note(incident, entry)
        key = f"investigate:{incident.id}:at:{at.isoformat()}"
        await self.queue.put(
            "investigate", incident.id, key=key, after=max(0.0, left.total_seconds())
        )
        await self._ephemeral(place, render.notice(f"I look again at {at:%H:%M} UTC."))

    async def all_evidence(self, incident_id: str, view: str) -> None:
        """Show everything the newest report found in the open modal.

        Args:
            incident_id: whose findings.
            view: external_id of the modal that was opened at the click.
        """
        report = await self.store.report(incident_id)
        if report is None:
            reason = "The findings of this incident are not stored any more."
            await self.announcer.view(view, render.nothing_modal(view, "Nothing to show", reason))
            return
        await self.announcer.view(view, render.all_evidence_modal(report, view))

    async def timeline(self, place: Place) -> None:
        """Show the timeline of the incident meant (see `find`) to the person who asked."""
        incident = await self.find(place)
        if incident is None:
            message = render.no_incident()
        else:
            message = render.timeline(incident, await self.store.timeline(incident.id))
        await self.answer(place, message)

    async def status(self, place: Place) -> None:
        """Show the status of the incident meant (see `find`) to the person who asked; outside of
        its thread, that of all open ones of the channel."""
        meant = await self.find(place)
        others: Sequence[Incident] = ()
        if meant is None or meant.thread_ts is None or meant.thread_ts != place.thread_ts:
            others = await self.store.incidents_in(place.channel)
        still_open = [each for each in others if each.state is IncidentState.OPEN]
        meant_first = {each.id: each for each in (meant, *still_open) if each is not None}
        message = await standing.status(
            tuple(meant_first.values()), self.store, self.accounts, self.catalogue
        )
        await self.answer(place, message)

    async def place_of(self, run_id: str, user: str) -> Place | None:
        """The thread of the incident a change belongs to; None when it is not stored."""
        run = await self.store.run(run_id)
        incident = await self.store.incident(run.incident) if run else None
        return Place(incident.channel, user, incident.thread_ts) if incident else None

    async def find(self, place: Place) -> Incident | None:
        """The incident somebody means: that of their thread, else the latest of the channel.

        In the channel of services their incidents count too, wherever their alarms were posted.
        """
        if place.thread_ts:
            found = await self.store.incident_at(place.channel, place.thread_ts)
            if found is not None:
                return found
        latest = [await self.store.latest_incident(place.channel)]
        for service in self.catalogue.services_in(place.channel):
            for playbook in self.router.playbooks.values():
                latest.append(await self.store.incident_for(incident_key(service, playbook)))
        return max(filter(None, latest), key=lambda each: each.opened_at, default=None)

    async def answer(self, place: Place, message: render.Message) -> None:
        """Answer whoever asked: for all, in the thread of a mention; else for them alone."""
        if place.mention is None:
            await self._ephemeral(place, message)
            return
        await self.announcer.post(
            place.channel, f"answer:{place.mention}", message, thread_ts=place.answer_in
        )

    # --- inside ----------------------------------------------------------------------------------

    async def _schedule_investigation(self, incident: Incident, new: bool, seed: str) -> None:
        """Show the card and put the task into the queue. A new incident gets one task, however
        many posts opened it; later tasks are told apart by `seed`."""
        if incident.state is not IncidentState.CLOSED:
            await self.card.show(incident.id)
            await self.queue.put(
                "investigate",
                incident.id,
                key=f"investigate:{incident.id}" if new else f"investigate:{incident.id}:{seed}",
            )

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what may wait for AWS, because an alarm was posted, in a thread of its pool."""
        call = partial(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self.pool, call)

    async def _card_link(self, incident: Incident) -> str | None:
        return await self.announcer.link(incident.channel, card_key(incident.id))

    async def _time(self, incident: Incident) -> datetime:
        return await alarm_reads.time_for(incident, self.accounts, self.catalogue, self.store)

    async def _note(self, incident: Incident, entry: TimelineEntry) -> None:
        await self.store.add_to_timeline(incident.id, entry)

    async def _ephemeral(self, place: Place, message: render.Message) -> None:
        await self.announcer.ephemeral(
            place.channel,
            place.user,
            message,
            thread_ts=place.thread_ts,
            response_url=place.response_url,
        )


def _repeats(incident: Incident, known: Alarm, post: _AlarmPost) -> bool:
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


def _location_of(alarm: Alarm) -> Service:
    """The account and region to read an alarm in whose service is not known yet."""
    return Service(name="unknown", account=alarm.account, region=alarm.region)
