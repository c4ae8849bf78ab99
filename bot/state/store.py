"""State that survives a crash, on Redis or Valkey: `RedisStore` implements `ports.Store`.

Every method is one atomic step. What must not be got wrong is decided inside the scripts, by
Redis's clock and against what is stored at that moment: who may approve, whether a request has
expired, whether a run may go out, whether the audit chain is whole.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.domain.errors import ConfigError
from bot.domain.incident import Incident, TimelineEntry
from bot.domain.redaction import redact, redact_tree
from bot.domain.report import Report
from bot.domain.run import AuditEntry, Run, RunState
from bot.state import sanitize
from bot.state.audit import AuditLog
from bot.state.codec import Record, micros
from bot.state.keys import RETENTION, Keys
from bot.state.scripts import AUDITED, CLOCK, script

log = logging.getLogger(__name__)

S = RunState

BEFORE_REQUEST = frozenset({S.PREPARING, S.PROPOSED})
"""While a run is here nobody was asked yet: its plan and deadline may still be set."""

BORN_AS = BEFORE_REQUEST | {S.REQUESTED}

WAYS: dict[RunState, frozenset[RunState]] = {
    S.PREPARING: frozenset(),
    S.PROPOSED: frozenset({S.PREPARING}),
    S.REQUESTED: BEFORE_REQUEST,
    S.APPROVED: frozenset(),  # by `approve` only
    S.RUNNING: frozenset({S.APPROVED}),
    S.SETTLING: frozenset({S.RUNNING}),
    S.VERIFYING: frozenset({S.RUNNING, S.SETTLING}),
    S.DONE: frozenset({S.RUNNING, S.SETTLING, S.VERIFYING, S.UNDOING, S.DRIFTED}),
    S.UNDOING: frozenset({S.RUNNING, S.SETTLING, S.VERIFYING, S.DONE, S.DRIFTED}),
    S.UNDONE: frozenset({S.UNDOING, S.DRIFTED}),
    S.REJECTED: frozenset({S.PREPARING, S.PROPOSED, S.REQUESTED, S.APPROVED}),
    S.EXPIRED: frozenset({S.PREPARING, S.PROPOSED, S.REQUESTED, S.APPROVED}),
    S.REFUSED: frozenset({S.PREPARING, S.PROPOSED, S.REQUESTED, S.APPROVED, S.RUNNING, S.SETTLING}),
    S.DRIFTED: frozenset({S.RUNNING, S.SETTLING, S.VERIFYING, S.DONE, S.UNDOING}),
}
"""From which states each state may be entered, whatever a caller allows. Staying in a state, to
record something more of it, is not entering it."""

OVER = (S.REJECTED, S.EXPIRED, S.REFUSED, S.UNDONE)
"""States in which nothing of a run is in force or can come to be: it holds no target."""

RESTING = frozenset({*OVER, S.DONE, S.DRIFTED})
"""States a run leaves only when a person asks."""

ASKED_WITHIN = 60  # seconds: a run in the index for longer was asked for, or never will be

PLANNED = frozenset({"plan", "fingerprint", "expires_at"})
"""What an approver looks at; settled once somebody is asked."""

_RUN = Record(Run, fixed=("id", "incident", "action", "state", "requested_by", "approved_by"))
_INCIDENT = Record(Incident, fixed=("id", "channel", "opened_at"))


def connect(url: str, *, timeout: float = 5.0) -> Redis:
    """A client as the store needs it: text replies, and no retries behind our back.

    redis-py repeats a command whose reply was lost; a compare-and-set that had won would then
    report that somebody else was first. `timeout` is in seconds, for connecting and for a reply.
    """
    return Redis.from_url(
        url,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        health_check_interval=30,
    )


class RedisStore:
    """`bot.domain.ports.Store` on a client made by `connect`.

    Raises redis.exceptions.RedisError when Redis gives no answer: nothing may then be
    acknowledged, and no change goes out.
    """

    def __init__(self, redis: Redis, namespace: str = "ih") -> None:
        if not redis.connection_pool.connection_kwargs.get("decode_responses"):
            raise ConfigError(
                "the store needs decode_responses=True: use bot.state.store.connect(url)"
            )
        self._redis = redis
        self._keys = Keys(namespace)
        self._audit = AuditLog(redis, self._keys)
        self._open_incident = script(redis, *CLOCK, "incident_open")
        self._change_incident = script(redis, "incident_change")
        self._note = script(redis, "note")
        self._create_run = script(redis, *AUDITED, "run_create")
        self._approve = script(redis, *AUDITED, "run_approve")
        self._move_out = script(redis, *AUDITED, "run_move")
        self._move_home = script(redis, *AUDITED, "run_move", when_full=True)
        self._claim = script(redis, *CLOCK, "target_claim")
        self._asked_for = script(redis, "asked_for", when_full=True)
        self._forget = script(redis, "forget", when_full=True)
        self._release = script(redis, "release", when_full=True)

    async def now(self) -> datetime:
        """Redis TIME, UTC."""
        seconds, rest = await self._redis.time()
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)

    async def once(self, what: str, seconds: int) -> bool:
        """Whether this delivery (an event id, a message id, a signature) is the first within
        `seconds`, shared by all replicas."""
        return bool(await self._redis.set(self._keys.once(what), 1, nx=True, ex=seconds))

    async def known(self, what: str) -> bool:
        """Whether `once` was said of it and still holds."""
        return bool(await self._redis.exists(self._keys.once(what)))

    async def forget(self, what: str) -> None:
        """Take back a `once`: the next delivery is the first again."""
        await self._redis.delete(self._keys.once(what))

    # --- incidents ----------------------------------------------------------------------------

    async def open_incident(self, incident: Incident, dedupe: str) -> tuple[Incident, bool]:
        """Save it unless an open one has this dedupe key; the incident kept, and whether new.

        A message about an alarm change that is not newer than what is known (a duplicate by
        another path, an ALARM that comes after its own OK) gives the incident known, too.
        """
        keys = self._keys
        has_thread = incident.thread_ts is not None
        new, kept = await self._open_incident(
            keys=[
                keys.dedupe(dedupe),
                keys.incident(incident.id),
                keys.channel(incident.channel),
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
        return _INCIDENT.decode(kept) or incident, bool(new)

    async def incident_for(self, dedupe: str) -> Incident | None:
        """The incident opened last under this dedupe key, whatever its state."""
        found = await self._redis.get(self._keys.dedupe(dedupe))
        return await self.incident(str(found)) if found else None

    async def incident(self, incident_id: str) -> Incident | None:
        return _INCIDENT.decode(await self._hash(self._keys.incident(incident_id)))

    async def incident_at(self, channel: str, thread_ts: str) -> Incident | None:
        found = await self._redis.get(self._keys.thread(channel, thread_ts))
        return await self.incident(str(found)) if found else None

    async def latest_incident(self, channel: str) -> Incident | None:
        """The one opened last in the channel, whatever its state."""
        found = await self._redis.zrange(self._keys.channel(channel), 0, 0, desc=True)
        return await self.incident(str(found[0])) if found else None

    async def change_incident(self, incident_id: str, **fields: Any) -> Incident:
        """Replace fields; the incident as it is then.

        Raises LookupError when there is no such incident, ValueError for a field it has not.
        """
        alarm, recovered = fields.get("alarm"), fields.get("recovered_at")
        times = [alarm.changed_at if alarm else None, recovered]
        changed = await self._change_incident(
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
        """Keep it in place of the one before; secrets in its sentences are taken out."""
        clean = Report.model_validate(redact_tree(report.model_dump()))
        await self._redis.set(self._keys.report(incident_id), clean.model_dump_json(), ex=RETENTION)

    async def report(self, incident_id: str) -> Report | None:
        text = await self._redis.get(self._keys.report(incident_id))
        return Report.model_validate_json(text) if text else None

    async def note(self, incident_id: str, entry: TimelineEntry) -> None:
        """Append to the timeline; an entry equal in kind, ref and text is kept once."""
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
        """By time; entries of the same time in the order they were noted."""
        texts = await self._redis.lrange(self._keys.timeline(incident_id), 0, -1)
        entries = [TimelineEntry.model_validate_json(text) for text in texts]
        return sorted(entries, key=lambda entry: entry.at)

    # --- guarded changes ----------------------------------------------------------------------

    async def create_run(self, run: Run) -> Run:
        """Save it unless its id is known; the run as kept.

        Raises ValueError for a run that claims to be approved already, or further.
        """
        if run.state not in BORN_AS or run.approved_by is not None:
            raise ValueError(f"a run cannot begin as {run.state.value}: it must be asked for")
        _check_plan({"plan": run.plan, "fingerprint": run.fingerprint})
        await self._begins(run.id, run.state)
        keys = self._keys
        kept = await self._create_run(
            keys=[keys.run(run.id), keys.runs(run.incident), keys.audit_entries, keys.audit_head],
            args=[
                RETENTION,
                run.id,
                run.requested_by,
                run.state.value,
                ":expires_us",
                micros(run.expires_at),
                *_RUN.encode(run.model_copy(update=sanitize.run_fields({"note": run.note}))),
            ],
        )
        return _RUN.decode(kept) or run

    async def run(self, run_id: str) -> Run | None:
        return _RUN.decode(await self._hash(self._keys.run(run_id)))

    async def runs(self, incident_id: str) -> Sequence[Run]:
        """Of an incident, in the order they were created."""
        ids = await self._redis.lrange(self._keys.runs(incident_id), 0, -1)
        found = [await self.run(str(run_id)) for run_id in ids]
        return [run for run in found if run is not None]

    async def under_way(self) -> Sequence[Run]:
        """Runs somebody asked for that have not ended, the one asked for first at the front.

        The index may name too many, never too few: a run is put in before it is asked for, and
        taken out here when it ended a while after.
        """
        index = self._keys.runs_under_way
        entries: Sequence[Any] = await self._redis.zrange(index, 0, -1, withscores=True)
        settled = (await self._redis.time())[0] - ASKED_WITHIN
        found = []
        for run_id, asked in entries:
            run = await self.run(str(run_id))
            if run is not None and run.state not in RESTING:
                found.append(run)
            elif asked < settled:
                await self._forget(keys=[index], args=[run_id, int(asked)])
        return found

    async def move(
        self,
        run_id: str,
        allowed: Collection[RunState],
        to: RunState,
        *,
        actor: str | None = None,
        **fields: Any,
    ) -> Run | None:
        """To `to` if it is in one of `allowed`, with the audit entry; None when it is in none.

        `actor` is for the audit (default: `undone_by` when given, else the bot). A move to
        RUNNING is refused while the audit chain is broken: `frozen` tells. Raises ValueError when
        no way leads from any of `allowed` to `to` (see WAYS), or a field cannot be set on it.
        """
        sources = {state for state in allowed if state is to or state in WAYS[to]}
        if PLANNED & fields.keys():
            sources &= BEFORE_REQUEST
            _check_plan(fields)
        if not sources:
            names = ", ".join(sorted(state.value for state in allowed)) or "nowhere"
            what = f" with {', '.join(sorted(fields))}" if fields else ""
            raise ValueError(f"no way leads from {names} to {to.value}{what}")
        await self._begins(run_id, to)
        fields = sanitize.run_fields(fields)
        changes = _RUN.encode_changes(fields)
        if "expires_at" in fields:
            changes += [":expires_us", micros(fields["expires_at"])]
        goes_out = to is S.RUNNING and S.APPROVED in sources
        step = self._move_out if goes_out else self._move_home
        answer = await step(
            keys=self._run_keys(run_id),
            args=[
                RETENTION,
                run_id,
                actor or fields.get("undone_by") or "bot",
                str(fields.get("note", "")),
                len(sources),
                *(f'"{state.value}"' for state in sorted(sources)),
                "state",
                f'"{to.value}"',
                *changes,
            ],
        )
        return self._answer(answer, f"run {run_id} stays as it is, not {to.value}")

    async def approve(self, run_id: str, approver: str, fingerprint: str) -> Run | None:
        """REQUESTED -> APPROVED if the fingerprint is the run's, the approver is not the
        requester, Redis TIME is before `expires_at` and the audit chain is whole."""
        if not approver or not fingerprint:
            raise ValueError("an approval needs a person and a fingerprint")
        answer = await self._approve(
            keys=self._run_keys(run_id),
            args=[RETENTION, run_id, approver, _json(approver), _json(fingerprint)],
        )
        return self._answer(answer, f"approval of run {run_id} by {approver} refused")

    async def claim(self, target: str, run_id: str) -> str | None:
        """Reserve a target for one pending change; the id of the run that has it, if another.

        A run that is over, or was asked for and expired, gives way.
        """
        holder = await self._claim(
            keys=[self._keys.target(target)],
            args=[
                RETENTION,
                run_id,
                self._keys.run_prefix,
                *(f'"{state.value}"' for state in OVER),
            ],
        )
        return str(holder) if holder else None

    async def release(self, target: str, run_id: str) -> None:
        """Give the target back; nothing happens when another run has it."""
        await self._release(keys=[self._keys.target(target)], args=[run_id])

    # --- audit --------------------------------------------------------------------------------

    async def audit(self) -> Sequence[AuditEntry]:
        return await self._audit.entries()

    async def verify_audit(self) -> str | None:
        """None when the chain is whole; otherwise a sentence naming the first wrong entry, and
        from then on no run is approved or sent out."""
        return await self._audit.verify()

    async def frozen(self) -> str | None:
        """Why no run is approved or sent out: what `verify_audit` found last; None when nothing."""
        return await self._audit.finding()

    # --- inside -------------------------------------------------------------------------------

    async def _begins(self, run_id: str, state: RunState) -> None:
        """From here on somebody waits for the run: it was asked for, or its undo was."""
        if state in (S.REQUESTED, S.UNDOING):
            await self._asked_for(keys=[self._keys.runs_under_way], args=[RETENTION, run_id])

    def _run_keys(self, run_id: str) -> list[str]:
        keys = self._keys
        return [keys.run(run_id), keys.audit_entries, keys.audit_head, keys.audit_frozen]

    async def _hash(self, key: str) -> list[str]:
        pairs = await self._redis.hgetall(key)
        return [str(text) for pair in pairs.items() for text in pair]

    def _answer(self, answer: list[Any], refused: str) -> Run | None:
        if answer[0] != "ok":
            log.info("%s: %s", refused, answer[0])
            return None
        return _RUN.decode(answer[1])


def _json(text: str) -> str:
    """As `Record` writes a string, so that scripts can compare the two."""
    return _RUN.encode_changes({"note": text})[1]


def _check_plan(fields: dict[str, Any]) -> None:
    plan, fingerprint = fields.get("plan"), fields.get("fingerprint")
    if plan is not None and fingerprint is not None and plan.fingerprint != fingerprint:
        raise ValueError("the fingerprint is not the plan's: show the plan that would be run")
