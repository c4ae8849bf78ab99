"""An entry of the audit chain as it is stored: its digest, 64 hex digits, and its JSON text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.domain.run import AuditEntry

DIGEST = 64  # hex digits in front of an entry's text
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain, and Redis TIME (µs since 1970), read in one step."""

    number: str  # as stored; "0" when there is none
    digest: str
    last: str  # the last entry; empty when its digest does not match, or there is none
    time_us: int

    def entry(self, actor: str, event: str, run: str, detail: str) -> str:
        """The next entry."""
        number = int(self.number) if self.number.isdecimal() else 0
        return new_entry(number + 1, self.digest, self.time_us, actor, event, run, detail)


def new_entry(
    number: int, before: str, time_us: int, actor: str, event: str, run: str, detail: str
) -> str:
    """An entry that follows the one whose digest is `before`."""
    fields = {
        "number": number,
        "at": time_us,
        "actor": actor,
        "event": event,
        "run": run,
        "detail": detail,
    }
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return digest_of(before, text) + text


def digest_of(before: str, text: str) -> str:
    """The digest of an entry: SHA-256 of the digest before it and its text."""
    # Bytes that are no UTF-8 come as surrogates (see `connect`): they are hashed as stored.
    return hashlib.sha256((before + text).encode(errors="surrogateescape")).hexdigest()


def fault_of(raw: str, place: int, before: str) -> str | None:
    """What is wrong with the entry that stands in this place after that digest."""
    digest, text = raw[:DIGEST], raw[DIGEST:]
    try:
        number = json.loads(text)["number"]
    except (ValueError, KeyError, TypeError):
        return f"audit entry {place} cannot be read: it was edited"
    if number != place:
        return f"audit entry {place} is missing or out of order: entry {number} stands in its place"
    if digest_of(before, text) != digest:
        return f"audit entry {place} does not match its digest: it or the one before was edited"
    return None


def readable(raws: Iterable[str]) -> list[AuditEntry]:
    """The entries that can be read; a check of the chain names the others."""
    found = []
    for raw in raws:
        try:
            fields = json.loads(raw[DIGEST:])
            at = EPOCH + timedelta(microseconds=fields.pop("at"))
            found.append(AuditEntry(at=at, digest=raw[:DIGEST], **fields))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            continue
    return found
