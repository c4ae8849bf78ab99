"""Guarded changes: planned, requested, approved, sent once, read back, verified, undone.

Every method is one step of a run, safe to call twice, by two workers at once, or again after the
process was killed in the middle. Two rules make it so:

* Whoever moves the run to RUNNING (or UNDOING) by compare-and-set is the only one who ever sends
  its calls. Whoever finds a run RUNNING never sends: it reads AWS back, and tells applied from not
  applied from drifted.
* A sender stops before a call when it was held up (`Timeouts.sending`), and a reader says "not
  applied" only when a call that was being sent has landed or never will (`Timeouts.landing`).

A method answers with what should happen next and when (`Next`), None when nothing should, or a
`Refusal` for whoever pressed the button. The caller schedules; nothing here waits.
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
from bot.changes.engine import ENDED, Case, Next, Timeouts, Work, due
from bot.domain.change_wording import trim_reply, undo_command
from bot.domain.errors import (
    ConfigError,
    IncidentHelperError,
    ReadFailed,
    WriteAmbiguous,
    WriteRefused,
)
from bot.domain.plan import Plan, Step, canonical
from bot.domain.policy import Refusal
from bot.domain.ports import AwsWriter
from bot.domain.redaction import redact
from bot.domain.report import GapReason
from bot.domain.run import Answer, Run, RunState, Verification

__all__ = ["ENDED", "ChangeExecutor", "Next", "Timeouts", "Work", "due"]

CLICK_KEPT = 86_400
"""Seconds a press of Undo is known; Slack and the queue give up long before."""

_TRANSIENT = frozenset({GapReason.THROTTLED, GapReason.TIMEOUT})


@dataclass(frozen=True, slots=True)
class _Sent:
    """What came of sending; `refused` is AWS's no. Not complete: read back."""

    results: tuple[dict[str, Any], ...]
    complete: bool
    refused: str | None = None


class _ReadBackResult(StrEnum):
    LANDED = "landed"
    UNCHANGED = "unchanged"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"  # not yet, or could not be read


@dataclass(frozen=True, slots=True)
class _ReadBack:
    fate: _ReadBackResult
    at: datetime | None = None  # AWS time
    difference: str = ""


class ChangeExecutor(Approval):
    """A run's way, whole: what `bot.changes.approval` does up to approval, and the acting."""

    async def apply(self, run_id: str) -> Next | None:
        """Plan anew, ask the guards, record the intent, send each call once; or, where that was
        begun before, read back what came of it."""
        run = await self._run(run_id)
        if run.state is RunState.RUNNING:
            return await self._applied(await self._case(run))
        if run.state is not RunState.APPROVED:
            return await self._arrived(run)
        try:
            case = await self._case(run)
            scope = await self._scope(case)
            plan, at = await self._read(
                case, lambda aws: (case.action.replan(aws, scope, case.plan), aws.now())
            )
            holder = await self._reserve(run)
            refusal = await self._refusal(guards.APPLY, case, plan=plan, holder=holder)
            if refusal:
                return await self._end(run, RunState.REFUSED, refusal.reason)
            writer = await self.offload(partial(self.writer, case.service, run))
        except (ConfigError, ReadFailed, WriteRefused) as fault:
            return await self._not_begun(run, fault)
        begun = self.monotonic()
        deadline = await self._landing()
        running = await self.store.move(
            run_id, (RunState.APPROVED,), RunState.RUNNING, deadline=deadline
        )
        if running is None:
            return await self._arrived(await self._run(run_id))
        await self._arrived(running)
        sent = await self._send(writer, case.plan.steps, begun)
        if sent.complete:
            return await self._move(running, RunState.SETTLING, results=sent.results, applied_at=at)
        if sent.refused and not sent.results:
            return await self._end(running, RunState.REFUSED, f"AWS refused: {sent.refused}")
        return await self._applied(await self._case(running))

    async def settle(self, run_id: str) -> Next | None:
        """Is the change in force? Asked again until AWS says yes or no, or it took too long."""
        run = await self._run(run_id)
        if run.state is not RunState.SETTLING:
            return await self._arrived(run)
        case = await self._case(run)
        try:
            answer = await self._read(
                case, lambda aws: case.action.settled(aws, case.plan, run.results)
            )
        except ReadFailed as fault:
            answer = await self._unread(case, fault)
        if answer.answer is Answer.YES:
            return await self._move(run, RunState.VERIFYING, in_force_at=answer.at, note="")
        late = _since(run.applied_at, answer.at) > 2 * case.plan.settles_within
        if answer.answer is Answer.INCONCLUSIVE and not late:
            return await self._going_on(run, answer, Work.SETTLE)
        return await self._move(run, RunState.DONE, verification=_never(answer, case.plan), note="")

    async def verify(self, run_id: str) -> Next | None:
        """Ask the detector until it says yes or no, or time is up; inconclusive is never yes."""
        run = await self._run(run_id)
        if run.state is not RunState.VERIFYING:
            return await self._arrived(run)
        case = await self._case(run)
        try:
            answer = await self.detector(run)
        except ReadFailed as fault:
            answer = await self._unread(case, fault)
        late = _since(run.in_force_at or run.applied_at, answer.at) > self.timeouts.verify
        if answer.answer is Answer.INCONCLUSIVE and not late:
            return await self._going_on(run, answer, Work.VERIFY)
        return await self._move(run, RunState.DONE, verification=answer, note="")

    async def undo(
        self, run_id: str, by: str | None = None, click: str = ""
    ) -> Next | Refusal | None:
        """Send the inverse once, if the world still is as the change left it. Without `by`: go on
        with an undo that was begun. A `click` that was taken up before sends nothing: after an
        undo that failed it takes a new one."""
        run = await self._run(run_id)
        if run.state is RunState.UNDOING:
            return await self._undone(await self._case(run))
        if by is None or run.state is RunState.UNDONE:
            return await self._arrived(run)
        try:
            case = await self._case(run)
            holder = None if run.state not in ENDED else await self._reserve(run)
            refusal = await self._refusal(guards.UNDO, case, plan=run.plan, actor=by, holder=holder)
            if refusal:
                return refusal
            seen = await self._read(case, lambda aws: case.action.observe(aws, case.plan))
            if canonical(seen.state) != canonical(case.plan.after):
                return Refusal(_moved_on(case.plan, seen.state))
            if why := case.action.ownership_conflict(case.plan, seen, run.results):
                return Refusal(f"Not undone: {why}")
            undoer = run.model_copy(update={"undone_by": by})
            writer = await self.offload(partial(self.writer, case.service, undoer))
        except (ConfigError, ReadFailed, WriteRefused) as fault:
            return Refusal(f"Not undone, nothing was sent: {fault}")
        steps = case.action.undo_steps(case.plan, seen)
        if click and not await self.store.once(f"undo:{run_id}:{click}", CLICK_KEPT):
            return await self._taken_up(run_id)
        begun = self.monotonic()
        undoing = await self.store.move(
            run_id,
            (run.state,),
            RunState.UNDOING,
            undone_by=by,
            deadline=await self._landing(),
            note="",
        )
        if undoing is None:
            return await self._arrived(await self._run(run_id))
        await self._arrived(undoing)
        if other := await self._reserve(undoing):
            return await self._undo_failed(undoing, f"{other} has taken the resource")
        sent = await self._send(writer, steps, begun)
        if sent.refused and not sent.results:
            return await self._undo_failed(undoing, f"AWS refused: {sent.refused}")
        return await self._undone(await self._case(undoing))

    # --- reading back ---------------------------------------------------------------------------

    async def _applied(self, case: Case) -> Next | None:
        """The calls may have been sent: what came of them? Never sends."""
        back = await self._read_back(case, goal=case.plan.after, start=case.plan.before)
        match back.fate:
            case _ReadBackResult.LANDED:
                return await self._move(case.run, RunState.SETTLING, applied_at=back.at)
            case _ReadBackResult.UNCHANGED:
                note = f"{case.plan.target} is as it was before: the change was not applied."
                return await self._end(case.run, RunState.REFUSED, f"{note} It may be asked anew.")
            case _ReadBackResult.DRIFTED:
                note = f"{case.plan.target} is neither as before nor as planned: {back.difference}."
                return await self._end(case.run, RunState.DRIFTED, note)
            case _ReadBackResult.UNKNOWN:
                return Next(Work.APPLY, self.timeouts.poll)

    async def _undone(self, case: Case) -> Next | None:
        back = await self._read_back(case, goal=case.plan.before, start=case.plan.after)
        match back.fate:
            case _ReadBackResult.LANDED:
                return await self._move(case.run, RunState.UNDONE)
            case _ReadBackResult.UNCHANGED:
                return await self._undo_failed(case.run, "the change is still in force")
            case _ReadBackResult.DRIFTED:
                note = f"{case.plan.target} is neither as before nor as changed: {back.difference}."
                return await self._end(case.run, RunState.DRIFTED, note)
            case _ReadBackResult.UNKNOWN:
                return Next(Work.UNDO, self.timeouts.poll)

    async def _read_back(
        self, case: Case, *, goal: Mapping[str, Any], start: Mapping[str, Any]
    ) -> _ReadBack:
        try:
            seen, at = await self._read(
                case, lambda aws: (case.action.observe(aws, case.plan), aws.now())
            )
        except ReadFailed as fault:
            text = f"{case.plan.target} can't be read back yet ({fault}); asking again."
            await self._note(case.run, "note", text)
            return _ReadBack(_ReadBackResult.UNKNOWN)
        if canonical(seen.state) == canonical(goal):
            return _ReadBack(_ReadBackResult.LANDED, at)
        patience = timedelta(seconds=case.plan.settles_within if seen.changing else 0)
        deadline = case.run.deadline
        if deadline and await self.store.now() < deadline + patience:
            return _ReadBack(_ReadBackResult.UNKNOWN)
        if canonical(seen.state) == canonical(start):
            return _ReadBack(_ReadBackResult.UNCHANGED, at)
        return _ReadBack(_ReadBackResult.DRIFTED, at, guards.difference(goal, seen.state))

    async def _taken_up(self, run_id: str) -> Next | Refusal | None:
        """A click was heard before. Where nothing came of it, it takes a new one."""
        run = await self._run(run_id)
        if run.state in (RunState.UNDOING, RunState.UNDONE):
            return await self._arrived(run)
        return Refusal(f"This click was taken up before. {run.note} Press Undo to try again.")

    async def _undo_failed(self, run: Run, why: str) -> Next | None:
        """The change stays; a person gets the calls to make by hand."""
        note = f"Not undone: {why}."
        if run.plan and run.plan.inverse:
            note += f" By hand: {undo_command(run)}"
        await self._note(run, "undo", note)
        answer = run.verification or Verification(
            answer=Answer.INCONCLUSIVE,
            text="cut short by an undo that did not happen",
            at=await self.store.now(),
        )
        return await self._move(run, RunState.DONE, note=note, verification=answer)

    async def _going_on(self, run: Run, answer: Verification, work: Work) -> Next | None:
        """Not yet: say how far it is, when that is news, and look again."""
        if redact(answer.text) != run.note:
            await self.store.move(run.id, (run.state,), run.state, note=answer.text)
        return Next(work, self.timeouts.poll)

    # --- small parts ----------------------------------------------------------------------------

    async def _send(self, writer: AwsWriter, steps: tuple[Step, ...], begun: float) -> _Sent:
        """Each call once, in order, as long as this worker was not held up."""
        results: list[dict[str, Any]] = []
        for step in steps:
            if self.monotonic() - begun > self.timeouts.sending:
                return _Sent(tuple(results), complete=False)
            try:
                reply = await self.offload(partial(writer.write, step))
            except WriteRefused as no:
                return _Sent(tuple(results), complete=False, refused=str(no))
            except WriteAmbiguous:
                return _Sent(tuple(results), complete=False)
            results.append(trim_reply(reply))
        return _Sent(tuple(results), complete=True)

    async def _not_begun(self, run: Run, fault: IncidentHelperError) -> Next | None:
        """Nothing was sent. A read that may come right is tried again while the approval holds."""
        transient = isinstance(fault, ReadFailed) and fault.reason in _TRANSIENT
        if transient and run.expires_at and await self.store.now() < run.expires_at:
            return Next(Work.APPLY, self.timeouts.poll)
        return await self._end(run, RunState.REFUSED, f"Nothing was sent: {fault}")

    async def _landing(self) -> datetime:
        return await self.store.now() + timedelta(seconds=self.timeouts.landing)

    async def _unread(self, case: Case, fault: ReadFailed) -> Verification:
        try:
            at = await self._read(case, lambda aws: aws.now())
        except ReadFailed:
            at = await self.store.now()
        return Verification(answer=Answer.INCONCLUSIVE, text=f"not known: {fault}", at=at)


def _since(then: datetime | None, now: datetime) -> float:
    """Seconds."""
    return (now - then).total_seconds() if then else 0.0


def _never(answer: Verification, plan: Plan) -> Verification:
    """The last word on a change that did not come into force."""
    if answer.answer is Answer.NO:
        return answer
    patience = 2 * plan.settles_within / 60
    return answer.model_copy(update={"text": f"not after {patience:.0f} minutes: {answer.text}"})


def _moved_on(plan: Plan, seen: Mapping[str, Any]) -> str:
    if canonical(seen) == canonical(plan.before):
        return f"{plan.target} is as it was before the change already; nothing to undo."
    what = guards.difference(plan.after, seen)
    return (
        f"Not undone: {plan.target} was changed since ({what}), and undoing would overwrite that. "
        "A person has to look."
    )
