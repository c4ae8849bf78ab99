"""The fixed Lua scripts: loaded from `bot/state/lua`, registered once per client.

A script is one atomic step on Redis. Nothing is ever put into a script's text; values come as
arguments only. Keys that a script builds itself (a run from its id) carry the same hash tag as
the keys it is given, so they live in the same slot of a cluster.

Needs Redis 7 or Valkey: the first line of a script may carry flags (`allow-oom`).
"""

from __future__ import annotations

from importlib.resources import files

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

CLOCK = ("clock",)
AUDITED = ("clock", "sha256", "audit")


def source(*names: str) -> str:
    """The text of `bot/state/lua/<name>.lua`, one after the other."""
    folder = files("bot.state") / "lua"
    return "\n".join((folder / f"{name}.lua").read_text("utf-8") for name in names)


def script(redis: Redis, *names: str, when_full: bool = False) -> AsyncScript:
    """The script of the last name, with the helpers named before it.

    `when_full` lets it write although the server is above its memory limit: for the few steps
    that bring a change home.
    """
    flags = "#!lua flags=allow-oom\n" if when_full else ""
    return redis.register_script(flags + source(*names))
