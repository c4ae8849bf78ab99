"""The Lua scripts: loaded from `bot/state/lua`, registered once per client.

A script is one atomic step on Redis. The text of a script is fixed; values are passed as arguments
only. Keys that a script builds itself (a run's from its id) carry the same hash tag as the keys it
is given, so they are in the same slot of a cluster.

Needs Redis 7 or Valkey: the first line of a script says that it has flags, or none. Without the
flag `no-writes` a read-only replica refuses the script as a whole, so that none decides on what a
replica knows.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

CLOCK = ("clock",)
AUDIT = ("audit",)
INDEX = ("index",)


def source(*names: str) -> str:
    """The text of `bot/state/lua/<name>.lua`, one after the other."""
    folder = files("bot.state") / "lua"
    return "\n".join((folder / f"{name}.lua").read_text("utf-8") for name in names)


def script(redis: Redis, *names: str, when_full: bool = False) -> AsyncScript:
    """The script of the last name, preceded by the helpers named before it.

    `when_full` lets it write although the server is above its memory limit: for the few steps
    that finish or undo a change.
    """
    flags = "#!lua flags=allow-oom\n" if when_full else "#!lua\n"
    return _Script(redis, flags + source(*names))


class _Script(AsyncScript):
    """A script that survives a failover between its being loaded and run.

    redis-py loads it where it is not known and runs it again. The second run may be refused by a
    former primary and sent once more to the new one, which does not know the script either.
    """

    async def __call__(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().__call__(*args, **options)
        except NoScriptError:  # so it was not run
            return await super().__call__(*args, **options)
