"""Alarms that went off while the bot was away: those still on open, the others are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.alarm import Alarm, AlarmState
from bot.domain.incident import IncidentState
from bot.incidents.catch_up import CatchUp, Missed
from bot.state.store import RedisStore
from tests.incidents.test_service import KEY, T0, CloudWatch, Room

ALARM, OK = AlarmState.ALARM, AlarmState.OK


class Firing(CloudWatch):
    """DescribeAlarms by state, too."""

    def pages(self, service: str, operation: str, /, **params: Any) -> Iterator[dict[str, Any]]:
        if operation != "describe_alarms":
            yield from super().pages(service, operation, **params)
            return
        on = [name for name, (state, _) in self.states.items() if state is ALARM]
        yield self.read(service, operation, AlarmNames=on)


@pytest.fixture
def room(store: RedisStore) -> Room:
    made = Room(store)
    made.aws = Firing()
    return made


def missed(name: str, state: AlarmState, minute: int) -> Missed:
    alarm = Alarm(name=name, region="us-east-1", state=state)
    return Missed(f"post:{minute}", alarm, f"{minute}.{name}", None)


def told(room: Room) -> list[str]:
    return [each.text for key, each in room.board.messages.items() if key.startswith("missed:")]


async def tell(room: Room, posts: list[Missed]) -> list[Missed]:
    """Tell what was missed; returns the posts that have to be told again."""
    handled: list[Missed] = []

    async def note(post: Missed) -> None:
        handled.append(post)

    whole = await CatchUp(room.alarms).tell("C0ALERTS", posts, T0, note)
    left = [each for each in posts if each not in handled]
    assert whole == (not left)
    return left


def now(room: Room, name: str, state: AlarmState, minute: int) -> None:
    at = T0 + timedelta(minutes=minute)
    room.aws.states[name] = (state, at)
    room.aws.clock = T0 + timedelta(minutes=60)
    if state is ALARM:
        room.aws.began[name] = at


async def test_an_alarm_still_on_opens_under_its_post_and_says_so(room: Room) -> None:
    now(room, "checkout-5xx", ALARM, 12)
    assert await tell(room, [missed("checkout-5xx", ALARM, 12)]) == []
    assert (await room.current()).thread_ts == "12.checkout-5xx"
    (text,) = told(room)
    assert "still in ALARM: checkout-5xx since 03:12" in text


async def test_one_that_is_over_opens_nothing_and_is_told_once(room: Room) -> None:
    now(room, "checkout-5xx", OK, 20)
    posts = [missed("checkout-5xx", ALARM, 12), missed("checkout-5xx", OK, 20)]
    assert await tell(room, posts) == []
    assert await room.store.incident_for(KEY) is None
    (text,) = told(room)
    assert "Over meanwhile, and not investigated: checkout-5xx, OK since 03:20" in text


async def test_cloudwatch_says_that_it_is_over_though_no_post_does(room: Room) -> None:
    now(room, "checkout-5xx", OK, 20)
    assert await tell(room, [missed("checkout-5xx", ALARM, 12)]) == []
    assert await room.store.incident_for(KEY) is None
    assert len(told(room)) == 1


async def test_a_missed_recovery_ends_the_open_incident(room: Room) -> None:
    await room.tells("checkout-5xx", ALARM, 1)
    now(room, "checkout-5xx", OK, 20)
    assert await tell(room, [missed("checkout-5xx", OK, 20)]) == []
    assert (await room.current()).state is IncidentState.RECOVERED
    assert told(room) == []


async def test_many_that_are_over_are_one_message(room: Room) -> None:
    posts = [missed(f"checkout-{n}-5xx", ALARM, 12) for n in range(40)]
    for each in posts:
        now(room, each.alarm.name, OK, 20)
    assert await tell(room, posts) == []
    (text,) = told(room)
    assert "and 32 more" in text
    assert await room.store.incident_for(KEY) is None


async def test_one_that_cannot_be_read_is_taken_as_its_post_says(room: Room) -> None:
    room.aws.denied = True
    assert await tell(room, [missed("checkout-5xx", ALARM, 12)]) == []
    assert (await room.current()).state is IncidentState.OPEN


async def test_one_alarm_that_fails_keeps_no_other_from_being_told(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = room.alarms.alarm_seen

    async def broken(_: object, alarm: Alarm, *rest: Any, **more: Any) -> None:
        if alarm.name == "checkout-1-5xx":
            raise RuntimeError("Redis is gone")
        await seen(alarm, *rest, **more)

    monkeypatch.setattr(type(room.alarms), "alarm_seen", broken)
    posts = [missed(f"checkout-{n}-5xx", ALARM, 12) for n in range(3)]
    for each in posts:
        now(room, each.alarm.name, OK, 20)
    assert await tell(room, posts) == [posts[1]]
    (text,) = told(room)
    assert "checkout-0-5xx" in text
    assert "checkout-1-5xx" not in text
    assert "checkout-2-5xx" in text


async def test_nothing_missed_nothing_said(room: Room) -> None:
    assert await tell(room, []) == []
    assert room.board.messages == {}


async def test_an_alarm_without_a_post_opens_in_its_services_channel(room: Room) -> None:
    now(room, "checkout-5xx", ALARM, 50)
    await CatchUp(room.alarms).look_for_unposted(3600)
    opened = await room.current()
    assert (opened.channel, opened.thread_ts) == ("C1", None)


async def test_an_alarm_that_was_on_before_is_left_alone(room: Room) -> None:
    now(room, "checkout-5xx", ALARM, 12)
    await CatchUp(room.alarms).look_for_unposted(600)
    assert await room.store.incident_for(KEY) is None
