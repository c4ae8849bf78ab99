"""The audit chain: reading it, and telling whether it is whole.

Entries are appended by the scripts only (bot/state/lua/audit.lua). The digest of an entry is SHA-256
over the digest before it and the entry's canonical text. Whoever can write to Redis at will could
compute a whole new chain; the head digest, written down elsewhere now and then, tells even that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from bot.domain.run import AuditEntry
from bot.state.keys import Keys

DIGEST = 64  # hex digits in front of an entry's text
PAGE = 1_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AuditLog:
    """The chain as kept under these keys."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def entries(self) -> list[AuditEntry]:
        return [_entry(raw) async for raw in self._raw()]

    async def verify(self) -> str | None:
        """None when every entry is in its place and unchanged; otherwise what is wrong first.
        The finding is kept, and freezes approvals, until a later check finds the chain whole."""
        finding = await self._check()
        if finding:
            await self._redis.set(self._keys.audit_frozen, finding)
        else:
            await self._redis.delete(self._keys.audit_frozen)
        return finding

    async def finding(self) -> str | None:
        found = await self._redis.get(self._keys.audit_frozen)
        return None if found is None else str(found)

    async def _check(self) -> str | None:
        # The head first: entries that are appended meanwhile come after the one it names.
        number, digest = await self._redis.hmget(self._keys.audit_head, "number", "digest")
        length = int(number or 0)
        place, before = 0, ""
        async for raw in self._raw():
            place += 1
            wrong = _wrong(raw, place, before)
            if wrong:
                return wrong
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


def _wrong(raw: str, place: int, before: str) -> str | None:
    digest, text = raw[:DIGEST], raw[DIGEST:]
    try:
        number = json.loads(text)["number"]
    except (ValueError, KeyError, TypeError):
        return f"audit entry {place} cannot be read: it was edited"
    if number != place:
        return f"audit entry {place} is missing or out of order: entry {number} stands in its place"
    if hashlib.sha256((before + text).encode()).hexdigest() != digest:
        return f"audit entry {place} does not match its digest: it or the one before was edited"
    return None


def _entry(raw: str) -> AuditEntry:
    fields = json.loads(raw[DIGEST:])
    at = EPOCH + timedelta(microseconds=fields.pop("at"))
    return AuditEntry(at=at, digest=raw[:DIGEST], **fields)
