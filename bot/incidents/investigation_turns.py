"""One investigation of an incident at a time. Who asks meanwhile gets one more, together.

Two durable tasks. "investigate" counts the request and is done at once, so that requests never wait
for each other. "investigation" runs it, in a lane of its own. When a worker dies, docket delivers
its task again, and the run begins anew when the dead one's lease has ended. Whatever was asked for
is covered by a run that began afterwards.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.ports import Queue, Turns

log = logging.getLogger(__name__)

LEASE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class InvestigationTurns:
    """Bodies of the durable tasks "investigate" and "investigation".

    `investigate` does it; `seconds` is the length of the lease, which is renewed meanwhile.
    """

    turns: Turns
    queue: Queue
    investigate: Callable[[str], Awaitable[None]]
    seconds: float = LEASE_SECONDS

    async def ask(self, incident_id: str) -> None:
        """Have the incident investigated from now on: by the run that waits, or by one more."""
        begun = await self.turns.ask(incident_id)
        await self._queue(incident_id, str(begun))

    async def run(self, incident_id: str) -> None:
        """Investigate, unless it has been done since it was asked for, or another run goes on."""
        owner = uuid.uuid4().hex
        turn = await self.turns.begin(incident_id, owner, self.seconds)
        if turn.busy is not None:  # it may have died: look when its lease has ended
            await self._look_later(incident_id, turn.busy)
        if turn.number is None:
            return
        number: int | None = None
        try:
            if await self._hold(incident_id, owner):
                number = turn.number
        finally:
            if await self.turns.end(incident_id, owner, number):
                await self._queue(incident_id, f"{number}:more")

    async def _hold(self, incident_id: str, owner: str) -> bool:
        """Investigate and renew the lease meanwhile; False when another run took over."""
        work = asyncio.ensure_future(self.investigate(incident_id))
        try:
            while True:
                await asyncio.wait({work}, timeout=self.seconds / 3)
                if work.done():
                    await work
                    return True
                if not await self.turns.keep(incident_id, owner, self.seconds):
                    log.warning("another worker has taken over %s", incident_id)
                    return False
        finally:
            work.cancel()

    async def _queue(self, incident_id: str, name: str) -> None:
        key = f"investigation:{incident_id}:{name}"
        await self.queue.put("investigation", incident_id, key=key)

    async def _look_later(self, incident_id: str, seconds: float) -> None:
        """At the beginning of a second that lies in the future, so that its task's key is not that
        of one that runs now; many who ask for the same second get one."""
        at = int(time.time() + seconds) + 1
        key = f"investigation:{incident_id}:at:{at}"
        await self.queue.put("investigation", incident_id, key=key, after=at - time.time())
