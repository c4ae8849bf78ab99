"""What Slack refused to show: somebody is told, and an incident that nobody can see ends."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bot import render
from bot.config.catalogue import Catalogue
from bot.domain.incident import Incident, IncidentState, TimelineEntry
from bot.domain.ports import Store
from bot.domain.slack_ports import Announcer
from bot.incidents.card_publisher import card_key

ABOUT_A_RUN = frozenset({"run", "told", "failed", "break-glass"})
"""Kinds of messages whose key goes on with the id of a change."""
ONCE = 6 * 3_600  # seconds in which the same is told once


@dataclass(frozen=True, slots=True)
class RefusedPosts:
    """Body of the durable task "refused"."""

    store: Store
    announcer: Announcer
    catalogue: Catalogue

    async def tell(self, about: str) -> None:
        """Tell people about a message that Slack refused.

        Args:
            about: as JSON, the `channel`, the message's `key` in the outbox, `why` in words, and
                whether it is `closed`: the channel takes nothing now, and the message waits.

        Raises ValueError for text that is not that.
        """
        fields = json.loads(about)
        channel, key, why = str(fields["channel"]), str(fields["key"]), str(fields["why"])
        incident, asked_by = await self._whose(key)
        if incident is None or key.startswith("unshown:"):
            return
        if fields["closed"]:
            if key == card_key(incident.id) and await self.announcer.withdraw(channel, key, why):
                await self._give_up(incident, why)
            elif asked_by and await self.store.first_time(f"told:{channel}:{key}", ONCE):
                text = (
                    f"News of {incident.service} waits: {why}. "
                    "Invite me with /invite @incident, then I post it."
                )
                await self.announcer.ephemeral(channel, asked_by, render.notice(text))
            return
        what = "the card" if key == card_key(incident.id) else "a message"
        text = f"Slack did not take {what} of {incident.service}: {why}. /incident status has it."
        await self.announcer.post(
            channel,
            f"unshown:{key}",
            render.notice(text),
            thread_ts=incident.thread_ts,
        )
        if asked_by:
            await self.announcer.ephemeral(channel, asked_by, render.notice(text))

    async def _give_up(self, incident: Incident, why: str) -> None:
        """Close an incident whose card was never posted: it must not keep the next alarm from
        having a card of its own."""
        if incident.state is IncidentState.OPEN:
            await self.store.change_incident(incident.id, state=IncidentState.CLOSED, unposted=why)
            now = await self.store.now()
            text = f"closed: the card could not be posted, {why}"
            await self.store.add_to_timeline(
                incident.id, TimelineEntry(at=now, kind="note", text=text, ref=incident.id)
            )
        message = render.not_posted(incident, why)
        if incident.opened_by:
            await self.announcer.ephemeral(incident.channel, incident.opened_by, message)
        service = self.catalogue.service(incident.service)
        if service and service.channel and service.channel != incident.channel:
            key = f"unposted:{incident.id}"
            await self.announcer.post(service.channel, key, message)

    async def _whose(self, key: str) -> tuple[Incident | None, str | None]:
        """The incident a message belongs to, and who waits for it."""
        kind, _, rest = key.partition(":")
        if kind in ABOUT_A_RUN:
            run = await self.store.run(rest.partition(":")[0])
            incident = await self.store.incident(run.incident) if run else None
            return incident, run.requested_by if run else None
        incident = await self.store.incident(rest.rpartition(":")[2])
        return incident, incident.opened_by if incident else None
