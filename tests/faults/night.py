"""One long night for every test of this folder: a service that burns until it is mended, the bot as
a process of its own, and everything that can break under it."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from redis import Redis

from bot.domain.alarm import Alarm
from bot.domain.report import Report
from bot.render import ACTION
from bot.state import embedded_valkey
from bot.state.keys import Keys
from handlers.envelopes import AlarmSeen
from sandbox import people_and_channels as slack
from sandbox.world.api import Fault
from tests.support.play import Play, said

TAKEOVER = "1"  # seconds until a dead worker's task is taken over


class Night(Play):
    """A play whose alarm is posted when a test says so, under a bot that is told to forget."""

    def __init__(self, scenario: str, folder: Path, **options: Any) -> None:
        super().__init__(scenario, folder, **options)
        self.own_redis: Path | None = None  # where the Valkey is, when it is not the bot's own
        self.posts: list[str] = []  # alarm posts since the beginning, by ts

    def start_bot(self, **environment: str) -> None:
        super().start_bot(
            **{"REDELIVERY_SECONDS": TAKEOVER, "WATCH_SECONDS": "3600", **environment}
        )

    def restart_bot(self) -> None:
        self.kill_bot()
        self.start_bot()

    def stop(self) -> None:
        super().stop()
        if self.own_redis is not None:
            embedded_valkey.stop(self.own_redis)

    # --- what happens ---------------------------------------------------------------------------

    def alarm(self, state: str = "ALARM") -> str:
        """Amazon Q posts the alarm that starts the incident; the post's ts."""

        def burning() -> Any:
            posts = self.session.simulation.transitions()
            return next((each for each in posts if each.alarm.starts and each.state == "ALARM"), 0)

        post = self.until("the alarm", burning)
        self.ts = slack.announce(self.session.workspace, replace(post, state=state))
        self.posts.append(self.ts)
        return self.ts

    def aws_faults(self, *faults: Fault) -> None:
        """What AWS does wrong from now on; nothing when none is named."""
        self.session.simulation._faults = list(faults)

    @contextmanager
    def cloudwatch_says(self, state: str) -> Iterator[None]:
        """The alarm is in another state meanwhile."""
        cloudwatch = self.operator("cloudwatch")
        name = next(each.name for each in self.session.scenario.alarms if each.starts)
        for value in (state, "ALARM"):
            cloudwatch.set_alarm_state(AlarmName=name, StateValue=value, StateReason="a test")
            if value == state:
                yield

    def operator(self, service: str) -> Any:
        """A client of somebody who works on the account by hand."""
        where = {
            "endpoint_url": self.session.aws.url,
            "region_name": "us-east-1",
            "aws_access_key_id": "admin",
            "aws_secret_access_key": "secret",
        }
        return boto3.client(service, **where)

    def alarm_ts(self) -> str:
        return self.ts

    def forget(self) -> None:
        """As if nothing had happened yet: no incident, no fault."""
        self.aws_faults()
        self.session.slack.site.faults.clear()
        self.settle()
        self.posts.clear()
        with self.redis() as redis:
            kept = {b"{ih}:audit:entries", b"{ih}:audit:head"}
            if keys := [key for key in redis.scan_iter("{ih}:*") if key not in kept]:
                redis.delete(*keys)

    # --- what is seen ---------------------------------------------------------------------------

    def redis(self) -> Redis:
        return Redis.from_url(embedded_valkey.start(self.own_redis or self.folder / "state"))

    def settle(self) -> None:
        """Wait until the bot has done all it does for the posts so far. Those come first: a bot
        that has not heard of a post yet has nothing to do either."""
        self.until("every post to be handled", lambda: all(map(self._handled, self.posts)))
        self.until("the bot to have nothing to do", self._idle)

    def _handled(self, ts: str) -> bool:
        nothing = Alarm(name="", region="")
        team = self.session.workspace.team_id
        seen = AlarmSeen(team=team, channel=slack.ALERTS, ts=ts, alarm=nothing)
        with self.redis() as redis:
            return bool(redis.exists(Keys().once(f"handled:{seen.key}")))

    def _idle(self) -> bool:
        with self.redis() as redis:
            waiting = [
                key
                for key in redis.scan_iter("incident-helper*:runs:*")
                if redis.hget(key, "state") in (b"queued", b"running", b"scheduled")
                and not any(
                    word in key
                    for word in (b"sweep", b"look_after", b"check_record", b"flush", b"watch")
                )
            ]
        return not waiting

    def incidents(self) -> list[str]:
        with self.redis() as redis:
            return [key.decode().rsplit(":", 1)[1] for key in redis.scan_iter("{ih}:incident:*")]

    def kept(self, incident: str) -> dict[str, Any]:
        """The incident as it is kept."""
        with self.redis() as redis:
            return _fields(redis.hgetall(f"{{ih}}:incident:{incident}"))

    def report(self) -> Report | None:
        """The one incident's report, once it is complete."""
        for incident in self.incidents():
            with self.redis() as redis:
                text = redis.get(f"{{ih}}:report:{incident}")
            report = Report.model_validate_json(text) if text else None
            if report is not None and report.complete:
                return report
        return None

    def replies(self) -> list[Any]:
        """What the bot posted in the thread for everybody to see."""
        return [each for each in self.thread() if not each.only_for]

    def card(self, seconds: float = 40) -> Any:
        """The finished card, and nothing beside it."""
        self.until("a complete report", self.report, seconds)
        cards = self.until(
            "the finished card",
            lambda: [each for each in self.replies() if "Investigated in" in said(each)],
            seconds,
        )
        assert len(self.replies()) == 1, [said(each)[:80] for each in self.replies()]
        return cards[0]

    def request(self, label: str, action: str) -> None:
        """Ask for an action: by its button, or as one that the findings do not call for yet."""
        card, act = self.card(150), self.session.slack.act
        if f"'text': '{label}" in str(card.blocks):
            self.click(slack.RESPONDER, card, label)
        else:
            self.click(slack.RESPONDER, card, "Other actions")
            choice = self.modal(slack.RESPONDER, "The findings call for none of these")
            options = choice["blocks"][-1]["element"]["options"]
            offer = next(each["value"] for each in options if each["value"].endswith(f":{action}"))
            values = {ACTION: {ACTION: offer}}
            act(slack.RESPONDER, "submit", view_id=choice["id"], values=values)
            guard = self.modal(slack.RESPONDER, "Plan it anyway")
            act(slack.RESPONDER, "submit", view_id=guard["id"])
        preview = self.modal(slack.RESPONDER, "Exact calls")
        act(slack.RESPONDER, "submit", view_id=preview["id"])
        self.in_state("requested")

    def run(self) -> Mapping[str, Any]:
        """The only change, as it is kept; empty before there is one."""
        with self.redis() as redis:
            for key in redis.scan_iter("{ih}:run:*"):
                return _fields(redis.hgetall(key))
        return {}

    def in_state(self, *states: str, seconds: float = 60) -> None:
        self.until(f"the change to be {states}", lambda: self.run().get("state") in states, seconds)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of the running bot's own HTTP server."""
        address = (self.folder / "state" / "address").read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(address + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def alive(self) -> bool:
        assert self.bot is not None
        return self.bot.poll() is None and self.get("/healthz")[0] == 200

    def ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def kill_valkey(self) -> None:
        """kill -9 of the server the state is in."""
        home = (self.own_redis or self.folder / "state") / "valkey"
        os.kill(int((home / "server.pid").read_text()), signal.SIGKILL)

    def log(self) -> str:
        return (self.folder / "bot.log").read_text(encoding="utf-8", errors="replace")


def _fields(kept: Mapping[bytes, bytes]) -> dict[str, Any]:
    return {
        name.decode(): json.loads(value)
        for name, value in kept.items()
        if not name.startswith(b":")
    }


@contextmanager
def running_night(scenario: str, folder: Path, *, speed: float) -> Iterator[Night]:
    """A night with its bot, stopped afterwards."""
    night = Night(scenario, folder, speed=speed)
    night.session.start()
    try:
        night.start_bot()
        yield night
    finally:
        night.stop()
