"""State on Redis or Valkey: `RedisStore` implements `bot.domain.ports.Store`.

Every write is one atomic script. What must not go wrong is decided inside the scripts, by Redis's
clock and against what is stored at that moment: who may approve, whether a request has expired,
whether a run may be applied, whether the audit chain is whole.
"""

from __future__ import annotations

from datetime import UTC, datetime

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from bot.domain.errors import ConfigError
from bot.state.anchor import Anchor, MemoryAnchor
from bot.state.failover import leave_former_primaries, once_more_when_refused
from bot.state.incidents import IncidentStore
from bot.state.keys import Keys
from bot.state.runs import RunStore
from bot.state.when_full import redis_when_full


def connect(url: str, *, timeout: float = 5.0) -> Redis:
    """A client for the store: text replies, and one retry only of what a server refused to do.

    redis-py's own retries repeat a command whose reply was lost; a compare-and-set that had won
    would then report that another worker was first. A refusal by a former primary is different:
    nothing was done (see `bot.state.failover`). `timeout` is in seconds, for connecting and for a
    reply.
    """
    redis: Redis = Redis.from_url(
        url,
        decode_responses=True,
        encoding_errors="surrogateescape",  # so that an edited audit entry can be read and named
        retry=once_more_when_refused(),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        health_check_interval=30,
    )
    leave_former_primaries(redis.connection_pool)
    return redis


class RedisStore(IncidentStore, RunStore):
    """`bot.domain.ports.Store` on a client made by `connect`.

    Raises redis.exceptions.RedisError when Redis gives no answer: nothing may then be
    acknowledged, and no change is applied.

    Args:
        redis: the client.
        namespace: the prefix of the keys.
        anchor: keeps the end of the audit chain outside of Redis; by default this process does.
    """

    def __init__(self, redis: Redis, namespace: str = "ih", anchor: Anchor | None = None) -> None:
        if not redis.connection_pool.connection_kwargs.get("decode_responses"):
            raise ConfigError(
                "the store needs decode_responses=True: use bot.state.store.connect(url)"
            )
        keys = Keys(namespace)
        IncidentStore.__init__(self, redis, keys)
        RunStore.__init__(self, redis, keys, anchor or MemoryAnchor())

    async def now(self) -> datetime:
        """Redis TIME, UTC."""
        seconds, rest = await self._redis.time()
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)

    async def check_writable(self) -> None:
        """Raises redis.exceptions.RedisError when nothing could be stored now.

        A read-only replica and a server that has no memory left still answer PING.
        """
        await self._redis.set(self._keys.once("readiness"), 1, ex=60)

    async def first_time(self, what: str, seconds: int) -> bool:
        """Whether this delivery (an event id, a message id, a signature) is the first within
        `seconds`, across all replicas."""
        key = self._keys.once(what)
        try:
            return bool(await self._redis.set(key, 1, nx=True, ex=seconds))
        except OutOfMemoryError:  # nothing was done; undoing a change must not stop here
            return bool(await redis_when_full(self._redis, "SET", key, 1, "NX", "EX", seconds))

    async def was_seen(self, what: str) -> bool:
        """Whether `first_time` was called for this delivery and its seconds have not passed."""
        return bool(await self._redis.exists(self._keys.once(what)))

    async def forget(self, what: str) -> None:
        """Undo `first_time`: the next delivery counts as the first."""
        await self._redis.delete(self._keys.once(what))
