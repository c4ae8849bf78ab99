"""Incidents, their reports and timelines on Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from bot.domain.incident import Incident, IncidentState, TimelineEntry
from bot.domain.redaction import redact, redact_tree
from bot.domain.report import Report
from bot.state import sanitize
from bot.state.codec import Record, flat_hash, micros
from bot.state.keys import RETENTION, Keys
from bot.state.scripts import CLOCK, script

_INCIDENT = Record(Incident, fixed=("id", "channel", "opened_at"))


class IncidentStore:
    """The part of `bot.domain.ports.Store` that is about incidents."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._open = script(redis, *CLOCK, "incident_open")
        self._change = script(redis, "incident_change")
        self._note = script(redis, "note", when_full=True)

    async def open_incident(self, incident: Incident, dedupe: str) -> tuple[Incident, bool]:
        """Create the incident unless an open one has this dedupe key.

        Returns the stored incident, and whether it is new. A message about an alarm change that
        is not newer than the latest known one (a duplicate by another path, an ALARM that comes
        after its own OK) opens no incident either.
        """
        keys = self._keys
        has_thread = incident.thread_ts is not None
        new, stored = await self._open(
            keys=[
                keys.dedupe(dedupe),
                keys.incident(incident.id),
                keys.channel(incident.channel),
                keys.open_incidents,
            ],
            args=[
                RETENTION,
                incident.id,
                micros(incident.alarm.changed_at if incident.alarm else None),
                micros(incident.opened_at),
                keys.incident_prefix,
                keys.thread(incident.channel, incident.thread_ts or "") if has_thread else "",
                *_INCIDENT.encode(sanitize.incident(incident)),
            ],
        )
        return _INCIDENT.decode(stored) or incident, bool(new)

    async def incident_for(self, dedupe: str) -> Incident | None:
        """The incident opened last under this dedupe key, whatever its state."""
        found = await self._redis.get(self._keys.dedupe(dedupe))
        return await self.incident(str(found)) if found else None

    async def incident(self, incident_id: str) -> Incident | None:
        """The incident; None when there is none of this id."""
        return _INCIDENT.decode(await flat_hash(self._redis, self._keys.incident(incident_id)))

    async def incident_at(self, channel: str, thread_ts: str) -> Incident | None:
        """The incident whose card is this message."""
        found = await self._redis.get(self._keys.thread(channel, thread_ts))
        return await self.incident(str(found)) if found else None

    async def latest_incident(self, channel: str) -> Incident | None:
        """The incident opened last in the channel, whatever its state."""
        found = await self._redis.zrange(self._keys.channel(channel), 0, 0, desc=True)
        return await self.incident(str(found[0])) if found else None

    async def incidents_in(self, channel: str, most: int = 50) -> Sequence[Incident]:
        """The incidents opened last in the channel, the latest first."""
        ids = await self._redis.zrange(self._keys.channel(channel), 0, most - 1, desc=True)
        found = [await self.incident(str(each)) for each in ids]
        return [each for each in found if each is not None]

    async def open_incidents(self) -> Sequence[Incident]:
        """All open incidents, the one opened last first.

        An incident is added to the index as it is opened, and removed here once it is not open any
        more: none opens a second time.
        """
        index = self._keys.open_incidents
        found = []
        for incident_id in map(str, await self._redis.zrange(index, 0, -1, desc=True)):
            incident = await self.incident(incident_id)
            if incident is not None and incident.state is IncidentState.OPEN:
                found.append(incident)
            else:
                await self._redis.zrem(index, incident_id)
        return found

    async def change_incident(self, incident_id: str, **fields: Any) -> Incident:
        """Set fields; the incident as it is then.

        Raises LookupError when there is no such incident, ValueError for an unknown field.
        """
        alarm, recovered = fields.get("alarm"), fields.get("recovered_at")
        times = [alarm.changed_at if alarm else None, recovered]
        changed = await self._change(
            keys=[self._keys.incident(incident_id)],
            args=[
                RETENTION,
                incident_id,
                micros(max((at for at in times if at is not None), default=None)),
                self._keys.thread_prefix,
                fields.get("thread_ts") or "",
                *_INCIDENT.encode_changes(sanitize.incident_fields(fields)),
            ],
        )
        incident = _INCIDENT.decode(changed)
        if incident is None:
            raise LookupError(f"there is no incident {incident_id}")
        return incident

    async def save_report(self, incident_id: str, report: Report) -> None:
        """Store the report in place of the previous one, with secrets redacted."""
        clean = Report.model_validate(redact_tree(report.model_dump()))
        await self._redis.set(self._keys.report(incident_id), clean.model_dump_json(), ex=RETENTION)

    async def report(self, incident_id: str) -> Report | None:
        """The latest report of the incident; None before the first."""
        text = await self._redis.get(self._keys.report(incident_id))
        return Report.model_validate_json(text) if text else None

    async def add_to_timeline(self, incident_id: str, entry: TimelineEntry) -> None:
        """Append to the timeline, unless it has an entry equal in kind, ref and text."""
        entry = entry.model_copy(update={"text": redact(entry.text)})
        await self._note(
            keys=[self._keys.timeline(incident_id), self._keys.timeline_seen(incident_id)],
            args=[
                RETENTION,
                entry.model_dump_json(include={"kind", "ref", "text"}),
                entry.model_dump_json(),
            ],
        )

    async def timeline(self, incident_id: str) -> Sequence[TimelineEntry]:
        """The timeline by time; entries of the same time in the order they were added."""
        texts = await self._redis.lrange(self._keys.timeline(incident_id), 0, -1)
        entries = [TimelineEntry.model_validate_json(text) for text in texts]
        return sorted(entries, key=lambda entry: entry.at)
