"""What clicks and tasks do with a guarded change: preview, request, approve, next step, undo.

`bot.changes.executor` decides and acts. This module shows people the result and schedules the next
step. Each method may run twice for one click.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta

from bot import render
from bot.changes.executor import ChangeExecutor, NextStep, StepName, next_step
from bot.config.catalogue import Catalogue
from bot.domain.change_events import events
from bot.domain.errors import ConfigError, NotKnown
from bot.domain.incident import Incident, IncidentState
from bot.domain.objection import Objection, other_actions
from bot.domain.plan import Choice
from bot.domain.playbook_contract import Scope
from bot.domain.policy import Refusal
from bot.domain.ports import Accounts, Queue, Store
from bot.domain.report import Window
from bot.domain.run import Run, RunState, Verification
from bot.domain.slack_ports import Announcer
from bot.incidents.card_publisher import IncidentCard, card_key, fault_text
from bot.incidents.investigation_task import service_of
from bot.incidents.requests import Place
from bot.investigation.engine import check_recovery
from bot.investigation.routing import Router
from bot.telemetry import metrics

log = logging.getLogger(__name__)

Outcome = NextStep | Refusal | None

LATEST = timedelta(minutes=15)
"""The minutes that the detector looks at before a change: enough for the five latest that are
final, and for a level that has to be good for ten."""

INVESTIGATED_AFTER = {RunState.DONE: 0.0, RunState.UNDONE: 480.0}
"""Seconds after which there are minutes to tell how it is now: a change that is done was verified
by such minutes; after an undo five have to pass, and their metrics to come in."""


@dataclass(frozen=True, slots=True)
class ChangeService:
    """The use cases of a guarded change, for the buttons in Slack and for durable tasks."""

    executor: ChangeExecutor
    card: IncidentCard
    store: Store
    announcer: Announcer
    queue: Queue

    async def prepare(self, offer: str, place: Place, view: str, seed: str) -> None:
        """Compute the plan of an action and show it in the open modal.

        Args:
            offer: value of the button, "<incident id>:<action id>".
            place: where it was pressed, and by whom.
            view: external_id of the modal that was opened at the click.
            seed: key of the click; the same seed gives the same run.
        """
        incident_id, _, action = offer.partition(":")
        report = await self.store.report(incident_id)
        offered = [each for each in report.actions if each.action == action] if report else []
        if not offered:  # the findings have changed since the card that had the button
            await self.reach(offer, view)
            return
        await self._preview(seed, incident_id, action, place.user, offered[0].choice, view)

    async def others(self, incident_id: str, view: str) -> None:
        """Show the actions that the findings do not call for in the open modal.

        Args:
            incident_id: whose findings.
            view: external_id of the modal that was opened at the click.
        """
        report = await self.store.report(incident_id)
        found = []
        for action in other_actions(report) if report else ():
            objection = await self.executor.objection_to(incident_id, action)
            if objection is not None:
                found.append((_offer(incident_id, objection), objection))
        if not found:
            reason = "The card has all actions of this type of incident."
            await self.announcer.view(view, render.nothing_modal(view, "No other action", reason))
            return
        await self.announcer.view(view, render.others_modal(incident_id, found, view))

    async def reach(self, offer: str, view: str) -> None:
        """Show what the evidence says against an action, before any plan of it is computed.

        Args:
            offer: "<incident id>:<action id>".
            view: external_id of the open modal.
        """
        incident_id, _, action = offer.partition(":")
        objection = None
        if action in self.executor.actions:
            objection = await self.executor.objection_to(incident_id, action)
        if objection is None:
            reason = "The findings have changed. The card has the present actions."
            await self.announcer.view(view, render.nothing_modal(view, "Open it again", reason))
            return
        modal = render.guard_modal(_offer(incident_id, objection), objection, view)
        await self.announcer.view(view, modal)

    async def insist(self, offer: str, by: str, view: str, seed: str) -> None:
        """Compute the plan of an action although the evidence speaks against it; the run keeps
        what speaks against it.

        Args:
            offer: "<incident id>:<action id>".
            by: Slack user id of whoever insists.
            view: external_id of the open modal.
            seed: key of the submission; the same seed gives the same run.
        """
        incident_id, _, action = offer.partition(":")
        report = await self.store.report(incident_id)
        mended = [cause for cause in report.causes if action in cause.actions] if report else []
        choice = next((cause.choice for cause in mended if cause.choice), None)
        await self._preview(seed, incident_id, action, by, choice, view)

    async def recalculate(
        self, run_id: str, amount: int, place: Place, view: str, seed: str
    ) -> None:
        """A number was changed in the preview: compute the plan anew and show it in the modal.

        The plan becomes a run of its own, so that what is asked for is what was shown.

        Args:
            run_id: the run whose preview it was.
            amount: the number that was typed.
            place: the channel of the incident, and who typed it.
            view: external_id of the modal.
            seed: key of the submission; the same seed gives the same run.
        """
        run = await self.store.run(run_id)
        number = run.plan.number if run and run.plan else None
        if run is None or number is None or run.state is not RunState.PROPOSED:
            reason = "This preview is out of date. Open the action again from the card."
            await self.announcer.view(view, render.nothing_modal(view, "Out of date", reason))
            return
        if not number.least <= amount <= number.most:
            title = f"{number.name}: {amount} is not possible"
            await self.announcer.view(
                view, render.nothing_modal(view, title, render.number_bounds(number))
            )
            return
        chosen = (run.choice or Choice()).model_copy(update={"amount": amount, "by": place.user})
        await self._preview(seed, run.incident, run.action, place.user, chosen, view)

    async def _preview(
        self,
        seed: str,
        incident_id: str,
        action: str,
        by: str,
        choice: Choice | None,
        view: str,
    ) -> None:
        """Compute a plan in a run of its own and show it in the modal."""
        run_id = f"CHG-{hashlib.sha256(seed.encode()).hexdigest()[:8].upper()}"
        refusal = await self.executor.begin(run_id, incident_id, action, by, choice)
        if isinstance(refusal, Refusal):
            said = render.nothing_modal(view, "Not allowed", refusal.reason, refusal.mentions)
            await self.announcer.view(view, said)
            return
        await self.executor.prepare(run_id)
        run = await self.store.run(run_id)
        if run is not None:
            await self.announcer.view(view, _preview_modal(run, view))

    async def request(self, run_id: str, place: Place, reason: str = "") -> None:
        """The preview was submitted: request approval by a second person."""
        await self._answer(run_id, place, self.executor.request(run_id, place.user, reason))

    async def approve(self, run_id: str, place: Place) -> None:
        """Approve was pressed."""
        await self._answer(run_id, place, self.executor.approve(run_id, place.user))

    async def alone(self, run_id: str, place: Place, view: str) -> None:
        """ "Nobody else there…" was pressed: ask for the reason, of whoever may approve alone."""
        try:
            refusal = await self.executor.may_approve_alone(run_id, place.user)
        except (ConfigError, NotKnown) as fault:
            refusal = Refusal(str(fault))
        run = await self.store.run(run_id)
        if refusal is not None or run is None:
            said = refusal or Refusal("This change is not stored any more.")
            modal = render.nothing_modal(view, "Not allowed", said.reason, said.mentions)
        else:
            modal = render.alone_modal(run, view)
        await self.announcer.view(view, modal)

    async def break_glass(self, run_id: str, place: Place, reason: str) -> None:
        """Somebody approved their own request, with a reason."""
        await self._answer(run_id, place, self.executor.break_glass(run_id, place.user, reason))

    async def reject(self, run_id: str, place: Place, reason: str = "") -> None:
        """The change was rejected."""
        await self._answer(run_id, place, self.executor.reject(run_id, place.user, reason))

    async def undo(self, run_id: str, place: Place, click: str) -> None:
        """Undo was pressed. `click` is the key of that press: delivered twice, it undoes once."""
        await self._answer(run_id, place, self.executor.undo(run_id, place.user, click))

    async def approve_undo(self, run_id: str, place: Place) -> None:
        """Approve undo was pressed."""
        await self._answer(run_id, place, self.executor.approve_undo(run_id, place.user))

    async def keep(self, run_id: str, place: Place) -> None:
        """Keep the fix was pressed."""
        await self._answer(run_id, place, self.executor.keep(run_id, place.user))

    async def step(self, about: str) -> None:
        """Body of a durable task: take one step of a change and schedule the next.

        `about` is "<step> <run id> <number>", as `_schedule` writes it.
        """
        step, run_id, number = about.split()
        steps: dict[StepName, Callable[[str], Awaitable[Outcome]]] = {
            StepName.PREPARE: self.executor.prepare,
            StepName.EXPIRE: self.executor.expire,
            StepName.APPLY: self.executor.apply,
            StepName.SETTLE: self.executor.settle,
            StepName.VERIFY: self.executor.verify,
            StepName.UNDO: self.executor.undo,
        }
        outcome = await steps[StepName(step)](run_id)
        await self.show(run_id)
        await self._schedule(run_id, outcome, int(number) + 1)
        await self._investigate_again(run_id)

    async def _investigate_again(self, run_id: str) -> None:
        """After a change or its undo, investigate the minutes since: once for each of the two."""
        run = await self.store.run(run_id)
        if run is None or run.state not in INVESTIGATED_AFTER:
            return
        incident = await self.store.incident(run.incident)
        if incident is not None and incident.state is not IncidentState.CLOSED:
            await self.queue.put(
                "investigate",
                incident.id,
                key=f"investigate:{incident.id}:{run.id}:{run.state}",
                after=INVESTIGATED_AFTER[run.state],
            )

    async def resume(self) -> None:
        """Schedule the next step of every change that has no task (it was lost, or all its attempts
        failed). Two workers may do this at the same time."""
        runs = await self.store.unfinished_runs()
        if not runs:
            return
        with_task = {about.split()[1] for about in await self.queue.waiting("step")}
        now = await self.store.now()
        for run in runs:
            if run.id not in with_task:
                log.warning("change %s is %s and has no task: scheduled again", run.id, run.state)
                await self._schedule(
                    run.id, next_step(run, now, self.executor.timeouts), int(now.timestamp())
                )

    async def report_failure(self, about: str, fault: Exception) -> None:
        """Every attempt at a step failed: say so in the thread. `resume` schedules it again."""
        step, run_id, _ = about.split()
        run = await self.store.run(run_id)
        if run is None or run.expires_at is None:
            return
        incident = await self.store.incident(run.incident)
        if incident is not None:
            message = render.step_failed(run, step, fault_text(fault))
            await self._post(f"failed:{run_id}", message, incident)

    async def show(self, run_id: str) -> None:
        """Render the change's message and its incident card again from the stored state."""
        run = await self.store.run(run_id)
        incident = await self.store.incident(run.incident) if run else None
        if run is None or incident is None or run.expires_at is None:
            return  # approval was never requested: only a preview
        metrics.count_change(run)
        approvers = await self.executor.approvers(run, incident)
        await self._post(f"run:{run.id}", render.run_message(run, incident, approvers), incident)
        for event in events(run):
            await self._post(event.key, render.change_reply(event.kind, run, approvers), incident)
        if run.break_glass:
            await self._tell_everybody(run, incident)
        await self.card.show(incident.id)

    async def _post(self, key: str, message: render.Message, incident: Incident) -> None:
        """Post into the incident's thread; the same key edits the same message."""
        await self.announcer.post(
            incident.channel,
            key,
            message,
            thread_ts=incident.thread_ts,
            thread_key=card_key(incident.id),
        )

    async def _tell_everybody(self, run: Run, incident: Incident) -> None:
        """That somebody approved their own change, in the channel and not in the thread."""
        key = f"break-glass:{run.id}"
        if await self.store.first_time(key, 86_400):
            metrics.BREAK_GLASS.labels(run.action).inc()
        approvers = await self.executor.approvers(run, incident)
        await self.announcer.post(
            incident.channel, key, render.alone_post(run, incident, approvers or ())
        )

    async def _answer(self, run_id: str, place: Place, step: Awaitable[Outcome]) -> None:
        """Take the step of a click, tell whoever clicked why it was refused, show the result."""
        try:
            outcome = await step
        except (ConfigError, NotKnown) as fault:  # it would be no other when tried again
            outcome = Refusal(str(fault))
        if isinstance(outcome, Refusal):
            await self.announcer.ephemeral(
                place.channel,
                place.user,
                render.notice(outcome.reason, outcome.mentions),
                thread_ts=place.thread_ts,
                response_url=place.response_url,
            )
        await self.show(run_id)
        await self._schedule(run_id, outcome, 0)
        await self._investigate_again(run_id)

    async def _schedule(self, run_id: str, outcome: Outcome, number: int) -> None:
        """The task's key has the step's number: a step delivered twice schedules one next task."""
        if isinstance(outcome, NextStep):
            about = f"{outcome.step} {run_id} {number}"
            await self.queue.put("step", about, key=about, after=outcome.after_seconds)


@dataclass(frozen=True, slots=True)
class Detector:
    """Runs the incident's own detector again: whether the service has recovered, by the minutes
    since the change; by the latest minutes for one that is not made yet."""

    store: Store
    catalogue: Catalogue
    accounts: Accounts
    router: Router
    pool: Executor

    async def __call__(self, run: Run) -> Verification:
        incident = await self.store.incident(run.incident)
        if incident is None:
            raise LookupError(f"incident {run.incident} of change {run.id} is not stored any more")
        report = await self.store.report(incident.id)
        found = report.resources if report else None
        service = service_of(incident, self.catalogue).with_resources(found)
        aws = await asyncio.to_thread(self.accounts.reader, service)
        now = await asyncio.to_thread(aws.now)
        began = report.window.began if report else incident.opened_at
        scope = Scope(service, incident.alarm, Window.around(began, now))
        playbook = self.router.playbooks[incident.playbook]
        # a rollout has no effect before its end; before a change, the latest minutes are asked for
        since = run.in_force_at or run.applied_at or now - LATEST
        return await check_recovery(playbook, scope, aws, self.pool, since)


def _offer(incident_id: str, objection: Objection) -> render.Offer:
    """An action as a choice in Slack."""
    return render.Offer(id=f"{incident_id}:{objection.action}", title=objection.title)


def _preview_modal(run: Run, view: str) -> dict[str, object]:
    if run.state is RunState.PROPOSED and run.plan is not None:
        return render.preview_modal(run, run.plan, view)
    reason = run.note or f"This change is {run.state} already."
    return render.nothing_modal(view, "Nothing to approve", reason)
