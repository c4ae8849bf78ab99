"""The steps of a guarded change before anything is sent: preview, request, approval."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from bot.changes import guards
from bot.changes.conditions import Conditions
from bot.changes.engine import NextStep
from bot.changes.preflight import examined
from bot.changes.undo_approval import UndoApproval
from bot.domain.errors import ConfigError, ReadFailed
from bot.domain.plan import Choice
from bot.domain.policy import Refusal, may_break_glass
from bot.domain.run import Run, RunState


class Approval(Conditions, UndoApproval):
    """The steps of a run up to its approval, rejection or expiry. None of them changes AWS."""

    async def begin(
        self, run_id: str, incident: str, action: str, by: str, choice: Choice | None = None
    ) -> NextStep | Refusal | None:
        """Create the run for the preview of an action.

        Args:
            run_id: id of the new run; a run that has it already is kept unchanged.
            incident: id of the incident the action was offered for.
            action: id of the action.
            by: Slack user id of whoever asks.
            choice: what the cause's evidence or this person chose for the plan.

        Returns:
            The next step, or a refusal when the policy does not let this person ask.
        """
        run = Run(
            id=run_id,
            incident=incident,
            action=action,
            state=RunState.PREPARING,
            requested_by=by,
            choice=choice,
            objection=await self.objection_to(incident, action),
        )
        context = await self._context(run)
        if refusal := await self._first_refusal(guards.BEGIN, context, plan=None, actor=by):
            return refusal
        return await self._finish_step(await self.store.create_run(run))

    async def prepare(self, run_id: str) -> NextStep | None:
        """Compute the plan shown in the preview, from the present state in AWS."""
        run = await self._run(run_id)
        if run.state is not RunState.PREPARING:
            return await self._finish_step(run)
        try:
            rests_on = await self.basis_now(run)
            context = await self._context(run)
            scope = await self._scope(context)
            plan = await self._read(
                context, lambda aws: context.action.plan(aws, scope, run.choice)
            )
        except (ConfigError, ReadFailed) as fault:
            return await self._end(run, RunState.REFUSED, f"No plan could be made: {fault}")
        if plan is None:
            return await self._end(run, RunState.REFUSED, "There is nothing to change.")
        denied = partial(self.denied, context.service, plan)
        plan = await self.offload(partial(examined, plan, context.action, denied))
        return await self._move(
            run, RunState.PROPOSED, plan=plan, fingerprint=plan.fingerprint, basis=rests_on
        )

    async def request(self, run_id: str, by: str, reason: str = "") -> NextStep | Refusal | None:
        """Request approval of the plan that was shown, and reserve its target.

        Args:
            run_id: the run that was previewed.
            by: Slack user id of whoever asks.
            reason: why, in their words; it stands in the thread and in the audit entry.
        """
        run = await self._run(run_id)
        if run.state is RunState.REQUESTED and run.requested_by == by:
            return await self._finish_step(run)
        context = await self._context(run)
        latest = await self.objection_to(run.incident, run.action)
        who = await self.who(by)
        if refusal := await self._first_refusal(
            guards.REQUEST, context, plan=run.plan, actor=by, objection=latest, who=who
        ):
            return refusal
        if refusal := await self.stored_evidence_refusal(run):
            return refusal
        alone = may_break_glass(who.policy, by, run.action, context.service) is None
        now = await self.store.now()
        requested = await self.store.move_run(
            run_id,
            (RunState.PROPOSED,),
            RunState.REQUESTED,
            actor=by,
            reason=reason,
            objection=latest if latest is None or latest.complete else run.objection,
            may_break_glass=alone and not (latest and latest.refuted),
            requested_at=now,
            expires_at=now + timedelta(seconds=self.timeouts.approval),
        )
        if requested is None:
            return Refusal("Somebody else acted first; the card shows the present state.")
        if holder := await self._reserve(requested):
            note = f"Another change of {context.plan.target} is pending ({holder})."
            await self._end(requested, RunState.REFUSED, note)
            return Refusal(note)
        return await self._finish_step(requested)

    async def approve(self, run_id: str, by: str) -> NextStep | Refusal | None:
        """Approve exactly the plan that was shown; only a second person may."""
        run = await self._run(run_id)
        if run.approved_by == by:
            return await self._finish_step(run)
        return await self._approve(run, by, guards.APPROVE)

    async def break_glass(self, run_id: str, by: str, reason: str) -> NextStep | Refusal | None:
        """Approve one's own request, for a reason, when no second person is there.

        Only a role with `break_glass` allows it, and never for what the evidence refutes. The
        reason stands in the audit entry, the timeline and the change's message.
        """
        run = await self._run(run_id)
        if run.approved_by == by:
            return await self._finish_step(run)
        return await self._approve(run, by, guards.BREAK_GLASS, " ".join(reason.split()))

    async def may_approve_alone(self, run_id: str, by: str) -> Refusal | None:
        """Why this person may not approve the change alone, whatever the reason; None: they may."""
        run = await self._run(run_id)
        latest = await self.objection_to(run.incident, run.action)
        return await self._first_refusal(
            guards.BREAK_GLASS,
            await self._context(run),
            plan=run.plan,
            actor=by,
            objection=latest,
            reason="x" * guards.LEAST_REASON,
        )

    async def _approve(
        self, run: Run, by: str, guard_list: tuple[guards.Guard, ...], reason: str = ""
    ) -> NextStep | Refusal | None:
        context = await self._context(run)
        latest = await self.objection_to(run.incident, run.action)
        if refusal := await self._first_refusal(
            guard_list, context, plan=run.plan, actor=by, objection=latest, reason=reason
        ):
            return refusal
        if refusal := await self.stored_evidence_refusal(run):
            await self._end(run, RunState.REFUSED, refusal.reason)
            return refusal
        approved = await self.store.approve(
            run.id, by, run.fingerprint or "", run.objection, break_glass=reason
        )
        if approved is None:
            return Refusal("Somebody else acted first, or the request has just expired.")
        return await self._finish_step(approved)

    async def reject(self, run_id: str, by: str, reason: str = "") -> Refusal | None:
        """Reject the change, as an approver or as its requester; possible until calls are sent.

        `reason` stands in the thread and in the audit entry.
        """
        run = await self._run(run_id)
        if run.state is RunState.REJECTED:
            await self._finish_step(run)
            return None
        context = await self._context(run)
        if by != run.requested_by:
            refusal = await self._first_refusal(guards.REJECT, context, plan=run.plan, actor=by)
            if refusal:
                return refusal
        rejectable = (RunState.PROPOSED, RunState.REQUESTED, RunState.APPROVED)
        why = f": “{reason}”" if reason else "."
        note = f"<@{by}> rejected this change{why}"
        moved = await self.store.move_run(
            run_id, rejectable, RunState.REJECTED, actor=by, note=note
        )
        if moved is None:
            state = (await self._run(run_id)).state.value
            return Refusal(f"Too late to reject: the change is {state}.")
        await self._finish_step(moved)
        return None

    async def expire(self, run_id: str) -> NextStep | None:
        """End a request that nobody approved before it expired."""
        run = await self._run(run_id)
        if run.state is RunState.UNDO_REQUESTED:
            return await self._expire_undo(run)
        late = run.expires_at is not None and await self.store.now() >= run.expires_at
        if run.state is RunState.REQUESTED and late:
            return await self._end(run, RunState.EXPIRED, "Nobody approved it in time.")
        return await self._finish_step(run)
