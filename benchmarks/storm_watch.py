"""A storm as the channels see it: when each card came and was done, and how long people waited."""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.render import Click
from sandbox import people_and_channels as slack
from sandbox.slack.rate_limits import Limiter
from sandbox.slack.records import Change, Message
from sandbox.slack.server import SlackServer

DONE = "Investigated in"  # at the foot of a card whose investigation is over
PATIENCE = 60.0  # seconds until somebody who waits counts as not answered


@dataclass
class Card:
    """The first reply to an alarm's post."""

    posted: float  # when the alarm was posted
    channel: str
    first: float | None = None  # when the card came
    latest: float = 0.0
    versions: int = 0
    done: float | None = None  # when it first said that its investigation is over
    message: Message | None = None


class Watch:
    """Follows every message of the bot. Times are those of `time.monotonic`, in seconds."""

    def __init__(self, server: SlackServer) -> None:
        self.server = server
        self.cards: dict[str, Card] = {}
        self.writes: dict[str, list[float]] = defaultdict(list)
        self.refused: dict[str, int] = defaultdict(int)  # answers with 429, by method
        server.site.limiter = _Counting(server.site.limiter, self.refused)
        server.workspace.subscribe(self._seen)

    def alarm(self, channel: str, message: dict[str, Any]) -> str:
        """Have Amazon Q post an alarm; the post's ts."""
        workspace, posted = self.server.workspace, time.monotonic()
        ts = workspace.post_as_app(slack.AMAZON_Q_APP_ID, channel, message)
        self.cards.setdefault(ts, Card(posted, channel))
        return ts

    def _seen(self, change: Change) -> None:
        message = change.message
        is_write = change.kind in ("posted", "edited") and message is not None
        if not is_write or message is None or message.app is None:
            return
        if message.app.id != slack.BOT_APP or message.only_for:
            return
        now = time.monotonic()
        self.writes[message.channel].append(now)
        card = self.cards.get(message.thread_ts or "")
        if card is None or card.message not in (None, message):
            return
        card.message, card.latest = message, now
        card.versions += 1
        card.first = card.first or now
        if card.done is None and DONE in json.dumps(message.blocks):
            card.done = now


class _Counting(Limiter):
    """Slack's rate limits, and how often each was over."""

    def __init__(self, limiter: Limiter, refused: dict[str, int]) -> None:
        super().__init__(limiter.now, limiter.enabled)
        self._refused = refused

    def _take(self, key: tuple[str, ...], size: float, refill: float) -> int:
        wait = super()._take(key, size, refill)
        if wait:
            self._refused[key[1]] += 1
        return wait


@dataclass
class Person:
    """Somebody who asks and clicks while it goes on."""

    server: SlackServer
    user: str = slack.RESPONDER
    answers: list[float] = field(default_factory=list)  # seconds until `/incident status` came
    opened: list[float] = field(default_factory=list)  # seconds until a preview's modal opened
    filled: list[float] = field(default_factory=list)  # seconds until it had the plan

    def ask(self, channel: str) -> None:
        """Type `/incident status` and wait for the answer."""
        before = len(self._private(channel))
        began = time.monotonic()
        self.server.act(self.user, "command", channel=channel, name="/incident", text="status")
        self.answers.append(self._until(began, lambda: len(self._private(channel)) > before))

    def preview(self, card: Card) -> bool:
        """Press the card's first button of an action and wait for the plan; False without one."""
        message = card.message
        button = _button(message) if message is not None else None
        if message is None or button is None:
            return False
        began = time.monotonic()
        self.server.act(
            self.user,
            "click",
            channel=message.channel,
            ts=message.ts,
            block_id=button[0],
            action_id=button[1],
        )
        self.opened.append(self._until(began, lambda: self._view() is not None))
        loading = self._view()
        self.filled.append(self._until(began, lambda: self._view() != loading))
        view = self.server.site.modals.top(self.user)
        if view is not None:
            self.server.act(self.user, "close", view_id=view.id, everything=True)
        return True

    def _view(self) -> str | None:
        view = self.server.site.modals.top(self.user)
        return json.dumps(self.server.site.modals.as_json(view)["blocks"]) if view else None

    def _private(self, channel: str) -> list[Message]:
        seen = self.server.workspace.messages(channel, viewer=self.user)
        return [each for each in seen if each.only_for == self.user]

    def _until(self, began: float, look: Callable[[], bool]) -> float:
        while time.monotonic() - began < PATIENCE and not look():
            time.sleep(0.02)
        return time.monotonic() - began


def _button(message: Message) -> tuple[str, str] | None:
    for block in message.blocks:
        for element in block.get("elements", ()):
            if str(element.get("action_id", "")).startswith(Click.PREPARE):
                return block["block_id"], element["action_id"]
    return None


def most_in_a_second(times: Sequence[float]) -> int:
    """The most writes within any second."""
    return max((sum(1 for each in times if at <= each < at + 0.95) for at in times), default=0)


def told(values: Sequence[float]) -> str:
    """Median, 99th percentile and the most, in seconds."""
    if not values:
        return "none"
    p99 = statistics.quantiles(values, n=100)[98] if len(values) > 1 else values[0]
    p99 = min(p99, max(values))
    return f"median {statistics.median(values):.1f}, p99 {p99:.1f}, most {max(values):.1f} s"
