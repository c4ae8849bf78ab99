"""Compares changes that are recorded as never sent with what AWS has.

When the store goes back to an older state, a change that was sent since may be recorded as
requested, approved, expired or refused. The resource tells: if it is as planned, the change is
recorded as drifted, which its message tells with the commands that restore the state before.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Self

from bot.changes.engine import RunSteps
from bot.domain.errors import IncidentHelperError
from bot.domain.plan import canonical
from bot.domain.run import Run, RunState

log = logging.getLogger(__name__)

ENTRIES = 2_000  # of the audit chain that are looked at, at most
UNSENT = frozenset(
    {
        RunState.REQUESTED,
        RunState.APPROVED,
        RunState.REJECTED,
        RunState.EXPIRED,
        RunState.REFUSED,
    }
)
"""States in which, by the record, no call was sent, and none is in force."""
SENT = frozenset(RunState) - UNSENT - {RunState.PREPARING, RunState.PROPOSED, RunState.UNDONE}
"""States in which a call was or may have been sent, and what it did is not known to be undone."""


def _explains(other: Run, run: Run) -> bool:
    """Whether another change is why the resource is as this one planned: it was asked for again."""
    if other.id == run.id or other.plan is None or run.plan is None:
        return False
    same = canonical(other.plan.after) == canonical(run.plan.after)
    return other.state in SENT and other.plan.target == run.plan.target and same


@dataclass(frozen=True, kw_only=True)
class UnsentChanges(RunSteps):
    """Looks for changes that are in force although the record says that they were not sent."""

    @classmethod
    def of(cls, steps: RunSteps) -> Self:
        """With all that the steps of a change use."""
        return cls(**{each.name: getattr(steps, each.name) for each in fields(RunSteps)})

    async def find(self, since: timedelta) -> Sequence[Run]:
        """Look at the changes with an audit entry in that time; those that are found in force are
        recorded as drifted, and returned. What cannot be read is logged and left as it is."""
        oldest = await self.store.now() - since
        entries = await self.store.recent_audit(ENTRIES)
        ids = dict.fromkeys(each.run for each in entries if each.run)
        known = [run for each in ids if (run := await self.store.run(each)) is not None]
        recent = {each.run for each in entries if each.at >= oldest}
        found = []
        for run in known:
            if run.id not in recent or run.plan is None or run.state not in UNSENT:
                continue
            if any(_explains(other, run) for other in known):
                continue
            try:
                drifted = await self._compared(run)
            except IncidentHelperError as fault:
                log.warning("change %s could not be compared with AWS: %s", run.id, fault)
                continue
            if drifted is not None:
                found.append(drifted)
        return found

    async def _compared(self, run: Run) -> Run | None:
        """The run as drifted, if its resource is as planned."""
        context = await self._context(run)
        plan = context.plan
        if canonical(plan.after) == canonical(plan.before):
            return None
        seen = await self._read(context, lambda aws: context.action.observe(aws, plan))
        if canonical(seen.state) != canonical(plan.after):
            return None
        note = (
            f"It is recorded as {run.state.value}, and yet {plan.target} is as planned: somebody "
            "made the same change, or my record went back to before it was sent."
        )
        moved = await self.store.move_run(run.id, (run.state,), RunState.DRIFTED, note=note)
        if moved is not None:
            await self._finish_step(moved)
        return moved
