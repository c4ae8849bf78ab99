"""The audit chain's outline: what can be told of it in one step, without reading its entries."""

from __future__ import annotations

from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bot.state.anchor import Known
from bot.state.audit_entries import DIGEST
from bot.state.keys import Keys


@dataclass(frozen=True, slots=True)
class View:
    """The chain's outline, read in one step."""

    number: str | None = None  # of the last entry, by the head
    digest: str = ""
    generation: str = ""
    length: int = 0
    at_known: str = ""  # the entry in the place of the known one
    faults: dict[str, str] = field(default_factory=dict)  # stored ones, by source
    unreadable: str | None = None  # why it could not be read

    @property
    def count(self) -> int:
        return int(self.number) if self.number and self.number.isdecimal() else 0

    @property
    def fault(self) -> str | None:
        """What the outline alone tells to be wrong."""
        if self.unreadable:
            return self.unreadable
        if self.number is None:
            return "the head of the audit chain is missing" if self.length else None
        if not self.number.isdecimal():
            return "the head of the audit chain cannot be read: it was edited"
        if self.length < self.count:
            return f"{self.count - self.length} of {self.count} audit entries are missing"
        if self.length > self.count:
            extra = self.length - self.count
            return (
                f"audit entry {self.count + 1} stands beyond the end that the head of the chain "
                f"names: {extra} {'was' if extra == 1 else 'were'} added by something else"
            )
        return None

    def differs_from(self, known: Known | None) -> str | None:
        """How the chain differs from what is known outside of Redis."""
        if known is None or self.unreadable:
            return None
        if self.count == self.length == 0 and self.generation != known.generation:
            return (
                f"the audit record is gone: it ended with entry {known.number}, and the store has "
                "none. It was emptied, or REDIS_URL leads to another one"
            )
        if self.generation != known.generation:
            return (
                f"the audit record is not the one that is known (it is "
                f"{self.generation[:8] or 'a nameless one'}, known is {known.generation[:8]}): the "
                "store was emptied, or REDIS_URL leads to another one"
            )
        if self.count < known.number:
            return (
                f"the audit record ends with entry {self.count}, and entry {known.number} is "
                "known: the store went back to an older state, or entries were cut off"
            )
        if known.number and self.at_known[:DIGEST] != known.digest:
            return (
                f"audit entry {known.number} is not the one that is known: it was edited, or the "
                "record was replaced"
            )
        return None


async def view_of(redis: Redis, keys: Keys, known: Known | None) -> View:
    """Read the outline. Raises redis.exceptions.RedisError when Redis gives no answer."""
    place = known.number - 1 if known and known.number else 0
    try:
        async with redis.pipeline(transaction=True) as step:
            step.hmget(keys.audit_head, "number", "digest", "generation")
            step.llen(keys.audit_entries)
            step.lindex(keys.audit_entries, place)
            step.hgetall(keys.audit_faults)
            (number, digest, generation), length, entry, faults = await step.execute()
    except ResponseError as error:
        if "WRONGTYPE" not in str(error):
            raise
        return View(unreadable="the audit record was replaced by something else")
    return View(number, digest or "", generation or "", length, str(entry or ""), dict(faults))
