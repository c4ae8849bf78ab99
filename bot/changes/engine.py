"""What all steps of a guarded change share: their names and timeouts, the context of a run, the
reservation of its target, its timeline entries and which step comes next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from bot.changes import guards
from bot.domain.change_wording import timeline_text
from bot.domain.errors import ConfigError, NotKnown, ReadFailed
from bot.domain.incident import Incident, TimelineEntry
from bot.domain.objection import Objection, objection
from bot.domain.people import Directory
from bot.domain.plan import Plan
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.policy import Policy, Refusal, approvers
from bot.domain.ports import Aws, AwsWriter, Store
from bot.domain.report import GapReason, Window
from bot.domain.run import Run, RunState, Verification
from bot.domain.send_limit import time_passed
from bot.domain.service import Service
from bot.domain.slack_ports import People

T = TypeVar("T")


class StepName(StrEnum):
    """A step that a durable task takes: the method of `ChangeExecutor` with this name."""

    PREPARE = "prepare"
    EXPIRE = "expire"
    APPLY = "apply"
    SETTLE = "settle"
    VERIFY = "verify"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class NextStep:
    """Which step should be taken next, and in how many seconds."""

    step: StepName
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds.

    `in_flight`: AWS accepts a request within five minutes of the time stamp in its signature (IAM
    User Guide, "Elements of an AWS API request signature"). A process that is stopped after it
    checked the limit and before the bytes are on the wire sends a request that is still good; so
    only after `sending` and `in_flight` and what this machine's clock is ahead of AWS's can a call
    have no effect any more. The five seconds more are for AWS to take the call and show it.
    """

    approval: float = 600.0  # a request for approval expires after this
    sending: float = 20.0  # no call leaves later than this after the intent was recorded
    fresh: float = 8.0  # the first leaves no later than this after the last look began
    in_flight: float = 305.0  # a call that left, or was about to, may take effect for this long
    poll: float = 10.0  # between two checks of a change that is not finished
    verify: float = 1200.0  # verification ends this long after the change is in force, AWS time


class Offload(Protocol):
    """Runs a blocking call outside the event loop, as asyncio.to_thread does."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


TRANSIENT = frozenset({GapReason.THROTTLED, GapReason.TIMEOUT})
"""Why a read failed that may succeed later."""

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


def next_step(run: Run, now: datetime, timeouts: Timeouts) -> NextStep | None:
    """The step to schedule for a run in this state.

    Args:
        run: the run as stored.
        now: the store's time, for the seconds left until a request expires.
        timeouts: how long to wait before the next check.

    Returns:
        None when the run has ended or waits for a person.
    """
    match run.state:
        case RunState.PREPARING:
            return NextStep(StepName.PREPARE)
        case RunState.REQUESTED if run.expires_at:
            return NextStep(StepName.EXPIRE, max(0.0, (run.expires_at - now).total_seconds()))
        case RunState.UNDO_REQUESTED if run.undo_expires_at:
            left = (run.undo_expires_at - now).total_seconds()
            return NextStep(StepName.EXPIRE, max(0.0, left))
        case RunState.APPROVED | RunState.RUNNING:
            return NextStep(StepName.APPLY)
        case RunState.SETTLING:
            return NextStep(StepName.SETTLE, timeouts.poll)
        case RunState.VERIFYING:
            return NextStep(StepName.VERIFY, timeouts.poll)
        case RunState.UNDO_APPROVED | RunState.UNDOING:
            return NextStep(StepName.UNDO)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run with its incident, its service and its action."""

    run: Run
    incident: Incident
    service: Service
    action: Action

    @property
    def plan(self) -> Plan:
        """The run's plan. Raises ValueError while there is none."""
        if self.run.plan is None:
            raise ValueError(f"run {self.run.id} is {self.run.state} and has no plan")
        return self.run.plan


@dataclass(frozen=True, slots=True)
class Who:
    """Who may act, as known at this moment: the policy with the members of its usergroups, and
    the accounts of the people concerned."""

    policy: Policy
    directory: Directory


@dataclass(frozen=True, kw_only=True)
class RunSteps:
    """What the steps of a run use. It keeps no state: everything is in the store."""

    store: Store
    actions: Mapping[str, Action]
    service: Callable[[str], Service | None]
    policy: Callable[[], Policy]
    people: People
    reader: Callable[[Service], Aws]
    writer: Callable[[Service, Run], AwsWriter]
    detector: Callable[[Run], Awaitable[Verification]]
    denied: Callable[[Service, Plan], Sequence[str]] = lambda _service, _plan: ()
    timeouts: Timeouts = field(default_factory=Timeouts)
    offload: Offload = asyncio.to_thread
    monotonic: Callable[[], float] = time_passed

    async def objection_to(self, incident: str, action: str) -> Objection | None:
        """What the incident's newest report says against an action; None without a report."""
        report = await self.store.report(incident)
        titles = {each.id: each.title for each in self.actions.values()}
        return objection(report, action, titles) if report else None

    async def _reserve(self, run: Run) -> str | None:
        """Reserve the plan's target for this run.

        Returns the id of the pending run that holds the target, None when this run holds it now.

        A run that ended without releasing its target (its worker was killed) loses the
        reservation. It may start an undo at the same moment: an undo writes its state first and
        checks the reservation second, this method the other way round, so at least one of the two
        sees the other and stops.
        """
        if run.plan is None:
            return None
        target = run.plan.target
        holder = await self.store.claim_target(target, run.id)
        if holder is None or await self._pending(holder):
            return holder
        await self.store.release_target(target, holder)
        if other := await self.store.claim_target(target, run.id):
            return other
        if await self._pending(holder):
            await self.store.release_target(target, run.id)
            return holder
        return None

    async def _pending(self, run_id: str) -> bool:
        run = await self.store.run(run_id)
        return run is not None and run.state not in ENDED

    async def who(self, *users: str | None) -> Who:
        """Read the policy, and look these people up in Slack, at this moment."""
        policy = await self.offload(self.policy)
        if policy.fault:
            return Who(policy, Directory())
        asked = {user for user in users if user}
        directory = await self.people.look_up(asked, policy.groups)
        return Who(policy.with_members(directory.members), directory)

    async def approvers(self, run: Run, incident: Incident) -> tuple[str, ...] | None:
        """Ids of the people and user groups who may approve a change; None, which
        is not known, for a service that has left the catalogue and while the policy is unreadable.
        """
        service = self.service(incident.service)
        policy = await self.offload(self.policy)
        if service is None or policy.fault:
            return None
        return approvers(policy, run.action, service)

    async def _first_refusal(
        self,
        guard_list: tuple[guards.Guard, ...],
        context: RunContext,
        *,
        plan: Plan | None,
        actor: str | None = None,
        who: Who | None = None,
        **known: Any,
    ) -> Refusal | None:
        """The first refusal of the guards, None when all let the step pass.

        Args:
            guard_list: one of the lists of `bot.changes.guards`.
            context: the run with its incident, service and action.
            plan: as planned at this moment.
            actor: who pressed the button.
            who: who may act; None: it is asked now, for all people of the run.
            known: further fields of `guards.Request`.
        """
        run = context.run
        who = who or await self.who(
            actor, run.requested_by, run.approved_by, run.undone_by, run.undo_approved_by
        )
        request = guards.Request(
            run=run,
            plan=plan,
            service=context.service,
            policy=who.policy,
            directory=who.directory,
            now=await self.store.now(),
            actor=actor,
            audit_fault=await self.store.verify_audit(),
            permissions=frozenset(context.action.writes),
            **known,
        )
        return guards.first_refusal(guard_list, request)

    async def _move(self, run: Run, to: RunState, **fields: Any) -> NextStep | None:
        """Move the run from the state it was read in, unless another worker moved it first.

        Returns the next step of the run as it is stored then.
        """
        moved = await self.store.move_run(run.id, (run.state,), to, **fields)
        return await self._finish_step(moved or await self._run(run.id))

    async def _end(self, run: Run, to: RunState, note: str) -> NextStep | None:
        return await self._move(run, to, note=note)

    async def _finish_step(self, run: Run) -> NextStep | None:
        """Write the run's state to the timeline (once), release the target if the run has ended.

        Returns the next step.
        """
        entry = timeline_text(run)
        if entry:
            await self._note(run, *entry)
        if run.state in ENDED and run.plan:
            await self.store.release_target(run.plan.target, run.id)
        return next_step(run, await self.store.now(), self.timeouts)

    async def _note(self, run: Run, kind: str, text: str, actor: str | None = None) -> None:
        at = await self._timeline_time(run)
        entry = TimelineEntry(at=at, kind=kind, text=text, actor=actor, ref=run.id)
        await self.store.add_to_timeline(run.incident, entry)

    async def _timeline_time(self, run: Run) -> datetime:
        """AWS's time, so that the change stands beside its effect in metrics and logs; the store's
        time when AWS does not answer."""
        incident = await self.store.incident(run.incident)
        service = self.service(incident.service) if incident else None
        if service is not None:
            try:
                return await self.offload(lambda: self.reader(service).now())
            except ReadFailed:
                pass
        return await self.store.now()

    async def _read(self, context: RunContext, work: Callable[[Aws], T]) -> T:
        return await self.offload(lambda: work(self.reader(context.service)))

    async def _observe(self, context: RunContext) -> tuple[Observed, datetime]:
        """The resource as it is now, and AWS's time. Raises ReadFailed."""
        return await self._read(
            context, lambda aws: (context.action.observe(aws, context.plan), aws.now())
        )

    async def _scope(self, context: RunContext) -> Scope:
        """The time window of the latest report; without one, a window around the opening."""
        report = await self.store.report(context.incident.id)
        if report:
            return Scope(context.service, report.alarm, report.window)
        now = await self._read(context, lambda aws: aws.now())
        window = Window.around(context.incident.opened_at, now)
        return Scope(context.service, context.incident.alarm, window)

    async def _run(self, run_id: str) -> Run:
        run = await self.store.run(run_id)
        if run is None:
            raise NotKnown(
                f"Change {run_id} is not known. Its record may have expired, or the store was "
                "lost. Look at the resource by hand."
            )
        return run

    async def _context(self, run: Run) -> RunContext:
        """The run with its incident, service and action.

        The service's resources are those of the report the action was offered from. The catalogue
        of today decides who may act, not which resources are changed.

        Raises:
            ConfigError: the service left the catalogue, or this version has no such action.
            NotKnown: the incident is not stored any more.
        """
        incident = await self.store.incident(run.incident)
        if incident is None:
            raise NotKnown(
                f"Incident {run.incident} is not known. Its record may have expired, or the store "
                "was lost."
            )
        service, action = self.service(incident.service), self.actions.get(run.action)
        if service is None:
            raise ConfigError(
                f"The catalogue no longer has the service {incident.service} of change {run.id}."
            )
        if action is None:
            raise ConfigError(
                f"This version has no action {run.action}, which change {run.id} uses."
            )
        report = await self.store.report(incident.id)
        return RunContext(
            run, incident, service.with_resources(report.resources if report else None), action
        )
