"""The bot is away for longer than Slack sends events again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.night import Night
from tests.support.play import said

pytestmark = pytest.mark.slow


def test_an_alarm_posted_while_the_bot_was_away_gets_its_card(night: Night) -> None:
    night.until("the bot's first look", lambda: marks(night), 30)
    night.kill_bot()
    workspace = night.session.workspace
    timing = workspace.timing
    workspace.timing = replace(timing, retries=())  # as if Slack had given up
    try:
        night.alarm()
        with night.redis() as redis:
            for channel in redis.hkeys("{ih}:posts-seen"):
                redis.hincrbyfloat("{ih}:posts-seen", channel, -3600)
        night.start_bot()
        card = night.until("the card", lambda: night.thread()[:1], 60)[0]
        assert "payments" in said(card)
    finally:
        workspace.timing = timing


def marks(night: Night) -> bool:
    with night.redis() as redis:
        return bool(redis.hlen("{ih}:posts-seen"))
