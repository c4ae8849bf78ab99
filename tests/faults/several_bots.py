"""Several bots on one store that are killed or stopped, and what the store, Slack and the
account's ledger then have of a change."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.domain.run import Run
from bot.state import embedded_valkey
from bot.state.runs import _RUN
from bot.state.store import RedisStore, connect
from sandbox import people_and_channels as slack
from sandbox.aws.ledger import Entry
from tests.faults import quick_bot
from tests.faults.night import TAKEOVER, Night

SENDING, IN_FLIGHT = 1.5, 6.0  # seconds, in place of the program's 10 and more than 300
OPERATOR = "admin"  # whose calls are not the bot's


@dataclass(frozen=True, slots=True)
class Story:
    """A change that a scenario calls for."""

    scenario: str
    button: str  # on the card
    apply: str  # the operation that makes the change
    undo: str  # the operation that undoes it


@dataclass(frozen=True, slots=True)
class Blow:
    """What is done to the bots when the change is in a state."""

    state: str
    kind: str  # "kill" or "stop"
    bots: int  # how many of them
    after: float  # seconds after the state was seen
    lasts: float  # seconds until they run again

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.bots} at {self.state} +{self.after * 1000:.0f} ms "
            f"for {self.lasts:.1f} s"
        )


class Bots(Night):
    """A night with several bots on one store."""

    def __init__(self, story: Story, folder: Path, count: int) -> None:
        super().__init__(story.scenario, folder, speed=20.0)
        self.story, self.count = story, count
        self.own_redis = folder / "store"
        self.processes: list[subprocess.Popen[bytes] | None] = [None] * count

    def start_all(self) -> None:
        for number, process in enumerate(self.processes):
            if process is None:
                self.processes[number] = self._start(number)
        self.until("every bot to be ready", self._all_ready, 180)

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        state = self.folder / f"bot-{number}"
        (state / "address").unlink(missing_ok=True)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        log = (self.folder / "bot.log").open("ab")
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faults.quick_bot"],
            env={
                **kept,
                **self.session.environment,
                "REDIS_URL": embedded_valkey.start(self.own_redis or self.folder),
                "STATE_DIR": str(state),
                "PORT": "0",
                "POLL_SECONDS": "0.5",
                "WATCH_SECONDS": "86400",
                "REDELIVERY_SECONDS": TAKEOVER,
                "PYTHONPATH": os.pathsep.join(sys.path),
                quick_bot.ENVIRONMENT: f"{SENDING},{IN_FLIGHT}",
            },
            cwd=self.folder,
            stdout=log,
            stderr=log,
        )

    def _all_ready(self) -> bool:
        told = all((self.folder / f"bot-{n}" / "address").exists() for n in range(self.count))
        return told and self.session.slack.site.sockets.connected(slack.BOT_APP) >= self.count

    def stop(self) -> None:
        for process in self.processes:
            if process is not None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        super().stop()

    def strike(self, blow: Blow, chance: random.Random) -> None:
        """Kill or stop bots, and have all of them run again afterwards."""
        struck = chance.sample(range(self.count), min(blow.bots, self.count))
        for number in struck:
            process = self.processes[number]
            assert process is not None
            process.send_signal(signal.SIGKILL if blow.kind == "kill" else signal.SIGSTOP)
        time.sleep(blow.lasts)
        for number in struck:
            process = self.processes[number]
            assert process is not None
            if blow.kind == "kill":
                process.wait()
                self.processes[number] = None
            else:
                process.send_signal(signal.SIGCONT)
        if blow.kind == "kill":
            self.start_all()

    # --- what is kept ---------------------------------------------------------------------------

    def run_ids(self) -> list[str]:
        with self.redis() as redis:
            return [key.decode().rsplit(":", 1)[1] for key in redis.scan_iter("{ih}:run:*")]

    def change(self, run_id: str) -> Run:
        with self.redis() as redis:
            flat = [
                text.decode(errors="surrogateescape")
                for pair in redis.hgetall(f"{{ih}}:run:{run_id}").items()
                for text in pair
            ]
        run = _RUN.decode(flat)
        assert run is not None
        return run

    def message_of(self, run_id: str) -> Any:
        """The message of a change in Slack; None before it was posted."""
        for each in self.thread():
            payload = (each.metadata or {}).get("event_payload", {})
            if payload.get("key") == f"run:{run_id}":
                return each
        return None

    def audit_fault(self) -> str | None:
        """What is wrong with the audit chain; None when it is whole."""

        async def verified() -> str | None:
            redis = connect(embedded_valkey.start(self.own_redis or self.folder))
            async with redis:
                return await RedisStore(redis).verify_audit()

        return asyncio.run(verified())

    def sent(self, operation: str, since: int) -> list[Entry]:
        """The bot's calls of an operation, those that AWS refused included."""
        entries = self.session.aws.ledger.writes(outcome=None)[since:]
        return [
            each
            for each in entries
            if each.operation.startswith(operation) and OPERATOR not in each.caller
        ]
