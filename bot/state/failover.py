"""Leaves a server that is no longer the primary: the next command resolves its name anew.

After a failover behind a DNS name the former primary is a read-only replica, and connections to it
stay open (Amazon ElastiCache, "Best practices: reconnecting after a failover"; redis-py issue 935).
A connection that is told so, or that gets no answer, makes every connection of its pool stale. A
stale connection is closed and made again when it is next taken from the pool, never while another
task waits for a reply on it.

A refusal of REFUSED says that nothing was done, so a command refused is safe to send once more:

- A server checks its role, its data and its link before it runs a command, and answers LOADING,
  READONLY or MASTERDOWN instead of running it (valkey, src/server.c, processCommand).
- A script of this package begins with `#!lua` and has no `no-writes` flag, so it is refused as a
  whole before its first line (Redis documentation, "Eval flags").
- A transaction with a refused command is discarded as a whole (EXECABORT).

A lost connection and a reply that did not come say nothing of the kind: they are not sent again.
"""

from __future__ import annotations

from typing import Any, cast

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    MasterDownError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)

REFUSED = (ReadOnlyError, BusyLoadingError, MasterDownError)
"""The server is no primary, or not one yet, and did nothing."""

_ALSO_GONE = ("NOREPLICAS", "UNBLOCKED")
"""First words of further refusals by a former primary; redis-py has no classes for them.

NOREPLICAS: it has lost its replicas (min-replicas-to-write). UNBLOCKED: it was demoted while a
command waited on it.
"""


def once_more_when_refused() -> Retry:
    """One repetition, on a new connection, of what was refused with REFUSED; none otherwise."""
    return Retry(NoBackoff(), 1, supported_errors=REFUSED)


def leave_former_primaries(pool: ConnectionPool) -> None:
    """Have the pool's connections closed and made again after a failover.

    For a pool that has no connections yet: it affects those made from now on.
    """
    pool.connection_class = _watched(pool.connection_class)


def _watched(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    """A class of connections for one pool, which share the number of failovers seen."""
    failovers = 0

    class Watched(kind):  # type: ignore[misc, valid-type]
        connected_after = 0  # failovers seen when it was connected

        async def connect_check_health(self, *args: Any, **options: Any) -> None:
            """Called when it is taken from the pool, and before a command when it is closed."""
            if self.is_connected and self.connected_after != failovers:
                await self.disconnect(nowait=True)
            if not self.is_connected:
                self.connected_after = failovers
                await super().connect_check_health(*args, **options)

        async def read_response(self, *args: Any, **options: Any) -> Any:
            nonlocal failovers
            try:
                return await super().read_response(*args, **options)
            except (ResponseError, ConnectionError, TimeoutError) as error:
                if _is_gone(error) and self.connected_after == failovers:
                    failovers += 1  # once, however many of its connections find out
                raise

    return cast(type[AbstractConnection], Watched)


def _is_gone(error: ResponseError | ConnectionError | TimeoutError) -> bool:
    if isinstance(error, (*REFUSED, ConnectionError, TimeoutError)):
        return True
    return str(error).startswith(_ALSO_GONE)
