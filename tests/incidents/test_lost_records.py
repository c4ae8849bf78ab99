"""The bot's own messages whose record is gone are told, each once, in their thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bot.domain.run import RunState
from bot.domain.slack_ports import Message, OwnPost
from bot.incidents.lost_records import LostRecords
from tests.support.memory_store import MemoryStore
from tests.support.values import incident, run


class Slack:
    """What was posted before, and what is said now."""

    def __init__(self, *posts: OwnPost) -> None:
        self.posts = posts
        self.asked_since: datetime | None = None
        self.said: dict[tuple[str, str | None, str], str] = {}

    async def own_posts(self, since: datetime) -> Sequence[OwnPost]:
        self.asked_since = since
        return self.posts

    async def post(
        self,
        channel: str,
        key: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        thread_key: str | None = None,
    ) -> None:
        self.said[channel, thread_ts, key] = message.text

    async def ephemeral(self, *args: Any, **more: Any) -> None: ...

    async def view(self, *args: Any, **more: Any) -> None: ...


async def test_only_what_has_no_record_is_told() -> None:
    store = MemoryStore()
    await store.open_incident(incident(id="KEPT"), "a")
    store.kept["CHG-1"] = run(id="CHG-1", state=RunState.DONE)
    slack = Slack(
        OwnPost("C1", "10.1", "10.0", "card:KEPT"),
        OwnPost("C1", "20.1", "20.0", "card:LOST"),
        OwnPost("C1", "10.2", "10.0", "run:CHG-1"),
        OwnPost("C1", "20.2", "20.0", "run:CHG-2"),
        OwnPost("C2", "30.0", None, "card:ALONE"),
        OwnPost("C2", "40.0", None, "failed:40.0"),
    )
    assert await LostRecords(store, slack, slack).tell() == ["CHG-2"]
    assert slack.asked_since == datetime(2026, 11, 22, 3, 12, tzinfo=UTC)
    assert set(slack.said) == {
        ("C1", "20.0", "lost:card:LOST"),
        ("C1", "20.0", "lost:run:CHG-2"),
        ("C2", "30.0", "lost:card:ALONE"),
    }
    assert "/incident triage" in slack.said["C1", "20.0", "lost:card:LOST"]
    assert "do not know whether it was sent" in slack.said["C1", "20.0", "lost:run:CHG-2"]
