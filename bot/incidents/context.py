"""What the use cases of an incident work with, and the steps that several of them take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot import render
from bot.config.catalogue import Catalogue
from bot.domain.incident import Incident, IncidentState, TimelineEntry
from bot.domain.ports import Accounts, Queue, Store
from bot.domain.slack_ports import Announcer
from bot.incidents import alarm_reads
from bot.incidents.card_publisher import IncidentCard, card_key
from bot.incidents.lifecycle import Lifecycle
from bot.incidents.requests import Place
from bot.investigation.routing import Router


@dataclass(frozen=True, slots=True)
class IncidentContext:
    """The program's parts that every use case of an incident needs."""

    store: Store
    announcer: Announcer
    queue: Queue
    accounts: Accounts
    catalogue: Catalogue
    router: Router
    lifecycle: Lifecycle
    card: IncidentCard

    async def investigate(self, incident: Incident, new: bool, seed: str) -> None:
        """Show the card and put the task into the queue. A new incident gets one task, however
        many posts opened it; later tasks are told apart by `seed`."""
        if incident.state is not IncidentState.CLOSED:
            await self.card.show(incident.id)
            await self.queue.put(
                "investigate",
                incident.id,
                key=f"investigate:{incident.id}" if new else f"investigate:{incident.id}:{seed}",
            )

    async def card_link(self, incident: Incident) -> str | None:
        """Where its card is; None while it is not posted."""
        return await self.announcer.link(incident.channel, card_key(incident.id))

    async def time(self, incident: Incident) -> datetime:
        """AWS's time where the incident is, for what a person does in it."""
        return await alarm_reads.time_for(incident, self.accounts, self.catalogue, self.store)

    async def note(self, incident: Incident, entry: TimelineEntry) -> None:
        """Add to its timeline."""
        await self.store.add_to_timeline(incident.id, entry)

    async def tell(self, place: Place, message: render.Message) -> None:
        """Answer whoever asked, for them alone."""
        await self.announcer.ephemeral(
            place.channel,
            place.user,
            message,
            thread_ts=place.thread_ts,
            response_url=place.response_url,
        )

    async def answer(self, place: Place, message: render.Message) -> None:
        """Answer whoever asked: for all, in the thread of a mention; else for them alone."""
        if place.mention is None:
            await self.tell(place, message)
            return
        await self.announcer.post(
            place.channel, f"answer:{place.mention}", message, thread_ts=place.answer_in
        )
