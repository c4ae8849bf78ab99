"""What was posted while the bot was away, on a real store; Slack's history is plain values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.domain.errors import SlackFailed
from bot.incidents.catch_up import Missed
from bot.state.posts_seen import PostsSeen
from bot.state.store import RedisStore
from handlers.slack.missed_posts import LATEST, MissedPosts
from tests.handlers.slack.alarm_posts import amazon_q

ALERTS, QUIET = "C0ALERTS", "C0QUIET"


class Slack:
    """Channels and their posts."""

    def __init__(self) -> None:
        self.has: dict[str, list[Mapping[str, Any]]] = {ALERTS: [], QUIET: []}
        self.asked: list[str] = []
        self.down = False

    async def own(self) -> tuple[str, frozenset[str]]:
        return "T1", frozenset({"U0BOT", "B0BOT"})

    async def channels(self) -> frozenset[str]:
        return frozenset(self.has)

    async def posts(self, channel: str, oldest: float, latest: float) -> list[Mapping[str, Any]]:
        self.asked.append(channel)
        if self.down:
            raise SlackFailed("conversations.history", "ratelimited")
        return [each for each in self.has[channel] if oldest <= float(each["ts"]) <= latest]


class Told:
    """What was handed on."""

    def __init__(self) -> None:
        self.missed: list[tuple[str, str]] = []
        self.looked: list[float] = []
        self.failing = False

    async def tell(
        self,
        channel: str,
        missed: Sequence[Missed],
        since: datetime,
        handled: Callable[[Missed], Awaitable[object]],
    ) -> bool:
        if self.failing and missed:
            return False
        self.missed += [(channel, each.ts) for each in missed]
        for each in missed:
            await handled(each)
        return True

    async def look_for_unposted(self, seconds: float) -> None:
        self.looked.append(seconds)


class Room:
    def __init__(self, store: RedisStore, marks: PostsSeen) -> None:
        self.store, self.marks = store, marks
        self.slack, self.told, self.connected = Slack(), Told(), True
        self.posts = MissedPosts(
            store=store,
            history=self.slack,
            marks=marks,
            catch_up=self.told,  # type: ignore[arg-type]
            connected=lambda: self.connected,
            alarm_apps={"A6L22LZNH"},
        )

    async def away(self, seconds: float) -> float:
        """As if the last look was so long ago; the time of it."""
        at = (await self.store.now()).timestamp() - seconds
        await self.marks.set({ALERTS: at, QUIET: at})
        return at

    def post(self, at: float, **message: Any) -> str:
        ts = f"{at:.6f}"
        self.slack.has[ALERTS].append({**amazon_q(), "ts": ts, **message})
        return ts


@pytest.fixture
def room(redis: Redis, store: RedisStore, namespace: str) -> Room:
    return Room(store, PostsSeen(redis, namespace))


async def test_the_first_look_reads_nothing(room: Room) -> None:
    await room.posts.follow("1")
    assert room.slack.asked == []
    assert set(await room.marks.all()) == {ALERTS, QUIET}


async def test_while_events_come_nothing_is_read(room: Room) -> None:
    at = await room.away(LATEST + 5)
    await room.posts.follow("1")
    assert room.slack.asked == []
    assert (await room.marks.all())[ALERTS] > at


async def test_after_an_outage_what_was_posted_is_handled_once(room: Room) -> None:
    at = await room.away(3600)
    ts = room.post(at + 600)
    room.post(at + 700, app_id="A0OTHER", attachments=[], text="good morning")
    room.post(at + 800, bot_id="B0BOT")
    await room.posts.follow("1")
    assert room.told.missed == [(ALERTS, ts)]
    assert room.told.looked
    await room.posts.follow("2")
    await room.away(3600)
    await room.posts.follow("3")
    assert room.told.missed == [(ALERTS, ts)]


async def test_what_an_event_brought_is_not_handled_again(room: Room) -> None:
    at = await room.away(3600)
    ts = room.post(at + 600)
    await room.store.first_time(f"handled:post:T1:{ALERTS}:{ts}", 60)
    await room.posts.follow("1")
    assert room.told.missed == []


async def test_what_could_not_be_read_is_read_later(room: Room) -> None:
    at = await room.away(3600)
    ts = room.post(at + 600)
    room.slack.down = True
    await room.posts.follow("1")
    assert (await room.marks.all())[ALERTS] == pytest.approx(at, abs=0.01)
    room.slack.down = False
    await room.posts.follow("2")
    assert room.told.missed == [(ALERTS, ts)]


async def test_what_could_not_be_handled_is_handled_later(room: Room) -> None:
    at = await room.away(3600)
    ts = room.post(at + 600)
    room.told.failing = True
    await room.posts.follow("1")
    assert (await room.marks.all())[ALERTS] == pytest.approx(at, abs=0.01)
    room.told.failing = False
    await room.posts.follow("2")
    assert room.told.missed == [(ALERTS, ts)]


async def test_without_a_connection_no_time_is_noted(room: Room) -> None:
    at = await room.away(3600)
    room.connected = False
    await room.posts.follow("1")
    assert (await room.marks.all())[ALERTS] == pytest.approx(at, abs=0.01)


async def test_posts_of_these_seconds_are_left_to_their_events(room: Room) -> None:
    at = await room.away(3600)
    room.post(at + 3600 - LATEST / 2)
    await room.posts.follow("1")
    assert room.told.missed == []


async def test_posts_of_the_last_seconds_of_an_outage_are_read_when_no_event_brought_them(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await room.away(3600)
    ts = room.post(at + 3600 - LATEST / 2)
    await room.posts.follow("1")
    now = await room.store.now()

    async def later() -> datetime:
        return now + timedelta(seconds=LATEST + 1)

    monkeypatch.setattr(room.store, "now", later)
    await room.posts.follow("2")
    assert room.told.missed == [(ALERTS, ts)]
    asked = len(room.slack.asked)
    await room.posts.follow("3")
    assert len(room.slack.asked) == asked, "once those are read nothing is read any more"
