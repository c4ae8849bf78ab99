"""The investigation of an incident: runs its playbook, stores each report, updates the card."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.config.catalogue import Catalogue
from bot.domain.incident import Incident, TimelineEntry
from bot.domain.ports import Accounts, Store
from bot.domain.report import Report, Verdict
from bot.domain.service import Service
from bot.incidents.card_publisher import IncidentCard, fault_text
from bot.investigation.investigator import Investigator, ResolvedScope
from bot.investigation.routing import Router
from bot.telemetry import metrics


@dataclass(frozen=True, slots=True)
class IncidentInvestigation:
    """Body of the durable task "investigate"."""

    store: Store
    accounts: Accounts
    catalogue: Catalogue
    router: Router
    investigator: Investigator
    card: IncidentCard

    async def investigate(self, incident_id: str) -> None:
        """Run the incident's playbook; store and show every report as evidence comes in."""
        incident = await self.store.incident(incident_id)
        if incident is None:
            return
        service = service_of(incident, self.catalogue)
        playbook = self.router.playbooks[incident.playbook]
        aws = await asyncio.to_thread(self.accounts.reader, service)
        resolved = await self.investigator.resolve_scope(
            aws, playbook, service, alarm=incident.alarm, at=incident.since
        )
        incident = await self._store_alarm(incident, resolved)
        report: Report | None = None
        async for report in self.investigator.reports(aws, playbook, resolved):
            await self.store.save_report(incident.id, report)
            await self.card.show(incident.id)
        if report is not None:
            metrics.count_investigation(report)
            await self._note_finding(incident, report)

    async def report_failure(self, incident_id: str, fault: Exception) -> None:
        """Every attempt at the investigation failed: say so in the incident's thread."""
        advice = "Press “Look again” on the card to try once more; my log has the details."
        await self.card.reply(
            incident_id,
            "failed:investigation",
            f"I could not finish the investigation. {fault_text(fault)} {advice}",
        )

    async def _store_alarm(self, incident: Incident, resolved: ResolvedScope) -> Incident:
        """Keep what was read of the incident's alarm; its state stays as its last message said."""
        found = resolved.scope.alarm
        if found is None or incident.alarm == found:
            return incident
        state = incident.alarm.state if incident.alarm else found.state
        alarm = found.model_copy(update={"state": state})
        return await self.store.change_incident(incident.id, alarm=alarm)

    async def _note_finding(self, incident: Incident, report: Report) -> None:
        cause = report.cause
        if cause is None:
            text = "inconclusive"
            if report.next_test:
                text += f"; next: find out {report.next_test.question}"
        else:
            confidence = "" if report.verdict is Verdict.HIGH else f" ({report.verdict} confidence)"
            clue = next((clue.text for clue in cause.clues if clue.holds), "")
            text = f"likely cause: {cause.title}{confidence}. {clue}"
        at = report.made_at
        entry = TimelineEntry(at=at, kind="finding", text=text, ref=at.isoformat())
        await self.store.add_to_timeline(incident.id, entry)


def service_of(incident: Incident, catalogue: Catalogue) -> Service:
    """The incident's service; one with only its name when it has left the catalogue since."""
    return catalogue.service(incident.service) or Service(name=incident.service)
