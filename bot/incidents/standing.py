"""Where incidents stand now: the answer to `/incident status`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot import render
from bot.config.catalogue import Catalogue
from bot.domain.errors import ReadFailed
from bot.domain.incident import Incident, IncidentState
from bot.domain.ports import Accounts, Store
from bot.incidents import alarm_reads
from bot.incidents.investigation_task import service_of

MOST = 8


async def status(
    incidents: Sequence[Incident], store: Store, accounts: Accounts, catalogue: Catalogue
) -> render.Message:
    """The first lines of each incident's card, with how long it has lasted until now.

    Args:
        incidents: those asked about, the one meant first.
        store: has their reports.
        accounts: give AWS's time.
        catalogue: has their services.
    """
    if not incidents:
        return render.no_incident()
    shown = []
    now = await store.now()
    for incident in incidents[:MOST]:
        try:
            aws = await asyncio.to_thread(accounts.reader, service_of(incident, catalogue))
            now = await alarm_reads.now(aws, store)
        except ReadFailed:
            now = await store.now()
        report = await store.report(incident.id)
        if report is not None and incident.state is IncidentState.OPEN:
            report = report.model_copy(update={"made_at": max(now, report.made_at)})
        shown.append(render.status(incident, report))
    return render.statuses(shown, now, len(incidents) - len(shown))
