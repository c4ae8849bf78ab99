"""A guarded change on its way: its steps, its pace, and what every step of it needs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from bot.changes import guards
from bot.domain.change_wording import timeline_text
from bot.domain.contract import Action, Scope
from bot.domain.errors import ConfigError, IncidentHelperError, ReadFailed
from bot.domain.incident import Incident, TimelineEntry
from bot.domain.plan import Plan
from bot.domain.policy import Policy, Refusal
from bot.domain.ports import Aws, AwsWriter, Store
from bot.domain.report import Window
from bot.domain.run import Run, RunState, Verification
from bot.domain.service import Service

T = TypeVar("T")


class Work(StrEnum):
    """The steps that jobs take; each is the method of `ChangeExecutor` of that name."""

    PREPARE = "prepare"
    EXPIRE = "expire"
    APPLY = "apply"
    SETTLE = "settle"
    VERIFY = "verify"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Next:
    """Which step should be taken next, and in how many seconds."""

    step: Work
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long things take, in seconds. `landing` exceeds `sending` and the write client's
    time-outs (bot.aws.client: 2 s to connect, 30 s to read) together."""

    approval: float = 600.0  # a request waits this long for an approver
    sending: float = 10.0  # calls begin within this time after the intent was recorded
    landing: float = 60.0  # after this a call that was being sent has landed or never will
    poll: float = 10.0  # between two looks at a change under way
    verify: float = 1200.0  # AWS's seconds from when it should be in force until giving up


class Offload(Protocol):
    """Runs a blocking read or write beside the event loop, as asyncio.to_thread does."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


ENDED = frozenset(
    {
        RunState.DONE,
        RunState.UNDONE,
        RunState.REJECTED,
        RunState.EXPIRED,
        RunState.REFUSED,
        RunState.DRIFTED,
    }
)


def due(run: Run, now: datetime, timeouts: Timeouts) -> Next | None:
    """What a run waits for: what to schedule for every run after a start."""
    match run.state:
        case RunState.PREPARING:
            return Next(Work.PREPARE)
        case RunState.REQUESTED if run.expires_at:
            return Next(Work.EXPIRE, max(0.0, (run.expires_at - now).total_seconds()))
        case RunState.APPROVED | RunState.RUNNING:
            return Next(Work.APPLY)
        case RunState.SETTLING:
            return Next(Work.SETTLE, timeouts.poll)
        case RunState.VERIFYING:
            return Next(Work.VERIFY, timeouts.poll)
        case RunState.UNDOING:
            return Next(Work.UNDO)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Case:
    """A run with what belongs to it."""

    run: Run
    incident: Incident
    service: Service
    action: Action

    @property
    def plan(self) -> Plan:
        if self.run.plan is None:
            raise ValueError(f"run {self.run.id} is {self.run.state} without a plan")
        return self.run.plan


@dataclass(frozen=True, kw_only=True)
class RunSteps:
    """What every step of a run needs. Stateless: whatever must last is stored."""

    store: Store
    actions: Mapping[str, Action]
    service: Callable[[str], Service | None]
    policy: Callable[[], Policy]
    reader: Callable[[Service], Aws]
    writer: Callable[[Service, Run], AwsWriter]
    detector: Callable[[Run], Awaitable[Verification]]
    timeouts: Timeouts = field(default_factory=Timeouts)
    offload: Offload = asyncio.to_thread
    monotonic: Callable[[], float] = time.monotonic

    async def _reserve(self, run: Run) -> str | None:
        """Claim the plan's target; the id of the run that has it, if another is pending.

        A run that ended but was killed before it let go is robbed of its claim. It may begin an
        undo at that moment: that writes its state first and looks at the claim after, we the
        other way round, so that at least one of the two sees the other and stands back.
        """
        if run.plan is None:
            return None
        target = run.plan.target
        holder = await self.store.claim(target, run.id)
        if holder is None or await self._pending(holder):
            return holder
        await self.store.release(target, holder)
        if other := await self.store.claim(target, run.id):
            return other
        if await self._pending(holder):
            await self.store.release(target, run.id)
            return holder
        return None

    async def _pending(self, run_id: str) -> bool:
        run = await self.store.run(run_id)
        return run is not None and run.state not in ENDED

    async def _refusal(
        self,
        asked: tuple[guards.Guard, ...],
        case: Case,
        *,
        plan: Plan | None,
        actor: str | None = None,
        holder: str | None = None,
    ) -> Refusal | None:
        request = guards.Request(
            run=case.run,
            plan=plan,
            service=case.service,
            policy=self.policy(),
            now=await self.store.now(),
            actor=actor,
            holder=holder,
            audit_fault=await self.store.verify_audit(),
            permissions=frozenset(case.action.writes),
        )
        return guards.first_refusal(asked, request)

    async def _move(self, run: Run, to: RunState, **fields: Any) -> Next | None:
        """On from the state the run was seen in; what is next, whoever was first."""
        moved = await self.store.move(run.id, (run.state,), to, **fields)
        return await self._arrived(moved or await self._run(run.id))

    async def _end(self, run: Run, to: RunState, note: str) -> Next | None:
        return await self._move(run, to, note=note)

    async def _arrived(self, run: Run) -> Next | None:
        """A run is in a state: tell the timeline (once), let go of the target if it ended."""
        told = timeline_text(run)
        if told:
            await self._note(run, *told)
        if run.state in ENDED and run.plan:
            await self.store.release(run.plan.target, run.id)
        return due(run, await self.store.now(), self.timeouts)

    async def _note(self, run: Run, kind: str, text: str, actor: str | None = None) -> None:
        at = await self._told_at(run)
        entry = TimelineEntry(at=at, kind=kind, text=text, actor=actor, ref=run.id)
        await self.store.note(run.incident, entry)

    async def _told_at(self, run: Run) -> datetime:
        """The timeline is AWS's time, so that a change stands where its effect is seen; the
        store's when AWS's can't be told."""
        incident = await self.store.incident(run.incident)
        service = self.service(incident.service) if incident else None
        if service is not None:
            try:
                return await self.offload(lambda: self.reader(service).now())
            except ReadFailed:
                pass
        return await self.store.now()

    async def _read(self, case: Case, work: Callable[[Aws], T]) -> T:
        return await self.offload(lambda: work(self.reader(case.service)))

    async def _scope(self, case: Case) -> Scope:
        """The minutes the report looked at, or those around the incident's beginning."""
        report = await self.store.report(case.incident.id)
        if report:
            return Scope(case.service, report.alarm, report.window)
        now = await self._read(case, lambda aws: aws.now())
        window = Window.around(case.incident.opened_at, now)
        return Scope(case.service, case.incident.alarm, window)

    async def _run(self, run_id: str) -> Run:
        run = await self.store.run(run_id)
        if run is None:
            raise IncidentHelperError(f"No change {run_id} is known; it may be too old.")
        return run

    async def _case(self, run: Run) -> Case:
        """The service as the report found it, which the offer was made from: what the catalogue
        says today decides who may act, not what is acted on.

        Raises ConfigError when the program no longer knows the service or the action.
        """
        incident = await self.store.incident(run.incident)
        if incident is None:
            raise IncidentHelperError(f"No incident {run.incident} is known; it may be too old.")
        service, action = self.service(incident.service), self.actions.get(run.action)
        if service is None:
            raise ConfigError(
                f"The catalogue has no service {incident.service}, which change {run.id} is about."
            )
        if action is None:
            raise ConfigError(f"There is no action {run.action}, which change {run.id} is about.")
        report = await self.store.report(incident.id)
        return Case(
            run, incident, service.with_resources(report.resources if report else None), action
        )
