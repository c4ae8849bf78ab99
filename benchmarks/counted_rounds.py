"""How many rounds of AWS calls an investigation waits for, counted and not timed.

AWS's latency is a gate. Calls wait at it until nothing else in the program can go on; then all of
them are let through and answered: one round. What is counted is so the longest chain of calls that
wait for each other, on a slow machine as on a fast one.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bot.app import registry
from bot.app.triage_command import THREADS
from bot.aws import metric_batches
from bot.aws.accounts import AwsAccounts
from bot.aws.client import Reader
from bot.aws.memory import Memory
from bot.config import catalogue
from bot.config.catalogue import Catalogue
from bot.config.settings import Settings
from bot.domain.alarm import Alarm
from bot.domain.report import Report
from bot.investigation.investigator import Investigator
from playbooks.probes import logs_insights
from sandbox.commands import SCENARIOS
from sandbox.session import Session
from sandbox.world import load
from sandbox.world.clock import FrozenClock

TICK = 0.02  # seconds between two looks whether the program has come to rest
AT_REST = 40  # ticks in a row without a call that comes or is answered, and with hardly any work
GATHERED = 0.5  # seconds in which nobody asks for a metric; on a busy machine threads begin late
BUSY = 0.25  # of a tick in which this process had the processor


class Gate:
    """Lets calls through in rounds. Use as a context manager; `rounds` counts them, `calls` the
    calls."""

    def __init__(self) -> None:
        self.rounds = self.calls = 0
        self._changed = threading.Condition()
        self._waiting = 0
        self._under_way = 0
        self._moves = 0  # calls that came or were answered, ever
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="gate", daemon=True)

    def __enter__(self) -> Gate:
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._keeper.join()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """A call: waits to be let through, and is answered when the block ends."""
        with self._changed:
            self.calls += 1
            self._waiting += 1
            self._moves += 1
            own = self.rounds
            self._changed.wait_for(lambda: self.rounds > own)
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._moves += 1

    def _keep(self) -> None:
        rested, seen, worked = 0, 0, time.process_time()
        while not self._closing.wait(TICK):
            now = time.process_time()
            with self._changed:
                still = self._moves == seen and not self._under_way and now - worked < BUSY * TICK
                rested, seen, worked = (rested + 1 if still else 0), self._moves, now
                if self._waiting and rested >= AT_REST:
                    self.rounds += 1
                    self._under_way, self._waiting, rested = self._waiting, 0, 0
                    self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Counted:
    """One investigation: rounds it waited for, calls it made, and its report."""

    rounds: int
    calls: int
    report: Report


def counted(scenario: str, looks: int = 1) -> tuple[Counted, Counted]:
    """A scenario's investigation, with nothing remembered, and the next within minutes of it.

    A Logs Insights query is found complete when it is looked at for the `looks`-th time.
    """
    story = load(SCENARIOS / f"{scenario}.yaml")
    with tempfile.TemporaryDirectory(prefix="rounds-") as folder:
        session = Session(story, Path(folder), clock=FrozenClock())
        session.aws.start()
        try:
            session.catalogue.write_text(session.catalogue_text(), encoding="utf-8")
            own = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
            with patch.dict(os.environ, own | session.environment, clear=True):
                known = catalogue.load(session.catalogue)
                accounts = AwsAccounts(known, Settings(_env_file=None), registry.ACTIONS)
                accounts.prepare()
                alarm, memory = story.starting_alarm.name, Memory(seconds=3600)
                first = _investigated(accounts, known, alarm, memory, looks)
                return first, _investigated(accounts, known, alarm, memory, looks)
        finally:
            session.stop()


def _investigated(
    accounts: AwsAccounts, known: Catalogue, alarm: str, memory: Memory, looks: int
) -> Counted:
    service, router = known.services[0], registry.router()
    playbook = router.playbooks["5xx"]
    with (
        ThreadPoolExecutor(THREADS) as pool,
        Gate() as gate,
        patch.object(logs_insights, "FIRST_PAUSE", 0.0),  # a pause is no round
        patch.multiple(metric_batches, MOMENT=GATHERED, LONGEST=10.0),
    ):
        aws = _behind(gate, accounts.reader(service), looks)
        investigator = Investigator(router, registry.ACTIONS, pool, memory)

        async def investigation() -> Report:
            pointer = Alarm(name=alarm, region=service.region)
            found = await investigator.resolve_scope(aws, playbook, service, alarm=pointer)
            return [each async for each in investigator.reports(aws, playbook, found)][-1]

        report = asyncio.run(investigation())
        return Counted(gate.rounds, gate.calls, report)


def _behind(gate: Gate, aws: Reader, looks: int) -> Reader:
    """The reader, changed to send its calls through the gate."""
    send = aws.read
    looked: dict[str, int] = {}

    def read(service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        with gate.passed():
            if operation != "get_query_results":
                return send(service, operation, **params)
            query = params["queryId"]
            looked[query] = looked.get(query, 0) + 1
            answer = send(service, operation, **params)
            if looked[query] < looks:
                return answer | {"status": "Running", "results": []}
            while answer["status"] == "Running":
                time.sleep(0.05)
                answer = send(service, operation, **params)
            return answer

    vars(aws)["read"] = read
    return aws
