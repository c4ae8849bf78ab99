"""“Look again at …”: the investigation is scheduled for when AWS should have published it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.domain.incident import IncidentState
from bot.domain.report import NextTest
from bot.incidents.requests import Place
from bot.state.store import RedisStore
from tests.incidents.test_service import ALARM, T0, Room
from tests.support.samples import UNCLEAR

AT = T0 + timedelta(minutes=16)
PLACE = Place("C0ALERTS", "U1")


@pytest.fixture
async def room(store: RedisStore) -> Room:
    """An incident since minute 1 whose report waits for CloudTrail; AWS's clock says minute 4."""
    room = Room(store)
    await room.tells("checkout-5xx", ALARM, 1)
    room.aws.clock = T0 + timedelta(minutes=4)
    test = NextTest(question="whether something was released", again_at=AT)
    await store.save_report(
        (await room.current()).id, UNCLEAR.model_copy(update={"next_test": test})
    )
    return room


async def pressed(room: Room, times: int = 1) -> list[dict[str, Any]]:
    """The tasks that were put into the queue."""
    put = AsyncMock()
    room.board.put = put  # type: ignore[method-assign]
    for _ in range(times):
        await room.incidents.look_later((await room.current()).id, PLACE, "click-1")
    return [call.kwargs for call in put.await_args_list]


async def test_it_waits_by_the_clock_of_aws_and_two_presses_are_one_look(room: Room) -> None:
    first, second = await pressed(room, times=2)
    assert first["after"] == timedelta(minutes=12).total_seconds()
    assert first["key"] == second["key"]
    asked = [
        each.text
        for each in await room.store.timeline((await room.current()).id)
        if each.actor == "U1"
    ]
    assert asked == ["asked for another investigation at 03:16 UTC"]


async def test_when_the_time_has_come_it_looks_at_once(room: Room) -> None:
    room.aws.clock = AT + timedelta(minutes=1)
    [task] = await pressed(room)
    assert task["after"] == 0


async def test_findings_that_wait_for_nothing_are_looked_at_at_once(room: Room) -> None:
    await room.store.save_report((await room.current()).id, UNCLEAR)
    [task] = await pressed(room)
    assert "after" not in task


async def test_a_closed_incident_is_not_looked_at(room: Room) -> None:
    await room.store.change_incident((await room.current()).id, state=IncidentState.CLOSED)
    assert await pressed(room) == []
