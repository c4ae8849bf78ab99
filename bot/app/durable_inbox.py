"""Saves what came in: an envelope as a durable task, the signature of a request in the store."""

from __future__ import annotations

from redis.exceptions import RedisError

from bot.domain.ports import Queue
from bot.state.store import RedisStore
from bot.telemetry import metrics
from handlers.envelopes import AlarmSeen, Envelope, NotSaved

REMEMBERED = 900  # seconds a signed request is remembered; it is valid for 300


class DocketInbox:
    """Implements `handlers.envelopes.Inbox` with one atomic write, deduplicated by the key."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def accept(self, envelope: Envelope) -> None:
        try:
            text = envelope.model_dump_json()
            kind = "alarm" if isinstance(envelope, AlarmSeen) else "intake"  # people do not wait
            await self._queue.put(kind, text, key=f"intake:{envelope.key}")
        except (RedisError, OSError) as fault:
            raise NotSaved(f"not saved: {fault}") from fault
        metrics.ACCEPTED.labels(envelope.kind).inc()


class StoreReplays:
    """Implements `handlers.slack.request_verification.Replays`."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def seen(self, nonce: str) -> bool:
        try:
            return not await self._store.first_time(f"request:{nonce}", REMEMBERED)
        except (RedisError, OSError) as fault:
            raise NotSaved(f"not saved: {fault}") from fault

    async def forget(self, nonce: str) -> None:
        try:
            await self._store.forget(f"request:{nonce}")
        except (RedisError, OSError) as fault:
            raise NotSaved(f"not saved: {fault}") from fault
