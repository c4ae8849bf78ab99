"""The use cases around a guarded change: preview, request, approve, follow, undo.

`bot.changes.executor` decides and acts; this module shows people what it answered and asks the
queue for the step that comes next. Each method may run twice for one click.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from bot import render
from bot.changes.executor import ChangeExecutor, Next, Work, due
from bot.domain.contract import Scope
from bot.domain.policy import Refusal
from bot.domain.ports import Accounts, Announcer, Queue, Store
from bot.domain.report import Window
from bot.domain.run import Run, RunState, Verification
from bot.incidents.service import IncidentService, Place, card_key, why
from bot.investigation.engine import check_recovery
from bot.investigation.routing import Router
from bot.telemetry import metrics

log = logging.getLogger(__name__)

Outcome = Next | Refusal | None


@dataclass(frozen=True, slots=True)
class ChangeService:
    """What a click on a card, a preview or a change's message leads to."""

    executor: ChangeExecutor
    incidents: IncidentService
    store: Store
    announcer: Announcer
    queue: Queue

    async def prepare(self, offer: str, place: Place, view: str, seed: str) -> None:
        """An action was clicked: compute its plan and show it in the modal that is open."""
        incident_id, _, action = offer.partition(":")
        report = await self.store.report(incident_id)
        if report is None or action not in {each.action for each in report.actions}:
            gone = "It no longer fits what was found; look at the card again."
            await self.announcer.view(view, render.nothing_modal(view, "Not offered", gone))
            return
        run_id = f"CHG-{hashlib.sha256(seed.encode()).hexdigest()[:8].upper()}"
        refused = await self.executor.begin(run_id, incident_id, action, place.user)
        if isinstance(refused, Refusal):
            await self.announcer.view(
                view, render.nothing_modal(view, "Not allowed", refused.reason)
            )
            return
        await self.executor.prepare(run_id)
        run = await self.store.run(run_id)
        if run is not None:
            await self.announcer.view(view, _preview(run, view))

    async def request(self, run_id: str, place: Place) -> None:
        """The preview was submitted: ask for a second person."""
        await self._answer(run_id, place, await self.executor.request(run_id, place.user))

    async def approve(self, run_id: str, place: Place) -> None:
        await self._answer(run_id, place, await self.executor.approve(run_id, place.user))

    async def reject(self, run_id: str, place: Place) -> None:
        await self._answer(run_id, place, await self.executor.reject(run_id, place.user))

    async def undo(self, run_id: str, place: Place, click: str) -> None:
        """`click` is the key of the press of the button: it undoes once, however often it comes."""
        await self._answer(run_id, place, await self.executor.undo(run_id, place.user, click))

    async def step(self, about: str) -> None:
        """A durable task: take one step of a change, ask for the next."""
        work, run_id, number = about.split()
        steps: dict[Work, Callable[[str], Awaitable[Outcome]]] = {
            Work.PREPARE: self.executor.prepare,
            Work.EXPIRE: self.executor.expire,
            Work.APPLY: self.executor.apply,
            Work.SETTLE: self.executor.settle,
            Work.VERIFY: self.executor.verify,
            Work.UNDO: self.executor.undo,
        }
        outcome = await steps[Work(work)](run_id)
        await self.show(run_id)
        await self._schedule(run_id, outcome, int(number) + 1)

    async def resume(self) -> None:
        """Go on with every change that waits for a step nobody is going to take: the task was
        lost, or given up. Two workers that do so at once do no harm."""
        runs = await self.store.under_way()
        if not runs:
            return
        waiting = {about.split()[1] for about in await self.queue.waiting("step")}
        now = await self.store.now()
        for run in runs:
            if run.id not in waiting:
                log.warning("change %s is %s and nobody works on it: going on", run.id, run.state)
                await self._schedule(
                    run.id, due(run, now, self.executor.timeouts), int(now.timestamp())
                )

    async def report_failure(self, about: str, fault: Exception) -> None:
        """Every attempt at a step failed. The change is where it was; `resume` tries again."""
        work, run_id, _ = about.split()
        run = await self.store.run(run_id)
        if run is None or run.expires_at is None:
            return
        title = run.plan.title if run.plan else run.action
        await self.incidents.tell(
            run.incident,
            f"failed:{run_id}",
            f"I could not {work} the change “{title}”, which is {run.state.value}. {why(fault)} "
            "I keep trying; until then look at the resource by hand, and at my log.",
        )

    async def show(self, run_id: str) -> None:
        """Bring the change's message, and the card that names it, to what the store knows."""
        run = await self.store.run(run_id)
        incident = await self.store.incident(run.incident) if run else None
        if run is None or incident is None or run.expires_at is None:
            return  # a preview nobody asked to have approved
        metrics.count_change(run)
        await self.announcer.post(
            incident.channel,
            f"run:{run.id}",
            render.run_message(run, incident),
            thread_ts=incident.thread_ts,
            thread_key=card_key(incident.id),
        )
        await self.incidents.show(incident.id)

    async def _answer(self, run_id: str, place: Place, outcome: Outcome) -> None:
        if isinstance(outcome, Refusal):
            await self.announcer.ephemeral(
                place.channel,
                place.user,
                render.notice(outcome.reason),
                thread_ts=place.thread_ts,
            )
        await self.show(run_id)
        await self._schedule(run_id, outcome, 0)

    async def _schedule(self, run_id: str, outcome: Outcome, number: int) -> None:
        """Numbered, so that a step delivered twice asks for the same next one."""
        if isinstance(outcome, Next):
            about = f"{outcome.step} {run_id} {number}"
            await self.queue.put("step", about, key=about, after=outcome.after_seconds)


@dataclass(frozen=True, slots=True)
class Detector:
    """Runs the incident's own detector again, to see whether a change has mended it."""

    store: Store
    incidents: IncidentService
    accounts: Accounts
    router: Router
    pool: Executor

    async def __call__(self, run: Run) -> Verification:
        incident = await self.store.incident(run.incident)
        if incident is None:
            raise LookupError(f"change {run.id} is of an incident that is gone: {run.incident}")
        report = await self.store.report(incident.id)
        found = report.resources if report else None
        service = self.incidents.service_of(incident).with_resources(found)
        aws = await asyncio.to_thread(self.accounts.reader, service)
        now = await asyncio.to_thread(aws.now)
        began = report.window.began if report else incident.opened_at
        scope = Scope(service, incident.alarm, Window.around(began, now))
        playbook = self.router.playbooks[incident.playbook]
        since = run.in_force_at or run.applied_at  # a slow rollout mends nothing before its end
        return await check_recovery(playbook, scope, aws, self.pool, since)


def _preview(run: Run, view: str) -> dict[str, object]:
    if run.state is RunState.PROPOSED and run.plan is not None:
        return render.preview_modal(run, run.plan, view)
    why = run.note or f"This change is {run.state} already."
    return render.nothing_modal(view, "Nothing to approve", why)
