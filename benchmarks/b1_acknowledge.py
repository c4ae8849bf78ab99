"""B1: how long Slack waits for the acknowledgement of a command, against the floor."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from bot.state import embedded_valkey
from sandbox import people_and_channels
from sandbox.commands import SCENARIOS
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace
from sandbox.world import load

REQUESTS = 2000
WARM_UP = 500
CONNECTIONS = 16
ROUNDS = 5


def request(host: str) -> bytes:
    """A signed slash command with a trigger of its own."""
    body = urlencode(
        {
            "command": "/incident",
            "text": "triage 5xx",
            "team_id": "T0SANDBOX",
            "channel_id": people_and_channels.TEAM_CHANNEL,
            "user_id": people_and_channels.RESPONDER,
            "api_app_id": people_and_channels.BOT_APP,
            "trigger_id": uuid.uuid4().hex,
            "response_url": "https://hooks.slack.com/commands/none",
        }
    ).encode()
    timestamp = str(int(time.time()))
    base = b"v0:" + timestamp.encode() + b":" + body
    digest = hmac.new(people_and_channels.SIGNING_SECRET.encode(), base, hashlib.sha256).hexdigest()
    head = (
        f"POST /slack/events HTTP/1.1\r\nHost: {host}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nX-Slack-Request-Timestamp: {timestamp}\r\n"
        f"X-Slack-Signature: v0={digest}\r\n\r\n"
    )
    return head.encode() + body


async def load_up(port: int, count: int) -> tuple[list[float], float]:
    """Latencies in seconds, and requests a second."""
    waiting = [request(f"127.0.0.1:{port}") for _ in range(count)]
    latencies: list[float] = []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while waiting:
            raw = waiting.pop()
            began = time.perf_counter()
            writer.write(raw)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode(errors="replace"))
            await _body(reader, head)
            latencies.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return latencies, count / (time.perf_counter() - began)


async def _body(reader: asyncio.StreamReader, head: bytes) -> None:
    fields = head.lower()
    if b"content-length:" in fields:
        await reader.readexactly(int(fields.split(b"content-length:")[1].split(b"\r\n")[0]))
        return
    while (size := int((await reader.readline()).strip() or b"0", 16)) > 0:
        await reader.readexactly(size + 2)
    await reader.readline()


@contextmanager
def servers() -> Iterator[tuple[int, int]]:
    """Ports of ours and of the floor, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="b1-") as folder, _slack() as slack:
        state = Path(folder)
        url = embedded_valkey.start(state)
        ports = (_free(), _free())
        environment = {
            **os.environ,
            "REDIS_URL": url,
            "SLACK_SIGNING_SECRET": people_and_channels.SIGNING_SECRET,
            "SLACK_BOT_TOKEN": people_and_channels.BOT_TOKEN,
            "SLACK_API_URL": slack.api_url,
            "CATALOGUE": str(_catalogue(state)),
            "STATE_DIR": folder,
        }
        commands = [
            [sys.executable, "-m", "benchmarks.ours", str(ports[0])],
            [
                *(sys.executable, "-m", "uvicorn", "benchmarks.floor:app"),
                *("--port", str(ports[1]), "--log-level", "error", "--no-access-log"),
            ],
        ]
        running = [subprocess.Popen(command, env=environment) for command in commands]
        try:
            for port in ports:
                _wait(port)
            yield ports
        finally:
            for process in running:
                process.terminate()
                process.wait(timeout=10)
            embedded_valkey.stop(state)


def main() -> None:
    print(f"B1 acknowledgement: {REQUESTS} commands, {CONNECTIONS} connections, {ROUNDS} rounds")
    slow: list[float] = []
    much: list[float] = []
    with servers() as (ours, floor):
        for port in (ours, floor):
            asyncio.run(load_up(port, WARM_UP))
        for number in range(ROUNDS):
            found = {
                name: asyncio.run(load_up(port, REQUESTS))
                for name, port in (("ours", ours), ("floor", floor))
            }
            p99 = {name: _p99(latencies) for name, (latencies, _) in found.items()}
            slow.append(p99["ours"] / p99["floor"])
            much.append(found["ours"][1] / found["floor"][1])
            print(
                f"  round {number + 1}: p99 {p99['ours'] * 1e3:.1f} / {p99['floor'] * 1e3:.1f} ms"
                f" = {slow[-1]:.2f}, throughput {found['ours'][1]:.0f} / {found['floor'][1]:.0f}"
                f" = {much[-1]:.2f}"
            )
    print(f"  median p99 ratio {statistics.median(slow):.2f} (bar: at most 1.5)")
    print(f"  median throughput ratio {statistics.median(much):.2f} (bar: at least 0.6)")


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


@contextmanager
def _slack() -> Iterator[SlackServer]:
    scenario = load(SCENARIOS / "5xx-cold-starts-in-a-surge.yaml")
    with SlackServer(Workspace(people_and_channels.seed(scenario))) as server:
        yield server


def _catalogue(folder: Path) -> Path:
    path = folder / "catalogue.yaml"
    path.write_text(
        f"services: [{{name: checkout, channel: {people_and_channels.TEAM_CHANNEL}}}]\n",
        encoding="utf-8",
    )
    return path


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nothing listens on port {port}")
