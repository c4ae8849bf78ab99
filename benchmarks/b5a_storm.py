"""B5a: a storm of alarms of different services. Do people and first cards wait?

STORM_ALARMS, STORM_SECONDS, STORM_DUPLICATES and STORM_LATENCY_MS make it smaller.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from benchmarks.storm_watch import Person, Watch, most_in_a_second, told
from bot.state import embedded_valkey
from sandbox import people_and_channels as slack
from sandbox.commands import SCENARIOS
from sandbox.slack.people import ChannelSeed
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace
from sandbox.world import AlarmPost, Simulation, load
from sandbox.world.clock import FrozenClock

SCENARIO = "5xx-reserved-concurrency"
ALARMS = int(os.environ.get("STORM_ALARMS", "150"))
SECONDS = float(os.environ.get("STORM_SECONDS", "60"))
LATENCY_MS = int(os.environ.get("STORM_LATENCY_MS", "2000"))
DUPLICATES = int(os.environ.get("STORM_DUPLICATES", "60"))
CALM = 90.0  # seconds after the last alarm in which the last card should be right
PATIENCE = 240.0  # seconds after which what is not there is reported as missing
CHANNELS = (slack.ALERTS, slack.TEAM_CHANNEL, "C0THIRD")
BARS = "bars: first card, status and preview p99 ≤3 s, ≤1 write/s/channel, last card ≤90 s"


def main() -> None:
    print(f"B5a storm: {ALARMS} alarms in {SECONDS:.0f} s, {LATENCY_MS} ms a call; {BARS}")
    names = [f"shop-{number:03d}" for number in range(ALARMS + 1)]
    with _account(names) as account, _workspace() as server, _bot(account, names, server) as bot:
        watch, maya = Watch(server), Person(server)
        first = watch.alarm(CHANNELS[0], _post(names[0]))
        _until(lambda: watch.cards[first].done, PATIENCE)
        _say(maya, watch, first)
        _duplicates(watch, bot, names[0])
        del watch.cards[first]
        watch.writes.clear()
        cpu = bot.cpu
        began = time.monotonic()
        asking = threading.Thread(target=_people, args=(maya, watch, began), daemon=True)
        asking.start()
        for number, name in enumerate(names[1:]):
            time.sleep(max(0.0, began + number * SECONDS / ALARMS - time.monotonic()))
            watch.alarm(CHANNELS[number % len(CHANNELS)], _post(name))
        ended = time.monotonic()
        _until(lambda: all(card.done for card in watch.cards.values()), PATIENCE)
        asking.join(timeout=70)
        _report(watch, maya, ended)
        wall = time.monotonic() - began
        print(f"  the bot: {bot.cpu - cpu:.0f} s of CPU in {wall:.0f} s, {bot.memory_mb:.0f} MB")


def _report(watch: Watch, maya: Person, ended: float) -> None:
    cards = list(watch.cards.values())
    first = [card.first - card.posted for card in cards if card.first]
    done = [card.done - ended for card in cards if card.done]
    print(f"  first card: {told(first)}; {len(cards) - len(first)} missing")
    print(f"  /incident status: {told(maya.answers)} ({len(maya.answers)} times)")
    print(f"  preview opened: {told(maya.opened)} ({len(maya.opened)} times)")
    print(f"  preview filled: {told(maya.filled)}")
    missing = len(cards) - len(done)
    print(f"  last card done: {max(done, default=0):.0f} s after the last alarm; {missing} missing")
    most = max(map(most_in_a_second, watch.writes.values()), default=0)
    versions = sum(card.versions for card in cards) / max(1, len(cards))
    print(f"  most writes in a second and channel: {most}; {versions:.1f} versions of a card")
    print(f"  429: {dict(watch.refused) or 'none'}")


def _say(maya: Person, watch: Watch, first: str) -> None:
    """How long the same takes without a storm."""
    maya.ask(CHANNELS[0])
    maya.preview(watch.cards[first])
    print(f"  without a storm: status {told(maya.answers)}; preview filled {told(maya.filled)}")
    maya.answers.clear()
    maya.opened.clear()
    maya.filled.clear()


def _people(maya: Person, watch: Watch, began: float) -> None:
    """Ask for the status, preview a change, and so on until some seconds after the last alarm."""
    while time.monotonic() - began < SECONDS + CALM / 3:
        for channel in CHANNELS:
            maya.ask(channel)
            time.sleep(0.5)
        done = [card for card in list(watch.cards.values()) if card.done]
        if done:
            maya.preview(done[-1])


def _duplicates(watch: Watch, bot: Bot, name: str) -> None:
    """The same alarm posted again and again."""
    before = bot.investigations
    posts = [watch.alarm(CHANNELS[0], _post(name)) for _ in range(DUPLICATES)]
    _until(lambda: bot.posts_handled >= DUPLICATES + 1, PATIENCE)
    quiet = bot.investigations, time.monotonic()
    while time.monotonic() - quiet[1] < 10 + LATENCY_MS / 100:
        if bot.investigations != quiet[0]:
            quiet = bot.investigations, time.monotonic()
        time.sleep(0.5)
    print(f"  {DUPLICATES} duplicate posts: {bot.investigations - before} investigations (bar: 2)")
    for ts in posts:
        watch.cards.pop(ts, None)


def _post(service: str) -> dict[str, Any]:
    """Amazon Q's post of the service's alarm."""
    post = _first_post()
    alarm = post.alarm.model_copy(update={"name": f"{service}-5xx"})
    return slack.alarm_post(replace(post, alarm=alarm))


@cache
def _first_post() -> AlarmPost:
    posts = Simulation(load(SCENARIOS / f"{SCENARIO}.yaml"), clock=FrozenClock()).transitions()
    return next(each for each in posts if each.alarm.starts and each.state == "ALARM")


# --- what runs ------------------------------------------------------------------------------------


@dataclass
class Bot:
    """The bot as a process of its own."""

    process: subprocess.Popen[bytes]
    address: str

    @property
    def investigations(self) -> int:
        return int(self._counted("incident_investigations_total{"))

    @property
    def posts_handled(self) -> int:
        return int(self._counted('incident_events_accepted_total{kind="alarm"'))

    @property
    def cpu(self) -> float:
        """Seconds of CPU it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def _counted(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.address}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@contextmanager
def _account(names: list[str]) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.storm_account", SCENARIO, str(LATENCY_MS)]
    command += [f"{name}-5xx" for name in names]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as account:
        try:
            assert account.stdout is not None
            yield json.loads(account.stdout.readline())
        finally:
            account.communicate()


@contextmanager
def _workspace() -> Iterator[SlackServer]:
    seed = slack.seed(load(SCENARIOS / f"{SCENARIO}.yaml"))
    third = ChannelSeed(CHANNELS[2], "third", members=seed.channels[0].members)
    with SlackServer(Workspace(replace(seed, channels=(*seed.channels, third)))) as server:
        yield server


@contextmanager
def _bot(account: dict[str, Any], names: list[str], server: SlackServer) -> Iterator[Bot]:
    with tempfile.TemporaryDirectory(prefix="b5a-") as folder:
        state = Path(folder)
        known = yaml.safe_load(account["catalogue"])
        (service,) = known["services"]
        service.pop("channel", None)
        known["services"] = [service | {"name": name} for name in names]
        (state / "catalogue.yaml").write_text(yaml.safe_dump(known), encoding="utf-8")
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
            **account["environment"],
            "CATALOGUE": str(state / "catalogue.yaml"),
            "SLACK_API_URL": server.api_url,
            "SLACK_TEAM_ID": server.workspace.team_id,
            "STATE_DIR": folder,
            "PORT": "0",
        }
        environment.pop("REDIS_URL", None)
        with Path(os.environ.get("STORM_LOG", f"{folder}/bot.log")).open("wb") as log:
            command = [sys.executable, "-m", "bot", "serve"]
            process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
            try:
                told = state / "address"
                _until(lambda: told.exists(), 120)
                _until(lambda: server.site.sockets.connected(slack.BOT_APP) > 1, 120)
                yield Bot(process, told.read_text(encoding="utf-8"))
            finally:
                process.terminate()
                process.wait(timeout=60)
                embedded_valkey.stop(state)


def _until(look: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not look():
        time.sleep(0.1)
