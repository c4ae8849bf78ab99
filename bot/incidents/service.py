"""What people ask of incidents: an investigation, the evidence, the timeline, the status.

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
from bot.domain.alarm import Alarm
from bot.domain.incident import Incident, IncidentState, TimelineEntry
from bot.domain.playbook_contract import Playbook
from bot.domain.service import Service
from bot.incidents import alarm_reads, standing
from bot.incidents.context import IncidentContext
from bot.incidents.lifecycle import incident_key
from bot.incidents.requests import Place
from bot.investigation.ownership import find_owner


@dataclass(frozen=True, slots=True)
class IncidentService:
    """Investigates on request, and answers questions about incidents."""

    context: IncidentContext

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
        if not await self.context.announcer.can_post(place.channel):
            await self.context.tell(place, render.not_a_member())
            return
        aws = await asyncio.to_thread(self.context.accounts.reader, service)
        if alarm is not None and await alarm_reads.is_missing(aws, alarm):
            what = f"CloudWatch in {alarm.region} has no alarm “{alarm.name}”. Check its name."
            await self.context.tell(place, render.notice(what))
            return
        now = await alarm_reads.now(aws, self.context.store)
        began = since(now) if since else None
        incident, new = await self.context.lifecycle.open(
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
            incident = await self.context.store.change_incident(incident.id, since=began)
        if alarm and (incident.alarm is None or incident.alarm.name != alarm.name):
            incident = await self.context.store.change_incident(incident.id, alarm=alarm)
        text = f"asked for triage {playbook.id}"
        entry = TimelineEntry(at=now, kind="triage", text=text, actor=place.user, ref=seed)
        await self.context.note(incident, entry)
        here = incident.channel == place.channel and incident.thread_ts in (None, place.answer_in)
        if not new and not here:
            message = render.already_open(incident, await self.context.card_link(incident))
            await self.context.answer(place, message)
        elif not new and place.mention:
            message = render.looks_again(incident, await self.context.card_link(incident))
            await self.context.answer(place, message)
        await self.context.investigate(incident, new, seed=seed)

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
            aws = await asyncio.to_thread(self.context.accounts.reader, service)
            asked = Alarm(name=name, region=service.region, account=service.account)
            alarm, unread = await alarm_reads.reread(aws, asked)
            if unread is None and (found := find_owner(alarm, services).service):
                return found
        return None

    async def rerun(self, incident_id: str, user: str, seed: str) -> None:
        """Investigate again: the button "Look again" was pressed."""
        incident = await self.context.store.incident(incident_id)
        if incident is not None:
            now = await self.context.time(incident)
            text = "asked for another investigation"
            entry = TimelineEntry(at=now, kind="triage", text=text, actor=user, ref=seed)
            await self.context.note(incident, entry)
            await self.context.investigate(incident, new=False, seed=seed)

    async def look_later(self, incident_id: str, place: Place, seed: str) -> None:
        """Investigate again when AWS should have published what decides: "Look again at …".

        Args:
            incident_id: the incident; its report says when.
            place: where it was pressed, and by whom.
            seed: key of the click; a second delivery has the same.
        """
        incident = await self.context.store.incident(incident_id)
        report = await self.context.store.report(incident_id)
        at = report.next_test.again_at if report and report.next_test else None
        if incident is None or incident.state is IncidentState.CLOSED:
            return
        if at is None:  # the findings have changed since: nothing has to be waited for
            await self.rerun(incident_id, place.user, seed)
            return
        now = await self.context.time(incident)
        text = f"asked for another investigation at {at:%H:%M} UTC"
        entry = TimelineEntry(at=now, kind="triage", text=text, actor=place.user, ref=seed)
        await self.context.note(incident, entry)
        key = f"investigate:{incident.id}:at:{at.isoformat()}"
        await self.context.queue.put(
            "investigate", incident.id, key=key, after=max(0.0, (at - now).total_seconds())
        )
        await self.context.tell(place, render.notice(f"I look again at {at:%H:%M} UTC."))

    async def all_evidence(self, incident_id: str, view: str) -> None:
        """Show everything the newest report found in the open modal.

        Args:
            incident_id: whose findings.
            view: external_id of the modal that was opened at the click.
        """
        report = await self.context.store.report(incident_id)
        if report is None:
            reason = "The findings of this incident are not stored any more."
            await self.context.announcer.view(
                view, render.nothing_modal(view, "Nothing to show", reason)
            )
            return
        await self.context.announcer.view(view, render.all_evidence_modal(report, view))

    async def timeline(self, place: Place) -> None:
        """Show the timeline of the incident meant (see `find`) to the person who asked."""
        incident = await self.find(place)
        if incident is None:
            message = render.no_incident()
        else:
            message = render.timeline(incident, await self.context.store.timeline(incident.id))
        await self.context.answer(place, message)

    async def status(self, place: Place) -> None:
        """Show the status of the incident meant (see `find`) to the person who asked; outside of
        its thread, that of all open ones of the channel."""
        meant = await self.find(place)
        others: Sequence[Incident] = ()
        if meant is None or meant.thread_ts is None or meant.thread_ts != place.thread_ts:
            others = await self.context.store.incidents_in(place.channel)
        still_open = [each for each in others if each.state is IncidentState.OPEN]
        meant_first = {each.id: each for each in (meant, *still_open) if each is not None}
        message = await standing.status(
            tuple(meant_first.values()),
            self.context.store,
            self.context.accounts,
            self.context.catalogue,
        )
        await self.context.answer(place, message)

    async def place_of(self, run_id: str, user: str) -> Place | None:
        """The thread of the incident a change belongs to; None when it is not stored."""
        run = await self.context.store.run(run_id)
        incident = await self.context.store.incident(run.incident) if run else None
        return Place(incident.channel, user, incident.thread_ts) if incident else None

    async def find(self, place: Place) -> Incident | None:
        """The incident somebody means: that of their thread, else the latest of the channel.

        In the channel of services their incidents count too, wherever their alarms were posted.
        """
        if place.thread_ts:
            found = await self.context.store.incident_at(place.channel, place.thread_ts)
            if found is not None:
                return found
        latest = [await self.context.store.latest_incident(place.channel)]
        for service in self.context.catalogue.services_in(place.channel):
            for playbook in self.context.router.playbooks.values():
                latest.append(
                    await self.context.store.incident_for(incident_key(service, playbook))
                )
        return max(filter(None, latest), key=lambda each: each.opened_at, default=None)
