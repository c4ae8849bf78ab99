"""One whole investigation, the same for Slack and for the terminal.

It resolves the scope (the service's resources by tags, the alarm from CloudWatch), runs the
playbook, and finds the actions that can mend the cause.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime

from bot.aws import alarms, discovery
from bot.aws.caching_reader import CachingReader
from bot.aws.memory import DISCOVERY, NAMES, Memory, remembering
from bot.domain.alarm import Alarm, AlarmState
from bot.domain.errors import CredentialsRefused, ReadFailed
from bot.domain.plan import Choice, Plan
from bot.domain.playbook_contract import Action, Playbook, Scope
from bot.domain.ports import Aws
from bot.domain.report import Cause, CauseStatus, Gap, GapReason, Offer, Report, Window
from bot.domain.service import Service
from bot.investigation.engine import investigate
from bot.investigation.ownership import owner
from bot.investigation.routing import Router
from bot.investigation.verdict import decided_by_complete_evidence


@dataclass(frozen=True, slots=True)
class ResolvedScope:
    """What is to be investigated, and the reads that failed while finding it out."""

    scope: Scope
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Investigator:
    """Runs investigations. `pool` has the threads that read AWS; `memory` is all it remembers of
    one for the next."""

    router: Router
    actions: Mapping[str, Action]
    pool: Executor
    memory: Memory = field(default_factory=Memory)

    async def resolve_scope(
        self,
        aws: Aws,
        playbook: Playbook,
        service: Service,
        *,
        alarm: Alarm | None = None,
        at: datetime | None = None,
    ) -> ResolvedScope:
        """What to investigate: the service's resources, its alarm and the time window.

        Without `alarm`, one of the service's firing alarms of this playbook is taken. `at` is when
        the incident began (AWS time), if a person said so. A read that fails leaves a gap; the
        alarm is then used as it was given.
        """
        loop = asyncio.get_running_loop()
        completed, alarm_read = await asyncio.gather(
            loop.run_in_executor(
                self.pool,
                discovery.complete,
                remembering(aws, self.memory, service, DISCOVERY),
                service,
            ),
            self._read_or_gap("alarm", self._read_alarm, aws, playbook, service, alarm),
        )
        gaps = completed.gaps + ((alarm_read,) if isinstance(alarm_read, Gap) else ())
        current = alarm_read if isinstance(alarm_read, Alarm) else alarm
        now = await loop.run_in_executor(self.pool, aws.now)
        began = at or await self._alarm_time(aws, current) or now
        scope = Scope(
            completed.service,
            current,
            Window.around(min(began, now), now),
            complete=completed.complete,
        )
        return ResolvedScope(scope, gaps)

    async def reports(
        self, aws: Aws, playbook: Playbook, resolved: ResolvedScope
    ) -> AsyncIterator[Report]:
        """Yield reports as evidence comes in; the last is complete and has the actions to offer."""
        scope = resolved.scope
        aws = CachingReader(remembering(aws, self.memory, scope.service, NAMES))
        begun: dict[tuple[str, Choice | None], asyncio.Task[Offer | None]] = {}
        try:
            async for report in investigate(playbook, scope, aws, self.pool):
                for action, choice in self._wanted(report):  # while slow reads still run
                    if (action.id, choice) not in begun:
                        offering = self._offer(aws, action, scope, choice)
                        begun[action.id, choice] = asyncio.create_task(offering)
                additions: dict[str, object] = {
                    "gaps": resolved.gaps + report.gaps,
                    "resources": scope.service.resources,
                }
                if report.complete:
                    wanted = [begun[action.id, each] for action, each in self._wanted(report)]
                    additions["actions"] = in_order(await asyncio.gather(*wanted))
                    additions["cost"] = aws.cost()
                yield report.model_copy(update=additions)
        finally:
            for task in begun.values():
                task.cancel()  # of a cause that was not the likely one in the end

    def _wanted(self, report: Report) -> list[tuple[Action, Choice | None]]:
        """The actions for the likely causes, those of the first link of the chain first, each with
        what its cause's evidence names. After a change, also for every other cause that still
        stands: of two faults, one may be mended."""
        by_id = {cause.id: cause for cause in report.causes}
        wanted: dict[str, Choice | None] = {}
        likely = [by_id[name] for name in report.chain] if report.cause is not None else []
        standing = report.causes if report.window.since is not None else ()
        for cause in (*likely, *filter(still_stands, standing)):
            for name in cause.actions:
                wanted.setdefault(name, cause.choice)
        return [(self.actions[name], each) for name, each in wanted.items() if name in self.actions]

    async def _offer(
        self, aws: Aws, action: Action, scope: Scope, choice: Choice | None
    ) -> Offer | None:
        """The action's offer; None when there is nothing to do."""
        loop = asyncio.get_running_loop()
        offer = Offer(action=action.id, title=action.title, choice=choice)
        try:
            plan = await loop.run_in_executor(self.pool, action.plan, aws, scope, choice)
        except ReadFailed as failed:
            has_none = failed.reason is GapReason.NOT_CONFIGURED and scope.complete
            if has_none and not isinstance(failed, CredentialsRefused):
                return None  # the service has no resource for this action
            return offer.model_copy(update={"fits": None, "why": failed.detail})
        if not isinstance(plan, Plan):
            return None
        if plan.blocked_by:
            why = "; ".join(each.reason for each in plan.blocked_by)
            return offer.model_copy(update={"fits": False, "why": f"{plan.title}: {why}"})
        return offer

    async def _alarm_time(self, aws: Aws, alarm: Alarm | None) -> datetime | None:
        """When the alarm last went into ALARM; from its history if it is OK again."""
        if alarm is None or alarm.state is AlarmState.ALARM:
            return alarm.changed_at if alarm else None
        time = await self._read_or_gap("alarm history", alarms.last_alarm_time, aws, alarm)
        return time if isinstance(time, datetime) else alarm.changed_at

    def _read_alarm(
        self, aws: Aws, playbook: Playbook, service: Service, alarm: Alarm | None
    ) -> Alarm | None:
        """The alarm as CloudWatch has it, or a firing alarm of the service when none is given."""
        if alarm is not None:
            if None not in (alarm.account, service.account) and alarm.account != service.account:
                return alarm  # of a monitoring account, which this reader can't read
            return alarms.reread(aws, alarm)
        return next(
            (
                firing
                for firing in alarms.list_firing(aws)
                if self.router.fits(playbook, firing) and owner(firing, [service]) is service
            ),
            None,
        )

    async def _read_or_gap(self, name: str, read: object, *args: object) -> object:
        """Run a read in a thread; a gap with this name when it fails."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.pool, read, *args)  # type: ignore[arg-type]
        except ReadFailed as failed:
            return failed.as_gap(name)


def still_stands(cause: Cause) -> bool:
    """Whether a cause is supported by evidence that is complete, whichever its rivals are."""
    return cause.status is CauseStatus.SUPPORTED and decided_by_complete_evidence(cause)


def in_order(offered: Iterable[Offer | None]) -> tuple[Offer, ...]:
    """The offers; an action that a precondition forbids comes after the others."""
    return tuple(sorted(filter(None, offered), key=lambda offer: not offer.fits))
