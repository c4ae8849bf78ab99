"""When an incident opens, recovers and closes. One is open per service and incident type."""

from __future__ import annotations

import hashlib
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.alarm import Alarm, AlarmState
from bot.domain.incident import Incident, IncidentState, TimelineEntry
from bot.domain.playbook_contract import Playbook
from bot.domain.ports import Aws, Store
from bot.domain.service import Service
from bot.incidents import alarm_reads
from bot.incidents.card_publisher import IncidentCard

STALE_AFTER = timedelta(hours=6)
"""An incident opened by hand, without an alarm, is closed by a new alarm after this time."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Opens and ends incidents in the store, and updates their cards."""

    store: Store
    card: IncidentCard
    pool: Executor | None = None  # has the threads that read AWS; None: asyncio's own

    async def open(
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
        """Open an incident, unless one is open for this service and incident type.

        Args:
            service: whose incident it is; sets the severity.
            playbook: the incident type.
            channel: id of the Slack channel of the card.
            opened_at: AWS time.
            thread_ts: the thread of the card; None for a new post.
            alarm: the alarm that opened it, if one did.
            seed: the post or request that opened it; the same seed gives the same incident id.
            by: Slack user id of whoever asked.
            since: when it began, if somebody said so; AWS time.

        Returns:
            The open incident, and whether this call opened it.
        """
        key = incident_key(service, playbook, alarm)
        latest = await self.store.incident_for(key)
        ended = latest is not None and latest.state is not IncidentState.OPEN
        digest = hashlib.sha256(f"{channel}:{seed}".encode()).hexdigest()[:8].upper()
        incident = Incident(
            id=f"INC-{digest}",
            playbook=playbook.id,
            service=service.name,
            severity=service.severity,
            alarm=alarm,
            channel=channel,
            thread_ts=thread_ts,
            opened_by=by,
            opened_at=opened_at,
            since=since,
            previous=latest.id if latest and ended else None,
        )
        return await self.store.open_incident(incident, key)

    async def close_stale(
        self, aws: Aws, incident: Incident | None, alarm: Alarm, at: datetime
    ) -> None:
        """End an open incident that is over, before a new alarm opens one.

        It is over when its own alarm is OK, or has gone off anew by CloudWatch's word (the message
        that said so was missed), or when it was
        opened by hand more than `STALE_AFTER` ago and has no alarm. A younger one that was opened
        by hand takes the new alarm as its own.

        Args:
            aws: reads the state of the incident's own alarm.
            incident: the latest incident of the service and incident type.
            alarm: the new alarm.
            at: when the new alarm went into ALARM, AWS time.
        """
        if incident is None or incident.state is not IncidentState.OPEN:
            return
        own = incident.alarm
        if own is None and at - incident.opened_at > STALE_AFTER:
            await self.store.change_incident(incident.id, state=IncidentState.CLOSED)
            await self.card.show(incident.id)
        elif own is None:
            await self.store.change_incident(incident.id, alarm=alarm)
        elif own.name != alarm.name:
            known, unread = await alarm_reads.reread(aws, own, self.pool)
            if unread is None and known.state is AlarmState.OK:
                await self.recover(incident, known)
        elif own.changed_at and alarm.changed_at and own.changed_at < alarm.changed_at:
            ok_before = {
                "state": AlarmState.OK,
                "changed_at": alarm.changed_at - timedelta(seconds=1),
            }
            await self.recover(incident, alarm.model_copy(update=ok_before))

    async def recover(self, incident: Incident | None, alarm: Alarm) -> None:
        """Mark an open incident as recovered when the alarm that is OK is its own.

        The OK of another alarm does not say that this incident is over.
        """
        if incident is None or incident.state is not IncidentState.OPEN:
            return
        if incident.alarm is None or incident.alarm.name != alarm.name:
            return
        at = alarm.changed_at or await self.store.now()
        incident = await self.store.change_incident(
            incident.id, state=IncidentState.RECOVERED, recovered_at=at
        )
        text = f"{alarm.name} is back to OK"
        entry = TimelineEntry(at=at, kind="recovery", text=text, ref=alarm.key)
        await self.store.add_to_timeline(incident.id, entry)
        await self.card.show(incident.id)


def incident_key(service: Service, playbook: Playbook, alarm: Alarm | None = None) -> str:
    """The key under which at most one incident is open, however many alarms report it.

    Of a playbook for any alarm, each alarm has its own: they need not be about the same thing.
    """
    key = f"{service.name}:{playbook.id}"
    return f"{key}:{alarm.name}" if playbook.for_any_alarm and alarm else key
