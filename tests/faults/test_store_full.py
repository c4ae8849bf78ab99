"""Redis has no memory left under the running bot: an undo goes through, and nothing begins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import people_and_channels as slack
from tests.faults.night import Night, running_night
from tests.support.play import said

pytestmark = [pytest.mark.slow, pytest.mark.story, pytest.mark.xdist_group("faults")]

ROLL_BACK, CALL = "Roll back the Lambda alias", "UpdateAlias"


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[Night]:
    """An alias was moved, and payments fails since."""
    with running_night("5xx-bad-alias-move", tmp_path, speed=6.0) as night:
        try:
            yield night
        finally:
            with night.redis() as redis:
                redis.config_set("maxmemory", "0")


def with_undo(night: Night) -> Any:
    """The message of the change, once it has the button."""
    return next((each for each in night.replies() if "'text': 'Undo'" in str(each.blocks)), None)


def test_an_undo_goes_through(moved: Night) -> None:
    moved.alarm()
    moved.request(ROLL_BACK, "rollback-alias")
    moved.click(slack.COMMANDER, moved.reply("Needs approval: "), "Approve")
    moved.in_state("verifying", "done")
    applied = moved.until("its Undo", lambda: with_undo(moved))

    with moved.redis() as redis:
        redis.config_set("maxmemory", "1")
    status, body = moved.get("/readyz")
    assert status == 503
    assert "redis is full, only undoing works" in body

    # nothing new is accepted, and whoever asks is told
    moved.session.slack.act(
        slack.RESPONDER, "command", channel=slack.TEAM_CHANNEL, name="/incident", text="triage 5xx"
    )
    told = moved.session.workspace.messages(slack.TEAM_CHANNEL, viewer=slack.RESPONDER)
    assert "could not save your request" in said(told[-1])

    sent = moved.writes().count(CALL)
    moved.click(slack.RESPONDER, applied, "Undo")
    moved.in_state("undone")
    moved.reply("Undone")
    assert moved.writes().count(CALL) == sent + 1
    assert moved.alive()

    with moved.redis() as redis:
        redis.config_set("maxmemory", "0")
    moved.until("the bot to be ready", moved.ready)
