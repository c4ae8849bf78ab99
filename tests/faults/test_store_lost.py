"""The store is emptied, or goes back to an older state, under a bot that has changed something."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import people_and_channels as slack
from tests.faults.night import Night, running_night
from tests.faults.test_store_full import CALL, ROLL_BACK

pytestmark = [pytest.mark.slow, pytest.mark.story, pytest.mark.xdist_group("faults")]


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[Night]:
    """An alias was moved, and payments fails since; somebody asks to move it back."""
    with running_night("5xx-bad-alias-move", tmp_path, speed=6.0) as night:
        night.alarm()
        night.request(ROLL_BACK, "rollback-alias")
        yield night


def incident(night: Night, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line, beside the bot."""
    state = {"STATE_DIR": str(night.folder / "state"), "COLUMNS": "300"}
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        env={**os.environ, **state},
        capture_output=True,
        text=True,
        timeout=60,
    )


def frozen(night: Night) -> bool:
    return "changes are frozen" in night.get("/readyz")[1]


def test_an_emptied_store_freezes_and_says_so_everywhere(moved: Night) -> None:
    request = moved.reply("Needs approval: ")
    with moved.redis() as redis:
        redis.flushall()
    moved.until("the freeze", lambda: frozen(moved))
    status, body = moved.get("/readyz")
    assert status == 200, "events are saved, and changes undone"
    assert "the audit record is gone" in body
    assert "incident_changes_frozen 1.0" in moved.get("/metrics")[1]

    moved.reply("My record of this incident is gone", seconds=120)
    moved.reply("My record of this change is gone")
    moved.click(slack.COMMANDER, request, "Approve")
    moved.restart_bot()
    assert frozen(moved)
    told = incident(moved, "audit")
    assert told.returncode == 1
    assert "changes are frozen: the audit record is gone" in told.stdout

    accepted = incident(moved, "audit", "--accept", "flushed by mistake")
    assert accepted.returncode == 0, accepted.stderr
    assert not frozen(moved), "without a restart"
    whole = incident(moved, "audit", "--full")
    assert whole.returncode == 0
    assert "flushed by mistake" in whole.stdout
    assert "the chain is whole" in whole.stdout
    again = incident(moved, "audit", "--accept", "again")
    assert again.returncode == 2
    assert "nothing is frozen" in again.stderr
    assert CALL not in moved.writes()[1:], "nothing was sent"


def test_an_older_store_does_not_hide_what_was_sent(moved: Night) -> None:
    """The store comes back as it was before the approval; AWS has the change."""
    valkey = moved.folder / "state" / "valkey"
    shutil.copytree(valkey, moved.folder / "backup", ignore=shutil.ignore_patterns("*.sock"))
    sent = moved.writes().count(CALL)
    moved.click(slack.COMMANDER, moved.reply("Needs approval: "), "Approve")
    moved.in_state("verifying", "done")
    assert moved.writes().count(CALL) == sent + 1

    moved.kill_bot()
    moved.kill_valkey()
    shutil.rmtree(valkey)
    shutil.copytree(moved.folder / "backup", valkey)
    moved.start_bot()
    moved.until("the freeze", lambda: frozen(moved))
    assert "went back to an older state" in moved.get("/readyz")[1]
    moved.in_state("drifted")
    moved.reply("as planned", "aws lambda update-alias", "check by hand")
    moved.reply("needs a person to look at it", "It is recorded as requested, and yet")
    assert moved.writes().count(CALL) == sent + 1, "and it is not sent again"
