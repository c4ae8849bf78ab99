"""The outbox: messages for Slack, stored in Redis and sent once, within Slack's rate limit.

A message has a stable key ("card:INC7", "run:R3"). Putting a key again replaces content that was
not sent yet; content that was sent is updated in Slack. `flush` sends what is due, in the order of
the first put: at most one write a second and channel over all replicas (Slack, "Rate limits":
chat.postMessage about one a second and channel). The whole channel pauses when Slack answers with
Retry-After.

A post without an answer is *ambiguous*: Slack may have accepted it. Every post carries its key as
message metadata, and before the post is sent again the channel is searched for that key. If Slack
refuses the search, the post is sent again and reported as doubtful: twice is better than never.

    queued -> sending -> sent            (put again: queued, then sent as an update)
                      -> ambiguous -> sent if the search finds it, else queued
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
"""Slack's error codes for a token that is not valid. Messages wait until it is replaced."""

REVOKED_PAUSE = 60.0  # seconds until a token that was refused is tried again
CLOCK_TOLERANCE = timedelta(minutes=15)  # by which Redis's clock may differ from Slack's


class Message(Frozen):
    """A message: Block Kit blocks, and the text that notifications show instead.

    It goes into the thread of another message of this outbox (`thread_key`) or of any message
    (`thread_ts`), or into the channel. Raises ValueError when both are given. `kept` is not
    redacted, and not stored.
    """

    text: str = Field(min_length=1)
    blocks: list[dict[str, Any]] = Field(default_factory=list)
    kept: frozenset[str] = Field(default=frozenset(), exclude=True)
    thread_key: str | None = None
    thread_ts: str | None = None

    @model_validator(mode="after")
    def _one_thread(self) -> Self:
        if self.thread_key and self.thread_ts:
            raise ValueError("a message is in one thread: give thread_key or thread_ts, not both")
        return self


class SlackBusy(IncidentHelperError):
    """Slack did not accept the call now and may later.

    `retry_after` is in seconds; None when Slack did not say.
    """

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(f"Slack did not accept it: {why}")
        self.retry_after = retry_after


class SlackUnclear(IncidentHelperError):
    """No clear answer came: Slack may or may not have accepted the call."""


class Slack(Protocol):
    """The three calls that the outbox makes. No call is repeated.

    They raise SlackFailed (Slack refuses it, now and later), SlackBusy or SlackUnclear.
    """

    async def post(self, channel: str, message: Message, *, key: str, thread_ts: str | None) -> str:
        """Post a message with the key as metadata and return its ts."""
        ...

    async def update(self, channel: str, ts: str, message: Message, *, key: str) -> None:
        """Replace the content of the message with this ts."""
        ...

    async def find(
        self, channel: str, key: str, *, thread_ts: str | None, since: datetime
    ) -> str | None:
        """The ts of the bot's own message with this key, posted after `since`; None if absent."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was posted or updated."""

    key: str
    ts: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that Slack refused."""

    key: str
    reason: str  # Slack's error code


@dataclass(slots=True)
class Flushed:
    """What a flush did."""

    next_in: float | None = None  # seconds until the next is due; None: nothing waits
    sent: list[Sent] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)  # keys that may have been posted twice
    revoked: str | None = None  # Slack's error code, if it refuses the token


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a message in the outbox."""

    state: str  # queued, sending, ambiguous, sent or refused
    ts: str | None  # None before it was posted
    reason: str  # why it was refused, else ""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a call to Slack ended, as outbox_settle.lua records it."""

    state: str  # the message's new state
    detail: str = ""  # the ts when sent, the reason when refused
    pause: float = 0.0  # seconds until the channel's next call
    backoff: bool = False  # pause longer after each failure in a row


class Outbox:
    """The messages of all channels.

    Args:
        redis: a client made by `bot.state.store.connect`.
        namespace: the prefix of the keys.
        spacing: seconds between two writes to a channel.
        lease: seconds a flusher holds a channel; longer than one call to Slack with its timeout.
        doubt: seconds to wait before searching for a post that got no answer.
        backoff: seconds of the first pause after a failure; doubled up to 64 times that.
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
        self._put = script(redis, *CLOCK, "outbox_put", when_full=True)
        self._take = script(redis, *CLOCK, "outbox_take", when_full=True)
        self._settle = script(redis, *CLOCK, "outbox_settle", when_full=True)
        self._release = script(redis, "release", when_full=True)

    async def put(self, channel: str, key: str, message: Message) -> bool:
        """Store a message for sending, in one atomic write; False when its content is unchanged.

        Secrets are removed here, so that neither Redis nor Slack gets them.
        """
        clean = Message.model_validate(redact_tree(message.model_dump(), message.kept))
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
        """The state of a message; None when it was never put."""
        state, ts, reason = await self._redis.hmget(
            self._keys.outbox_message(channel, key), "state", "ts", "reason"
        )
        return Status(str(state), str(ts) if ts else None, str(reason or "")) if state else None

    async def pending(self) -> list[str]:
        """Channels with unsent messages, the one that has waited longest first."""
        return [str(c) for c in await self._redis.zrange(self._keys.outbox_channels, 0, -1)]

    async def flush(self, channel: str, slack: Slack) -> Flushed:
        """Send what is due, one write at most; call it again after `next_in` seconds.

        One process flushes a channel at a time; to another one `next_in` says when to try again.
        A flusher that dies holds the channel until its lease ends. One that is paused for longer
        than its lease, just before it sends a post, may post what another has posted meanwhile.

        Raises redis.exceptions.RedisError.
        """
        owner = uuid.uuid4().hex
        done = Flushed()
        while True:
            match await self._take_next(channel, owner):
                case ["idle"]:
                    break
                case ["wait", micros]:
                    done.next_in = micros / 1_000_000
                    break
                case ["refused", key, reason]:
                    done.refused.append(Refused(key, reason))
                    continue
                case ["find", key, thread_ts, since]:
                    outcome = await self._find(slack, channel, key, thread_ts, since, done)
                case ["post", key, payload, thread_ts]:
                    message = Message.model_validate_json(payload)
                    outcome = await self._post(slack, channel, key, message, thread_ts, done)
                case ["update", key, payload, ts]:
                    message = Message.model_validate_json(payload)
                    outcome = await self._update(slack, channel, key, message, ts, done)
                case unknown:
                    raise AssertionError(f"outbox_take.lua answered {unknown}")
            await self._record(channel, owner, key, outcome)
        # Not in a `finally`: a flusher that is cancelled while it posts must keep its lease, so
        # that nobody searches for the post before it can have arrived.
        await self._release(keys=[self._keys.outbox_lease(channel)], args=[owner])
        return done

    async def _take_next(self, channel: str, owner: str) -> list[Any]:
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
            return self._refused_or_queued(key, error, done)
        return _sent(key, ts, done)

    async def _update(
        self, slack: Slack, channel: str, key: str, message: Message, ts: str, done: Flushed
    ) -> _Outcome:
        try:
            await slack.update(channel, ts, message, key=key)
        except SlackUnclear:
            return _Outcome("queued", backoff=True)  # sending the same content again does no harm
        except (SlackBusy, SlackFailed) as error:
            return self._refused_or_queued(key, error, done)
        return _sent(key, ts, done)

    async def _find(
        self, slack: Slack, channel: str, key: str, thread_ts: str, since: str, done: Flushed
    ) -> _Outcome:
        began = datetime.fromtimestamp(int(since) / 1_000_000, UTC) - CLOCK_TOLERANCE
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
        return _sent(key, ts, done) if ts else _Outcome("queued")

    def _refused_or_queued(
        self, key: str, error: SlackBusy | SlackFailed, done: Flushed
    ) -> _Outcome:
        if isinstance(error, SlackBusy):
            return _Outcome(
                "queued", pause=error.retry_after or 0.0, backoff=error.retry_after is None
            )
        if error.error in REVOKED:
            done.revoked = error.error
            return _Outcome("queued", pause=REVOKED_PAUSE)
        done.refused.append(Refused(key, error.error))
        return _Outcome("refused", error.error)


def _sent(key: str, ts: str, done: Flushed) -> _Outcome:
    done.sent.append(Sent(key, ts))
    return _Outcome("sent", ts)
