"""Commands that are run although the server is above its memory limit (maxmemory, noeviction).

A refused write has done nothing: a script is refused before its first write. With the flag
`allow-oom` it is done all the same (Redis documentation, "Eval flags").
"""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

FLAGS = "#!lua flags=allow-oom\n"
ANY_COMMAND = FLAGS + "return redis.call(unpack(ARGV))"


async def redis_when_full(redis: Redis, *command: str | int) -> Any:
    """Run one command although the server is above its memory limit; the reply as Lua gives it."""
    return await redis.execute_command("EVAL", ANY_COMMAND, 0, *command)  # type: ignore[no-untyped-call]
