"""The use cases of an incident against a sandbox session in which time stands still.

The test moves the world's time; alarms, investigations, looks for changes and the steps of guarded
changes then happen in turn. Nothing waits and nothing runs beside it.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.app import registry
from bot.aws.accounts import AwsAccounts
from bot.changes.executor import ChangeExecutor, Timeouts
from bot.changes.service import ChangeService, Detector
from bot.config import catalogue
from bot.config.catalogue import PolicyFile
from bot.config.settings import Settings
from bot.domain.alarm import Alarm, AlarmState
from bot.domain.incident import Incident
from bot.domain.report import Report
from bot.domain.run import Run, RunState
from bot.incidents.alarm_accounts import AlarmAccounts
from bot.incidents.card_publisher import IncidentCard, card_key
from bot.incidents.change_watch import ChangeWatch
from bot.incidents.context import IncidentContext
from bot.incidents.investigation_task import IncidentInvestigation
from bot.incidents.lifecycle import Lifecycle
from bot.incidents.posted_alarms import PostedAlarms
from bot.incidents.requests import Place
from bot.incidents.service import IncidentService
from bot.investigation.investigator import Investigator
from bot.state.store import RedisStore
from sandbox import people_and_channels as slack
from sandbox.session import Session
from sandbox.world import Scenario
from sandbox.world.clock import FrozenClock
from tests.support.members import Members

LOOK_EVERY = 3  # minutes of the world


@dataclass
class Waiting:
    """Implements `bot.domain.ports.Queue`: tasks by their key, until the test has them done."""

    tasks: dict[str, tuple[str, str]] = field(default_factory=dict)  # key → kind, about
    done: list[tuple[str, str]] = field(default_factory=list)

    async def put(self, kind: str, about: str, *, key: str, after: float = 0.0) -> None:
        if not (kind == "investigate" and after):  # by the look that comes at that time
            self.tasks.setdefault(key, (kind, about))

    async def waiting(self, kind: str) -> set[str]:
        return {about for each, about in self.tasks.values() if each == kind}

    def take(self, *kinds: str) -> list[tuple[str, str]]:
        keys = [key for key, (kind, _) in self.tasks.items() if kind in kinds]
        taken = [self.tasks.pop(key) for key in keys]
        self.done += taken
        return taken


class Posts:
    """Implements `bot.domain.slack_ports.Announcer`: what is shown under each key."""

    def __init__(self) -> None:
        self.shown: dict[str, Any] = {}

    async def post(self, channel: str, key: str, message: Any, **_: Any) -> None:
        self.shown[key] = message

    async def ephemeral(self, *_: Any, **__: Any) -> None: ...

    async def can_post(self, channel: str) -> bool:
        return True

    async def view(self, *_: Any) -> None: ...


class FrozenPlay:
    """A session and the bot's use cases. `environment` of the session has to be set."""

    def __init__(self, scenario: Scenario, folder: Path, store: RedisStore) -> None:
        # Redis has the host's time, and forgets incidents that are months old
        self.clock = FrozenClock(datetime.now(UTC).replace(second=15, microsecond=0))
        self.session = Session(scenario, folder, clock=self.clock)
        self.store, self.queue, self.posts = store, Waiting(), Posts()
        self.pool = ThreadPoolExecutor(16)
        self.minute = 0
        self._announced = 0

    def start(self) -> None:
        """Start AWS's side, and connect the use cases to it."""
        self.session.aws.start()
        text = self.session.catalogue_text()
        self.session.catalogue.write_text(text, encoding="utf-8")

    def connect(self) -> None:
        """Make the use cases; the session's environment is in force."""
        store, queue, posts = self.store, self.queue, self.posts
        known = catalogue.load(self.session.catalogue)
        config = Settings(_env_file=None)
        accounts = AwsAccounts(known, config, registry.ACTIONS)
        self.accounts, self.service = accounts, known.services[0]
        router = registry.router()
        card = IncidentCard(store, posts)
        self.watch = ChangeWatch(store, accounts, known, router, queue, card, self.pool)
        self.investigation = IncidentInvestigation(
            store=store,
            accounts=accounts,
            catalogue=known,
            router=router,
            investigator=Investigator(router, registry.ACTIONS, self.pool, accounts.memory),
            card=card,
            watch=self.watch.begin,
        )
        context = IncidentContext(
            store=store,
            announcer=posts,
            queue=queue,
            accounts=accounts,
            catalogue=known,
            router=router,
            lifecycle=Lifecycle(store, card),
            card=card,
        )
        self.incidents = IncidentService(context)
        self.alarms = PostedAlarms(context, AlarmAccounts(accounts, known))
        executor = ChangeExecutor(
            store=store,
            actions=registry.ACTIONS,
            service=known.service,
            policy=PolicyFile(self.session.catalogue, known),
            people=Members(),
            reader=accounts.reader,
            writer=accounts.writer,
            detector=Detector(store, known, accounts, router, self.pool),
            denied=accounts.denied,
            timeouts=Timeouts(),
        )
        self.changes = ChangeService(executor, card, store, posts, queue)

    def stop(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.session.stop()

    # --- time passes ----------------------------------------------------------------------------

    async def minutes(self, number: int) -> None:
        """Let minutes pass, with all that happens in them."""
        for _ in range(number):
            self.clock.advance(60)
            self.minute += 1
            await self.settle()

    async def settle(self) -> None:
        """Have everything done that is to be done now: alarms, steps, looks, investigations."""
        await asyncio.to_thread(self._read_time)
        await self._announce()
        for _, about in self.queue.take("step"):
            await self.changes.step(about)
        if self.minute % LOOK_EVERY == 0:
            for _, about in self.queue.take("watch"):
                await self.watch.look(about)
        for _, about in self.queue.take("investigate"):
            await self.investigation.investigate(about)

    def _read_time(self) -> None:
        """The bot knows AWS's time by the last reply, which may be minutes of the world ago."""
        self.accounts.reader(self.service).read("sts", "get_caller_identity")

    async def _announce(self) -> None:
        """Amazon Q's posts of the alarms that changed; of the past only the latest."""
        posts = self.session.simulation.transitions()
        fresh = posts[self._announced :] if self._announced else posts[-1:]
        self._announced = len(posts)
        for post in fresh:
            alarm = Alarm(
                name=post.alarm.name,
                region=self.session.scenario.resources.region,
                state=AlarmState(post.state),
            )
            ts = f"{post.time.timestamp():.6f}"
            await self.alarms.alarm_seen(alarm, slack.ALERTS, ts)

    # --- what people do -------------------------------------------------------------------------

    async def change(self, action: str) -> Run:
        """Ask for an action of the latest incident's card and have a second person approve it."""
        incident = await self.incident()
        place = Place(slack.ALERTS, slack.RESPONDER)
        offer = f"{incident.id}:{action}"
        await self.changes.prepare(offer, place, "view", f"{offer}:{self.minute}")
        run = (await self.store.runs(incident.id))[-1]
        await self.changes.request(run.id, place)
        await self.changes.approve(run.id, Place(slack.ALERTS, slack.COMMANDER))
        return await self.run(run.id)

    async def undo(self, run: Run) -> Run:
        await self.changes.undo(run.id, Place(slack.ALERTS, slack.RESPONDER), f"undo:{run.id}")
        if (await self.run(run.id)).state is RunState.UNDO_REQUESTED:
            await self.changes.approve_undo(run.id, Place(slack.ALERTS, slack.COMMANDER))
        await self.settle()
        return await self.run(run.id)

    # --- what is seen ---------------------------------------------------------------------------

    async def run(self, run_id: str) -> Run:
        found = await self.store.run(run_id)
        assert found is not None
        return found

    async def incident(self) -> Incident:
        """The incident that was opened last."""
        cards = [key for key in self.posts.shown if key.startswith(card_key(""))]
        found = await self.store.incident(cards[-1].removeprefix(card_key("")))
        assert found is not None
        return found

    async def report(self) -> Report:
        """The latest report of the incident that was opened last."""
        found = await self.store.report((await self.incident()).id)
        assert found is not None
        return found

    async def card(self) -> Any:
        """The card of the incident that was opened last, as it is shown."""
        return self.posts.shown[card_key((await self.incident()).id)]

    def replies(self, about: str) -> list[str]:
        """The texts that were posted under keys that begin so."""
        return [each.text for key, each in self.posts.shown.items() if key.startswith(about)]
