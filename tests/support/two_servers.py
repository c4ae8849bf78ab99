"""Two real Valkey servers behind one name: a forwarder that a test turns from one to the other."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.state import embedded_valkey
from tests.support.waiting import until


class Name:
    """A DNS name, as seen from a client: new connections lead to `port`, open ones stay open.

    `refusal` and `loses_replies` are about the commands (SET, EVALSHA, …) that hold `victim`.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.made = 0  # connections
        self.victim = b""
        self.refusal = b""  # answered once, instead of asking the server
        self.loses_replies = False
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.made += 1
        replies, server = await asyncio.open_connection("127.0.0.1", self.port)
        lost = asyncio.Event()
        answering = asyncio.create_task(_copy(replies, back, lost))
        self._tasks.add(answering)
        try:
            while sent := await client.read(65536):
                if self.victim and self.victim in sent:
                    if self.refusal:
                        refusal, self.refusal = self.refusal, b""
                        back.write(refusal + b"\r\n")
                        continue
                    if self.loses_replies:
                        lost.set()
                server.write(sent)
        except OSError:
            pass
        finally:
            server.close()


async def _copy(
    replies: asyncio.StreamReader, back: asyncio.StreamWriter, lost: asyncio.Event
) -> None:
    with suppress(OSError):
        while got := await replies.read(65536):
            if lost.is_set():
                break
            back.write(got)
    back.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """A Valkey with its files in a folder."""
    folder.mkdir(exist_ok=True)
    settings = {"port": port, "bind": "127.0.0.1", "dir": folder, "save": ""}
    settings |= {"logfile": folder / "log", "repl-diskless-sync-delay": 0}
    arguments = [str(text) for name, value in settings.items() for text in (f"--{name}", value)]
    return subprocess.Popen([next(embedded_valkey.binaries()), *arguments])


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Redis]:
    """A Valkey on a port of this machine; a client of it without any of ours."""
    port = free_port()
    process = start(folder, port)
    client = Redis(port=port, decode_responses=True)

    async def answers() -> bool:
        with suppress(RedisError):
            return bool(await client.ping())
        return False

    try:
        await until(answers)
        yield client
    finally:
        await client.aclose()
        process.kill()
        process.wait()


def port_of(client: Redis) -> int:
    return int(client.connection_pool.connection_kwargs["port"])


async def fail_over(name: Name, old: Redis, new: Redis) -> None:
    """The new server has the old one's data, takes its place, and the name leads to it."""
    await new.replicaof("127.0.0.1", port_of(old))

    async def has_the_data() -> bool:
        info = await new.info("replication")
        return info.get("master_link_status") == "up"

    await until(has_the_data)
    await new.replicaof("NO", "ONE")
    name.port = port_of(new)
    await old.replicaof("127.0.0.1", port_of(new))
