"""The outbox: what is to stand in a Slack channel, sent at Slack's pace, once.

A message has a stable key ("card:INC7", "run:R3"). Putting the same key again replaces what was
not sent yet; once sent, the same message is updated. `flush` sends what is due: first put, first
sent; at most one write a second and channel, counted in Redis for all replicas together (Slack,
"Rate limits": chat.postMessage about one a second and channel); the whole channel pauses when
Slack says Retry-After.

A post whose answer got lost is *ambiguous*: Slack may have taken it. Every post carries its key as
message metadata, and before it is sent again the channel is searched for it. If even the search
is refused it is sent again, and reported as doubtful: showing fails open.

    queued -> sending -> sent            (put again: -> queued, sent as an update)
                      -> ambiguous -> found: sent, absent: queued
                      -> refused         (until other content is put)
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self

from pydantic import Field, model_validator
from redis.asyncio import Redis

from bot.domain.base import Frozen
from bot.domain.errors import IncidentHelperError, SlackFailed
from bot.domain.redaction import redact_tree
from bot.state.keys import RETENTION, Keys
from bot.state.scripts import CLOCK, script

REVOKED = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
)
"""Slack's answers to a token that is no longer ours. The messages wait for another one."""

REVOKED_PAUSE = 60.0  # seconds
CLOCKS_APART = timedelta(minutes=15)  # how wrong our clock may be against Slack's, for a search


class Message(Frozen):
    """What is to be read: blocks, and the text that stands for them in notifications.

    In the thread of another message of this outbox (`thread_key`) or of any (`thread_ts`).
    """

    text: str = Field(min_length=1)
    blocks: list[dict[str, Any]] = Field(default_factory=list)
    thread_key: str | None = None
    thread_ts: str | None = None

    @model_validator(mode="after")
    def _one_thread(self) -> Self:
        if self.thread_key and self.thread_ts:
            raise ValueError("a message is in one thread: give thread_key or thread_ts")
        return self


class SlackBusy(IncidentHelperError):
    """Slack did not take it, and may later; `retry_after` in seconds when it said so."""

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(f"Slack did not take it: {why}")
        self.retry_after = retry_after


class SlackUnclear(IncidentHelperError):
    """No answer that can be trusted came: Slack may or may not have taken it."""


class Slack(Protocol):
    """The three calls the outbox needs. They raise SlackFailed (refused, now and later),
    SlackBusy or SlackUnclear, and repeat nothing by themselves."""

    async def post(self, channel: str, message: Message, *, key: str, thread_ts: str | None) -> str:
        """Post with the key as metadata; the message's ts."""
        ...

    async def update(self, channel: str, ts: str, message: Message, *, key: str) -> None: ...

    async def find(
        self, channel: str, key: str, *, thread_ts: str | None, since: datetime
    ) -> str | None:
        """The ts of our message with that key in its metadata, posted after `since`."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    key: str
    ts: str


@dataclass(frozen=True, slots=True)
class Refused:
    key: str
    reason: str


@dataclass(slots=True)
class Flushed:
    """What a flush did, and in how many seconds the next is due; None when nothing waits."""

    next_in: float | None = None
    sent: list[Sent] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)  # keys that may stand there twice
    revoked: str | None = None  # Slack's word for what is wrong with our token


@dataclass(frozen=True, slots=True)
class Status:
    """Where a message is: queued, sending, ambiguous, sent or refused (and why)."""

    state: str
    ts: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a call ended, for the settling script."""

    state: str
    detail: str = ""
    pause: float = 0.0
    backoff: bool = False


class Outbox:
    """On a client made by `bot.state.store.connect`. Times are in seconds.

    `spacing` lies between two writes to a channel; `lease` must outlast one call to Slack (its
    timeout included); `doubt` is how long an unanswered post gets to appear before it is looked
    for; `backoff` is the first pause after a failure, doubled up to 64 times.
    """

    def __init__(
        self,
        redis: Redis,
        namespace: str = "ih",
        *,
        spacing: float = 1.0,
        lease: float = 20.0,
        doubt: float = 2.0,
        backoff: float = 1.0,
    ) -> None:
        self._redis = redis
        self._keys = Keys(namespace)
        self._spacing, self._lease = spacing, lease
        self._doubt, self._backoff = doubt, backoff
        self._put = script(redis, *CLOCK, "outbox_put")
        self._take = script(redis, *CLOCK, "outbox_take")
        self._settle = script(redis, *CLOCK, "outbox_settle", when_full=True)
        self._release = script(redis, "release", when_full=True)

    async def put(self, channel: str, key: str, message: Message) -> bool:
        """Keep it for sending, in one atomic write; False when it says nothing new.

        Secrets are taken out here, so that neither Redis nor Slack gets them.
        """
        clean = Message.model_validate(redact_tree(message.model_dump()))
        keys = self._keys
        changed = await self._put(
            keys=[
                keys.outbox_message(channel, key),
                keys.outbox_order(channel),
                keys.outbox_gate(channel),
                keys.outbox_channels,
            ],
            args=[
                RETENTION,
                channel,
                key,
                clean.model_dump_json(),
                clean.thread_key or "",
                clean.thread_ts or "",
            ],
        )
        return bool(changed)

    async def status(self, channel: str, key: str) -> Status | None:
        """Where a message is; None when it was never put."""
        state, ts, reason = await self._redis.hmget(
            self._keys.outbox_message(channel, key), "state", "ts", "reason"
        )
        return Status(str(state), str(ts) if ts else None, str(reason or "")) if state else None

    async def pending(self) -> list[str]:
        """Channels with something to send, the one that waits longest first."""
        return [str(c) for c in await self._redis.zrange(self._keys.outbox_channels, 0, -1)]

    async def flush(self, channel: str, slack: Slack) -> Flushed:
        """Send what is due: one write at most, so call it again after `next_in` seconds.

        One flusher at a time; another one is told to wait. A flusher that dies keeps the channel
        for as long as its lease lasts; one that was stopped for longer than that, between taking
        a post and sending it, may post what another has posted meanwhile. Raises
        redis.exceptions.RedisError.
        """
        owner = uuid.uuid4().hex
        done = Flushed()
        while True:
            match await self._next(channel, owner):
                case ["idle"]:
                    break
                case ["wait", micros]:
                    done.next_in = micros / 1_000_000
                    break
                case ["refused", key, reason]:
                    done.refused.append(Refused(key, reason))
                    continue
                case ["find", key, thread_ts, since]:
                    outcome = await self._search(slack, channel, key, thread_ts, since, done)
                case ["post", key, payload, thread_ts]:
                    message = Message.model_validate_json(payload)
                    outcome = await self._post(slack, channel, key, message, thread_ts, done)
                case ["update", key, payload, ts]:
                    message = Message.model_validate_json(payload)
                    outcome = await self._update(slack, channel, key, message, ts, done)
                case unknown:
                    raise AssertionError(f"outbox_take.lua answered {unknown}")
            await self._record(channel, owner, key, outcome)
        # Not in a `finally`: a flusher that is cancelled in the middle of a post leaves its lease
        # to run out, so that nobody looks for the post before it can have arrived.
        await self._release(keys=[self._keys.outbox_lease(channel)], args=[owner])
        return done

    async def _next(self, channel: str, owner: str) -> list[Any]:
        keys = self._keys
        step: list[Any] = await self._take(
            keys=[
                keys.outbox_order(channel),
                keys.outbox_gate(channel),
                keys.outbox_lease(channel),
                keys.outbox_channels,
            ],
            args=[
                RETENTION,
                channel,
                owner,
                round(self._lease * 1_000),
                round(self._spacing * 1_000_000),
                keys.outbox_message_prefix(channel),
            ],
        )
        return step

    async def _record(self, channel: str, owner: str, key: str, outcome: _Outcome) -> None:
        keys = self._keys
        await self._settle(
            keys=[
                keys.outbox_message(channel, key),
                keys.outbox_order(channel),
                keys.outbox_gate(channel),
                keys.outbox_lease(channel),
                keys.outbox_channels,
            ],
            args=[
                owner,
                channel,
                key,
                outcome.state,
                outcome.detail,
                round(outcome.pause * 1_000_000),
                round(self._backoff * 1_000_000) if outcome.backoff else 0,
            ],
        )

    async def _post(
        self,
        slack: Slack,
        channel: str,
        key: str,
        message: Message,
        thread_ts: str,
        done: Flushed,
    ) -> _Outcome:
        try:
            ts = await slack.post(channel, message, key=key, thread_ts=thread_ts or None)
        except SlackUnclear:
            return _Outcome("ambiguous", pause=self._doubt, backoff=True)
        except (SlackBusy, SlackFailed) as error:
            return self._not_taken(key, error, done)
        done.sent.append(Sent(key, ts))
        return _Outcome("sent", ts)

    async def _update(
        self, slack: Slack, channel: str, key: str, message: Message, ts: str, done: Flushed
    ) -> _Outcome:
        try:
            await slack.update(channel, ts, message, key=key)
        except SlackUnclear:
            return _Outcome("queued", backoff=True)  # the same content again does no harm
        except (SlackBusy, SlackFailed) as error:
            return self._not_taken(key, error, done)
        done.sent.append(Sent(key, ts))
        return _Outcome("sent", ts)

    async def _search(
        self, slack: Slack, channel: str, key: str, thread_ts: str, since: str, done: Flushed
    ) -> _Outcome:
        began = datetime.fromtimestamp(int(since) / 1_000_000, UTC) - CLOCKS_APART
        try:
            ts = await slack.find(channel, key, thread_ts=thread_ts or None, since=began)
        except SlackUnclear:
            return _Outcome("ambiguous", backoff=True)
        except SlackBusy as busy:
            return _Outcome(
                "ambiguous", pause=busy.retry_after or 0.0, backoff=busy.retry_after is None
            )
        except SlackFailed as error:
            if error.error in REVOKED:
                done.revoked = error.error
                return _Outcome("ambiguous", pause=REVOKED_PAUSE)
            done.doubtful.append(key)
            return _Outcome("queued")
        if ts is None:
            return _Outcome("queued")
        done.sent.append(Sent(key, ts))
        return _Outcome("sent", ts)

    def _not_taken(self, key: str, error: SlackBusy | SlackFailed, done: Flushed) -> _Outcome:
        if isinstance(error, SlackBusy):
            return _Outcome(
                "queued", pause=error.retry_after or 0.0, backoff=error.retry_after is None
            )
        if error.error in REVOKED:
            done.revoked = error.error
            return _Outcome("queued", pause=REVOKED_PAUSE)
        done.refused.append(Refused(key, error.error))
        return _Outcome("refused", error.error)
