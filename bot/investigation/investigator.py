"""One investigation from end to end, the same in Slack and in the terminal.

Finds out what is being looked at (the service completed by its tags, the alarm as CloudWatch has
it), runs the playbook, and asks which actions fit the cause found.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from bot.aws import alarms, discovery
from bot.aws.caching_reader import CachingReader
from bot.domain.alarm import Alarm, AlarmState
from bot.domain.contract import Action, Playbook, Scope
from bot.domain.errors import ReadFailed
from bot.domain.plan import Plan
from bot.domain.ports import Aws
from bot.domain.report import Gap, GapReason, Offer, Report, Window
from bot.domain.service import Service
from bot.investigation.engine import investigate
from bot.investigation.routing import Router, owner


@dataclass(frozen=True, slots=True)
class ResolvedScope:
    """What is being looked at, and what could not be found out about it."""

    scope: Scope
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Investigator:
    """Everything an investigation needs but the question."""

    router: Router
    actions: Mapping[str, Action]
    pool: Executor

    async def resolve_scope(
        self,
        aws: Aws,
        playbook: Playbook,
        service: Service,
        *,
        alarm: Alarm | None = None,
        at: datetime | None = None,
    ) -> ResolvedScope:
        """Where to look. Without an alarm, one of the service's that is firing is taken.

        A read that fails leaves a gap and the pointer stands in for the alarm.
        """
        loop = asyncio.get_running_loop()
        known, alarm_read = await asyncio.gather(
            loop.run_in_executor(self.pool, discovery.complete, aws, service),
            self._try("alarm", self._alarm, aws, playbook, service, alarm),
        )
        gaps = known.gaps + ((alarm_read,) if isinstance(alarm_read, Gap) else ())
        found = alarm_read if isinstance(alarm_read, Alarm) else alarm
        now = await asyncio.to_thread(aws.now)
        began = at or await self._went_off(aws, found) or now
        scope = Scope(
            known.service, found, Window.around(min(began, now), now), complete=known.whole
        )
        return ResolvedScope(scope, gaps)

    async def reports(
        self, aws: Aws, playbook: Playbook, resolved: ResolvedScope
    ) -> AsyncIterator[Report]:
        """Reports as evidence comes in; the last is complete and has the actions that fit."""
        aws = CachingReader(aws)
        async for report in investigate(playbook, resolved.scope, aws, self.pool):
            found = {
                "gaps": resolved.gaps + report.gaps,
                "resources": resolved.scope.service.resources,
            }
            whole = report.model_copy(update=found)
            if whole.complete:
                offers = await self.offers(aws, whole, resolved.scope)
                whole = whole.model_copy(update={"actions": offers, "cost": aws.cost()})
            yield whole

    async def offers(self, aws: Aws, report: Report, scope: Scope) -> tuple[Offer, ...]:
        """The cause's actions that have something to do, in the playbook's order.

        One that a precondition blocks comes after those that can be asked for.
        """
        if report.cause is None:
            return ()
        wanted = [self.actions[name] for name in report.cause.actions if name in self.actions]
        fitting = await asyncio.gather(*(self._fits(aws, action, scope) for action in wanted))
        found = sorted(filter(None, fitting), key=lambda each: each[0])
        return tuple(offer for _, offer in found)

    async def _fits(self, aws: Aws, action: Action, scope: Scope) -> tuple[bool, Offer] | None:
        """Whether it is blocked, and what is offered; None when there is nothing to do."""
        plan = await self._try(action.id, action.plan, aws, scope)
        if plan is None:
            return None
        if isinstance(plan, Gap):
            if plan.reason is GapReason.NOT_CONFIGURED and scope.complete:
                return None  # the service has nothing this could be done to
            return True, Offer(action=action.id, title=action.title, fits=None, why=plan.detail)
        blocked = isinstance(plan, Plan) and bool(plan.blocked_by)
        return blocked, Offer(action=action.id, title=action.title)

    async def _went_off(self, aws: Aws, alarm: Alarm | None) -> datetime | None:
        """When the alarm went off: its change of state, or by its history if that was the OK."""
        if alarm is None or alarm.state is AlarmState.ALARM:
            return alarm.changed_at if alarm else None
        went_off = await self._try("alarm history", alarms.went_off, aws, alarm)
        return went_off if isinstance(went_off, datetime) else alarm.changed_at

    def _alarm(
        self, aws: Aws, playbook: Playbook, service: Service, alarm: Alarm | None
    ) -> Alarm | None:
        if alarm is not None:
            return alarms.reread(aws, alarm)
        return next(
            (
                firing
                for firing in alarms.firing(aws)
                if self.router.route(firing) is playbook and owner(firing, [service]) is service
            ),
            None,
        )

    async def _try(self, name: str, read: object, *args: object) -> object:
        """A read in a thread; its failure as a gap."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.pool, read, *args)  # type: ignore[arg-type]
        except ReadFailed as failed:
            return Gap(
                probe=name, reason=failed.reason, detail=failed.detail, permission=failed.permission
            )
