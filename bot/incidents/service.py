"""The use cases around an incident: an alarm is seen, somebody asks, an investigation runs.

Every method may run twice for one event (delivery is at least once) and then changes nothing the
second time. What people see is derived from the store by `show`, never from a local variable, so
a worker that takes over a dead one's task goes on in the same card.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import render
from bot.config.catalogue import Catalogue
from bot.domain.alarm import Alarm, AlarmState
from bot.domain.contract import Playbook
from bot.domain.errors import IncidentHelperError
from bot.domain.incident import Incident, IncidentState, TimelineEntry
from bot.domain.ports import Accounts, Announcer, Aws, Queue, Store
from bot.domain.report import Report, Verdict
from bot.domain.run import Run, RunState
from bot.domain.service import Service
from bot.incidents import alarm_reads
from bot.investigation.investigator import Investigator
from bot.investigation.routing import Router, owner
from bot.telemetry import metrics

FORGOTTEN = timedelta(hours=6)
"""An incident opened by hand that no alarm belongs to makes room for an alarm after this."""

SHOWN_RUNS = frozenset(RunState) - {RunState.PREPARING, RunState.PROPOSED}
"""Runs somebody asked to have approved; a preview that was closed is nobody's news."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in Slack something was said, and by whom."""

    channel: str
    user: str
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True)
class IncidentService:
    """Opens incidents, investigates them, keeps their card."""

    store: Store
    announcer: Announcer
    queue: Queue
    accounts: Accounts
    catalogue: Catalogue
    router: Router
    investigator: Investigator

    # --- what opens, refreshes and closes an incident --------------------------------------------

    async def alarm_seen(
        self, alarm: Alarm, channel: str, ts: str, thread_ts: str | None = None
    ) -> None:
        """An alarm was posted: open its incident under the post, or update the one it has."""
        found = self.catalogue.in_channel(channel)
        guess = owner(alarm, self.catalogue.services, channel) or found
        aws = await asyncio.to_thread(self.accounts.reader, guess or self._anywhere(alarm))
        enough = await self._says_enough(guess, alarm)
        known, unread = await alarm_reads.reread(aws, alarm, enough=enough)
        alarm = known.model_copy(update={"state": alarm.state})  # the post says what happened
        service = owner(alarm, self.catalogue.services, channel) or found
        playbook = self.router.route(alarm)
        if service is None or playbook is None:
            if alarm.state is AlarmState.ALARM:
                await self._unknown(alarm, service, channel, ts, unread)
            return
        kept = await self.store.incident_for(_key(service, playbook))
        if alarm.state is AlarmState.OK:
            if unread is not None or known.state is AlarmState.OK:  # CloudWatch has the last word
                await self._recovered(kept, alarm)
        elif alarm.state is AlarmState.ALARM:
            over = known if known.state is AlarmState.OK else None
            if over is not None:  # the post is late: what CloudWatch tells of is the recovery
                began = await alarm_reads.went_off(aws, known)
                alarm = alarm.model_copy(update={"changed_at": began})
            at = alarm.changed_at or await alarm_reads.now(aws, self.store)
            await self._close_stale(aws, kept, alarm, at)
            incident, new = await self._open(
                service,
                playbook,
                channel,
                opened_at=at,
                thread_ts=thread_ts or ts,
                alarm=alarm,
                seed=ts,
            )
            said = f"{alarm.name} went into ALARM: {alarm.reason}" if alarm.reason else alarm.name
            await self._note(incident, at, "alarm", said, ref=alarm.key)
            if not new and (incident.channel, incident.thread_ts) != (channel, ts):
                pointer = render.elsewhere(incident)
                await self.announcer.post(channel, f"elsewhere:{ts}", pointer, thread_ts=ts)
            if over is not None:
                await self._recovered(incident, over)
            await self._investigate(incident, new, why=f"alarm:{channel}:{ts}")

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
        """Somebody asked. An open incident of the same kind is looked at again, in its card."""
        aws = await asyncio.to_thread(self.accounts.reader, service)
        now = await alarm_reads.now(aws, self.store)
        began = since(now) if since else None
        incident, new = await self._open(
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
        await self._note(
            incident, now, "triage", f"triage {playbook.id} asked for", place.user, ref=seed
        )
        here = incident.channel == place.channel and incident.thread_ts in (None, place.thread_ts)
        if not new and not here:
            elsewhere = render.elsewhere(incident)
            await self.announcer.ephemeral(
                place.channel, place.user, elsewhere, thread_ts=place.thread_ts
            )
        await self._investigate(incident, new, why=seed)

    async def timeline(self, place: Place) -> None:
        """Whisper the timeline of the thread's incident, or of the channel's latest."""
        incident = await self.find(place)
        if incident is None:
            message = render.no_incident()
        else:
            message = render.timeline(incident, await self.store.timeline(incident.id))
        await self.announcer.ephemeral(
            place.channel, place.user, message, thread_ts=place.thread_ts
        )

    async def status(self, place: Place) -> None:
        """Whisper where the thread's incident, or the channel's latest, stands."""
        incident = await self.find(place)
        if incident is None:
            message = render.no_incident()
        else:
            message = render.status(incident, await self.store.report(incident.id))
        await self.announcer.ephemeral(
            place.channel, place.user, message, thread_ts=place.thread_ts
        )

    async def place_of(self, run_id: str, user: str) -> Place | None:
        """Where the incident of a change is talked about."""
        run = await self.store.run(run_id)
        incident = await self.store.incident(run.incident) if run else None
        return Place(incident.channel, user, incident.thread_ts) if incident else None

    async def find(self, place: Place) -> Incident | None:
        """The incident somebody means: their thread's, else the channel's latest.

        Those of a service's own channel include the service's, wherever their alarms were posted.
        """
        if place.thread_ts:
            found = await self.store.incident_at(place.channel, place.thread_ts)
            if found is not None:
                return found
        latest = [await self.store.latest_incident(place.channel)]
        service = self.catalogue.in_channel(place.channel)
        if service is not None:
            for playbook in self.router.playbooks.values():
                latest.append(await self.store.incident_for(_key(service, playbook)))
        return max(filter(None, latest), key=lambda each: each.opened_at, default=None)

    async def rerun(self, incident_id: str, user: str, seed: str) -> None:
        """Look again, on somebody's click."""
        incident = await self.store.incident(incident_id)
        if incident is not None:
            now = await self.store.now()
            await self._note(incident, now, "triage", "asked to look again", user, ref=seed)
            await self._investigate(incident, new=False, why=seed)

    # --- the investigation -----------------------------------------------------------------------

    async def investigate(self, incident_id: str) -> None:
        """Run the playbook; save and show each report as evidence comes in."""
        incident = await self.store.incident(incident_id)
        if incident is None:
            return
        service = self.service_of(incident)
        playbook = self.router.playbooks[incident.playbook]
        aws = await asyncio.to_thread(self.accounts.reader, service)
        resolved = await self.investigator.resolve_scope(
            aws, playbook, service, alarm=incident.alarm, at=incident.since
        )
        found = resolved.scope.alarm
        if found is not None and incident.alarm != found:
            state = incident.alarm.state if incident.alarm else found.state
            kept = found.model_copy(update={"state": state})
            incident = await self.store.change_incident(incident.id, alarm=kept)
        report: Report | None = None
        async for report in self.investigator.reports(aws, playbook, resolved):
            await self.store.save_report(incident.id, report)
            await self.show(incident.id)
        if report is not None:
            metrics.count_investigation(report)
            await self._finding(incident, report)

    async def show(self, incident_id: str) -> None:
        """Bring the card to what the store knows.

        Looked at again after the post: whoever showed something newer meanwhile would otherwise
        be overwritten with what was read before.
        """
        shown = None
        while (seen := await self._seen(incident_id)) is not None and seen != shown:
            incident, report, runs = shown = seen
            offers = [
                render.Offer(id=f"{incident.id}:{offer.action}", title=offer.title)
                for offer in (report.actions if report else ())
                if offer.fits  # one whose plan could not be computed is explained, not offered
            ]
            await self.announcer.post(
                incident.channel,
                card_key(incident.id),
                render.card(incident, report, runs, offers),
                thread_ts=incident.thread_ts,
            )

    async def report_failure(self, incident_id: str, fault: Exception) -> None:
        """Every attempt at the investigation failed: said where people look for its end."""
        advice = "Press “Look again” on the card to try once more; my log has the details."
        await self.tell(
            incident_id,
            "failed:investigation",
            f"I could not finish looking. {why(fault)} {advice}",
        )

    async def tell(self, incident_id: str, key: str, text: str) -> None:
        """A sentence in the incident's thread."""
        incident = await self.store.incident(incident_id)
        if incident is not None:
            await self.announcer.post(
                incident.channel,
                f"{key}:{incident_id}",
                render.notice(text),
                thread_ts=incident.thread_ts,
                thread_key=card_key(incident_id),
            )

    def service_of(self, incident: Incident) -> Service:
        """The incident's service; a bare one when it has left the catalogue meanwhile."""
        return self.catalogue.service(incident.service) or Service(name=incident.service)

    # --- inside ----------------------------------------------------------------------------------

    async def _seen(self, incident_id: str) -> tuple[Incident, Report | None, list[Run]] | None:
        """What the card is made of."""
        incident = await self.store.incident(incident_id)
        if incident is None:
            return None
        runs = [run for run in await self.store.runs(incident_id) if run.state in SHOWN_RUNS]
        return incident, await self.store.report(incident_id), runs

    async def _open(
        self,
        service: Service,
        playbook: Playbook,
        channel: str,
        *,
        opened_at: datetime,
        thread_ts: str | None,
        alarm: Alarm | None,
        seed: str,
        by: str | None = None,
        since: datetime | None = None,
    ) -> tuple[Incident, bool]:
        name = hashlib.sha256(f"{channel}:{seed}".encode()).hexdigest()[:8].upper()
        incident = Incident(
            id=f"INC-{name}",
            playbook=playbook.id,
            service=service.name,
            severity=service.severity,
            alarm=alarm,
            channel=channel,
            thread_ts=thread_ts,
            opened_by=by,
            opened_at=opened_at,
            since=since,
        )
        return await self.store.open_incident(incident, _key(service, playbook))

    async def _close_stale(
        self, aws: Aws, incident: Incident | None, alarm: Alarm, at: datetime
    ) -> None:
        """What is over, though its OK was missed or nobody said so, swallows no new alarm.

        A recent incident that somebody opened by hand takes the alarm as its own.
        """
        if incident is None or incident.state is not IncidentState.OPEN:
            return
        own = incident.alarm
        if own is None and at - incident.opened_at > FORGOTTEN:
            await self.store.change_incident(incident.id, state=IncidentState.CLOSED)
            await self.show(incident.id)
        elif own is None:
            await self.store.change_incident(incident.id, alarm=alarm)
        elif own.name != alarm.name:
            known, unread = await alarm_reads.reread(aws, own)
            if unread is None and known.state is AlarmState.OK:
                await self._recovered(incident, known)
        elif own.changed_at is not None and own.changed_at < at:
            before = {"state": AlarmState.OK, "changed_at": at - timedelta(seconds=1)}
            await self._recovered(incident, alarm.model_copy(update=before))

    async def _investigate(self, incident: Incident, new: bool, why: str) -> None:
        if incident.state is not IncidentState.CLOSED:
            await self.show(incident.id)
            await self.queue.put(
                "investigate",
                incident.id,
                key=f"investigate:{incident.id}" if new else f"investigate:{incident.id}:{why}",
            )

    async def _recovered(self, incident: Incident | None, alarm: Alarm) -> None:
        """Its own alarm is back to OK; another one's OK would say nothing about it."""
        if incident is None or incident.state is not IncidentState.OPEN:
            return
        if incident.alarm is None or incident.alarm.name != alarm.name:
            return
        at = alarm.changed_at or await self.store.now()
        incident = await self.store.change_incident(
            incident.id, state=IncidentState.RECOVERED, recovered_at=at
        )
        await self._note(incident, at, "recovery", f"{alarm.name} is back to OK", ref=alarm.key)
        await self.show(incident.id)

    async def _finding(self, incident: Incident, report: Report) -> None:
        cause = report.cause
        if cause is None:
            text = f"inconclusive; would tell most: {report.next_test or 'nothing left to read'}"
        else:
            sure = "" if report.verdict is Verdict.HIGH else f" ({report.verdict} confidence)"
            clue = next((clue.text for clue in cause.clues if clue.holds), "")
            text = f"likely cause: {cause.title}{sure}. {clue}"
        await self._note(incident, report.made_at, "finding", text, ref=report.made_at.isoformat())

    async def _says_enough(self, service: Service | None, alarm: Alarm) -> bool:
        """Whether the post says enough to open an incident without waiting for CloudWatch. A post
        of an alarm that has recovered since may be a late one: only CloudWatch can tell."""
        playbook = self.router.route(alarm)
        if service is None or playbook is None:
            return False
        latest = await self.store.incident_for(_key(service, playbook))
        if latest is None or latest.alarm is None or latest.state is not IncidentState.RECOVERED:
            return True
        return latest.alarm.name != alarm.name

    async def _unknown(
        self, alarm: Alarm, service: Service | None, channel: str, ts: str, unread: str | None
    ) -> None:
        message = render.unknown_alarm(alarm, service, unread)
        await self.announcer.post(channel, f"unknown:{ts}", message, thread_ts=ts)

    async def _note(
        self,
        incident: Incident,
        at: datetime,
        kind: str,
        text: str,
        actor: str | None = None,
        ref: str | None = None,
    ) -> None:
        await self.store.note(
            incident.id, TimelineEntry(at=at, kind=kind, text=text, actor=actor, ref=ref)
        )

    def _anywhere(self, alarm: Alarm) -> Service:
        """Where to read an alarm nobody owns yet: its own account and region."""
        return Service(name="unknown", account=alarm.account, region=alarm.region)


def why(fault: Exception) -> str:
    """A fault in words fit for people: what is not ours may have secrets in it, and is named."""
    if isinstance(fault, IncidentHelperError):
        return f"{fault}".rstrip(".") + "."
    return f"Something went wrong inside ({type(fault).__name__})."


def card_key(incident_id: str) -> str:
    """The card's key in the outbox."""
    return f"card:{incident_id}"


def _key(service: Service, playbook: Playbook) -> str:
    """One open incident for a service and an incident type, however many alarms tell of it."""
    return f"{service.name}:{playbook.id}"
