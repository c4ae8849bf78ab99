"""Guarded changes and their targets on Redis, each change of state with its audit entry."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from bot.domain.objection import Objection
from bot.domain.redaction import redact
from bot.domain.run import AuditEntry, Run, RunState
from bot.state import sanitize
from bot.state.anchor import Anchor
from bot.state.audit import AuditLog
from bot.state.codec import Record, flat_hash, micros
from bot.state.keys import RETENTION, Keys
from bot.state.scripts import AUDIT, CLOCK, INDEX, script
from bot.state.transitions import (
    ALLOWED_TRANSITIONS,
    BEFORE_REQUEST,
    FINISHED_STATES,
    INITIAL_STATES,
    PLAN_FIELDS,
    TERMINAL_STATES,
)

log = logging.getLogger(__name__)

S = RunState

INDEX_SECONDS = 60
"""A run requested less than this long ago stays in the index: scores are whole seconds, so an undo
requested meanwhile must have another score than the one that was read."""

_RUN = Record(
    Run,
    fixed=(
        "id",
        "incident",
        "action",
        "state",
        "requested_by",
        "approved_by",
        "break_glass",
        "undo_approved_by",
    ),
)
_TO_BE_FOLLOWED = frozenset({S.REQUESTED, S.UNDO_REQUESTED, S.UNDOING})
"""States in which a run gets into the index of runs under way."""


class RunStore:
    """The part of `bot.domain.ports.Store` that is about runs, their targets and the audit."""

    def __init__(self, redis: Redis, keys: Keys, anchor: Anchor) -> None:
        self._redis = redis
        self._keys = keys
        self._audit = AuditLog(redis, keys, anchor)
        self._create = script(redis, *AUDIT, *INDEX, "run_create")
        self._approve = script(redis, *CLOCK, *AUDIT, "run_approve")
        self._approve_undo = script(redis, *CLOCK, *AUDIT, "undo_approve", when_full=True)
        self._apply = script(redis, *AUDIT, *INDEX, "run_move")
        self._move = script(redis, *AUDIT, *INDEX, "run_move", when_full=True)
        self._claim = script(redis, *CLOCK, "target_claim", when_full=True)
        self._release = script(redis, "release", when_full=True)
        self._index_remove = script(redis, "index_remove", when_full=True)

    async def create_run(self, run: Run) -> Run:
        """Create the run; if the id exists, return the stored run unchanged.

        Raises ValueError for a run that is approved already, or further.
        """
        if run.state not in INITIAL_STATES or run.approved_by is not None or run.break_glass:
            raise ValueError(f"a run cannot begin as {run.state.value}: it must be asked for")
        _check_plan({"plan": run.plan, "fingerprint": run.fingerprint})
        _, stored = await self._audit.run_script(
            self._create,
            [
                self._keys.run(run.id),
                self._keys.runs(run.incident),
                *self._index_if_requested(run.state),
            ],
            [
                RETENTION,
                run.id,
                ":expires_us",
                micros(run.expires_at),
                *_RUN.encode(run.model_copy(update=sanitize.run_fields({"note": run.note}))),
            ],
            actor=run.requested_by,
            event=run.state.value,
            run=run.id,
            detail=_objected(run.objection),
        )
        return _RUN.decode(stored) or run

    async def run(self, run_id: str) -> Run | None:
        """The run; None when there is none of this id."""
        return _RUN.decode(await flat_hash(self._redis, self._keys.run(run_id)))

    async def runs(self, incident_id: str) -> Sequence[Run]:
        """The incident's runs in the order they were created."""
        ids = await self._redis.lrange(self._keys.runs(incident_id), 0, -1)
        found = [await self.run(str(run_id)) for run_id in ids]
        return [run for run in found if run is not None]

    async def unfinished_runs(self) -> Sequence[Run]:
        """Requested runs that have not finished, oldest request first.

        A run is added to the index together with its change of state, and removed here once it
        has finished.
        """
        index = self._keys.runs_under_way
        entries: Sequence[Any] = await self._redis.zrange(index, 0, -1, withscores=True)
        settled = (await self._redis.time())[0] - INDEX_SECONDS
        found = []
        for run_id, requested in entries:
            run = await self.run(str(run_id))
            if run is not None and run.state not in FINISHED_STATES:
                found.append(run)
            elif requested < settled:
                await self._index_remove(keys=[index], args=[run_id, int(requested)])
        return found

    async def move_run(
        self,
        run_id: str,
        allowed: Collection[RunState],
        to: RunState,
        *,
        actor: str | None = None,
        **fields: Any,
    ) -> Run | None:
        """Change the state to `to` and set `fields`, if the state is one of `allowed`.

        Returns the run; None when its state is not allowed, or when `to` is RUNNING and the audit
        chain is broken (`frozen` says why). `actor` is for the audit entry (default: `undone_by`,
        else the bot). Raises ValueError when ALLOWED_TRANSITIONS has no way from any of `allowed`
        to `to`, or a field cannot be set.
        """
        sources = {state for state in allowed if state is to or state in ALLOWED_TRANSITIONS[to]}
        if PLAN_FIELDS & fields.keys():
            sources &= BEFORE_REQUEST
            _check_plan(fields)
        if not sources:
            names = ", ".join(sorted(state.value for state in allowed)) or "nowhere"
            what = f" with {', '.join(sorted(fields))}" if fields else ""
            raise ValueError(f"no way leads from {names} to {to.value}{what}")
        fields = sanitize.run_fields(fields)
        changes = _RUN.encode_changes(fields)
        if "undo_expires_at" in fields:
            changes += [":undo_expires_us", micros(fields["undo_expires_at"])]
        if "expires_at" in fields:
            changes += [":expires_us", micros(fields["expires_at"])]
        applies = to is S.RUNNING and S.APPROVED in sources
        answer = await self._audit.run_script(
            self._apply if applies else self._move,
            [self._keys.run(run_id), *self._index_if_requested(to)],
            [
                RETENTION,
                run_id,
                _json(to.value),
                len(sources),
                *(_json(state.value) for state in sorted(sources)),
                *changes,
            ],
            actor=actor or fields.get("undone_by") or "bot",
            event=to.value,
            run=run_id,
            detail=_detail(fields),
        )
        return _stored(answer, f"run {run_id} stays as it is, not {to.value}")

    async def approve(
        self,
        run_id: str,
        approver: str,
        fingerprint: str,
        objection: Objection | None = None,
        *,
        break_glass: str = "",
    ) -> Run | None:
        """REQUESTED -> APPROVED if the fingerprint is the run's, the approver is not the
        requester, Redis TIME is before `expires_at` and the audit chain is whole; else None.

        `objection` is the run's, for the audit entry. With `break_glass`, the reason, the approver
        has to be the requester."""
        if not approver or not fingerprint:
            raise ValueError("an approval needs a person and a fingerprint")
        reason = redact(break_glass)
        alone = f"break-glass, by the requester alone: {reason}" if reason else ""
        against = _objected(objection)
        answer = await self._audit.run_script(
            self._approve,
            [self._keys.run(run_id)],
            [RETENTION, _json(approver), _json(fingerprint), _json(reason)],
            actor=approver,
            event=S.APPROVED.value,
            run=run_id,
            detail="; ".join(filter(None, (alone, f"fingerprint {fingerprint}", against))),
        )
        return _stored(answer, f"approval of run {run_id} by {approver} refused")

    async def approve_undo(self, run_id: str, approver: str) -> Run | None:
        """UNDO_REQUESTED -> UNDO_APPROVED if the approver did not ask for the undo and Redis TIME
        is before `undo_expires_at`; else None."""
        if not approver:
            raise ValueError("an approval needs a person")
        answer = await self._audit.run_script(
            self._approve_undo,
            [self._keys.run(run_id)],
            [RETENTION, _json(approver)],
            actor=approver,
            event=S.UNDO_APPROVED.value,
            run=run_id,
            detail="",
        )
        return _stored(answer, f"approval of the undo of {run_id} by {approver} refused")

    async def claim_target(self, target: str, run_id: str) -> str | None:
        """Reserve a target for one pending change; the id of the run that holds it, if another.

        A run in a terminal state, or whose request has expired, loses its target.
        """
        holder = await self._claim(
            keys=[self._keys.target(target)],
            args=[
                RETENTION,
                run_id,
                self._keys.run_prefix,
                *(_json(state.value) for state in TERMINAL_STATES),
            ],
        )
        return str(holder) if holder else None

    async def release_target(self, target: str, run_id: str) -> None:
        """Give up the target; does nothing when another run holds it."""
        await self._release(keys=[self._keys.target(target)], args=[run_id])

    async def audit(self) -> Sequence[AuditEntry]:
        """The audit entries, oldest first."""
        return await self._audit.entries()

    async def recent_audit(self, count: int) -> Sequence[AuditEntry]:
        """Those of the last audit entries that can be read, oldest first."""
        return await self._audit.newest(count)

    async def verify_audit(self, *, full: bool = False, adopt: bool = True) -> str | None:
        """None when the audit chain is whole and the one that is known; otherwise a sentence that
        names the first fault, and no run is approved or applied until that is over or accepted.

        Reads what is new and one page of what is old; with `full` everything. Without `adopt`
        (for a look from outside) what is found is not kept as known.
        """
        return await self._audit.verify(full=full, adopt=adopt)

    async def frozen(self) -> str | None:
        """Why no run is approved or applied now, as a sentence; None when nothing forbids it."""
        return await self._audit.fault()

    async def freeze(self, source: str, reason: str) -> None:
        """Let no run be approved or applied until an operator accepts this reason."""
        await self._audit.freeze(source, reason)

    async def accept_audit(self, actor: str, reason: str) -> str:
        """End a freeze by word of an operator; returns what was frozen for. See `AuditLog`."""
        return await self._audit.accept(actor, reason)

    def _index_if_requested(self, state: RunState) -> list[str]:
        """The key of the index of `unfinished_runs` for a run that enters a requested state."""
        return [self._keys.runs_under_way] if state in _TO_BE_FOLLOWED else []


def _stored(answer: list[Any], refused: str) -> Run | None:
    if answer[0] != "ok":
        log.info("%s: %s", refused, answer[0])
        return None
    return _RUN.decode(answer[1])


def _json(text: str) -> str:
    """As `Record` writes a string, so that scripts can compare the two."""
    return _RUN.encode_changes({"note": text})[1]


def _detail(fields: Mapping[str, Any]) -> str:
    """What the audit entry of a move says: its note; or the requester's reason, and what the
    evidence says against the change."""
    reason = f"reason: {fields['reason']}" if fields.get("reason") else ""
    asked = "; ".join(filter(None, (reason, _objected(fields.get("objection")))))
    return str(fields.get("note", "")) or asked


def _objected(objection: Objection | None) -> str:
    """The evidence against a change, for its audit entries."""
    return f"against the evidence: {objection.text}" if objection else ""


def _check_plan(fields: Mapping[str, Any]) -> None:
    plan, fingerprint = fields.get("plan"), fields.get("fingerprint")
    if plan is not None and fingerprint is not None and plan.fingerprint != fingerprint:
        raise ValueError("the fingerprint is not the plan's: show the plan that would be run")
