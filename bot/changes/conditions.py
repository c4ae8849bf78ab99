"""What must still be so when a change takes its next step: people, policy and evidence.

All of it is asked before the resource is looked at for the last time: nothing here stands between
that look and the calls.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.changes import guards
from bot.changes.engine import RunContext, RunSteps, Who
from bot.changes.evidence import basis, difference
from bot.domain.basis import Basis
from bot.domain.errors import ReadFailed
from bot.domain.policy import Refusal
from bot.domain.report import GapReason
from bot.domain.run import Answer, Run

ASK_AGAIN = "Nothing was sent. Open the action again from the card if you still want it."


@dataclass(frozen=True, kw_only=True)
class Conditions(RunSteps):
    """Asks Slack, the catalogue and the incident's detector. Changes nothing."""

    async def still_allowed(self, context: RunContext) -> Who | Refusal:
        """Whether the people who asked and approved may still do so, before a change is sent.

        Raises ReadFailed, to be tried again, when Slack could not be asked.
        """
        run = context.run
        who = await self.who(run.requested_by, run.approved_by)
        refusal = await self._first_refusal(guards.STILL_ALLOWED, context, plan=run.plan, who=who)
        if refusal is None:
            return who
        if who.directory.transient:
            raise ReadFailed(
                GapReason.TIMEOUT, f"I can't ask Slack who may act ({who.directory.transient})."
            )
        return refusal

    async def basis_now(self, run: Run) -> Basis:
        """What a plan of this run rests on, as it is stored now."""
        incident = await self.store.incident(run.incident)
        if incident is None:
            raise LookupError(f"incident {run.incident} of change {run.id} is not stored any more")
        report = await self.store.report(run.incident)
        return basis(incident, report, await self.store.runs(run.incident), run)

    async def stored_evidence_refusal(self, run: Run) -> Refusal | None:
        """Why the findings stored since the plan was made forbid its next step. Reads no AWS."""
        if run.basis is None:
            return Refusal(f"I do not know what this plan rests on. {ASK_AGAIN}")
        return _changed(run.basis, await self.basis_now(run))

    async def evidence_refusal(self, run: Run) -> Refusal | None:
        """Why what the plan rests on is no longer so, by the findings and by the detector now.

        The incident's detector runs again. That it has recovered by itself is a changed picture;
        that it says nothing is no reason to act. Minutes of which some are good and some are bad
        are not over: the plan still stands.

        Raises ReadFailed, to be tried again, while an investigation is reading.
        """
        then, now = run.basis, await self.basis_now(run)
        if then is None:
            return Refusal(f"I do not know what this plan rests on. {ASK_AGAIN}")
        if refusal := _changed(then, now):
            return refusal
        if not now.complete and now.made_at != then.made_at:
            raise ReadFailed(GapReason.TIMEOUT, "An investigation of this incident is running.")
        found = await self.detector(run)
        if found.answer is Answer.YES and not (then.recovered or then.over):
            was = f"; {then.figure} when this was planned" if then.figure else ""
            return Refusal(f"It recovered by itself: {found.text}{was}. {ASK_AGAIN}")
        if found.answer is Answer.INCONCLUSIVE and not found.mixed:
            return Refusal(f"I can't tell whether it is still going on: {found.text}. {ASK_AGAIN}")
        return None


def _changed(then: Basis, now: Basis) -> Refusal | None:
    """The refusal for what is no longer as it was when the change was planned."""
    what = difference(then, now)
    return Refusal(f"{what} {ASK_AGAIN}") if what else None
