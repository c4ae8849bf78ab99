"""Until when the posts of each channel have been seen, by Slack's events or by reading them."""

from __future__ import annotations

from collections.abc import Mapping

from redis.asyncio import Redis

from bot.state.keys import RETENTION, Keys


class PostsSeen:
    """Implements `handlers.slack.missed_posts.Marks`. Times are seconds since 1970.

    Raises redis.exceptions.RedisError when Redis gives no answer.
    """

    def __init__(self, redis: Redis, namespace: str = "ih") -> None:
        self._redis = redis
        self._key = Keys(namespace).posts_seen

    async def all(self) -> dict[str, float]:
        """The time of each channel that has one."""
        found = await self._redis.hgetall(self._key)
        return {str(channel): float(at) for channel, at in found.items()}

    async def set(self, times: Mapping[str, float]) -> None:
        """Set the times of these channels."""
        if times:
            await self._redis.hset(self._key, mapping={name: f"{at}" for name, at in times.items()})
            await self._redis.expire(self._key, RETENTION)
