"""The audit chain of guarded changes: appending to it, reading it, checking it, leaving a freeze.

An element of the list is an entry's digest and its JSON text; the digest is SHA-256 of the digest
before it and the text. The head holds the number and digest of the last entry, and the generation:
an id made when the store was first used. Digests are computed here; the scripts (`lua/audit.lua`)
append an entry only while the head is the one it was computed from, in the same step as the change
of state.

A chain that is whole in itself may still not be the one that was written: the store may have been
emptied or gone back to an older state. So the end that was checked last is kept outside of Redis
(`bot.state.anchor`), and every approval and every start of a change compares the chain with it, in
the same script. A fault is stored under its source ("record", the name of an anchor, or whoever
calls `freeze`), and nothing is approved or applied while there is one.

Whoever can write to Redis at will can append entries just as this program does. Only the log, which
has the digest of every end, tells those apart.
"""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from bot.domain.errors import ConfigError
from bot.domain.run import AuditEntry
from bot.state.anchor import Anchor, Known
from bot.state.audit_entries import DIGEST, Head, digest_of, fault_of, new_entry, readable
from bot.state.audit_view import View, view_of
from bot.state.keys import Keys
from bot.state.scripts import script
from bot.telemetry import metrics

log = logging.getLogger(__name__)

PAGE = 500  # entries read at once; as many old ones are checked again by each `verify`
ATTEMPTS = 100  # at appending an entry
LONGEST_PAUSE = 0.05  # seconds between two attempts
HEAD_MOVED = "head moved"
RECORD = "record"  # source of faults that are seen in the chain alone


class HeadMoved(RedisError):
    """Other entries kept being appended first; nothing was changed, so it can be tried again."""


class AuditLog:
    """The chain stored under these keys."""

    def __init__(self, redis: Redis, keys: Keys, anchor: Anchor) -> None:
        self._redis = redis
        self._keys = keys
        self._anchor = anchor
        self._known: Known | None = None
        self._rolling = (0, "")  # number and digest of the entry that was checked again last
        self._set_faults = script(redis, "audit_faults", when_full=True)
        self._accept = script(redis, "audit_accept", when_full=True)

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

        Three round trips: the head, the step, the check of what was appended. When another worker
        appended first, the head is read anew and the script runs again. Raises HeadMoved after
        ATTEMPTS times.
        """
        chain = [self._keys.audit_entries, self._keys.audit_head, self._keys.audit_faults]
        known = self._known
        expected = (known.generation, known.number, known.digest) if known else ("", 0, "")
        for attempt in range(ATTEMPTS):
            head = await self._head()
            entry = head.entry(actor, event, run, detail)
            answer: list[Any] = await script(
                keys=[*chain, *keys],
                args=[head.number, head.digest, head.last, entry, *expected, *args],
            )
            if answer[0] != HEAD_MOVED:
                await self._follow()
                return answer
            pause = min(LONGEST_PAUSE, 0.001 * 2**attempt)
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 (no secret)
        raise HeadMoved(f"run {run}: the audit chain was appended to during {ATTEMPTS} attempts")

    async def entries(self) -> list[AuditEntry]:
        """All entries that can be read, oldest first."""
        return readable([raw async for raw in self._raw()])

    async def newest(self, count: int) -> list[AuditEntry]:
        """Those of the last entries that can be read, oldest first."""
        return readable(
            str(raw) for raw in await self._redis.lrange(self._keys.audit_entries, -count, -1)
        )

    async def verify(self, *, full: bool = False, adopt: bool = True) -> str | None:
        """Check the chain; None when all is in place and unchanged, otherwise the first fault.

        Reads the entries that are new since the last check and, in turn, one PAGE of the older
        ones: a chain up to that length is read wholly each time. A fault is stored.

        Args:
            full: read all entries.
            adopt: this is a replica of the bot: take what is found for known when nothing is known
                yet, and freeze when the chain is not the known one. Otherwise only a chain that is
                broken in itself freezes.
        """
        known, unreadable, view = await self._looked_at()
        own = view.fault
        other = unreadable or view.differs_from(known)
        stored = view.faults.get(RECORD)
        complete = full or known is None or view.count <= PAGE
        if own and not view.unreadable:
            own = (None if full else stored) or await self._named(view) or own
        elif not own and complete:
            own = await self._walked(view, None)
        elif not own:
            # a fault of an old entry is over only when all were read and found to be whole
            own = stored or (None if other else await self._walked(view, known))
        await self._store_faults(
            view, {RECORD: own} | ({self._anchor.name: other} if adopt else {})
        )
        if own is None and other is None and adopt:
            await self._advance(view)
        fault = own or other or self._seen_elsewhere(view)
        metrics.FROZEN.set(1 if fault else 0)
        return fault

    async def fault(self) -> str | None:
        """Why nothing is approved or applied now; None when nothing forbids it. One round trip:
        the stored faults, and the chain's outline against what is known outside of Redis."""
        known, unreadable, view = await self._looked_at()
        other = unreadable or view.differs_from(known)
        if other:  # what one replica knows freezes all
            await self._store_faults(view, {self._anchor.name: other})
        fault = view.faults.get(RECORD) or view.fault or other or self._seen_elsewhere(view)
        metrics.FROZEN.set(1 if fault else 0)
        return fault

    async def freeze(self, source: str, reason: str) -> None:
        """Store a fault that was seen elsewhere; an operator has to accept it."""
        await self._set_faults(keys=[self._keys.audit_faults], args=[source, reason])
        metrics.FROZEN.set(1)

    async def accept(self, actor: str, reason: str) -> str:
        """End a freeze: seal the record as it was found, and go on from there.

        A chain that is broken in itself is kept under a name of its own, and a new one begins;
        otherwise the present one goes on. Either way the first new entry says who accepted which
        fault, and why. What this anchor knows is then the end of the chain; other replicas have
        anchors of their own.

        Returns the fault. Raises ValueError when there is none, or no reason was given;
        ConfigError when the anchor could not be written.
        """
        if not reason.strip():
            raise ValueError("say why the record is accepted as it is")
        fault = await self.verify(full=True, adopt=False)
        if fault is None:
            raise ValueError("nothing is frozen: there is nothing to accept")
        for _ in range(ATTEMPTS):
            view = await view_of(self._redis, self._keys, None)
            broken = view.fault or await self._walked(view, None)
            detail = f"{reason.strip()} (accepted: {fault})"
            generation, number, before = (
                view.generation or uuid.uuid4().hex,
                view.count,
                view.digest,
            )
            if broken:
                generation, number, before = uuid.uuid4().hex, 0, ""
                detail += f"; sealed {await self._seal(view)}"
            seconds, micros = await self._redis.time()
            at = seconds * 1_000_000 + micros
            entry = new_entry(number + 1, before, at, actor, "accepted", "", detail)
            done = await self._accept(
                keys=[
                    self._keys.audit_entries,
                    self._keys.audit_head,
                    self._keys.audit_faults,
                    self._keys.audit_sealed(generation),
                ],
                args=[
                    view.number or "",
                    view.digest,
                    view.length,
                    entry,
                    number + 1,
                    generation,
                    1 if broken else 0,
                ],
            )
            if done:
                known = Known(generation, number + 1, entry[:DIGEST], accepted=entry[:DIGEST])
                await self._anchor.save(known)
                if await self._anchor.load() != known:
                    raise ConfigError(
                        f"accepted in the store, but {self._anchor.name} could not be written: "
                        "make the state directory writable and accept it again"
                    )
                self._known, self._rolling = known, (0, "")
                metrics.FROZEN.set(0)
                return fault
        raise HeadMoved("the audit chain was appended to during every attempt to accept it")

    # --- reading ----------------------------------------------------------------------------------

    async def _head(self) -> Head:
        async with self._redis.pipeline(transaction=True) as step:
            step.hmget(self._keys.audit_head, "number", "digest")
            step.lrange(self._keys.audit_entries, -2, -1)
            step.time()
            (number, digest), tail, (seconds, micros) = await step.execute()
        last, before = tail[-1] if tail else "", tail[0][:DIGEST] if len(tail) == 2 else ""
        if last[:DIGEST] != digest or digest_of(before, last[DIGEST:]) != digest:
            last = ""
        return Head(number or "0", digest or "", last, seconds * 1_000_000 + micros)

    async def _load(self, *, again: bool = False) -> tuple[Known | None, str | None]:
        """What is known, and why that could not be read."""
        if self._known is None or again:
            try:
                kept = await self._anchor.load()
            except (OSError, ValueError) as error:
                return self._known, f"what is known of the audit record cannot be read: {error}"
            # what is kept may lag behind what this process knows, unless an operator has spoken
            if self._known is None or (kept and kept.accepted != self._known.accepted):
                self._known = kept
        return self._known, None

    async def _looked_at(self) -> tuple[Known | None, str | None, View]:
        """What is known, why that could not be read, and the chain's outline."""
        known, unreadable = await self._load()
        view = await view_of(self._redis, self._keys, known)
        if unreadable or view.differs_from(known):  # an operator may have accepted it meanwhile
            known, unreadable = await self._load(again=True)
            view = await view_of(self._redis, self._keys, known)
        return known, unreadable, view

    async def _raw(self) -> AsyncIterator[str]:
        start = 0
        while page := await self._redis.lrange(self._keys.audit_entries, start, start + PAGE - 1):
            for raw in page:
                yield str(raw)
            start += PAGE

    # --- checking ---------------------------------------------------------------------------------

    async def _walked(self, view: View, known: Known | None) -> str | None:
        """The first fault of the entries after `known`, and of a PAGE of those before it; of all
        entries when `known` is None."""
        start, before = (known.number, known.digest) if known else (0, "")
        fault, last = await self._walk(start, before, view.count)
        if fault is None and last != view.digest:
            return f"audit entry {view.count} is not the one the head of the chain names"
        return fault or await self._roll(start)

    async def _roll(self, end: int) -> str | None:
        """Check one PAGE of the entries up to `end` again, the next time the PAGE after it."""
        number, before = self._rolling if self._rolling[0] < end else (0, "")
        upto = min(number + PAGE, end)
        fault, last = await self._walk(number, before, upto)
        self._rolling = (0, "") if fault else (upto, last)
        return fault

    async def _walk(self, start: int, before: str, end: int) -> tuple[str | None, str]:
        """Check the entries after number `start` up to `end`; the first fault, the last digest."""
        place = start
        while place < end:
            upto = min(place + PAGE, end)
            page = await self._redis.lrange(self._keys.audit_entries, place, upto - 1)
            for raw in page:
                place += 1
                if fault := fault_of(str(raw), place, before):
                    return fault, before
                before = str(raw)[:DIGEST]
            if place < upto:
                return f"audit entry {place + 1} is missing: the chain should have {end}", before
        return None, before

    async def _named(self, view: View) -> str | None:
        """The entry to blame for a wrong length."""
        fault, _ = await self._walk(0, "", min(view.count, view.length))
        if fault is None and view.length < view.count:
            missing = view.length + 1
            return f"audit entry {missing} is missing: the chain should have {view.count}"
        if fault is None and (view.number or "").isdecimal() and view.length > view.count:
            before = await self._redis.lindex(self._keys.audit_entries, view.count - 1)
            extra = await self._redis.lindex(self._keys.audit_entries, view.count)
            if wrong := fault_of(str(extra), view.count + 1, str(before or "")[:DIGEST]):
                return wrong
        return fault

    async def _seal(self, view: View) -> str:
        """What is sealed, in words that tell it from anything else."""
        digest = ""
        if view.unreadable is None:
            async for raw in self._raw():
                digest = digest_of(digest, raw)
        return f"{view.length} entries, digest {digest or 'unknown'}"

    # --- what was found ---------------------------------------------------------------------------

    @property
    def _mine(self) -> tuple[str, str]:
        return RECORD, self._anchor.name

    def _seen_elsewhere(self, view: View) -> str | None:
        """A fault that another replica, or another part of the program, has stored."""
        found = ((source, text) for source, text in view.faults.items() if source not in self._mine)
        return next((f"{text} (seen at {source})" for source, text in found), None)

    async def _store_faults(self, view: View, now: dict[str, str | None]) -> None:
        """Store the faults found here, and remove those that are over. Those that somebody else
        found stay."""
        if any(view.faults.get(source) != text for source, text in now.items()):
            args = [part for source, text in now.items() for part in (source, text or "")]
            await self._set_faults(keys=[self._keys.audit_faults], args=args)

    async def _follow(self) -> None:
        """Keep the end that was just appended. What cannot be checked now is left to `verify`."""
        known = self._known
        if known is None:
            return
        try:
            view = await view_of(self._redis, self._keys, known)
            if view.fault or view.differs_from(known) or view.count == known.number:
                return
            fault, last = await self._walk(known.number, known.digest, view.count)
        except RedisError as error:
            log.warning("the end of the audit record could not be read: %s", error)
            return
        if fault is None and last == view.digest:
            await self._advance(view)

    async def _advance(self, view: View) -> None:
        """Keep this end of the chain, which was checked, as the known one."""
        generation = view.generation
        if not generation:
            await self._redis.hsetnx(self._keys.audit_head, "generation", uuid.uuid4().hex)
            generation = str(await self._redis.hget(self._keys.audit_head, "generation"))
        known = self._known
        if known and known.generation == generation and known.number >= view.count:
            return
        accepted = known.accepted if known else ""
        self._known = Known(generation, view.count, view.digest, accepted)
        log.info("audit record %s ends with entry %d, %s", generation, view.count, view.digest)
        await self._anchor.save(self._known)
