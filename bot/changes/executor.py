"""The steps of a guarded change that act: apply, settle, verify, undo.

Every method is one step of a run. It is safe to call it twice, from two workers at once, or again
after the process was killed in the middle, because of two rules:

* Only the worker that moves the run to RUNNING (or UNDOING) by compare-and-set sends its calls. A
  worker that finds the run RUNNING sends nothing: it reads the resource back and tells whether the
  change was applied, was not applied, or left a state that is neither (drifted).
* A worker sends no call later than `Timeouts.sending` after it recorded the intent, and reading
  back says "not applied" only when no call can be in flight any more (`Timeouts.in_flight`).

A method returns the next step and when to take it (`NextStep`), None when there is none, or a
`Refusal` for the person who pressed the button. The caller schedules; no method waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from bot.changes import guards
from bot.changes.approval import Approval
from bot.changes.engine import ENDED, NextStep, RunContext, StepName, Timeouts, next_step
from bot.domain.change_wording import trim_reply, undo_command
from bot.domain.errors import (
    ConfigError,
    IncidentHelperError,
    ReadFailed,
    WriteAmbiguous,
    WriteRefused,
)
from bot.domain.plan import Plan, Step, canonical
from bot.domain.playbook_contract import Observed
from bot.domain.policy import Refusal
from bot.domain.ports import AwsWriter
from bot.domain.redaction import redact
from bot.domain.report import GapReason
from bot.domain.run import Answer, Run, RunState, Verification

__all__ = ["ENDED", "ChangeExecutor", "NextStep", "StepName", "Timeouts", "next_step"]

CLICK_REMEMBERED = 86_400
"""Seconds a press of Undo is remembered; Slack and the queue stop retrying long before."""

_TRANSIENT = frozenset({GapReason.THROTTLED, GapReason.TIMEOUT})


@dataclass(frozen=True, slots=True)
class _Ready:
    """All that is needed to send: the calls, and the write role to send them with."""

    steps: tuple[Step, ...]
    writer: AwsWriter
    read_at: datetime  # AWS time at which the resource was read


@dataclass(frozen=True, slots=True)
class _Sent:
    """How far sending came. When it is not complete, the resource has to be read back."""

    results: tuple[dict[str, Any], ...]
    complete: bool
    refused: str | None = None  # AWS's reason for refusing a call

    @property
    def refused_outright(self) -> bool:
        """AWS refused the first call: nothing was changed."""
        return self.refused is not None and not self.results


class _ReadBackResult(StrEnum):
    IN_EFFECT = "in effect"  # the resource is as the calls should leave it
    NO_EFFECT = "no effect"  # the resource is as it was before the calls
    DRIFTED = "drifted"  # neither
    UNKNOWN = "unknown"  # too early to tell, or the read failed


@dataclass(frozen=True, slots=True)
class _ReadBack:
    result: _ReadBackResult
    at: datetime | None = None  # AWS time
    difference: str = ""


class ChangeExecutor(Approval):
    """All steps of a run: those up to approval (`bot.changes.approval`) and those that act."""

    async def apply(self, run_id: str) -> NextStep | None:
        """Send the calls of an approved run, each once.

        First everything slow (plan again, guards, write role), then the intent is recorded, then
        the calls are sent. A run that is RUNNING already is read back instead.
        """
        run = await self._run(run_id)
        if run.state is RunState.RUNNING:
            return await self._confirm_applied(await self._context(run))
        if run.state is not RunState.APPROVED:
            return await self._finish_step(run)
        try:
            ready = await self._ready_to_apply(run)
        except (ConfigError, ReadFailed, WriteRefused) as fault:
            return await self._nothing_sent(run, fault)
        if isinstance(ready, Refusal):
            return await self._end(run, RunState.REFUSED, ready.reason)
        started = self.monotonic()
        running = await self._record_intent(run, RunState.RUNNING)
        if running is None:
            return await self._finish_step(await self._run(run_id))
        await self._finish_step(running)
        sent = await self._send(ready, started)
        if sent.complete:
            return await self._move(
                running, RunState.SETTLING, results=sent.results, applied_at=ready.read_at
            )
        if sent.refused_outright:
            return await self._end(running, RunState.REFUSED, f"AWS refused: {sent.refused}")
        return await self._confirm_applied(await self._context(running))

    async def settle(self, run_id: str) -> NextStep | None:
        """Ask AWS whether the change is in force; again until it says yes or no, or takes longer
        than twice the time the plan expects."""
        run = await self._run(run_id)
        if run.state is not RunState.SETTLING:
            return await self._finish_step(run)
        context = await self._context(run)
        try:
            answer = await self._read(
                context, lambda aws: context.action.settled(aws, context.plan, run.results)
            )
        except ReadFailed as fault:
            answer = await self._inconclusive(context, fault)
        if answer.answer is Answer.YES:
            return await self._move(run, RunState.VERIFYING, in_force_at=answer.at, note="")
        late = _seconds_since(run.applied_at, answer.at) > 2 * context.plan.settles_within
        if answer.answer is Answer.INCONCLUSIVE and not late:
            return await self._check_again(run, answer, StepName.SETTLE)
        verification = _not_in_force(answer, context.plan)
        return await self._move(run, RunState.DONE, verification=verification, note="")

    async def verify(self, run_id: str) -> NextStep | None:
        """Ask the detector whether the service has recovered; again until it says yes or no, or
        `Timeouts.verify` is over. Inconclusive never counts as yes."""
        run = await self._run(run_id)
        if run.state is not RunState.VERIFYING:
            return await self._finish_step(run)
        context = await self._context(run)
        try:
            answer = await self.detector(run)
        except ReadFailed as fault:
            answer = await self._inconclusive(context, fault)
        in_force_at = run.in_force_at or run.applied_at
        late = _seconds_since(in_force_at, answer.at) > self.timeouts.verify
        if answer.answer is Answer.INCONCLUSIVE and not late:
            return await self._check_again(run, answer, StepName.VERIFY)
        return await self._move(run, RunState.DONE, verification=answer, note="")

    async def undo(
        self, run_id: str, by: str | None = None, click: str = ""
    ) -> NextStep | Refusal | None:
        """Send the inverse calls once, if the resource is still as the change left it.

        Args:
            run_id: the run to undo.
            by: Slack user id of whoever pressed Undo; None continues an undo that was begun.
            click: key of that press. A press that was handled before sends nothing: after an undo
                that failed, the button has to be pressed again.
        """
        run = await self._run(run_id)
        if run.state is RunState.UNDOING:
            return await self._confirm_undone(await self._context(run))
        if by is None or run.state is RunState.UNDONE:
            return await self._finish_step(run)
        try:
            ready = await self._ready_to_undo(run, by)
        except (ConfigError, ReadFailed, WriteRefused) as fault:
            return Refusal(f"Not undone, nothing was sent: {fault}")
        if isinstance(ready, Refusal):
            return ready
        if click and not await self.store.first_time(f"undo:{run_id}:{click}", CLICK_REMEMBERED):
            return await self._click_handled_before(run_id)
        started = self.monotonic()
        undoing = await self._record_intent(run, RunState.UNDOING, undone_by=by, note="")
        if undoing is None:
            return await self._finish_step(await self._run(run_id))
        await self._finish_step(undoing)
        if other := await self._reserve(undoing):
            return await self._undo_failed(undoing, f"change {other} has reserved the resource")
        sent = await self._send(ready, started)
        if sent.refused_outright:
            return await self._undo_failed(undoing, f"AWS refused: {sent.refused}")
        return await self._confirm_undone(await self._context(undoing))

    # --- before the intent is recorded ----------------------------------------------------------

    async def _ready_to_apply(self, run: Run) -> _Ready | Refusal:
        """Ask whether it may still be made, plan again, reserve the target, ask the guards, assume
        the write role.

        Raises ConfigError, ReadFailed or WriteRefused; nothing was sent then.
        """
        context = await self._context(run)
        who = await self.still_allowed(context)
        if isinstance(who, Refusal):
            return who
        if refusal := await self.evidence_refusal(run):
            return refusal
        scope = await self._scope(context)
        plan, at = await self._read(
            context, lambda aws: (context.action.replan(aws, scope, context.plan), aws.now())
        )
        holder = await self._reserve(run)
        if refusal := await self._first_refusal(
            guards.APPLY, context, plan=plan, holder=holder, who=who
        ):
            return refusal
        writer = await self.offload(partial(self.writer, context.service, run))
        return _Ready(context.plan.steps, writer, at)

    async def _ready_to_undo(self, run: Run, by: str) -> _Ready | Refusal:
        """Ask the guards, check that nobody changed the resource since, assume the write role.

        Raises ConfigError, ReadFailed or WriteRefused; nothing was sent then.
        """
        context = await self._context(run)
        holder = None if run.state not in ENDED else await self._reserve(run)
        if refusal := await self._first_refusal(
            guards.UNDO, context, plan=run.plan, actor=by, holder=holder
        ):
            return refusal
        seen, at = await self._observe(context)
        if canonical(seen.state) != canonical(context.plan.after):
            return Refusal(_changed_since(context.plan, seen.state))
        if conflict := context.action.ownership_conflict(context.plan, seen, run.results):
            return Refusal(f"Not undone: {conflict}")
        undone_by = run.model_copy(update={"undone_by": by})
        writer = await self.offload(partial(self.writer, context.service, undone_by))
        return _Ready(context.action.undo_steps(context.plan, seen), writer, at)

    async def _nothing_sent(self, run: Run, fault: IncidentHelperError) -> NextStep | None:
        """A failed read that may succeed later is tried again while the approval is valid."""
        transient = isinstance(fault, ReadFailed) and fault.reason in _TRANSIENT
        if transient and run.expires_at and await self.store.now() < run.expires_at:
            if redact(str(fault)) != run.note:
                await self.store.move_run(run.id, (run.state,), run.state, note=str(fault))
            return NextStep(StepName.APPLY, self.timeouts.poll)
        return await self._end(run, RunState.REFUSED, f"Nothing was sent: {fault}")

    async def _click_handled_before(self, run_id: str) -> NextStep | Refusal | None:
        run = await self._run(run_id)
        if run.state in (RunState.UNDOING, RunState.UNDONE):
            return await self._finish_step(run)
        return Refusal(f"This click was handled before. {run.note} Press Undo to try again.")

    # --- recording and sending ------------------------------------------------------------------

    async def _record_intent(self, run: Run, to: RunState, **fields: Any) -> Run | None:
        """Move the run to RUNNING or UNDOING; None when another worker moved it first."""
        deadline = await self.store.now() + timedelta(seconds=self.timeouts.in_flight)
        return await self.store.move_run(run.id, (run.state,), to, deadline=deadline, **fields)

    async def _send(self, ready: _Ready, started: float) -> _Sent:
        """Send each call once, in order; none after `Timeouts.sending` is over."""
        results: list[dict[str, Any]] = []
        for step in ready.steps:
            if self.monotonic() - started > self.timeouts.sending:
                return _Sent(tuple(results), complete=False)
            try:
                reply = await self.offload(partial(ready.writer.write, step))
            except WriteRefused as refusal:
                return _Sent(tuple(results), complete=False, refused=str(refusal))
            except WriteAmbiguous:
                return _Sent(tuple(results), complete=False)
            results.append(trim_reply(reply))
        return _Sent(tuple(results), complete=True)

    # --- reading back ---------------------------------------------------------------------------

    async def _confirm_applied(self, context: RunContext) -> NextStep | None:
        """The calls may have been sent: read back what they did. Sends nothing."""
        plan, run = context.plan, context.run
        found = await self._read_back(context, goal=plan.after, start=plan.before)
        match found.result:
            case _ReadBackResult.IN_EFFECT:
                return await self._move(run, RunState.SETTLING, applied_at=found.at)
            case _ReadBackResult.NO_EFFECT:
                note = f"{plan.target} is as it was before: the change was not applied."
                return await self._end(run, RunState.REFUSED, f"{note} You can ask for it again.")
            case _ReadBackResult.DRIFTED:
                note = f"{plan.target} is neither as before nor as planned: {found.difference}."
                return await self._end(run, RunState.DRIFTED, note)
            case _ReadBackResult.UNKNOWN:
                return NextStep(StepName.APPLY, self.timeouts.poll)

    async def _confirm_undone(self, context: RunContext) -> NextStep | None:
        """The inverse calls may have been sent: read back what they did. Sends nothing."""
        plan, run = context.plan, context.run
        found = await self._read_back(context, goal=plan.before, start=plan.after)
        match found.result:
            case _ReadBackResult.IN_EFFECT:
                return await self._move(run, RunState.UNDONE, undone_at=found.at)
            case _ReadBackResult.NO_EFFECT:
                return await self._undo_failed(run, "the change is still in force")
            case _ReadBackResult.DRIFTED:
                note = f"{plan.target} is neither as before nor as changed: {found.difference}."
                return await self._end(run, RunState.DRIFTED, note)
            case _ReadBackResult.UNKNOWN:
                return NextStep(StepName.UNDO, self.timeouts.poll)

    async def _read_back(
        self, context: RunContext, *, goal: Mapping[str, Any], start: Mapping[str, Any]
    ) -> _ReadBack:
        """Compare the resource with the state the calls lead to and the state they start from."""
        try:
            seen, at = await self._observe(context)
        except ReadFailed as fault:
            text = f"{context.plan.target} could not be read back yet ({fault}); trying again."
            await self._note(context.run, "note", text)
            return _ReadBack(_ReadBackResult.UNKNOWN)
        if canonical(seen.state) == canonical(goal):
            return _ReadBack(_ReadBackResult.IN_EFFECT, at)
        wait = timedelta(seconds=context.plan.settles_within if seen.changing else 0)
        deadline = context.run.deadline
        if deadline and await self.store.now() < deadline + wait:
            return _ReadBack(_ReadBackResult.UNKNOWN)
        if canonical(seen.state) == canonical(start):
            return _ReadBack(_ReadBackResult.NO_EFFECT, at)
        return _ReadBack(_ReadBackResult.DRIFTED, at, guards.difference(goal, seen.state))

    async def _observe(self, context: RunContext) -> tuple[Observed, datetime]:
        """The resource as it is now, and AWS's time. Raises ReadFailed."""
        return await self._read(
            context, lambda aws: (context.action.observe(aws, context.plan), aws.now())
        )

    async def _undo_failed(self, run: Run, reason: str) -> NextStep | None:
        """The change stays in force; the note has the commands to undo it by hand."""
        note = f"Not undone: {reason}."
        if run.plan and run.plan.inverse:
            note += f" By hand: {undo_command(run)}"
        await self._note(run, "undo", note)
        answer = run.verification or Verification(
            answer=Answer.INCONCLUSIVE,
            text="verification was stopped by an undo that failed",
            at=await self.store.now(),
        )
        return await self._move(run, RunState.DONE, note=note, verification=answer)

    # --- checking again -------------------------------------------------------------------------

    async def _check_again(self, run: Run, answer: Verification, step: StepName) -> NextStep | None:
        """No answer yet: store the progress if it is new, and take the same step again."""
        if redact(answer.text) != run.note:
            await self.store.move_run(run.id, (run.state,), run.state, note=answer.text)
        return NextStep(step, self.timeouts.poll)

    async def _inconclusive(self, context: RunContext, fault: ReadFailed) -> Verification:
        """A failed read as an answer: nothing is known."""
        try:
            at = await self._read(context, lambda aws: aws.now())
        except ReadFailed:
            at = await self.store.now()
        return Verification(answer=Answer.INCONCLUSIVE, text=f"not known: {fault}", at=at)


def _seconds_since(then: datetime | None, now: datetime) -> float:
    return (now - then).total_seconds() if then else 0.0


def _not_in_force(answer: Verification, plan: Plan) -> Verification:
    """The final answer on a change that did not come into force in time."""
    if answer.answer is Answer.NO:
        return answer
    minutes = 2 * plan.settles_within / 60
    text = f"not confirmed after {minutes:.0f} minutes: {answer.text}"
    return answer.model_copy(update={"text": text})


def _changed_since(plan: Plan, seen: Mapping[str, Any]) -> str:
    if canonical(seen) == canonical(plan.before):
        return f"{plan.target} is already as it was before the change; there is nothing to undo."
    what = guards.difference(plan.after, seen)
    return (
        f"Not undone: {plan.target} was changed since ({what}), and undoing would overwrite that. "
        "Look at the resource and decide by hand."
    )
