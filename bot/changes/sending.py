"""Recording that calls are about to be sent, looking at the resource a last time, and sending.

The order, and why a crash or a stop is safe anywhere in it:

1. Everything slow: the plan again, the guards, the write role, clients and credentials. Nothing is
   recorded and nothing sent; the step may be taken again.
2. The intent (RUNNING, UNDOING) with its deadline. From here on nobody else sends: another worker
   only reads back, and calls the change "not applied" after the deadline alone.
3. The last look: the resource must be as it was when the plan was computed. It comes after the
   intent so that nothing but the sending follows it; a crash between the two leaves a run that is
   read back and found unsent.
4. The calls. Each leaves before its limit or not at all, checked as the request goes to the
   connection. The first one's limit counts from the look, so that a stop after the look sends
   nothing on the strength of what was seen before the stop.

What remains open is what no order closes: a stop after the last check and before the bytes are
out. It is shorter than `Timeouts.in_flight` or AWS refuses the signature, and the deadline is
later than that. What somebody changes between look and call is kept where AWS has a lock of its
own (RevisionId); where it has none, the plan says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bot.changes.engine import NextStep, RunContext, RunSteps
from bot.changes.guards import difference
from bot.domain.change_wording import trim_reply
from bot.domain.errors import ReadFailed, WriteAmbiguous, WriteRefused
from bot.domain.plan import Step, canonical
from bot.domain.playbook_contract import Observed
from bot.domain.ports import AwsWriter
from bot.domain.run import Run, RunState
from bot.domain.send_limit import SendLimit
from bot.state.transitions import NOTHING_SENT

_ATTEMPTS = 10  # to record what AWS accepted, while others move the run


@dataclass(frozen=True, slots=True)
class Ready:
    """All that is needed to send: the write role's clients, and the clock's error."""

    writer: AwsWriter
    clock_ahead: float  # seconds that this machine's clock may be ahead of AWS's


@dataclass(frozen=True, slots=True)
class Intent:
    """The run as recorded before the calls are sent, and when no call may leave any more."""

    run: Run
    started: float  # by the executor's clock
    signed_until: datetime  # by this machine's wall clock


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What the last look found: the calls to send, or why none may be sent."""

    steps: tuple[Step, ...] = ()
    at: datetime | None = None  # AWS time
    conflict: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """How far sending came."""

    results: tuple[dict[str, Any], ...] = ()
    complete: bool = False  # AWS accepted every call
    nothing: str | None = None  # nothing was changed, and why; None: something may have been
    conflict: bool = False  # nothing was sent because somebody has changed the resource
    at: datetime | None = None  # AWS time of the last look


Look = Callable[[Observed], LookedAt]


class Sending(RunSteps):
    """The part of a step that sends."""

    async def _prepare_to_send(self, context: RunContext, run: Run) -> Ready:
        """Assume the write role, make the clients. Raises WriteRefused; nothing was sent then."""
        plan = context.plan
        steps = (plan.inverse or ()) if run.undone_by else plan.steps
        writer = await self.offload(partial(self.writer, context.service, run))
        return Ready(writer, await self.offload(partial(writer.prepare, steps)))

    async def _record_intent(
        self, run: Run, to: RunState, ready: Ready, **fields: Any
    ) -> Intent | None:
        """Move the run to RUNNING or UNDOING; None when another worker moved it first.

        The deadline is Redis time: after it a call can have no effect any more. Both of the
        sender's clocks are read before Redis's, so what they allow ends before the deadline.
        """
        limits = self.timeouts
        started, wall = self.monotonic(), datetime.now(UTC)
        seconds = limits.sending + ready.clock_ahead + limits.in_flight
        deadline = await self.store.now() + timedelta(seconds=seconds)
        moved = await self.store.move_run(run.id, (run.state,), to, deadline=deadline, **fields)
        if moved is None:
            return None
        return Intent(moved, started, wall + timedelta(seconds=limits.sending))

    async def _look_and_send(
        self, context: RunContext, ready: Ready, intent: Intent, look: Look
    ) -> Sent:
        """Look at the resource a last time and send each call once, in order."""
        looked_from = self.monotonic()
        try:
            seen, at = await self._observe(context)
        except ReadFailed as fault:
            return Sent(nothing=f"the last look at it failed: {fault}")
        looked = look(seen)
        if looked.conflict:
            return Sent(nothing=looked.conflict, conflict=True)
        until = intent.started + self.timeouts.sending
        first = min(until, looked_from + self.timeouts.fresh)
        results: list[dict[str, Any]] = []
        for step in looked.steps:
            limit = SendLimit(self.monotonic, until if results else first, intent.signed_until)
            try:
                reply = await self.offload(partial(ready.writer.write, step, limit))
            except WriteRefused as refusal:
                reason = refusal.detail if refusal.code == "NotSent" else f"AWS refused: {refusal}"
                return Sent(tuple(results), nothing=None if results else reason, at=at)
            except WriteAmbiguous:
                return Sent(tuple(results), at=at)
            results.append(trim_reply(reply))
        return Sent(tuple(results), complete=True, at=at)

    def _unchanged(self, context: RunContext, seen: Observed) -> LookedAt:
        """The look before a change: the resource is what the plan was computed from."""
        plan = context.plan
        if canonical(seen.state) == canonical(plan.before):
            return LookedAt(plan.steps)
        found = difference(plan.before, seen.state)
        return LookedAt(conflict=f"{plan.target} was changed a moment ago ({found})")

    async def _accepted(self, context: RunContext, sent: Sent) -> NextStep | None:
        """AWS accepted the calls of a change: record it, whatever was recorded meanwhile.

        Another worker may have called it "not applied" (it must not, but a store can be restored
        from a backup, and AWS break its promise). Then the record is wrong, and is said to be.
        """
        accepted: dict[str, Any] = {"results": sent.results, "applied_at": sent.at, "note": ""}
        for _ in range(_ATTEMPTS):
            stored = await self._run(context.run.id)
            to, fields = RunState.SETTLING, accepted
            if stored.state is not RunState.RUNNING:
                to, fields = stored.state, {"results": sent.results}
                if await self._is_wrong_now(context, stored):
                    to, fields = RunState.DRIFTED, {**accepted, "note": _accepted_late(stored)}
            moved = await self.store.move_run(stored.id, (stored.state,), to, **fields)
            if moved is not None:
                return await self._finish_step(moved)
        return await self._finish_step(await self._run(context.run.id))

    async def _is_wrong_now(self, context: RunContext, stored: Run) -> bool:
        """Whether a stored state says that nothing is in force, after AWS accepted the calls.

        Of a change that was undone meanwhile the resource tells which of the two came last.
        """
        if stored.state is not RunState.UNDONE:
            return stored.state in NOTHING_SENT
        try:
            seen, _ = await self._observe(context)
        except ReadFailed:
            return True
        return canonical(seen.state) != canonical(context.plan.before)


def _accepted_late(stored: Run) -> str:
    target = stored.plan.target if stored.plan else "the resource"
    return (
        f"AWS accepted the change of {target} after it was recorded as {stored.state.value}. "
        "It may be in force."
    )
