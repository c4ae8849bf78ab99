"""The outbox: messages for Slack, stored in Redis and sent once, within Slack's rate limits.

A message has a stable key ("card:INC7", "run:R3"). Putting a key again replaces content that was
not sent yet; content that was sent is updated in Slack. What goes out first: new messages, then
edits that somebody waits for, then other edits, then interim versions, which a newer one will soon
replace; within each, what has waited longest.

The pace, over all replicas (Slack, "Rate limits"): at most one write a second and channel; edits
from a bucket of 50 that fills by 50 a minute, for the whole workspace (chat.update is of tier 3);
an interim version at most every few seconds a message, and more seldom the more edits wait. When
Slack answers with Retry-After, that method pauses and no other: a new card does not wait for edits.

A post without an answer is *ambiguous*: Slack may have accepted it. Every post carries its key as
message metadata, and before the post is sent again the channel is searched for that key. If Slack
refuses the search, the post is sent again and reported as doubtful: twice is better than never.

    queued -> sending -> sent            (put again: queued, then sent as an update)
                      -> ambiguous -> sent if the search finds it, else queued
                      -> refused         (until other content is put)

What Slack refuses, by `bot.slack.refusals`: passing refusals are tried again for hours; a message
that was deleted is posted anew; blocks that a workspace does not take are replaced by simpler ones;
a channel that takes nothing is tried again now and then, and at once when the bot is invited.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from redis.asyncio import Redis

from bot.domain.redaction import redact_tree
from bot.slack.delivery import NAMES, Delivery, Outcome
from bot.slack.message import Message, Slack
from bot.slack.refusals import Refusal, refusal_of
from bot.state.keys import RETENTION, Keys
from bot.state.scripts import CLOCK, script
from bot.telemetry import metrics

SPACING = 1.02
"""Seconds between two writes to a channel: Slack takes about one a second, and of two that leave a
second apart the later may be the faster one."""
RANK = ("outbox_rank",)
WAITED = ("new", "answer", "edit", "interim")
"""What waits, by the rank of outbox_rank.lua."""


class Put(IntEnum):
    """What became of a put."""

    UNCHANGED = 0
    STORED = 1  # a flush has to be asked for
    TAKEN = 2  # a flusher that has the channel will see it


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was posted or updated."""

    key: str
    ts: str
    replaced: str | None = None  # ts of a deleted message: its own, or that of the thread it was in


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that Slack refused."""

    key: str
    reason: str  # Slack's error code


@dataclass(slots=True)
class Flushed:
    """What a flush did."""

    next_in: float | None = None  # seconds until the next is due; None: nothing waits
    kept: bool = False  # the lease is kept until then
    held: bool = False  # another flusher has the channel
    sent: list[Sent] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    closed: list[Refused] = field(default_factory=list)  # wait, since the channel takes nothing
    doubtful: list[str] = field(default_factory=list)  # keys that may have been posted twice
    revoked: str | None = None  # Slack's error code, if it refuses the token


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a message in the outbox."""

    state: str  # queued, sending, ambiguous, sent or refused
    ts: str | None  # None before it was posted
    reason: str  # why it was refused, or waits; else ""


class Outbox:
    """The messages of all channels.

    Args:
        redis: a client made by `bot.state.store.connect`.
        namespace: the prefix of the keys.
        spacing: seconds between two writes to a channel.
        lease: seconds a flusher holds a channel; longer than one call to Slack with its timeout.
        doubt: seconds to wait before searching for a post that got no answer.
        backoff: seconds of the first pause after a failure; doubled up to 64 times that.
        edits: edits a minute of the whole workspace, and how many may go out at once.
        gap: seconds between two interim versions of a message, at least.
    """

    def __init__(
        self,
        redis: Redis,
        namespace: str = "ih",
        *,
        spacing: float = SPACING,
        lease: float = 20.0,
        doubt: float = 2.0,
        backoff: float = 1.0,
        edits: int = 50,
        gap: float = 5.0,
    ) -> None:
        self._redis = redis
        self._keys = Keys(namespace)
        self._spacing, self._lease = spacing, lease
        self._doubt, self._backoff = doubt, backoff
        self._edits, self._gap = edits, gap
        self._put = script(redis, *CLOCK, *RANK, "outbox_put", when_full=True)
        self._take = script(redis, *CLOCK, "outbox_take", when_full=True)
        self._settle = script(redis, *CLOCK, *RANK, "outbox_settle", when_full=True)
        self._drop = script(redis, "outbox_drop", when_full=True)
        self._release = script(redis, "release", when_full=True)

    async def put(
        self,
        channel: str,
        key: str,
        message: Message,
        *,
        answer: bool = False,
        interim: bool = False,
    ) -> Put:
        """Store a message for sending, in one atomic write.

        Secrets are removed here, so that neither Redis nor Slack gets them.

        Args:
            channel: id of the channel.
            key: names the message.
            message: its content.
            answer: somebody waits for it: as an edit it goes before other edits.
            interim: a newer version will come; this one may never be sent.
        """
        clean = Message.model_validate(redact_tree(message.model_dump(), message.kept))
        keys = self._keys
        stored = await self._put(
            keys=[
                keys.outbox_message(channel, key),
                keys.outbox_order(channel),
                keys.outbox_gate(channel),
                keys.outbox_channels,
                keys.outbox_lease(channel),
            ],
            args=[
                RETENTION,
                channel,
                key,
                clean.model_dump_json(),
                clean.thread_key or "",
                clean.thread_ts or "",
                int(answer),
                int(interim),
            ],
        )
        return Put(stored)

    async def status(self, channel: str, key: str) -> Status | None:
        """The state of a message; None when it was never put."""
        state, ts, reason = await self._redis.hmget(
            self._keys.outbox_message(channel, key), "state", "ts", "reason"
        )
        return Status(str(state), str(ts) if ts else None, str(reason or "")) if state else None

    async def pending(self) -> list[str]:
        """Channels with unsent messages, the one that has waited longest first."""
        return [str(c) for c in await self._redis.zrange(self._keys.outbox_channels, 0, -1)]

    async def ages(self) -> dict[str, float]:
        """Seconds that the oldest unsent message has waited, for each of `WAITED`."""
        seconds, micros = await self._redis.time()
        now = seconds * 1_000_000 + micros
        oldest = dict.fromkeys(WAITED, 0.0)
        for channel in await self.pending():
            for number, kind in enumerate(WAITED):
                first = await self._redis.zrange(
                    self._keys.outbox_order(channel),
                    f"{number * 10**12}",
                    f"({(number + 1) * 10**12}",
                    byscore=True,
                    offset=0,
                    num=1,
                )
                if first:
                    message = self._keys.outbox_message(channel, str(first[0]))
                    since = await self._redis.hget(message, "queued")
                    if since:
                        oldest[kind] = max(oldest[kind], (now - int(since)) / 1_000_000)
        return oldest

    async def drop(self, channel: str, key: str, reason: str) -> bool:
        """Give up a message that was never posted; what replies to it is refused too.

        Returns whether it had not been posted.
        """
        dropped = await self._drop(
            keys=[self._keys.outbox_message(channel, key), self._keys.outbox_order(channel)],
            args=[key, reason],
        )
        return bool(dropped)

    async def reopen(self, channel: str) -> None:
        """The bot may post in the channel again, so what waits there is tried at once."""
        await self._redis.hdel(self._keys.outbox_gate(channel), "until:channel", "closures")

    async def release(self, channel: str, owner: str) -> None:
        """Give up the lease that a flush has kept."""
        await self._release(keys=[self._keys.outbox_lease(channel)], args=[owner])

    async def flush(
        self, channel: str, slack: Slack, *, owner: str | None = None, keep: float = 0.0
    ) -> Flushed:
        """Send what is due, one write at most; call it again after `next_in` seconds.

        One process flushes a channel at a time; to another one `next_in` says when to try again.
        A flusher that dies holds the channel until its lease ends. One that is paused for longer
        than its lease, just before it sends a post, may post what another has posted meanwhile.

        Args:
            channel: id of the channel.
            slack: the calls.
            owner: names the flusher; given when it keeps its lease from one flush to the next.
            keep: seconds to the next write for which the lease is kept.

        Raises redis.exceptions.RedisError.
        """
        kept_by, owner = owner, owner or uuid.uuid4().hex
        done = Flushed()
        while True:
            step = await self._take_next(channel, owner, keep if kept_by else 0.0)
            match step:
                case ["idle"]:
                    break
                case ["wait" | "held" | "linger" as how, micros]:
                    done.next_in = micros / 1_000_000
                    done.kept, done.held = how == "linger", how == "held"
                    break
                case ["refused", key, reason]:
                    done.refused.append(Refused(key, reason))
                    continue
            await self._deliver(channel, owner, slack, step, done)
        # Not in a `finally`: a flusher that is cancelled while it posts must keep its lease, so
        # that nobody searches for the post before it can have arrived.
        if not done.kept:
            await self.release(channel, owner)
        return done

    async def _deliver(
        self, channel: str, owner: str, slack: Slack, step: list[Any], done: Flushed
    ) -> None:
        """Make the call of a step, record what came of it, and add it to `done`."""
        key, replaced = str(step[1]), ""
        delivery = Delivery(slack, channel, key, self._doubt, self._backoff)
        match step:
            case ["find", _, thread_ts, since]:
                outcome, doubtful = await delivery.find(thread_ts, since)
                if doubtful:
                    done.doubtful.append(key)
            case ["post", _, payload, thread_ts, without, replaced]:
                message = Message.model_validate_json(payload)
                outcome = await delivery.post(message, thread_ts, without)
            case ["update", _, payload, ts, without]:
                message = Message.model_validate_json(payload)
                outcome = await delivery.edit(message, ts, without)
            case unknown:
                raise AssertionError(f"outbox_take.lua answered {unknown}")
        if outcome.pause and not outcome.backoff:
            metrics.SLACK_PAUSES.labels(NAMES[outcome.method]).inc()
            metrics.SLACK_PAUSED.labels(NAMES[outcome.method]).inc(outcome.pause)
        answer = await self._record(channel, owner, key, outcome)
        if outcome.state == "sent":
            done.sent.append(Sent(key, outcome.detail, replaced or None))
        elif answer == "refused":
            done.refused.append(Refused(key, outcome.detail))
        elif answer == "closed":
            done.closed.append(Refused(key, outcome.detail))
        elif outcome.detail and refusal_of(outcome.detail) is Refusal.ACCESS and outcome.everywhere:
            done.revoked = outcome.detail

    async def _take_next(self, channel: str, owner: str, keep: float) -> list[Any]:
        keys = self._keys
        step: list[Any] = await self._take(
            keys=[
                keys.outbox_order(channel),
                keys.outbox_gate(channel),
                keys.outbox_lease(channel),
                keys.outbox_channels,
                keys.outbox_workspace,
            ],
            args=[
                RETENTION,
                channel,
                owner,
                round(self._lease * 1_000),
                round(self._spacing * 1_000_000),
                keys.outbox_message_prefix(channel),
                round(keep * 1_000_000),
                round(60_000_000 / self._edits),
                self._edits,
                round(self._gap * 1_000_000),
            ],
        )
        return step

    async def _record(self, channel: str, owner: str, key: str, outcome: Outcome) -> str:
        keys = self._keys
        answer = await self._settle(
            keys=[
                keys.outbox_message(channel, key),
                keys.outbox_order(channel),
                keys.outbox_gate(channel),
                keys.outbox_lease(channel),
                keys.outbox_channels,
                keys.outbox_workspace,
            ],
            args=[RETENTION, owner, channel, key, outcome.as_json(self._backoff)],
        )
        return str(answer)
