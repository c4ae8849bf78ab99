"""An incident in Slack: its card and the replies below it, rendered from stored state."""

from __future__ import annotations

from dataclasses import dataclass

from bot import render
from bot.domain.errors import IncidentHelperError
from bot.domain.incident import Incident, IncidentState
from bot.domain.ports import Store
from bot.domain.report import Report
from bot.domain.run import Run, RunState
from bot.domain.slack_ports import Announcer

SHOWN_RUNS = frozenset(RunState) - {RunState.PREPARING, RunState.PROPOSED}
"""States of the runs on the card. A preview is not on it until approval is requested."""


@dataclass(frozen=True, slots=True)
class IncidentCard:
    """Posts an incident's card and replies to it."""

    store: Store
    announcer: Announcer

    async def show(self, incident_id: str) -> None:
        """Render the card from the store and post it, or edit the posted one.

        The store is read again after each post, until nothing changed in between: otherwise this
        call could overwrite a newer card with what it read before.
        """
        shown = None
        while (stored := await self._stored(incident_id)) is not None and stored != shown:
            incident, report, runs = shown = stored
            if incident.unposted:
                return
            offers = [
                render.Offer(id=f"{incident.id}:{offer.action}", title=offer.title)
                for offer in (report.actions if report else ())
                if offer.fits  # None: its plan could not be computed, which the card explains
            ]
            await self.announcer.post(
                incident.channel,
                card_key(incident.id),
                render.card(incident, report, runs, offers),
                thread_ts=incident.thread_ts,
                interim=_is_interim(incident, report),
            )

    async def reply(self, incident_id: str, key: str, text: str) -> None:
        """Post a sentence into the incident's thread.

        Args:
            incident_id: the incident; one that is not stored any more gets no reply.
            key: names the reply; the same key edits the same reply.
            text: plain text.
        """
        incident = await self.store.incident(incident_id)
        if incident is not None:
            await self.announcer.post(
                incident.channel,
                f"{key}:{incident_id}",
                render.notice(text),
                thread_ts=incident.thread_ts,
                thread_key=card_key(incident_id),
            )

    async def _stored(self, incident_id: str) -> tuple[Incident, Report | None, list[Run]] | None:
        """What the card is rendered from."""
        incident = await self.store.incident(incident_id)
        if incident is None:
            return None
        runs = [run for run in await self.store.runs(incident_id) if run.state in SHOWN_RUNS]
        return incident, await self.store.report(incident_id), runs


def _is_interim(incident: Incident, report: Report | None) -> bool:
    """Whether an investigation is under way that will soon replace this version of the card."""
    return incident.state is IncidentState.OPEN and (report is None or not report.complete)


def card_key(incident_id: str) -> str:
    """The key of an incident's card in the outbox."""
    return f"card:{incident_id}"


def fault_text(fault: Exception) -> str:
    """A fault as a sentence for Slack. Of an exception that is not this program's own only the
    type is shown: its message may contain secrets."""
    if isinstance(fault, IncidentHelperError):
        return f"{fault}".rstrip(".") + "."
    return f"An internal error occurred ({type(fault).__name__})."
