"""Guarded changes up to approval: prepared, proposed, requested, approved, rejected, expired."""

from __future__ import annotations

from datetime import timedelta

from bot.changes import guards
from bot.changes.engine import Next, RunSteps
from bot.domain.errors import ConfigError, ReadFailed
from bot.domain.policy import Refusal, may_approve, may_request
from bot.domain.run import Run, RunState


class Approval(RunSteps):
    """The steps of a run that send nothing."""

    async def begin(
        self, run_id: str, incident: str, action: str, by: str
    ) -> Next | Refusal | None:
        """Somebody wants to see what an action would do. The same id twice is the same run."""
        run = Run(
            id=run_id,
            incident=incident,
            action=action,
            state=RunState.PREPARING,
            requested_by=by,
        )
        case = await self._case(run)
        if refusal := may_request(self.policy(), by, action, case.service):
            return refusal
        return await self._arrived(await self.store.create_run(run))

    async def prepare(self, run_id: str) -> Next | None:
        """Compute the plan for the preview, from the world as it is now."""
        run = await self._run(run_id)
        if run.state is not RunState.PREPARING:
            return await self._arrived(run)
        try:
            case = await self._case(run)
            scope = await self._scope(case)
            plan = await self._read(case, lambda aws: case.action.plan(aws, scope))
        except (ConfigError, ReadFailed) as fault:
            return await self._end(run, RunState.REFUSED, f"No plan could be made: {fault}")
        if plan is None:
            return await self._end(run, RunState.REFUSED, "There is nothing to do here.")
        return await self._move(run, RunState.PROPOSED, plan=plan, fingerprint=plan.fingerprint)

    async def request(self, run_id: str, by: str) -> Next | Refusal | None:
        """Ask for approval of the plan that was shown."""
        run = await self._run(run_id)
        if run.state is RunState.REQUESTED and run.requested_by == by:
            return await self._arrived(run)
        case = await self._case(run)
        if refusal := await self._refusal(guards.REQUEST, case, plan=run.plan, actor=by):
            return refusal
        now = await self.store.now()
        asked = await self.store.move(
            run_id,
            (RunState.PROPOSED,),
            RunState.REQUESTED,
            actor=by,
            requested_at=now,
            expires_at=now + timedelta(seconds=self.timeouts.approval),
        )
        if asked is None:
            return Refusal("Somebody else was first; the card shows how it stands.")
        if holder := await self._reserve(asked):
            note = f"Another change of {case.plan.target} is pending ({holder})."
            await self._end(asked, RunState.REFUSED, note)
            return Refusal(note)
        return await self._arrived(asked)

    async def approve(self, run_id: str, by: str) -> Next | Refusal | None:
        """A second person agrees to exactly the plan that was shown."""
        run = await self._run(run_id)
        if run.approved_by == by:
            return await self._arrived(run)
        case = await self._case(run)
        if refusal := await self._refusal(guards.APPROVE, case, plan=run.plan, actor=by):
            return refusal
        approved = await self.store.approve(run_id, by, run.fingerprint or "")
        if approved is None:
            return Refusal("Somebody else was first, or the request expired just now.")
        return await self._arrived(approved)

    async def reject(self, run_id: str, by: str) -> Refusal | None:
        """An approver says no, or the requester thinks better of it; until the calls are sent."""
        run = await self._run(run_id)
        if run.state is RunState.REJECTED:
            await self._arrived(run)
            return None
        case = await self._case(run)
        refusal = may_approve(self.policy(), by, run.action, case.service)
        if refusal and by != run.requested_by:
            return refusal
        open_to_it = (RunState.PROPOSED, RunState.REQUESTED, RunState.APPROVED)
        note = f"<@{by}> said no."
        moved = await self.store.move(run_id, open_to_it, RunState.REJECTED, actor=by, note=note)
        if moved is None:
            state = (await self._run(run_id)).state.value
            return Refusal(f"Too late to say no: the change is {state}.")
        await self._arrived(moved)
        return None

    async def expire(self, run_id: str) -> Next | None:
        """End a request nobody approved in time."""
        run = await self._run(run_id)
        late = run.expires_at is not None and await self.store.now() >= run.expires_at
        if run.state is RunState.REQUESTED and late:
            return await self._end(run, RunState.EXPIRED, "Nobody approved it in time.")
        return await self._arrived(run)
