"""Compares the store with AWS and Slack: at each start, and when the store may have gone back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.changes.reconcile import UnsentChanges
from bot.domain.ports import Store
from bot.incidents.lost_records import LOOK_BACK, LostRecords

log = logging.getLogger(__name__)

AT_A_START = timedelta(hours=1)
"""How far back changes are looked at when nothing tells that the store went back."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Body of the durable task "reconcile"."""

    store: Store
    changes: UnsentChanges
    records: LostRecords
    show: Callable[[str], Awaitable[None]]

    async def __call__(self, why: str) -> None:
        """Compare. `why` is "start", or "doubt" when the store does not have what is known of it.

        Slack is asked when there is doubt, and when the store has no audit entry at all: a store
        that was never used knows nothing of changes that Slack shows. Raises IncidentHelperError
        when Slack does not answer: the task is tried again.
        """
        doubt = why == "doubt" or await self.store.frozen() is not None
        for run in await self.changes.find(LOOK_BACK if doubt else AT_A_START):
            log.critical("change %s is in force and was recorded as not sent: %s", run.id, run.note)
            await self.show(run.id)
        if not doubt and await self.store.recent_audit(1):
            return
        lost = await self.records.tell()
        if lost:
            reason = f"Slack shows the change {lost[0]}, of which the store has no record"
            more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
            await self.store.freeze("Slack", f"{reason}{more}: the store was emptied")
