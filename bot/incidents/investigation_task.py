"""The investigation of an incident: runs its playbook, stores each report, updates the card."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic

from bot import render
from bot.config.catalogue import Catalogue
from bot.domain.incident import Incident, TimelineEntry
from bot.domain.ports import Accounts, Store
from bot.domain.report import Earlier, Report, SinceChange, Verdict
from bot.domain.service import Service
from bot.incidents import later_changes, partial_reports
from bot.incidents.card_publisher import IncidentCard, fault_text
from bot.incidents.earlier import Before, after_the_earlier
from bot.incidents.earlier import earlier as found_earlier
from bot.investigation.investigator import Investigator, ResolvedScope
from bot.investigation.routing import Router
from bot.telemetry import metrics

SHOW_SECONDS = 8.0  # between two versions of a card; Slack takes about 50 edits a minute


@dataclass(frozen=True, slots=True)
class IncidentInvestigation:
    """Body of the durable task "investigate"."""

    store: Store
    accounts: Accounts
    catalogue: Catalogue
    router: Router
    investigator: Investigator
    card: IncidentCard
    watch: Callable[[str], Awaitable[None]]
    """Called after each investigation: has the incident watched for changes (`change_watch`)."""

    async def investigate(self, incident_id: str) -> None:
        """Run the incident's playbook; store and show every report as evidence comes in."""
        incident = await self.store.incident(incident_id)
        if incident is None or incident.unposted:
            return
        service = service_of(incident, self.catalogue)
        playbook = self.router.playbooks[incident.playbook]
        loop, pool = asyncio.get_running_loop(), self.investigator.pool
        aws = await loop.run_in_executor(pool, self.accounts.reader, service)
        now = await loop.run_in_executor(pool, aws.now)
        runs = await self.store.runs(incident.id)
        after, unsettled = later_changes.since(incident, runs, now)
        began = incident.since or await self._first_beginning(incident, after)
        resolved = await self.investigator.resolve_scope(
            aws, playbook, service, alarm=incident.alarm, at=began
        )
        incident = await self._store_alarm(incident, resolved)
        before = await self._before(incident)
        earlier = found_earlier(incident, runs, before)
        resolved = _with_window(resolved, after, earlier, before)
        known = {"after": after, "unsettled": unsettled, "earlier": earlier}
        report: Report | None = None
        stored = await self.store.report(incident.id)
        whole = stored if stored and (stored.complete or stored.actions) else None
        due = 0.0
        async for found in self.investigator.reports(aws, playbook, resolved):
            report = found.model_copy(update=known)
            shown = partial_reports.to_show(whole, report)
            if shown is None or shown == stored:
                continue
            offers_changed = stored is not None and shown.actions != stored.actions
            if not (report.complete or offers_changed or monotonic() >= due):
                continue
            stored, due = shown, monotonic() + SHOW_SECONDS
            await self.store.save_report(incident.id, shown)
            await self.card.show(incident.id)
        if report is not None:
            metrics.count_investigation(report)
            await self._note_finding(incident, report)
            await self.watch(incident.id)

    async def report_failure(self, incident_id: str, fault: Exception) -> None:
        """Every attempt at the investigation failed: say so in the incident's thread."""
        advice = "Press “Look again” on the card to try once more; my log has the details."
        await self.card.reply(
            incident_id,
            "failed:investigation",
            f"I could not finish the investigation. {fault_text(fault)} {advice}",
        )

    async def _first_beginning(
        self, incident: Incident, after: SinceChange | None
    ) -> datetime | None:
        """After a change: when it began by the first report, so that the baseline stays that
        before the incident whatever its alarm did since. None: as its alarm says."""
        report = await self.store.report(incident.id) if after else None
        return report.window.began if report else None

    async def _before(self, incident: Incident) -> Before | None:
        """The incident of this service and type that ended before it."""
        if incident.previous is None:
            return None
        previous = await self.store.incident(incident.previous)
        if previous is None:
            return None
        report = await self.store.report(previous.id)
        return Before(previous, report, await self.store.runs(previous.id))

    async def _store_alarm(self, incident: Incident, resolved: ResolvedScope) -> Incident:
        """Keep what was read of the incident's alarm; its state stays as its last message said."""
        found = resolved.scope.alarm
        if found is None or incident.alarm == found:
            return incident
        state = incident.alarm.state if incident.alarm else found.state
        alarm = found.model_copy(update={"state": state})
        return await self.store.change_incident(incident.id, alarm=alarm)

    async def _note_finding(self, incident: Incident, report: Report) -> None:
        """Write what was found into the timeline; after a change by others into the thread too."""
        text = _finding(report)
        at = report.made_at
        entry = TimelineEntry(at=at, kind="finding", text=text, ref=at.isoformat())
        await self.store.add_to_timeline(incident.id, entry)
        after = report.after
        if after is not None and after.run is None:
            key = f"since:{after.at:%Y%m%dT%H%M%S}"
            await self.card.reply(incident.id, key, f"{text[:1].upper()}{text[1:]}")


def _finding(report: Report) -> str:
    """What was found, in a sentence; after a change first how it is since, and was before."""
    cause = report.cause
    if cause is None:
        said = render.without_cause(report).partition(";")[0]
        text = f"{said[:1].lower()}{said[1:]}"
        if report.next_test:
            text += f"; next: find out {report.next_test.question}"
    else:
        confidence = "" if report.verdict is Verdict.HIGH else f" ({report.verdict} confidence)"
        clue = next((clue.text for clue in cause.clues if clue.holds), "")
        text = f"likely cause: {cause.title}{confidence}. {clue}"
    compared = render.since_change(report)
    return f"{compared}; {text}" if compared else text


def _with_window(
    resolved: ResolvedScope,
    after: SinceChange | None,
    earlier: Earlier | None,
    before: Before | None,
) -> ResolvedScope:
    """The scope with the minutes that are investigated: after the change, and after an earlier
    end."""
    window = after_the_earlier(resolved.scope.window, earlier, before)
    window = window.model_copy(
        update={"since": after.at if after else None, "begun": after.begun if after else None}
    )
    return replace(resolved, scope=replace(resolved.scope, window=window))


def service_of(incident: Incident, catalogue: Catalogue) -> Service:
    """The incident's service; one with only its name when it has left the catalogue since."""
    return catalogue.service(incident.service) or Service(name=incident.service)
