"""A flood of half-open requests: the bot answers others, and a change goes on."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox import people_and_channels as slack
from tests.faults.night import Night, running_night
from tests.faults.test_changing import ENABLE

pytestmark = [pytest.mark.slow, pytest.mark.story, pytest.mark.xdist_group("faults")]

CONNECTIONS = 2_000
FLOODER = """
import resource, socket, sys, time
port, count, host = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
starts = [b"", b"POST /slack/events HTTP/1.1\\r\\nHost: bot\\r\\n",
          b"POST /slack/events HTTP/1.1\\r\\nHost: bot\\r\\nContent-Length: 100000\\r\\n\\r\\nx"]
peers = []
def one(number):
    peer = socket.socket()
    peer.settimeout(2)
    try:
        peer.bind((host, 0))
        peer.connect(("127.0.0.1", port))
        peer.sendall(starts[number % 3])
    except OSError:
        pass
    return peer
for number in range(count):
    peers.append(one(number))
print("flooded", flush=True)
while True:  # a byte to each now and then, and some new ones for those that were closed
    again = 50
    for at, peer in enumerate(peers):
        try:
            peer.sendall(b"x")
        except OSError:
            if again:
                again -= 1
                peer.close()
                peers[at] = one(at)
    time.sleep(0.5)
"""


@contextmanager
def flood(night: Night, host: str) -> Iterator[None]:
    """2,000 half-open requests from one address, kept up in a process of its own."""
    port = urlsplit((night.folder / "state" / "address").read_text(encoding="utf-8")).port
    command = [sys.executable, "-c", FLOODER, str(port), str(CONNECTIONS), host]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as flooder:
        try:
            assert flooder.stdout is not None
            assert flooder.stdout.readline() == b"flooded\n"
            yield
        finally:
            flooder.kill()


@pytest.fixture
def surge(tmp_path: Path) -> Iterator[Night]:
    with running_night("5xx-cold-starts-in-a-surge", tmp_path, speed=30.0) as night:
        yield night


def _seconds(night: Night) -> float | None:
    """How long health and readiness took to be told; None when they were not."""
    began = time.monotonic()
    try:
        told = [night.get("/healthz")[0], night.get("/readyz")[0]]
    except OSError:
        return None
    return time.monotonic() - began if told == [200, 200] else None


def descriptors(night: Night) -> int:
    assert night.bot is not None
    return len(list(Path(f"/proc/{night.bot.pid}/fd").iterdir()))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9"])
def test_health_and_a_running_change_go_on(surge: Night, host: str) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < CONNECTIONS + 100:
        pytest.skip("this machine's limit of open files is too low for the flood")
    before = descriptors(surge)
    surge.alarm()
    card = surge.card()
    with flood(surge, host):
        surge.until("health while connections are being opened", lambda: _seconds(surge), 60)
        waited = [_seconds(surge) or 10.0 for _ in range(10)]
        assert sorted(waited)[len(waited) // 2] < 1.0
        surge.click(slack.RESPONDER, card, ENABLE)
        view = surge.modal(slack.RESPONDER, "lambda:")
        surge.session.slack.act(slack.RESPONDER, "submit", view_id=view["id"])
        surge.click(slack.COMMANDER, surge.reply("Needs approval: "), "Approve")
        surge.in_state("done")
        assert surge.alive()
        assert descriptors(surge) < before + 300
    assert len(surge.log()) < 200_000
    surge.until("the connections to be closed", lambda: descriptors(surge) < before + 40, 40)


def test_few_descriptors_are_shared_out(tmp_path: Path) -> None:
    """The flood takes its share of 512 open files, and the bot's own work has the rest."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with running_night("5xx-cold-starts-in-a-surge", tmp_path, speed=30.0) as night:
        assert night.bot is not None
        resource.prlimit(night.bot.pid, resource.RLIMIT_NOFILE, (512, 512))
        with flood(night, "127.0.0.1"):
            night.alarm()
            night.card()
            assert night.alive()
            assert night.ready()
        assert "Too many open files" not in night.log()
    assert (soft, hard) == resource.getrlimit(resource.RLIMIT_NOFILE)
