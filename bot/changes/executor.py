"""The steps of a guarded change that act: apply, settle, verify, undo.

Every method is one step of a run. It is safe to call it twice, from two workers at once, or again
after the process was killed or stopped in the middle, because of two rules:

* Only the worker that moves the run to RUNNING (or UNDOING) by compare-and-set sends its calls. A
  worker that finds the run RUNNING sends nothing: it reads the resource back and tells whether the
  change was applied, was not applied, or left a state that is neither (drifted).
* A call leaves within `Timeouts.sending` of the recorded intent or not at all, and reading back
  says "not applied" only when AWS would refuse the call by its signature (`Timeouts.in_flight`).

`bot.changes.sending` has the order of things and why. A method returns the next step and when to
take it (`NextStep`), None when there is none, or a `Refusal` for the person who pressed the button.
The caller schedules; no method waits.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from bot.changes import guards
from bot.changes.approval import Approval
from bot.changes.engine import ENDED, TRANSIENT, NextStep, RunContext, StepName, Timeouts, next_step
from bot.changes.sending import Ready, Sent
from bot.changes.undo import Undo
from bot.domain.errors import ConfigError, IncidentHelperError, ReadFailed, WriteRefused
from bot.domain.plan import Plan
from bot.domain.policy import Refusal
from bot.domain.redaction import redact
from bot.domain.run import Answer, Run, RunState, Verification

__all__ = ["ENDED", "ChangeExecutor", "NextStep", "StepName", "Timeouts", "next_step"]


class ChangeExecutor(Approval, Undo):
    """All steps of a run: those up to approval (`bot.changes.approval`) and those that act."""

    async def apply(self, run_id: str) -> NextStep | None:
        """Send the calls of an approved run, each once.

        First everything slow (plan again, guards, write role), then the intent is recorded, then
        the resource is looked at a last time and the calls are sent. A run that is RUNNING already
        is read back instead.
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
        intent = await self._record_intent(run, RunState.RUNNING, ready)
        if intent is None:
            return await self._finish_step(await self._run(run_id))
        await self._finish_step(intent.run)
        context = await self._context(intent.run)
        look = partial(self._unchanged, context)
        sent = await self._look_and_send(context, ready, intent, look)
        if sent.complete:
            return await self._accepted(context, sent)
        if sent.nothing:
            return await self._end(intent.run, RunState.REFUSED, _not_applied(sent))
        return await self._confirm_applied(context)

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

    # --- before the intent is recorded ----------------------------------------------------------

    async def _ready_to_apply(self, run: Run) -> Ready | Refusal:
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
        plan = await self._read(
            context, lambda aws: context.action.replan(aws, scope, context.plan)
        )
        holder = await self._reserve(run)
        if refusal := await self._first_refusal(
            guards.APPLY, context, plan=plan, holder=holder, who=who
        ):
            return refusal
        return await self._prepare_to_send(context, run)

    async def _nothing_sent(self, run: Run, fault: IncidentHelperError) -> NextStep | None:
        """A failed read that may succeed later is tried again while the approval is valid."""
        transient = isinstance(fault, ReadFailed) and fault.reason in TRANSIENT
        if transient and run.expires_at and await self.store.now() < run.expires_at:
            if redact(str(fault)) != run.note:
                await self.store.move_run(run.id, (run.state,), run.state, note=str(fault))
            return NextStep(StepName.APPLY, self.timeouts.poll)
        return await self._end(run, RunState.REFUSED, f"Nothing was sent: {fault}")

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


def _not_applied(sent: Sent) -> str:
    again = " Ask again to see the new plan." if sent.conflict else ""
    return f"Nothing was changed: {sent.nothing}.{again}"
