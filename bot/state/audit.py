"""The audit chain of guarded changes: appending to it, reading it, and checking it.

An element of the list is an entry's digest (64 hex digits) and its JSON text; the digest is SHA-256
of the digest before it and the text. The head holds the number and digest of the last entry, so
that a shortened list is noticed. Digests are computed here; the scripts (`lua/audit.lua`) append an
entry only while the head is the one it was computed from, in the same step as the change of state.

Whoever can write to Redis at will could compute a whole new chain: to detect that, too, store the
head's digest somewhere else now and then.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from bot.domain.run import AuditEntry
from bot.state.keys import Keys

DIGEST = 64  # hex digits in front of an entry's text
PAGE = 1_000  # entries read at once
ATTEMPTS = 100  # at appending an entry
LONGEST_PAUSE = 0.05  # seconds between two attempts
HEAD_MOVED = "head moved"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HeadMoved(RedisError):
    """Other entries kept being appended first; nothing was changed, so it can be tried again."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain, and Redis TIME (µs since 1970), read in one step."""

    number: int
    digest: str
    last: str  # the last entry; empty when its digest does not match, or there is none
    time_us: int

    def entry(self, actor: str, event: str, run: str, detail: str) -> str:
        """The next entry: its digest and its text."""
        fields = {
            "number": self.number + 1,
            "at": self.time_us,
            "actor": actor,
            "event": event,
            "run": run,
            "detail": detail,
        }
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        return _digest(self.digest, text) + text


class AuditLog:
    """The chain stored under these keys."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def run_script(
        self,
        script: AsyncScript,
        keys: Sequence[str],
        args: Sequence[Any],
        *,
        actor: str,
        event: str,
        run: str,
        detail: str = "",
    ) -> list[Any]:
        """Run a script that appends an entry as part of its step; what the script returns.

        Two round trips. When another worker appended first, the head is read anew and the script
        runs again. Raises HeadMoved after ATTEMPTS times.
        """
        chain = [self._keys.audit_entries, self._keys.audit_head, self._keys.audit_frozen]
        for attempt in range(ATTEMPTS):
            head = await self._head()
            entry = head.entry(actor, event, run, detail)
            answer: list[Any] = await script(
                keys=[*chain, *keys], args=[head.number, head.digest, head.last, entry, *args]
            )
            if answer[0] != HEAD_MOVED:
                return answer
            pause = min(LONGEST_PAUSE, 0.001 * 2**attempt)
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 (no secret)
        raise HeadMoved(f"run {run}: the audit chain was appended to during {ATTEMPTS} attempts")

    async def entries(self) -> list[AuditEntry]:
        """All entries, oldest first."""
        return [_parsed(raw) async for raw in self._raw()]

    async def verify(self) -> str | None:
        """Check every entry; None when all are in place and unchanged, otherwise the first fault.

        A fault is stored, and no run is approved or applied until a later check finds none.
        """
        fault = await self._check()
        if fault:
            await self._redis.set(self._keys.audit_frozen, fault)
        else:
            await self._redis.delete(self._keys.audit_frozen)
        return fault

    async def fault(self) -> str | None:
        """The fault that `verify` stored last; None when it found none."""
        found = await self._redis.get(self._keys.audit_frozen)
        return None if found is None else str(found)

    async def _head(self) -> Head:
        async with self._redis.pipeline(transaction=True) as step:
            step.hmget(self._keys.audit_head, "number", "digest")
            step.lrange(self._keys.audit_entries, -2, -1)
            step.time()
            (number, digest), tail, (seconds, micros) = await step.execute()
        last, before = tail[-1] if tail else "", tail[0][:DIGEST] if len(tail) == 2 else ""
        if last[:DIGEST] != digest or _digest(before, last[DIGEST:]) != digest:
            last = ""
        return Head(int(number or 0), digest or "", last, seconds * 1_000_000 + micros)

    async def _check(self) -> str | None:
        # The head first: entries that are appended meanwhile come after the one it names.
        number, digest = await self._redis.hmget(self._keys.audit_head, "number", "digest")
        length = int(number or 0)
        place, before = 0, ""
        async for raw in self._raw():
            place += 1
            fault = _fault(raw, place, before)
            if fault:
                return fault
            before = raw[:DIGEST]
            if place == length and before != digest:
                return f"audit entry {place} is not the one the head of the chain names"
        if place < length:
            return f"audit entry {place + 1} is missing: the chain should have {length}"
        if not number and place:
            return "the head of the audit chain is missing"
        return None

    async def _raw(self) -> AsyncIterator[str]:
        start = 0
        while page := await self._redis.lrange(self._keys.audit_entries, start, start + PAGE - 1):
            for raw in page:
                yield str(raw)
            start += PAGE


def _digest(before: str, text: str) -> str:
    # Bytes that are no UTF-8 come as surrogates (see `connect`): they are hashed as stored.
    return hashlib.sha256((before + text).encode(errors="surrogateescape")).hexdigest()


def _fault(raw: str, place: int, before: str) -> str | None:
    digest, text = raw[:DIGEST], raw[DIGEST:]
    try:
        number = json.loads(text)["number"]
    except (ValueError, KeyError, TypeError):
        return f"audit entry {place} cannot be read: it was edited"
    if number != place:
        return f"audit entry {place} is missing or out of order: entry {number} stands in its place"
    if _digest(before, text) != digest:
        return f"audit entry {place} does not match its digest: it or the one before was edited"
    return None


def _parsed(raw: str) -> AuditEntry:
    fields = json.loads(raw[DIGEST:])
    at = EPOCH + timedelta(microseconds=fields.pop("at"))
    return AuditEntry(at=at, digest=raw[:DIGEST], **fields)
