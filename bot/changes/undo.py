"""Undoing a guarded change: what was comes back, once, and nothing else is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from bot.changes import guards
from bot.changes.engine import ENDED, TRANSIENT, NextStep, RunContext, StepName
from bot.changes.reading_back import ReadingBack
from bot.changes.sending import LookedAt, Ready, Sending
from bot.changes.undo_approval import UNDO, UndoApproval, takes_two
from bot.domain.change_events import NOT_UNDONE
from bot.domain.errors import ConfigError, ReadFailed, WriteRefused
from bot.domain.plan import Plan, canonical
from bot.domain.playbook_contract import Observed
from bot.domain.policy import Refusal
from bot.domain.report import GapReason
from bot.domain.run import Run, RunState


class Undo(Sending, ReadingBack, UndoApproval):
    """The step that takes a change back."""

    async def undo(
        self, run_id: str, by: str | None = None, click: str = ""
    ) -> NextStep | Refusal | None:
        """Send the inverse calls once, if the resource is still as the change left it.

        Of a verified fix on a service of tier 1 a second person is asked for first.

        Args:
            run_id: the run to undo.
            by: Slack user id of whoever pressed Undo; None continues an undo that was begun.
            click: key of that press. A press that was handled before sends nothing: after an undo
                that failed, the button has to be pressed again.
        """
        run = await self._run(run_id)
        if run.state is RunState.UNDOING:
            return await self._confirm_undone(await self._context(run))
        if run.state is RunState.UNDO_APPROVED:
            return await self._undo_approved(run)
        if by is None or run.state in (RunState.UNDONE, RunState.UNDO_REQUESTED):
            return await self._finish_step(run)
        context = await self._context(run)
        if takes_two(context):
            return await self._request_undo(context, by, click)
        try:
            ready = await self._ready_to_undo(run, by)
        except (ConfigError, ReadFailed, WriteRefused) as fault:
            return Refusal(f"Not undone, nothing was sent: {fault}")
        if isinstance(ready, Refusal):
            return ready
        if not await self._first_press(run_id, click):
            return await self._click_handled_before(run_id)
        return await self._undo_now(run, ready, by)

    async def _undo_approved(self, run: Run) -> NextStep | None:
        """Send the inverse calls of an undo that a second person approved."""
        by = run.undone_by or ""
        try:
            ready = await self._ready_to_undo(run, by)
        except (ConfigError, ReadFailed, WriteRefused) as fault:
            transient = isinstance(fault, ReadFailed) and fault.reason in TRANSIENT
            if transient and run.undo_expires_at and await self.store.now() < run.undo_expires_at:
                return NextStep(StepName.UNDO, self.timeouts.poll)
            ready = Refusal(f"nothing was sent: {fault}")
        if isinstance(ready, Refusal):
            await self._kept(run, ready.reason.removeprefix(NOT_UNDONE), None)
            return await self._finish_step(await self._run(run.id))
        return await self._undo_now(run, ready, by)

    async def _undo_now(self, run: Run, ready: Ready, by: str) -> NextStep | None:
        """Record the intent, look a last time, send."""
        intent = await self._record_intent(run, RunState.UNDOING, ready, undone_by=by, note="")
        if intent is None:
            return await self._finish_step(await self._run(run.id))
        await self._finish_step(intent.run)
        if other := await self._reserve(intent.run):
            reason = f"change {other} has reserved the resource"
            return await self._undo_failed(intent.run, reason)
        context = await self._context(intent.run)
        look = partial(self._still_as_changed, context)
        sent = await self._look_and_send(context, ready, intent, look)
        if sent.nothing:
            return await self._undo_failed(intent.run, sent.nothing, by_hand=not sent.conflict)
        following = await self._confirm_undone(context)
        return await self._accepted_undo(context, following) if sent.complete else following

    async def _ready_to_undo(self, run: Run, by: str) -> Ready | Refusal:
        """Ask the guards, check that nobody changed the resource since, assume the write role.

        Raises ConfigError, ReadFailed or WriteRefused; nothing was sent then.
        """
        context = await self._context(run)
        reserved = run.state not in ENDED and run.state is not RunState.UNDO_APPROVED
        holder = None if reserved else await self._reserve(run)
        who = await self.who(by, run.undo_approved_by, run.requested_by, run.approved_by)
        if refusal := await self._first_refusal(
            UNDO, context, plan=run.plan, actor=by, holder=holder, who=who
        ):
            if run.state is RunState.UNDO_APPROVED and who.directory.transient:
                why = f"I can't ask Slack who may act ({who.directory.transient})."
                raise ReadFailed(GapReason.TIMEOUT, why)
            return refusal
        seen, _ = await self._observe(context)
        if conflict := self._still_as_changed(context, seen).conflict:
            return Refusal(f"{NOT_UNDONE}{conflict}.")
        return await self._prepare_to_send(context, run.model_copy(update={"undone_by": by}))

    def _still_as_changed(self, context: RunContext, seen: Observed) -> LookedAt:
        """The look before an undo: the resource is as this change left it, and nobody else's."""
        plan, action = context.plan, context.action
        if canonical(seen.state) != canonical(plan.after):
            return LookedAt(conflict=_changed_since(plan, seen.state))
        if conflict := action.ownership_conflict(plan, seen, context.run.results):
            return LookedAt(conflict=conflict.removesuffix("."))
        return LookedAt(action.undo_steps(plan, seen))

    async def _accepted_undo(
        self, context: RunContext, following: NextStep | None
    ) -> NextStep | None:
        """AWS accepted the inverse calls: see to it that the record says what is true.

        Another worker may have recorded meanwhile that the change is still in force.
        """
        plan = context.plan
        stored = await self._run(context.run.id)
        if stored.state is not RunState.DONE:
            return following
        try:
            seen, at = await self._observe(context)
        except ReadFailed as fault:
            note = f"AWS accepted the undo after it was recorded as failed; not read back: {fault}"
            return await self._end(stored, RunState.DRIFTED, note)
        if canonical(seen.state) == canonical(plan.before):
            note = "AWS accepted the undo after it was recorded as failed."
            return await self._move(stored, RunState.UNDONE, undone_at=at, note=note)
        if canonical(seen.state) == canonical(plan.after):
            return await self._finish_step(stored)
        found = guards.difference(plan.before, seen.state)
        note = f"AWS accepted the undo late, and {plan.target} is not as it was before: {found}."
        return await self._end(stored, RunState.DRIFTED, note)


def _changed_since(plan: Plan, seen: Mapping[str, Any]) -> str:
    if canonical(seen) == canonical(plan.before):
        return f"{plan.target} is already as it was before the change; there is nothing to undo"
    what = guards.difference(plan.after, seen)
    return (
        f"{plan.target} was changed since ({what}), and undoing would overwrite that. "
        "Look at the resource and decide by hand"
    )
