"""Saves what came in: an envelope as a durable task, the signature of a request in the store."""

from __future__ import annotations

from redis.exceptions import RedisError

from bot.domain.ports import Queue
from bot.render import Click
from bot.state.store import RedisStore
from bot.telemetry import metrics
from handlers.envelopes import AlarmSeen, ButtonClicked, Envelope, NotSaved

UNDOING = frozenset({Click.UNDO, Click.APPROVE_UNDO, Click.KEEP})
"""Clicks by which a change is undone, or an undo decided."""

REMEMBERED = 900  # seconds a signed request is remembered; it is valid for 300


class DocketInbox:
    """Implements `handlers.envelopes.Inbox` with one atomic write, deduplicated by the key."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def accept(self, envelope: Envelope) -> None:
        try:
            text = envelope.model_dump_json()
            await self._queue.put(_kind(envelope), text, key=f"intake:{envelope.key}")
        except (RedisError, OSError) as fault:
            raise NotSaved(f"not saved: {fault}") from fault
        metrics.ACCEPTED.labels(envelope.kind).inc()


def _kind(envelope: Envelope) -> str:
    """The kind of task. Alarms have one of their own, so that people do not wait for them; undoing
    has one, so that it is accepted when Redis is full."""
    if isinstance(envelope, AlarmSeen):
        return "alarm"
    if isinstance(envelope, ButtonClicked) and envelope.click in UNDOING:
        return "undo"
    return "intake"


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
