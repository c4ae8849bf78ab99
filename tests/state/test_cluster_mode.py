"""All keys lie in one slot: a server in cluster mode refuses scripts over several."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from bot.domain.incident import TimelineEntry
from bot.domain.run import RunState
from bot.slack.client import SlackClient, web_client
from bot.slack.outbox import Message, Outbox
from bot.state import embedded_valkey
from bot.state.store import RedisStore, connect
from tests.support.slack_stub import slack_stub
from tests.support.values import NOON, approved, incident


def free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(server.getsockname()[1]) for server in taken]
    for server in taken:
        server.close()
    return ports


@pytest.fixture
def node_url(tmp_path: Path) -> Iterator[str]:
    """The only node of a cluster; it has all slots."""
    port, bus = free_ports(2)
    settings = {"port": port, "cluster-port": bus, "bind": "127.0.0.1", "dir": tmp_path}
    settings |= {"cluster-enabled": "yes", "save": "", "logfile": tmp_path / "log"}
    arguments = [str(text) for name, value in settings.items() for text in (f"--{name}", value)]
    server = subprocess.Popen([next(embedded_valkey.binaries()), *arguments])
    url = f"redis://127.0.0.1:{port}"
    command: Callable[..., Any] = Redis.from_url(url).execute_command
    for _ in range(1_000):
        with suppress(RedisError):
            command("CLUSTER ADDSLOTSRANGE", 0, 16383)  # refused once it has them
        with suppress(RedisError):
            if command("CLUSTER INFO")["cluster_state"] == "ok":
                break
        time.sleep(0.005)
    yield url
    server.kill()
    server.wait()


async def test_store_and_outbox_keep_to_one_slot(node_url: str) -> None:
    node = connect(node_url)
    store, outbox = RedisStore(node), Outbox(node, spacing=0.0)
    await store.open_incident(incident(thread_ts="171.5"), "a")
    await store.open_incident(incident(id="INC2"), "a")
    await store.change_incident("INC1", thread_ts="172.5")
    await store.add_to_timeline("INC1", TimelineEntry(at=NOON, kind="note", text="hello"))
    await approved(store)
    assert await store.claim_target("sg-1", "R1") is None
    assert await store.claim_target("sg-1", "R2") == "R1"
    assert await store.move_run("R1", {RunState.APPROVED}, RunState.RUNNING) is not None
    assert await store.move_run("R1", {RunState.RUNNING}, RunState.DONE) is not None
    assert await store.verify_audit() is None
    await outbox.put("C1", "run:R1", Message(text="reply", thread_key="card:INC1"))
    await outbox.put("C1", "card:INC1", Message(text="card"))
    async with slack_stub() as slack:
        client = SlackClient(web_client("xoxb-test", slack.url))
        for _ in range(3):
            await outbox.flush("C1", client)
        assert slack.texts == ["card", "reply"]
    slots = {key_slot(str(key).encode()) async for key in node.scan_iter("*")}
    assert len(slots) == 1
    await node.aclose()
