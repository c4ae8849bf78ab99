"""Valkey dies under the running bot: it stays alive, says so, and nothing acknowledged is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.state import embedded_valkey
from sandbox import people_and_channels as slack
from tests.faults.night import Night
from tests.support.play import said

pytestmark = [pytest.mark.slow, pytest.mark.story, pytest.mark.xdist_group("faults")]


@pytest.fixture
def elsewhere(night: Night, tmp_path: Path) -> Iterator[Night]:
    """The night with a bot whose Redis is somebody else's: REDIS_URL is set."""
    url = embedded_valkey.start(tmp_path)
    night.kill_bot()
    night.own_redis = tmp_path
    try:
        night.start_bot(REDIS_URL=url)
        yield night
    finally:
        night.kill_bot()
        night.own_redis = None
        embedded_valkey.stop(tmp_path)


def test_the_embedded_valkey_is_started_again(night: Night) -> None:
    night.alarm()
    opened = night.until("the first card", night.replies)[0]
    night.kill_valkey()
    card = night.card()
    assert card.ts == opened.ts
    assert night.alive()
    night.until("the bot to be ready", night.ready)
    assert len(night.incidents()) == 1


def test_somebody_elses_redis_goes_and_comes_back(elsewhere: Night) -> None:
    night = elsewhere
    night.alarm()
    opened = night.until("the first card", night.replies)[0]  # accepted: a task by now
    night.kill_valkey()
    night.until("not ready", lambda: not night.ready())
    status, body = night.get("/readyz")
    assert status == 503
    assert "redis" in body
    assert night.alive()

    # nothing is promised that can't be kept
    night.session.slack.act(
        slack.RESPONDER, "command", channel=slack.TEAM_CHANNEL, name="/incident", text="triage 5xx"
    )
    told = night.session.workspace.messages(slack.TEAM_CHANNEL, viewer=slack.RESPONDER)
    assert "could not save your request" in said(told[-1])

    assert night.own_redis is not None
    embedded_valkey.start(night.own_redis)
    night.until("the bot to be ready", night.ready)
    assert night.card(60).ts == opened.ts, "what was acknowledged is finished"
    assert len(night.incidents()) == 1
