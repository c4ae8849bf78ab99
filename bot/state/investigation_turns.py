"""Whose turn it is to investigate an incident: one run at a time, over all workers.

Requests are counted. A run is for all requests there were when it began; a request that comes while
it goes on is for the next run. A run holds a lease: when its process dies, another takes over.
"""

from __future__ import annotations

from redis.asyncio import Redis

from bot.domain.ports import Turn
from bot.state.keys import RETENTION, Keys
from bot.state.scripts import CLOCK, script


class RedisTurns:
    """Implements `bot.domain.ports.Turns` on a client made by `bot.state.store.connect`.

    Raises redis.exceptions.RedisError when Redis gives no answer.
    """

    def __init__(self, redis: Redis, namespace: str = "ih") -> None:
        self._keys = Keys(namespace)
        self._ask = script(redis, "turn_ask")
        self._begin = script(redis, *CLOCK, "turn_begin")
        self._keep = script(redis, *CLOCK, "turn_keep")
        self._end = script(redis, "turn_end")

    async def ask(self, incident_id: str) -> int:
        return int(await self._ask(keys=[self._keys.turn(incident_id)], args=[RETENTION]))

    async def begin(self, incident_id: str, owner: str, seconds: float) -> Turn:
        args: list[str | int] = [RETENTION, owner, round(seconds * 1000)]
        match await self._begin(keys=[self._keys.turn(incident_id)], args=args):
            case ["begin", number]:
                return Turn(number=int(number))
            case ["busy", micros]:
                return Turn(busy=int(micros) / 1_000_000)
            case _:
                return Turn()

    async def keep(self, incident_id: str, owner: str, seconds: float) -> bool:
        args: list[str | int] = [owner, round(seconds * 1000)]
        return bool(await self._keep(keys=[self._keys.turn(incident_id)], args=args))

    async def end(self, incident_id: str, owner: str, number: int | None) -> bool:
        args: list[str | int] = [owner, "" if number is None else number]
        return bool(await self._end(keys=[self._keys.turn(incident_id)], args=args))
