"""Rounds of kills and stops around a guarded change, judged by the account's ledger of writes.

A round asks for a change, approves it and undoes it, with one to three bots on one store. When the
change reaches a state that the round has drawn, one of the bots, or all, are killed (kill -9) or
stopped (SIGSTOP) for longer than every deadline. When everything runs again and nothing is left to
do, four questions are asked:

    doubled        was a call sent twice?
    lost           was an approved change, or an undo, dropped without a word?
    contradictory  does the record say something else than the account?
    unsaid         does the message in Slack show another state than the record?

`python -m tests.faults.rounds --rounds 300 --seed 1` plays many; `test_rounds.py` a few.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from redis.exceptions import RedisError

from bot.domain.run import Run
from bot.render.change_message import STATE
from sandbox import people_and_channels as slack
from sandbox.aws.ledger import Entry
from sandbox.world.api import Fault
from tests.faults.several_bots import IN_FLIGHT, OPERATOR, Blow, Bots, Story
from tests.support.play import said

STOPS = (0.3, 3.0, 9.0)  # seconds: shorter than a send, longer than one, longer than IN_FLIGHT
ROUNDS_A_NIGHT = 25  # of one sandbox: its world is six hours long


STORIES = (
    Story(
        "5xx-cold-starts-in-a-surge",
        "Enable provisioned concurrency",
        "PutProvisionedConcurrencyConfig",
        "DeleteProvisionedConcurrencyConfig",
    ),
    Story("5xx-bad-alias-move", "Roll back", "UpdateAlias", "UpdateAlias"),
)
STATES_OF_APPLYING = ("requested", "approved", "running", "settling")
STATES_OF_UNDOING = ("settling", "verifying", "undo requested", "undo approved", "undoing")
UNTOUCHED = frozenset({"refused", "rejected", "expired", "requested", "proposed"})
APPLIED = frozenset({"settling", "verifying", "done", "undo requested", "undo approved", "drifted"})


@dataclass(slots=True)
class Verdict:
    """What a round ended with."""

    number: int
    blows: list[Blow]
    run: Run
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        what = "; ".join(map(str, self.blows))
        return f"round {self.number}: {self.run.state}: {what}: {self.faults or 'nothing wrong'}"


class Round:
    """One change: asked for, approved, undone, under blows."""

    def __init__(self, bots: Bots, card: Any, number: int, chance: random.Random) -> None:
        self.bots, self.card, self.number, self.chance = bots, card, number, chance
        self.story = bots.story
        self.begun = len(bots.session.aws.ledger.writes(outcome=None))
        self.run_id = ""

    def play(self) -> Verdict:
        blows = [self._draw(STATES_OF_APPLYING), self._draw(STATES_OF_UNDOING)]
        self._ask()
        with self._blow(blows[0]):
            self._press_until("Approve", slack.COMMANDER, {"requested"})
        self._rest()
        with self._blow(blows[1]):
            if self._state() in ("settling", "verifying", "done"):
                self._press_until("Undo", slack.RESPONDER, {"settling", "verifying", "done"})
            self._rest()
            if self._state() == "undo requested":  # of a verified fix, on a service of tier 1
                self._press_until("Approve undo", slack.COMMANDER, {"undo requested"})
        self._rest()
        time.sleep(IN_FLIGHT if any(each.kind == "stop" for each in blows) else 0)
        self._rest()
        verdict = Verdict(self.number, blows, self.bots.change(self.run_id))
        verdict.faults += self._judge(verdict.run)
        self._clean()
        return verdict

    def _draw(self, states: tuple[str, ...]) -> Blow:
        kind = self.chance.choice(("kill", "stop", "stop"))
        return Blow(
            state=self.chance.choice(states),
            kind=kind,
            bots=self.chance.randint(1, self.bots.count),
            after=self.chance.choice((0.0, 0.02, 0.05, 0.1, 0.4)),
            lasts=0.2 if kind == "kill" else self.chance.choice(STOPS),
        )

    # --- what people do -------------------------------------------------------------------------

    def _ask(self) -> None:
        known = set(self.bots.run_ids())
        self.bots.session.slack.site.modals.close(slack.RESPONDER, everything=True)
        self.bots.until("the action's button", lambda: self.story.button in said(self._card()), 60)
        self.bots.click(slack.RESPONDER, self._card(), self.story.button)
        view = self.bots.modal(slack.RESPONDER, self.story.apply)
        self.bots.session.slack.act(slack.RESPONDER, "submit", view_id=view["id"])
        self.run_id = self.bots.until(
            "the request", lambda: next(iter(set(self.bots.run_ids()) - known), None)
        )
        self.bots.until("its message", lambda: self._message_has("Approve"))

    def _press_until(self, label: str, user: str, states: set[str]) -> None:
        """Press the button until the change has left these states: a click that reaches a bot
        which is stopped is lost, as Slack tells whoever pressed."""
        deadline = time.monotonic() + 60
        while self._state() in states and time.monotonic() < deadline:
            if self._message_has(label):
                with suppress(AssertionError):
                    self.bots.click(user, self.bots.message_of(self.run_id), label)
            for _ in range(30):
                if self._state() not in states:
                    return
                time.sleep(0.1)

    @contextmanager
    def _blow(self, blow: Blow) -> Iterator[None]:
        """Strike when the change is in the state, or 4 s later in whatever state it is."""

        def wait_and_strike() -> None:
            deadline = time.monotonic() + 4
            while self._state() != blow.state and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(blow.after)
            self.bots.strike(blow, self.chance)

        thread = threading.Thread(target=wait_and_strike)
        thread.start()
        yield
        thread.join()

    def _rest(self) -> None:
        """Wait until nothing is under way that goes on by itself."""
        under_way = {"approved", "running", "undo approved", "undoing"}
        self.bots.until(
            f"{self.run_id} to come to rest", lambda: self._state() not in under_way, 90
        )

    # --- judging --------------------------------------------------------------------------------

    def _judge(self, run: Run) -> list[str]:
        faults = []
        applied, undone = self._sent()
        for what, calls in (("apply", applied), ("undo", undone)):
            if len(calls) > 1:
                faults.append(f"doubled: {what} was sent {len(calls)} times")
        effective = [each for each in applied if each.outcome == "ok"]
        reversed_ = [each for each in undone if each.outcome == "ok"]
        state = run.state.value
        if effective and state in UNTOUCHED:
            faults.append(f"contradictory: AWS was changed, the record says {state}: {run.note}")
        if not effective and state in APPLIED | {"undone"}:
            faults.append(f"contradictory: nothing was sent, the record says {state}")
        if reversed_ and state not in ("undone", "drifted"):
            faults.append(f"contradictory: it was undone, the record says {state}: {run.note}")
        if not reversed_ and state == "undone":
            faults.append("contradictory: no inverse was sent, the record says undone")
        if run.approved_by and not effective and not run.note:
            faults.append("lost: approved, not sent, and no reason on record")
        if run.approved_by is None and state in UNTOUCHED and state != "requested":
            faults.append(f"lost: never approved: {state}: {run.note}")
        if not self._said(run):
            message = self.bots.message_of(self.run_id)
            shown = said(message)[:120] if message else "no message"
            faults.append(f"unsaid: the record says {state}, Slack shows: {shown}")
        return faults

    def _sent(self) -> tuple[list[Entry], list[Entry]]:
        """The calls that made the change and those that undid it."""
        calls = self.bots.sent(self.story.apply, self.begun)
        if self.story.apply != self.story.undo:
            return calls, self.bots.sent(self.story.undo, self.begun)
        plan = self.bots.change(self.run_id).plan
        assert plan is not None
        new = str(plan.steps[0].params["FunctionVersion"])
        forward = [each for each in calls if str(each.params.get("FunctionVersion")) == new]
        return forward, [each for each in calls if each not in forward]

    def _said(self, run: Run) -> bool:
        expected = "Applied" if run.state == "done" and not run.in_force_at else STATE[run.state]
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            message = self.bots.message_of(self.run_id)
            if message is not None and expected in said(message):
                return True
            time.sleep(0.3)
        return False

    def _clean(self) -> None:
        """Bring the account back to how the story begins, by an operator's hand."""
        where = {
            "endpoint_url": self.bots.session.aws.url,
            "region_name": "us-east-1",
            "aws_access_key_id": OPERATOR,
            "aws_secret_access_key": "secret",
        }
        client = boto3.client("lambda", **where)
        plan = self.bots.change(self.run_id).plan
        assert plan is not None
        if self.story.apply == "UpdateAlias":
            params = plan.steps[0].params
            client.update_alias(
                FunctionName=params["FunctionName"],
                Name=params["Name"],
                FunctionVersion=str(plan.before["version"]),
            )
        else:
            with suppress(client.exceptions.ProvisionedConcurrencyConfigNotFoundException):
                client.delete_provisioned_concurrency_config(
                    FunctionName=plan.steps[0].params["FunctionName"],
                    Qualifier=plan.steps[0].params["Qualifier"],
                )

    # --- looking --------------------------------------------------------------------------------

    def _state(self) -> str:
        with suppress(RedisError):
            return self.bots.change(self.run_id).state.value
        return ""

    def _message_has(self, words: str) -> bool:
        message = self.bots.message_of(self.run_id)
        return message is not None and words in said(message)

    def _card(self) -> Any:
        posts = self.bots.thread()
        return next(each for each in posts if each.ts == self.card.ts)


def play(rounds: int, seed: int, folder: Path) -> Iterator[Verdict]:
    """Play rounds, a new sandbox for every ROUNDS_A_NIGHT of them."""
    chance = random.Random(seed)
    number = 0
    while number < rounds:
        story = STORIES[(number // ROUNDS_A_NIGHT) % len(STORIES)]
        bots = Bots(story, folder / f"night-{number}", count=chance.choice((2, 3)))
        bots.folder.mkdir(parents=True)
        bots.session.start()
        try:
            bots.start_all()
            bots.alarm()
            card = bots.card(90)
            bots.aws_faults(Fault(f"lambda:{story.apply}", "latency", latency_ms=60))
            for _ in range(min(ROUNDS_A_NIGHT, rounds - number)):
                number += 1
                yield Round(bots, card, number, chance).play()
            fault = bots.audit_fault()
            assert fault is None, fault
        finally:
            bots.stop()


def main() -> int:
    """Play rounds from the command line; exit code 1 when one of them found a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began, bad = time.monotonic(), 0
    ends: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        for verdict in play(asked.rounds, asked.seed, Path(folder)):
            bad += bool(verdict.faults)
            ends[verdict.run.state] = ends.get(verdict.run.state, 0) + 1
            print(verdict, flush=True)
    minutes = (time.monotonic() - began) / 60
    print(f"{asked.rounds} rounds in {minutes:.0f} min, {bad} with faults; ended: {ends}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
