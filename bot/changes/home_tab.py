"""What one person's Home tab shows: read from the store, published to Slack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot import render
from bot.config.catalogue import Catalogue
from bot.domain.incident import Incident
from bot.domain.people import Standing
from bot.domain.policy import Policy, may_approve
from bot.domain.ports import Store
from bot.domain.run import Run, RunState
from bot.domain.slack_ports import Announcer, Membership, People
from bot.incidents.card_publisher import card_key
from bot.render import HomeChange, HomeIncident

MOST_READ = 20  # open incidents whose report and link are read


@dataclass(frozen=True, slots=True)
class HomeTab:
    """Publishes the Home tab."""

    store: Store
    announcer: Announcer
    membership: Membership
    catalogue: Catalogue
    policy: Callable[[], Policy]
    people: People

    async def publish(self, user: str) -> None:
        """Show a person the open incidents and what waits for them, as stored now.

        What happens in a private channel is shown to its members only, and nothing to a guest or to
        whoever could not be looked up.

        Args:
            user: Slack user id.
        """
        seen: dict[str, bool] = {}
        policy = await asyncio.to_thread(self.policy)
        directory = await self.people.look_up({user}, policy.groups)
        account = directory.account(user)
        if account.standing is not Standing.MEMBER:
            nothing = render.Home(as_of=await self.store.now(), not_shown=account.sees_nothing)
            await self.announcer.home(user, render.home_view(nothing))
            return
        policy = policy.with_members(directory.members)
        incidents = await self.store.open_incidents()
        runs = await self.store.unfinished_runs()
        concerned = {run.incident: await self.store.incident(run.incident) for run in runs}
        for incident in (*incidents, *concerned.values()):
            if incident is not None and incident.channel not in seen:
                seen[incident.channel] = await self.membership.sees(user, incident.channel)
        visible = [each for each in incidents if seen[each.channel]]
        waiting = [
            (run, incident)
            for run in runs
            if run.state in (RunState.REQUESTED, RunState.UNDO_REQUESTED)
            and (incident := concerned[run.incident]) is not None
            and seen[incident.channel]
        ]
        home = render.Home(
            as_of=await self.store.now(),
            incidents=[
                await self._incident(each) if number < MOST_READ else HomeIncident(each)
                for number, each in enumerate(visible)
            ],
            hidden=len(incidents) - len(visible),
            to_approve=[
                await self._change(run, incident)
                for run, incident in waiting
                if _asker(run) != user and self._may_approve(policy, user, run, incident)
            ],
            asked=[
                await self._change(run, incident)
                for run, incident in waiting
                if _asker(run) == user
            ],
            previews=await self._previews(user, visible[:MOST_READ]),
            frozen=await self.store.frozen(),
        )
        await self.announcer.home(user, render.home_view(home))

    async def _incident(self, incident: Incident) -> HomeIncident:
        report = await self.store.report(incident.id)
        return HomeIncident(incident, report, await self._link(incident, card_key(incident.id)))

    async def _change(self, run: Run, incident: Incident) -> HomeChange:
        return HomeChange(run, incident, await self._link(incident, f"run:{run.id}"))

    async def _previews(self, user: str, incidents: list[Incident]) -> list[HomeChange]:
        """The latest preview of each action that this person looked at and did not ask for."""
        found = []
        for incident in incidents:
            runs = await self.store.runs(incident.id)
            latest = {run.action: run for run in runs if run.requested_by == user}
            for run in latest.values():
                if run.state is RunState.PROPOSED:
                    url = await self._link(incident, card_key(incident.id))
                    found.append(HomeChange(run, incident, url))
        return found

    def _may_approve(self, policy: Policy, user: str, run: Run, incident: Incident) -> bool:
        service = self.catalogue.service(incident.service)
        return service is not None and may_approve(policy, user, run.action, service) is None

    async def _link(self, incident: Incident, key: str) -> str | None:
        return await self.announcer.link(incident.channel, key)


def _asker(run: Run) -> str | None:
    """Who asked for what waits: the change, or its undo."""
    return run.undone_by if run.state is RunState.UNDO_REQUESTED else run.requested_by
