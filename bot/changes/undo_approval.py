"""Undoing a fix that holds, on a service of tier 1, takes a second person.

Undoing brings the incident back: on the most critical services nobody does that alone at 3 AM.
Whoever asks is told whether the fix holds now and what undoing would do; somebody else, who may
approve the action, approves or keeps the fix.
"""

from __future__ import annotations

from datetime import timedelta

from bot.changes import guards
from bot.changes.engine import NextStep, RunContext, RunSteps
from bot.changes.guards import Request
from bot.domain.change_events import NOT_UNDONE
from bot.domain.change_wording import same_value_is_noticed, undo_by_hand
from bot.domain.errors import ReadFailed
from bot.domain.policy import Refusal, may_approve
from bot.domain.run import Answer, Run, RunState

CLICK_REMEMBERED = 86_400
"""Seconds a press of Undo is remembered; Slack and the queue stop retrying long before."""
MOST_CRITICAL = 1  # the tier
HOLDING = {
    Answer.YES: "The fix is holding",
    Answer.NO: "The service is not well now, with the fix in force",
    Answer.INCONCLUSIVE: "Whether the fix is holding is not known now",
}


def takes_two(context: RunContext) -> bool:
    """Whether undoing this run takes a second person."""
    run = context.run
    verified = run.verification is not None and run.verification.answer is Answer.YES
    return run.state is RunState.DONE and verified and context.service.tier == MOST_CRITICAL


def actor_may_approve_undo(request: Request) -> Refusal | None:
    """Whoever pressed the button may approve the action, and did not ask for the undo."""
    if request.actor is None:
        return Refusal("The request does not say who approves this undo.")
    if request.actor == request.run.undone_by:
        return Refusal("You asked for this undo: a second person has to approve it.")
    return guards.said_to(request, request.actor, may_approve)


def undo_was_approved(request: Request) -> Refusal | None:
    """The person who approved the undo still may; of an undo that needs no second person: true."""
    if request.run.state is not RunState.UNDO_APPROVED:
        return None
    if request.run.undo_approved_by is None:
        return Refusal("Nobody has approved this undo.")
    if request.run.undo_approved_by == request.run.undone_by:
        return Refusal("A second person has to approve this undo.")
    return guards.said_of(request, request.run.undo_approved_by, may_approve, "approve this undo")


def undo_not_expired(request: Request) -> Refusal | None:
    """The request to undo has not expired, by the store's clock."""
    if request.run.state not in (RunState.UNDO_REQUESTED, RunState.UNDO_APPROVED):
        return None
    expires = request.run.undo_expires_at
    if expires is None or request.now >= expires:
        return Refusal("The request to undo has expired; press Undo again.")
    return None


APPROVE_UNDO: tuple[guards.Guard, ...] = (  # a fault in the audit chain does not stop an undo
    guards.policy_is_readable,
    guards.in_state(RunState.UNDO_REQUESTED),
    actor_may_approve_undo,
    undo_not_expired,
)
UNDO: tuple[guards.Guard, ...] = (*guards.UNDO, undo_was_approved, undo_not_expired)


class UndoApproval(RunSteps):
    """The steps of an undo that a second person has to approve, up to that approval."""

    async def approve_undo(self, run_id: str, by: str) -> NextStep | Refusal | None:
        """Approve the undo that somebody else asked for; only a second person may."""
        run = await self._run(run_id)
        if run.undo_approved_by == by and run.state is not RunState.UNDO_REQUESTED:
            return await self._finish_step(run)
        context = await self._context(run)
        if refusal := await self._first_refusal(APPROVE_UNDO, context, plan=run.plan, actor=by):
            return refusal
        approved = await self.store.approve_undo(run_id, by)
        if approved is None:
            return Refusal("Somebody else acted first, or the request has just expired.")
        return await self._finish_step(approved)

    async def keep(self, run_id: str, by: str) -> NextStep | Refusal | None:
        """Reject the undo, as an approver or as whoever asked for it: the change stays."""
        run = await self._run(run_id)
        if run.state is RunState.DONE:
            return await self._finish_step(run)
        context = await self._context(run)
        if by != run.undone_by:
            refusal = await self._first_refusal(guards.REJECT, context, plan=run.plan, actor=by)
            if refusal:
                return refusal
        if await self._kept(run, f"<@{by}> decided not to undo it.", by):
            return None
        state = (await self._run(run_id)).state.value
        return Refusal(f"Too late to keep it: the change is {state}.")

    async def _request_undo(
        self, context: RunContext, by: str, click: str
    ) -> NextStep | Refusal | None:
        """Ask for a second person; the guards of an undo are asked before and after."""
        run = context.run
        holder = await self._reserve(run)
        if refusal := await self._first_refusal(
            guards.UNDO, context, plan=run.plan, actor=by, holder=holder
        ):
            return refusal
        approvers = await self.approvers(run, context.incident)
        if approvers is not None and not {*approvers} - {by}:
            return Refusal(
                "Undoing a verified fix on tier 1 takes a second person, and the policy names "
                f"nobody else.{undo_by_hand(run)}"
            )
        if not await self._first_press(run.id, click):
            return await self._click_handled_before(run.id)
        expires = await self.store.now() + timedelta(seconds=self.timeouts.approval)
        asked = await self.store.move_run(
            run.id,
            (RunState.DONE,),
            RunState.UNDO_REQUESTED,
            undone_by=by,
            undo_expires_at=expires,
            note=await self._what_undoing_does(context),
        )
        if asked is None:
            return await self._finish_step(await self._run(run.id))
        if other := await self._reserve(asked):
            note = f"change {other} has reserved the resource."
            await self._kept(asked, note, None)
            return Refusal(f"{NOT_UNDONE}{note}")
        return await self._finish_step(asked)

    async def _first_press(self, run_id: str, click: str) -> bool:
        """Whether this press of Undo was not handled before; one without a key never was."""
        return not click or await self.store.first_time(f"undo:{run_id}:{click}", CLICK_REMEMBERED)

    async def _click_handled_before(self, run_id: str) -> NextStep | Refusal | None:
        run = await self._run(run_id)
        if run.state in (RunState.UNDO_REQUESTED, RunState.UNDOING, RunState.UNDONE):
            return await self._finish_step(run)
        return Refusal(f"This click was handled before. {run.note} Press Undo to try again.")

    async def _what_undoing_does(self, context: RunContext) -> str:
        """Whether the fix holds at this moment, and what undoing would do, in two sentences."""
        try:
            now = await self.detector(context.run)
            holds = f"{HOLDING[now.answer]}: {now.text.removesuffix('.')}."
        except ReadFailed as fault:
            holds = f"{HOLDING[Answer.INCONCLUSIVE]}: {fault}"
        plan = context.plan
        does = f"Undoing sets {guards.difference(plan.after, plan.before)}."
        if same_value_is_noticed(context.run):
            return f"{holds} {does}"
        return f"{holds} {does} Whether somebody has set the same value again since is not known."

    async def _kept(self, run: Run, note: str, by: str | None) -> bool:
        """The change stays in force. False when another worker moved the run first."""
        waiting = (RunState.UNDO_REQUESTED, RunState.UNDO_APPROVED)
        moved = await self.store.move_run(
            run.id, waiting, RunState.DONE, actor=by or "bot", note=f"{NOT_UNDONE}{note}"
        )
        if moved is None:
            return False
        await self._note(moved, "undo", f"{NOT_UNDONE}{note}", by)
        await self._finish_step(moved)
        return True

    async def _expire_undo(self, run: Run) -> NextStep | None:
        """End a request to undo that nobody approved in time."""
        if run.undo_expires_at is None or await self.store.now() >= run.undo_expires_at:
            note = f"nobody approved the undo in time; the change stays.{undo_by_hand(run)}"
            await self._kept(run, note, None)
            run = await self._run(run.id)
        return await self._finish_step(run)
