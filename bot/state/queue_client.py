"""What docket is given in place of its own: a Redis client that works when Redis is full, and
payloads that are plain values.

**Full** (above maxmemory, noeviction): Redis refuses docket's writes, so no task would be claimed
or ended any more, and a change could not be undone. A refused write has done nothing (a script is
refused before its first write), so it is done once more with the flag `allow-oom` (Redis
documentation, "Eval flags"). What may begin something new is refused: see `refused_when_full`.

**Payloads**: docket keeps a task's arguments as pickles, which may run any code when they are
loaded (Python documentation, "pickle"). Here arguments are JSON. What an earlier version of the
program queued is still read, by an unpickler that knows no class and no function, so it can call
none. docket has no setting for either; the names replaced here are those of version 0.27.
"""

from __future__ import annotations

import io
import json
import logging
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import docket.execution
import docket.strikelist
from docket import Docket
from docket._execution_scripts import _cancel_task, _claim, _schedule, _terminal
from docket._redelivery import _refresh_lease
from docket.worker import _stream_due_tasks
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import OutOfMemoryError

from bot.state.failover import leave_former_primaries
from bot.state.when_full import ANY_COMMAND, FLAGS

log = logging.getLogger(__name__)

_SCRIPTS = {
    each.sha: each.lua
    for each in (_cancel_task, _claim, _schedule, _terminal, _refresh_lease, _stream_due_tasks)
}
_refuse: ContextVar[bool] = ContextVar("refuse", default=False)


@contextmanager
def refused_when_full(refuse: bool) -> Iterator[None]:
    """Whether what is queued in this context is refused when Redis is full."""
    token = _refuse.set(refuse)
    try:
        yield
    finally:
        _refuse.reset(token)


class QueueClient(Redis):
    """A client whose writes are done although the server is above its memory limit."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except OutOfMemoryError:
            if _refuse.get():
                raise
            if args[0] != "EVALSHA":  # a command may have two words
                again = ("EVAL", ANY_COMMAND, 0, *str(args[0]).split(), *args[1:])
            elif args[1] in _SCRIPTS:
                again = ("EVAL", FLAGS + _SCRIPTS[args[1]], *args[2:])
            else:
                raise
            return await super().execute_command(*again)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _QueuePipeline(self, transaction, shard_hint)


class _QueuePipeline(Pipeline):
    """A transaction that is refused is discarded as a whole; its commands are then done singly."""

    def __init__(self, client: QueueClient, transaction: bool, shard_hint: str | None) -> None:
        callbacks = client.response_callbacks
        super().__init__(client.connection_pool, callbacks, transaction, shard_hint)
        self._client = client

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands = list(self.command_stack)
        try:
            return await super().execute(raise_on_error)
        except OutOfMemoryError:
            if _refuse.get():
                raise
            return [await self._client.execute_command(*args) for args, _ in commands]


class _PlainUnpickler(pickle.Unpickler):
    """Loads text, numbers, lists and the like. Whatever could run code names a class or function,
    and is refused."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it names {module}.{name}")


class _NoArguments(tuple[Any, ...]):
    """Neither positional nor keyword arguments."""

    def keys(self) -> tuple[str, ...]:
        return ()

    def items(self) -> tuple[tuple[str, Any], ...]:
        return ()


NO_ARGUMENTS = _NoArguments()


class PlainPayloads:
    """Takes the place of cloudpickle in docket's modules."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        """Raises TypeError for what is no plain value."""
        return json.dumps(value).encode()

    @staticmethod
    def loads(payload: bytes) -> Any:
        """The value. For what is none, no arguments at all: the task then fails as any other may,
        where an exception here would end the worker."""
        try:
            if payload[:1] == b"\x80":  # a pickle (PROTO opcode)
                return _PlainUnpickler(io.BytesIO(payload)).load()
            return json.loads(payload)
        except Exception as fault:  # noqa: BLE001 (a forged pickle may raise anything)
            log.critical("a task in Redis was not written by this program, ignored: %s", fault)
            return NO_ARGUMENTS


# When this module is imported: a docket reads what others wrote as soon as it is opened.
docket.execution.cloudpickle = PlainPayloads  # type: ignore[attr-defined]
docket.strikelist.cloudpickle = PlainPayloads  # type: ignore[attr-defined]


async def prepare(queue: Docket) -> None:
    """Have an opened docket use what is described above, and leave former primaries.

    docket opens its pool from the URL alone. Its other connections are only read from (a replica
    passes on what they wait for), or keep results, which these tasks do not have.
    """
    connection = queue._redis
    pool = cast(Redis, connection._client).connection_pool
    await pool.disconnect()
    pool.reset()  # type: ignore[no-untyped-call]  # forgets connections; none is in use
    leave_former_primaries(pool)
    connection._client = QueueClient(connection_pool=pool)
