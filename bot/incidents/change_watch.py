"""Watches an open incident for changes by others, and has the minutes since them investigated.

Body of the durable task "watch". One look is one read of the collector of changes, no metrics and
no logs; there is at most one every `seconds` and incident, however many tasks asked for it. It ends
with the incident, and `WATCHED` after the latest investigation. Once the alarm is OK nothing is
read any more; what was changed before is investigated when its minutes are settled, then it ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.config.catalogue import Catalogue
from bot.domain.errors import ReadFailed
from bot.domain.incident import Incident, IncidentState, TimelineEntry
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Accounts, Aws, Queue, Store
from bot.domain.report import Change, Report, SinceChange, Window
from bot.domain.run import Run
from bot.incidents import later_changes
from bot.incidents.card_publisher import IncidentCard
from bot.incidents.investigation_task import service_of
from bot.investigation.engine import read_changes
from bot.investigation.routing import Router

log = logging.getLogger(__name__)

SECONDS = 180.0  # between two looks
WATCHED = timedelta(hours=6)
"""After the latest investigation; an incident that nobody asks about is not watched for ever."""
LATEST = timedelta(minutes=15)
"""What a look asks about, beside the hour before that the collector adds: CloudTrail tells that
late, and one page of it is enough for most accounts."""


@dataclass(frozen=True, slots=True)
class ChangeWatch:
    """Notices changes to the service of an open incident. `pool` has the threads that read AWS;
    `seconds` is the time between two looks."""

    store: Store
    accounts: Accounts
    catalogue: Catalogue
    router: Router
    queue: Queue
    card: IncidentCard
    pool: Executor
    seconds: float = SECONDS

    async def begin(self, incident_id: str) -> None:
        """Watch an incident that was investigated just now; one that is watched goes on."""
        await self._look_later(incident_id, 0)

    async def look(self, about: str) -> None:
        """Look once, and schedule the next look while the incident is open.

        Args:
            about: "<incident id> <number of the look>", as `_look_later` writes it.
        """
        incident_id, number = about.split()
        incident = await self.store.incident(incident_id)
        report = await self.store.report(incident_id)
        if incident is None or incident.state is IncidentState.CLOSED or report is None:
            return
        try:
            go_on = await self._look(incident, report)
        except ReadFailed as failed:  # not known, which is no reason to stop
            log.warning("changes of %s could not be read: %s", incident_id, failed)
            go_on = await self.store.now() - report.made_at < WATCHED
        if go_on:
            await self._look_later(incident_id, int(number))

    async def look_failed(self, about: str, fault: Exception) -> None:
        """Every attempt at a look failed: the next one is the next attempt."""
        incident_id, number = about.split()
        log.error("look for changes of %s failed: %s", incident_id, fault)
        await self._look_later(incident_id, int(number))

    async def _look(self, incident: Incident, report: Report) -> bool:
        """Read what was changed, tell what is new, investigate what is due.

        Returns whether there is a reason for another look.
        """
        service = service_of(incident, self.catalogue).with_resources(report.resources)
        loop = asyncio.get_running_loop()
        aws = await loop.run_in_executor(self.pool, self.accounts.reader, service)
        now = await loop.run_in_executor(self.pool, aws.now)
        runs = await self.store.runs(incident.id)
        is_open = incident.state is IncidentState.OPEN
        if is_open:
            scope = Scope(service, incident.alarm, _window(now))
            incident = await self._notice(incident, report, runs, scope, aws)
            now = await loop.run_in_executor(self.pool, aws.now)
        made = later_changes.all_changes(incident, runs, now)
        due = later_changes.due(made, report, now)
        if due is not None:
            await self.queue.put(
                "investigate", incident.id, key=f"investigate:{incident.id}:{_after(due, runs)}"
            )
        if later_changes.waiting(made, report):
            return True
        return is_open and now - report.made_at < WATCHED

    async def _notice(
        self, incident: Incident, report: Report, runs: Sequence[Run], scope: Scope, aws: Aws
    ) -> Incident:
        """Read the changes by others since the onset, store them, and tell those that are new.

        Returns the incident as stored. What could not be read is not known: nothing is told.
        """
        playbook = self.router.playbooks[incident.playbook]
        known = await read_changes(playbook, scope, aws, self.pool)
        found = later_changes.by_others(known or (), report, runs)
        for change in later_changes.new_ones(incident.noticed, found):
            await self._tell(incident, change, scope.window.end)
        noticed = later_changes.noticed(incident.noticed, found)
        if noticed == incident.noticed:
            return incident
        return await self.store.change_incident(incident.id, noticed=noticed)

    async def _tell(self, incident: Incident, change: Change, now: datetime) -> None:
        """Write a change into the timeline, and into the thread with when it is investigated."""
        told = later_changes.told(change)
        entry = TimelineEntry(
            at=change.until or change.at, kind="change", text=f"{told}.", ref=_reference(change)
        )
        await self.store.add_to_timeline(incident.id, entry)
        in_force = later_changes.in_force_at(change, now)
        if in_force is None:
            when = f"began at {change.at:%H:%M} UTC; I investigate again when it has ended"
        else:
            ready = in_force + later_changes.SETTLED
            when = f"{in_force:%H:%M} UTC; I investigate the minutes since it "
            when += (
                f"when their metrics are in, at {ready:%H:%M} UTC" if ready > now else "again now"
            )
        key = f"noticed:{_reference(change)}"
        await self.card.reply(incident.id, key, f"I noticed a change: {told} ({when}).")

    async def _look_later(self, incident_id: str, number: int) -> None:
        """Schedule a look. Its number is that of the stretch of `seconds` it is in: all who ask for
        one in the same stretch get one."""
        now = (await self.store.now()).timestamp()
        following = max(int(now // self.seconds), number) + 1
        about = f"{incident_id} {following}"
        after = max(following * self.seconds - now, 0.0)
        await self.queue.put("watch", about, key=f"watch:{about}", after=after)


def _window(now: datetime) -> Window:
    """The window of a look: the latest minutes only, so that one page of CloudTrail tells them."""
    window = Window.around(now - LATEST, now)
    return window.model_copy(update={"start": window.began})


def _reference(change: Change) -> str:
    """Names a change in a key."""
    return f"{change.at:%Y%m%dT%H%M%S}:{change.resource}"


def _after(change: SinceChange, runs: Sequence[Run]) -> str:
    """Names the investigation after a change; that of a run as `bot.changes.service` does."""
    run = next((each for each in runs if each.id == change.run), None)
    return f"{run.id}:{run.state}" if run else f"after:{change.at:%Y%m%dT%H%M%S}"
