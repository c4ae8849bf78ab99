"""Reading a resource back when it is not known whether the calls were sent. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.changes import guards
from bot.changes.engine import NextStep, RunContext, RunSteps, StepName
from bot.domain.change_events import NOT_UNDONE, STOPPED_BY_UNDO
from bot.domain.change_wording import undo_by_hand
from bot.domain.errors import ReadFailed
from bot.domain.plan import canonical
from bot.domain.run import Answer, Run, RunState, Verification

NOT_KNOWN_YET = "Whether the call reached AWS is not known yet."


class _Result(StrEnum):
    IN_EFFECT = "in effect"  # the resource is as the calls should leave it
    NO_EFFECT = "no effect"  # the resource is as it was before the calls
    DRIFTED = "drifted"  # neither
    UNKNOWN = "unknown"  # too early to tell, or the read failed


@dataclass(frozen=True, slots=True)
class _ReadBack:
    result: _Result
    at: datetime | None = None  # AWS time
    difference: str = ""


class ReadingBack(RunSteps):
    """The part of a step that finds out what calls did that somebody else may have sent."""

    async def _confirm_applied(self, context: RunContext) -> NextStep | None:
        """The calls may have been sent: read back what they did."""
        plan, run = context.plan, context.run
        found = await self._read_back(context, goal=plan.after, start=plan.before)
        match found.result:
            case _Result.IN_EFFECT:
                return await self._move(run, RunState.SETTLING, applied_at=found.at, note="")
            case _Result.NO_EFFECT:
                note = f"{plan.target} is as it was before: the change was not applied."
                return await self._end(run, RunState.REFUSED, f"{note} You can ask for it again.")
            case _Result.DRIFTED:
                note = f"{plan.target} is neither as before nor as planned: {found.difference}."
                return await self._end(run, RunState.DRIFTED, note)
            case _Result.UNKNOWN:
                return await self._ask_again(run, StepName.APPLY)

    async def _confirm_undone(self, context: RunContext) -> NextStep | None:
        """The inverse calls may have been sent: read back what they did."""
        plan, run = context.plan, context.run
        found = await self._read_back(context, goal=plan.before, start=plan.after)
        match found.result:
            case _Result.IN_EFFECT:
                return await self._move(run, RunState.UNDONE, undone_at=found.at, note="")
            case _Result.NO_EFFECT:
                return await self._undo_failed(run, "the change is still in force")
            case _Result.DRIFTED:
                note = f"{plan.target} is neither as before nor as changed: {found.difference}."
                return await self._end(run, RunState.DRIFTED, note)
            case _Result.UNKNOWN:
                return await self._ask_again(run, StepName.UNDO)

    async def _read_back(
        self, context: RunContext, *, goal: Mapping[str, Any], start: Mapping[str, Any]
    ) -> _ReadBack:
        """Compare the resource with the state the calls lead to and the state they start from.

        As long as a call may still take effect (until the run's deadline), only the first says
        anything.
        """
        try:
            seen, at = await self._observe(context)
        except ReadFailed as fault:
            text = f"{context.plan.target} could not be read back yet ({fault}); trying again."
            await self._note(context.run, "note", text)
            return _ReadBack(_Result.UNKNOWN)
        if canonical(seen.state) == canonical(goal):
            return _ReadBack(_Result.IN_EFFECT, at)
        wait = timedelta(seconds=context.plan.settles_within if seen.changing else 0)
        deadline = context.run.deadline
        if deadline and await self.store.now() < deadline + wait:
            return _ReadBack(_Result.UNKNOWN)
        if canonical(seen.state) == canonical(start):
            return _ReadBack(_Result.NO_EFFECT, at)
        return _ReadBack(_Result.DRIFTED, at, guards.difference(goal, seen.state))

    async def _ask_again(self, run: Run, step: StepName) -> NextStep:
        """Say that it is not known yet, once, and read back again later."""
        if run.note != NOT_KNOWN_YET:
            await self.store.move_run(run.id, (run.state,), run.state, note=NOT_KNOWN_YET)
        return NextStep(step, self.timeouts.poll)

    async def _undo_failed(self, run: Run, reason: str, *, by_hand: bool = True) -> NextStep | None:
        """The change stays in force; the note has the commands to undo it by hand.

        Not where the commands would overwrite what somebody else did (`by_hand` is False).
        """
        note = f"{NOT_UNDONE}{reason}.{undo_by_hand(run) if by_hand else ''}"
        await self._note(run, "undo", note)
        answer = run.verification or Verification(
            answer=Answer.INCONCLUSIVE,
            text=STOPPED_BY_UNDO,
            at=await self.store.now(),
        )
        return await self._move(run, RunState.DONE, note=note, verification=answer)
