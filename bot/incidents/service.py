"""The use cases of an incident: an alarm was posted, somebody asked for an investigation, the
timeline or the status.

Every method may run twice for one event (Slack and the queue deliver at least once) and changes
nothing the second time. What people see is rendered from the store, so a worker that takes over
the task of a dead one continues in the same card.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import render
from bot.config.catalogue import Catalogue
from bot.domain.alarm import Alarm, AlarmState
from bot.domain.errors import ReadFailed
from bot.domain.incident import Incident, IncidentState, TimelineEntry
from bot.domain.playbook_contract import Playbook
from bot.domain.ports import Accounts, Announcer, Aws, Queue, Store
from bot.domain.service import Service
from bot.incidents import alarm_reads
from bot.incidents.alarm_choice import AlarmChoice, question
from bot.incidents.card_publisher import IncidentCard
from bot.incidents.lifecycle import Lifecycle, incident_key
from bot.investigation.ownership import Ownership, find_owner
from bot.investigation.routing import Route, RouteKind, Router


@dataclass(frozen=True, slots=True)
class Place:
    """Where in Slack somebody asked or clicked, and who."""

    channel: str
    user: str
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True)
class _AlarmPost:
    """The Slack post an alarm came with."""

    channel: str
    ts: str
    thread_ts: str | None  # when it was posted in a thread


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

    # --- an alarm was posted ---------------------------------------------------------------------

    async def alarm_seen(
        self, alarm: Alarm, channel: str, ts: str, thread_ts: str | None = None
    ) -> None:
        """Open an incident for a posted alarm, join the open one, or end it.

        Args:
            alarm: as the post describes it.
            channel: id of the channel of the post.
            ts: the post's timestamp; the incident's card becomes a reply to it.
            thread_ts: the thread the post is in, when it is in one.
        """
        service = self._owner(alarm, channel).service
        aws = await asyncio.to_thread(self._reader, alarm, service)
        limit_wait = await self._post_suffices(service, alarm)
        known, unread = await alarm_reads.reread(aws, alarm, limit_wait=limit_wait)
        # The post says what happened; one that does not leaves it to CloudWatch.
        state = alarm.state or (known.state if unread is None else None)
        alarm = known.model_copy(update={"state": state})
        ownership, route = self._owner(alarm, channel), self.router.route(alarm)
        service, playbook = ownership.service, route.playbook
        if state is AlarmState.OK:
            if unread is not None or known.state is AlarmState.OK:  # CloudWatch outranks the post
                await self._alarm_ended(alarm, (service,) if service else ownership.candidates)
        elif state is AlarmState.ALARM and service is not None and playbook is not None:
            post = _AlarmPost(channel, ts, thread_ts)
            await self._alarm_started(aws, alarm, known, service, playbook, post)
        elif state is not AlarmState.INSUFFICIENT_DATA:
            around = self._look_around(route, state)
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
                await self._alarm_started(aws, alarm, known, service, around, post)
            await self.announcer.post(channel, _question_key(ts), message, thread_ts=ts)

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
        now = await self.store.now()
        text = f"chose {playbook.id} of {service.name} for {alarm.name}"
        await self._note(
            incident,
            TimelineEntry(at=now, kind="triage", text=text, actor=place.user, ref=seed),
        )
        answer = render.alarm_answer(f"{playbook.title} of {service.name}", place.user)
        await self.announcer.post(
            place.channel, _question_key(choice.ts), answer, thread_ts=choice.ts
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
    ) -> Incident:
        """Open an incident, or join the open one, and investigate."""
        latest = await self.store.incident_for(incident_key(service, playbook, alarm))
        over_already = known.state is AlarmState.OK  # the post is late: CloudWatch has the recovery
        if over_already:
            began = await alarm_reads.went_off(aws, known)
            alarm = alarm.model_copy(update={"changed_at": began})
        at = alarm.changed_at or await alarm_reads.now(aws, self.store)
        await self.lifecycle.close_stale(aws, latest, alarm, at)
        incident, new = await self.lifecycle.open(
            service,
            playbook,
            post.channel,
            opened_at=at,
            thread_ts=post.thread_ts or post.ts,
            alarm=alarm,
            seed=post.ts,
        )
        text = f"{alarm.name} went into ALARM: {alarm.reason}" if alarm.reason else alarm.name
        await self._note(incident, TimelineEntry(at=at, kind="alarm", text=text, ref=alarm.key))
        if not new and (incident.channel, incident.thread_ts) != (post.channel, post.ts):
            pointer = render.already_open(incident)
            key = f"elsewhere:{post.ts}"
            await self.announcer.post(post.channel, key, pointer, thread_ts=post.ts)
        if over_already:
            await self.lifecycle.recover(incident, known)
        await self._schedule_investigation(incident, new, seed=f"alarm:{post.channel}:{post.ts}")
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
        aws = await asyncio.to_thread(self.accounts.reader, service)
        now = await alarm_reads.now(aws, self.store)
        began = since(now) if since else None
        incident, new = await self.lifecycle.open(
            service,
            playbook,
            place.channel,
            opened_at=now,
            thread_ts=place.thread_ts,
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
        here = incident.channel == place.channel and incident.thread_ts in (None, place.thread_ts)
        if not new and not here:
            await self._ephemeral(place, render.already_open(incident))
        await self._schedule_investigation(incident, new, seed=seed)

    async def rerun(self, incident_id: str, user: str, seed: str) -> None:
        """Investigate again: the button "Look again" was pressed."""
        incident = await self.store.incident(incident_id)
        if incident is not None:
            now = await self.store.now()
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
        now = await self.store.now()
        entry = TimelineEntry(at=now, kind="triage", text=text, actor=place.user, ref=seed)
        await self._note(incident, entry)
        key = f"investigate:{incident.id}:at:{at.isoformat()}"
        await self.queue.put(
            "investigate", incident.id, key=key, after=max(0.0, left.total_seconds())
        )
        await self._ephemeral(place, render.notice(f"I look again at {at:%H:%M} UTC."))

    async def timeline(self, place: Place) -> None:
        """Show the timeline of the incident meant (see `find`) to the person who asked."""
        incident = await self.find(place)
        if incident is None:
            message = render.no_incident()
        else:
            message = render.timeline(incident, await self.store.timeline(incident.id))
        await self._ephemeral(place, message)

    async def status(self, place: Place) -> None:
        """Show the status of the incident meant (see `find`) to the person who asked."""
        incident = await self.find(place)
        if incident is None:
            message = render.no_incident()
        else:
            message = render.status(incident, await self.store.report(incident.id))
        await self._ephemeral(place, message)

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

    async def _note(self, incident: Incident, entry: TimelineEntry) -> None:
        await self.store.add_to_timeline(incident.id, entry)

    async def _ephemeral(self, place: Place, message: render.Message) -> None:
        await self.announcer.ephemeral(
            place.channel, place.user, message, thread_ts=place.thread_ts
        )


def _question_key(ts: str) -> str:
    """The key of the question about the alarm in a post."""
    return f"unknown:{ts}"


def _location_of(alarm: Alarm) -> Service:
    """The account and region to read an alarm in whose service is not known yet."""
    return Service(name="unknown", account=alarm.account, region=alarm.region)
