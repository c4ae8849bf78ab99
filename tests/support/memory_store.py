"""`bot.domain.ports.Store` in memory, for tests of what is built on it: the same rules, no Redis.

`gate` is awaited before and after every method's effect: a test can stop whoever waits there, as
kill -9 does, or let somebody else go first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.incident import Incident, IncidentState, TimelineEntry
from bot.domain.objection import Objection
from bot.domain.report import Report
from bot.domain.run import AuditEntry, Run, RunState
from bot.state.transitions import (
    ALLOWED_TRANSITIONS,
    BEFORE_REQUEST,
    FINISHED_STATES,
    INITIAL_STATES,
    PLAN_FIELDS,
    TERMINAL_STATES,
)

Gate = Callable[[], Awaitable[None]]


async def open_gate() -> None:
    """Nobody waits."""


class MemoryStore:
    """Every method is one atomic step; the clock stands still until `advance`."""

    def __init__(self, gate: Gate = open_gate) -> None:
        self.gate = gate
        self.clock = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
        self.audit_fault: str | None = None
        self.remembered: set[str] = set()
        self.incidents: dict[str, Incident] = {}
        self.reports: dict[str, Report] = {}
        self.kept: dict[str, Run] = {}
        self.claims: dict[str, str] = {}
        self.notes: dict[str, list[TimelineEntry]] = {}
        self.chain: list[AuditEntry] = []

    def advance(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    async def now(self) -> datetime:
        return self.clock

    async def first_time(self, what: str, seconds: int) -> bool:
        new = what not in self.remembered
        self.remembered.add(what)
        return new

    async def was_seen(self, what: str) -> bool:
        return what in self.remembered

    # incidents

    async def open_incident(self, incident: Incident, dedupe: str) -> tuple[Incident, bool]:
        await self.gate()
        new = incident.id not in self.incidents
        kept = self.incidents.setdefault(incident.id, incident)
        await self.gate()
        return kept, new

    async def incident_for(self, dedupe: str) -> Incident | None:
        raise NotImplementedError("no test of guarded changes looks incidents up by alarm")

    async def incident(self, incident_id: str) -> Incident | None:
        await self.gate()
        return self.incidents.get(incident_id)

    async def incident_at(self, channel: str, thread_ts: str) -> Incident | None:
        found = (each for each in self.incidents.values() if each.thread_ts == thread_ts)
        return next(found, None)

    async def latest_incident(self, channel: str) -> Incident | None:
        return max(self.incidents.values(), key=lambda each: each.opened_at, default=None)

    async def incidents_in(self, channel: str, most: int = 50) -> list[Incident]:
        found = [each for each in self.incidents.values() if each.channel == channel]
        return sorted(found, key=lambda each: each.opened_at, reverse=True)[:most]

    async def open_incidents(self) -> Sequence[Incident]:
        found = [each for each in self.incidents.values() if each.state is IncidentState.OPEN]
        return sorted(found, key=lambda each: each.opened_at, reverse=True)

    async def change_incident(self, incident_id: str, **fields: Any) -> Incident:
        changed = self.incidents[incident_id].model_copy(update=fields)
        self.incidents[incident_id] = changed
        return changed

    async def save_report(self, incident_id: str, report: Report) -> None:
        self.reports[incident_id] = report

    async def report(self, incident_id: str) -> Report | None:
        await self.gate()
        return self.reports.get(incident_id)

    async def add_to_timeline(self, incident_id: str, entry: TimelineEntry) -> None:
        await self.gate()
        entries = self.notes.setdefault(incident_id, [])
        same = (entry.kind, entry.ref, entry.text)
        if same not in {(each.kind, each.ref, each.text) for each in entries}:
            entries.append(entry)
        await self.gate()

    async def timeline(self, incident_id: str) -> Sequence[TimelineEntry]:
        return self.notes.get(incident_id, [])

    # guarded changes

    async def create_run(self, run: Run) -> Run:
        if run.state not in INITIAL_STATES:
            raise ValueError(f"a run cannot begin as {run.state}")
        await self.gate()
        kept = self.kept.setdefault(run.id, run)
        await self.gate()
        return kept

    async def run(self, run_id: str) -> Run | None:
        await self.gate()
        return self.kept.get(run_id)

    async def runs(self, incident_id: str) -> Sequence[Run]:
        return [run for run in self.kept.values() if run.incident == incident_id]

    async def unfinished_runs(self) -> Sequence[Run]:
        return [
            run for run in self.kept.values() if run.state not in BEFORE_REQUEST | FINISHED_STATES
        ]

    async def move_run(
        self,
        run_id: str,
        allowed: Collection[RunState],
        to: RunState,
        *,
        actor: str | None = None,
        **fields: Any,
    ) -> Run | None:
        if fixed := fields.keys() & {
            "id",
            "incident",
            "action",
            "requested_by",
            "approved_by",
            "undo_approved_by",
            "break_glass",
        }:
            raise ValueError(f"{', '.join(sorted(fixed))} cannot be changed")
        sources = {state for state in allowed if state is to or state in ALLOWED_TRANSITIONS[to]}
        if PLAN_FIELDS & fields.keys():
            sources &= BEFORE_REQUEST
        if not sources:
            raise ValueError(f"no way leads from {allowed} to {to}")
        await self.gate()
        run = self.kept[run_id]
        moved = None
        frozen = to is RunState.RUNNING and self.audit_fault is not None
        if run.state in sources and not frozen:
            moved = Run.model_validate(run.model_dump() | fields | {"state": to})
            self.kept[run_id] = moved
            if run.state is not to:
                self._audit(actor or fields.get("undone_by") or "bot", to.value, run_id)
        await self.gate()
        return moved

    async def approve(
        self,
        run_id: str,
        approver: str,
        fingerprint: str,
        objection: Objection | None = None,
        *,
        break_glass: str = "",
    ) -> Run | None:
        await self.gate()
        run = self.kept[run_id]
        good = (
            run.state is RunState.REQUESTED
            and (run.requested_by == approver) == bool(break_glass)
            and run.fingerprint == fingerprint
            and run.expires_at is not None
            and self.clock < run.expires_at
            and self.audit_fault is None
        )
        approved = None
        if good:
            changes = {
                "state": RunState.APPROVED,
                "approved_by": approver,
                "break_glass": break_glass,
            }
            approved = self.kept[run_id] = run.model_copy(update=changes)
            self._audit(approver, "approved", run_id, break_glass)
        await self.gate()
        return approved

    async def approve_undo(self, run_id: str, approver: str) -> Run | None:
        await self.gate()
        run, approved = self.kept[run_id], None
        good = run.state is RunState.UNDO_REQUESTED and run.undone_by != approver
        if good and run.undo_expires_at is not None and self.clock < run.undo_expires_at:
            changes = {"state": RunState.UNDO_APPROVED, "undo_approved_by": approver}
            approved = self.kept[run_id] = run.model_copy(update=changes)
            self._audit(approver, "undo approved", run_id)
        await self.gate()
        return approved

    async def claim_target(self, target: str, run_id: str) -> str | None:
        await self.gate()
        holder = self.claims.get(target)
        other = self.kept.get(holder) if holder and holder != run_id else None
        if other is None or other.state in TERMINAL_STATES:
            self.claims[target] = run_id
            other = None
        await self.gate()
        return other.id if other else None

    async def release_target(self, target: str, run_id: str) -> None:
        await self.gate()
        if self.claims.get(target) == run_id:
            del self.claims[target]
        await self.gate()

    async def audit(self) -> Sequence[AuditEntry]:
        return self.chain

    async def recent_audit(self, count: int) -> Sequence[AuditEntry]:
        return self.chain[-count:]

    async def frozen(self) -> str | None:
        return self.audit_fault

    async def freeze(self, source: str, reason: str) -> None:
        self.audit_fault = reason

    async def verify_audit(self) -> str | None:
        return self.audit_fault

    def _audit(self, actor: str, event: str, run: str, detail: str = "") -> None:
        before = self.chain[-1].digest if self.chain else ""
        digest = hashlib.sha256(f"{before}{actor}{event}{run}".encode()).hexdigest()
        entry = AuditEntry(
            number=len(self.chain) + 1,
            at=self.clock,
            actor=actor,
            event=event,
            run=run,
            detail=detail,
            digest=digest,
        )
        self.chain.append(entry)
