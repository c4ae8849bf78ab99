"""An alarm of no incident type opens a look-around, each its own; a health check needs no alarm."""

from __future__ import annotations

import pytest

from bot.domain.incident import IncidentState
from bot.domain.service import Service
from bot.incidents.requests import Place
from bot.state.store import RedisStore
from playbooks import LookAround
from tests.incidents.test_alarm_choice import buttons, said
from tests.incidents.test_service import ALARM, KEY, OK, Room
from tests.support.playbooks import Fives, Fours

DISK = "checkout:look-around:checkout-disk"


@pytest.fixture
def room(store: RedisStore) -> Room:
    room = Room(store, [Fives(), Fours(), LookAround()])
    room.aws.metrics |= {"checkout-disk": "CacheHitCount", "checkout-queue": "CacheMissCount"}
    return room


async def test_it_opens_under_the_post_and_the_buttons_stay(room: Room) -> None:
    await room.tells("checkout-disk", ALARM, 1)
    opened = await room.store.incident_for(DISK)
    assert opened is not None
    assert (opened.playbook, opened.thread_ts) == ("look-around", "1.checkout-disk")
    key = "unknown:1.checkout-disk"
    assert list(buttons(room, key)) == ["5xx", "4xx"]
    assert "I look around" in said(room, key)
    assert "I don't know this type yet" in said(room, key)
    assert "did not open" not in said(room, key)


async def test_each_alarm_has_its_own_and_its_ok_ends_that_one(room: Room) -> None:
    await room.tells("checkout-disk", ALARM, 1)
    await room.tells("checkout-queue", ALARM, 2)
    await room.tells("checkout-queue", OK, 5)
    disk = await room.store.incident_for(DISK)
    queue = await room.store.incident_for("checkout:look-around:checkout-queue")
    assert disk is not None
    assert queue is not None
    assert (disk.state, queue.state) == (IncidentState.OPEN, IncidentState.RECOVERED)


async def test_an_alarm_of_a_type_opens_that_type(room: Room) -> None:
    await room.tells("checkout-5xx", ALARM, 1)
    assert (await room.current()).playbook == "5xx"
    assert await room.store.incident_for("checkout:look-around:checkout-5xx") is None


async def test_a_chosen_type_opens_beside_it(room: Room) -> None:
    await room.tells("checkout-disk", ALARM, 1)
    value = buttons(room, "unknown:1.checkout-disk")["5xx"]
    await room.alarms.alarm_chosen(value, Place("C0ALERTS", "U1"), "click")
    chosen = await room.store.incident_for(KEY)
    assert chosen is not None
    assert chosen.thread_ts == "1.checkout-disk"


async def test_a_tie_opens_nothing(store: RedisStore) -> None:
    class Again(Fives):
        id = "again"

    room = Room(store, [Fives(), Again(), LookAround()])
    await room.tells("checkout-5xx", ALARM, 1)
    assert await store.incident_for("checkout:look-around:checkout-5xx") is None
    assert list(buttons(room, "unknown:1.checkout-5xx")) == ["5xx", "again"]


async def test_without_a_service_nothing_is_opened(store: RedisStore) -> None:
    services = [Service(name="checkout", channel="C1")]
    room = Room(store, [Fives(), LookAround()], services=services)
    room.aws.metrics["other-disk"] = "CacheHitCount"
    await room.tells("other-disk", ALARM, 1)
    assert "did not open" in said(room, "unknown:1.other-disk")
    assert await store.incident_for("checkout:look-around:other-disk") is None


async def test_a_health_check_opens_one_without_an_alarm(room: Room) -> None:
    around = room.incidents.context.router.for_any_alarm
    assert around is not None
    await room.incidents.triage(around, room.service, Place("C1", "U1"), "asked")
    opened = await room.store.incident_for("checkout:look-around")
    assert opened is not None
    assert (opened.alarm, opened.opened_by) == (None, "U1")
