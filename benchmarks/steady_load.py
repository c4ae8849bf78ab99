"""Ten minutes of steady load: what memory, file descriptors and Redis keys do meanwhile.

`python -m benchmarks.steady_load [SECONDS] [COMMANDS A SECOND] [ALARMS A MINUTE]`; 600, 5 and 6
when left out. A real bot on the sandbox gets signed commands over HTTP and alarm posts over its
sockets. The table has a row every 15 seconds; flat is a last third that is within 5 % of the middle
third, in memory, descriptors, and in keys that do not end by themselves.
"""

from __future__ import annotations

import http.client
import itertools
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from redis import Redis

from benchmarks.b1_acknowledge import request
from bot.state import embedded_valkey
from sandbox import people_and_channels as slack
from tests.support.play import Play

EVERY = 15.0  # seconds between two rows
ALLOWED = 1.05  # the last third against the middle third


@dataclass(frozen=True)
class Row:
    seconds: float
    megabytes: float
    descriptors: int
    keys: int
    lasting: int  # keys without an end
    slowest: float  # acknowledgement since the last row, in milliseconds
    failed: int


def main(seconds: float = 600, commands: float = 5, alarms: float = 6) -> bool:
    """Run it and print the table; whether everything was flat."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        play = Play("5xx-cold-starts-in-a-surge", Path(folder), speed=6.0)
        play.session.start()
        try:
            play.start_bot(SLACK_SIGNING_SECRET=slack.SIGNING_SECRET)
            rows = _loaded(play, seconds, commands, alarms)
        finally:
            if play.bot is not None:
                play.kill_bot()  # it would finish the reads under way first
            play.stop()
    return _flat(rows)


def _loaded(play: Play, seconds: float, commands: float, alarms: float) -> list[Row]:
    rows: list[Row] = []
    began = time.monotonic()
    next_command = next_alarm = began
    next_row = began + EVERY
    taken: list[float] = []
    failed = 0
    print(f"{seconds:.0f} s, {commands:g} commands a second, {alarms:g} alarm posts a minute")
    print("     s   RSS MB   fds    keys  lasting   slowest ms   failed")
    while (now := time.monotonic()) < began + seconds:
        if now >= next_command:
            next_command += 1 / commands
            waited = _command(play)
            failed += waited is None
            taken.append(waited or 0.0)
        if now >= next_alarm:
            next_alarm += 60 / alarms
            _alarm(play)
        if now >= next_row:
            next_row += EVERY
            rows.append(_row(play, now - began, max(taken, default=0.0), failed))
            print(
                f"{rows[-1].seconds:6.0f} {rows[-1].megabytes:8.1f} {rows[-1].descriptors:5d} "
                f"{rows[-1].keys:7d} {rows[-1].lasting:8d} {rows[-1].slowest * 1e3:12.0f} "
                f"{rows[-1].failed:8d}",
                flush=True,
            )
            taken.clear()
        time.sleep(max(0.0, min(next_command, next_alarm, next_row) - time.monotonic()))
    return rows


def _command(play: Play) -> float | None:
    """Seconds until one signed command was acknowledged; None when it was not."""
    address = urlsplit((play.folder / "state" / "address").read_text(encoding="utf-8"))
    head, _, body = request(address.netloc).partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    began = time.perf_counter()
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        connection.request("POST", "/slack/events", body, headers)
        answer = connection.getresponse()
        answer.read()
        return time.perf_counter() - began if answer.status == 200 else None
    except OSError:
        return None
    finally:
        connection.close()


_STATES = itertools.cycle(("ALARM", "OK"))


def _alarm(play: Play) -> None:
    """Post that the story's alarm is on, and the next time that it is OK."""
    state = next(_STATES)
    for post in play.session.simulation.transitions():
        if post.alarm.starts:
            slack.announce(play.session.workspace, replace(post, state=state))
            return


def _row(play: Play, at: float, slowest: float, failed: int) -> Row:
    assert play.bot is not None
    process = Path(f"/proc/{play.bot.pid}")
    status = (process / "status").read_text(encoding="utf-8")
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]
    with Redis.from_url(embedded_valkey.start(play.folder / "state")) as redis:
        space = redis.info("keyspace").get("db0", {"keys": 0, "expires": 0})
    return Row(
        seconds=at,
        megabytes=int(kilobytes) / 1024,
        descriptors=len(list((process / "fd").iterdir())),
        keys=space["keys"],
        lasting=space["keys"] - space["expires"],
        slowest=slowest,
        failed=failed,
    )


def _flat(rows: list[Row]) -> bool:
    third = len(rows) // 3
    flat = third > 0
    for name in ("megabytes", "descriptors", "lasting"):
        values = [float(getattr(row, name)) for row in rows]
        middle = statistics.median(values[third : 2 * third] or [0.0])
        last = statistics.median(values[2 * third :] or [0.0])
        ratio = last / middle if middle else 1.0
        flat = flat and ratio <= ALLOWED
        print(f"{name}: {middle:.0f} in the middle third, {last:.0f} in the last: {ratio:.2f}")
    print("flat" if flat else "not flat")
    return flat


if __name__ == "__main__":
    sys.exit(0 if main(*map(float, sys.argv[1:])) else 1)
