"""An alarm whose type or service is not clear is asked about; a click opens what was chosen."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.alarm import AlarmState
from bot.domain.incident import IncidentState
from bot.domain.service import Service
from bot.incidents.alarm_choice import AlarmChoice
from bot.incidents.requests import Place
from bot.render import Click
from bot.state.store import RedisStore
from tests.incidents.test_service import ALARM, KEY, OK, Room
from tests.support.playbooks import Fives, Fours


class Again(Fives):
    id = "again"


def buttons(room: Room, key: str) -> dict[str, str]:
    """Titles and values of the buttons of a posted question."""
    found: dict[str, str] = {}
    for block in room.board.messages[key].blocks:
        for element in block.get("elements", ()):
            if element["type"] == "button":
                assert Click.of(element["action_id"]) is Click.CHOOSE
                found[element["text"]["text"]] = element["value"]
    return found


def said(room: Room, key: str) -> str:
    return str(room.board.messages[key].blocks)


@pytest.fixture
def two_types(store: RedisStore) -> Room:
    return Room(store, [Fives(), Again()])


async def test_a_tie_of_types_opens_nothing_and_asks(two_types: Room) -> None:
    await two_types.tells("checkout-5xx", ALARM, 1)
    assert await two_types.store.incident_for(KEY) is None
    asked = buttons(two_types, "unknown:1.checkout-5xx")
    assert list(asked) == ["5xx", "again"]
    assert "5xx and again fit it alike" in said(two_types, "unknown:1.checkout-5xx")


async def test_a_click_opens_the_chosen_type_in_the_thread_of_the_post(two_types: Room) -> None:
    await two_types.tells("checkout-5xx", ALARM, 1)
    value = buttons(two_types, "unknown:1.checkout-5xx")["again"]
    for _ in range(2):  # delivered twice
        await two_types.alarms.alarm_chosen(value, Place("C0ALERTS", "U1"), "click")
    opened = await two_types.store.incident_for("checkout:again")
    assert opened is not None
    assert (opened.channel, opened.thread_ts) == ("C0ALERTS", "1.checkout-5xx")
    assert opened.alarm is not None
    assert (opened.alarm.name, opened.alarm.metric) == ("checkout-5xx", "5XXError")
    assert await two_types.store.incident_for(KEY) is None
    entries = await two_types.store.timeline(opened.id)
    assert [entry.actor for entry in entries if entry.kind == "triage"] == ["U1"]
    assert "chosen by" in said(two_types, "unknown:1.checkout-5xx")


async def test_the_recovery_ends_the_chosen_incident(two_types: Room) -> None:
    await two_types.tells("checkout-5xx", ALARM, 1)
    value = buttons(two_types, "unknown:1.checkout-5xx")["again"]
    await two_types.alarms.alarm_chosen(value, Place("C0ALERTS", "U1"), "click")
    await two_types.tells("checkout-5xx", OK, 9)
    ended = await two_types.store.incident_for("checkout:again")
    assert ended is not None
    assert ended.state is IncidentState.RECOVERED


async def test_an_unknown_type_offers_what_there_is(store: RedisStore) -> None:
    room = Room(store, [Fives(), Fours()])
    room.aws.metrics["checkout-disk"] = "CacheHitCount"
    await room.tells("checkout-disk", ALARM, 1)
    assert await store.incident_for(KEY) is None
    assert list(buttons(room, "unknown:1.checkout-disk")) == ["5xx", "4xx"]
    assert "I don't know this type yet" in said(room, "unknown:1.checkout-disk")


async def test_a_tie_of_services_asks_for_the_service(store: RedisStore) -> None:
    services = [Service(name="shop"), Service(name="pay")]
    room = Room(store, services=services)
    await room.tells("shop-to-pay-5xx", ALARM, 1)
    asked = buttons(room, "unknown:1.shop-to-pay-5xx")
    assert [AlarmChoice.model_validate_json(value).service for value in asked.values()] == [
        "shop",
        "pay",
    ]
    await room.alarms.alarm_chosen(next(iter(asked.values())), Place("C0ALERTS", "U1"), "click")
    assert await store.incident_for("shop:5xx") is not None


async def test_without_an_owner_there_is_nothing_to_choose(store: RedisStore) -> None:
    room = Room(store)
    await room.tells("other-5xx", ALARM, 1)
    assert buttons(room, "unknown:1.other-5xx") == {}
    assert "No service in the catalogue owns" in said(room, "unknown:1.other-5xx")


async def test_what_is_not_known_any_more_is_said(store: RedisStore) -> None:
    room = Room(store)
    told: list[Any] = []

    async def ephemeral(channel: str, user: str, message: Any, **_: Any) -> None:
        told.append((user, message.text))

    room.board.ephemeral = ephemeral  # type: ignore[method-assign]
    gone = AlarmChoice(playbook="gone", service="checkout", name="a", region="us-east-1", ts="1")
    await room.alarms.alarm_chosen(gone.model_dump_json(), Place("C1", "U1"), "click")
    assert told == [("U1", "gone of checkout is not known any more.")]


@pytest.mark.parametrize("known", [True, False])
async def test_nothing_is_opened_or_asked_by_a_recovery(store: RedisStore, known: bool) -> None:
    room = Room(store, [Fives(), Again()])
    room.aws.denied = not known
    await room.tells("checkout-5xx", OK, 1)
    assert room.board.posts == {}
    assert await store.incident_for(KEY) is None


async def test_where_the_post_tells_no_state_cloudwatch_decides(store: RedisStore) -> None:
    room = Room(store)
    await room.tells("checkout-5xx", OK, 1, says={"state": None})
    assert await store.incident_for(KEY) is None
    assert room.board.posts == {}
    await room.tells("checkout-5xx", ALARM, 5, says={"state": None})
    opened = await store.incident_for(KEY)
    assert opened is not None
    await room.tells("checkout-5xx", OK, 9, says={"state": None})
    assert (await room.current()).state is IncidentState.RECOVERED


async def test_where_cloudwatch_does_not_say_either_a_person_is_asked(store: RedisStore) -> None:
    room = Room(store)
    room.aws.denied = True
    await room.tells("checkout-5xx", ALARM, 1, says={"state": None})
    assert await store.incident_for(KEY) is None
    key = "unknown:1.checkout-5xx"
    assert "does not say whether the alarm went off or recovered" in said(room, key)
    value = buttons(room, key)["5xx"]
    await room.alarms.alarm_chosen(value, Place("C0ALERTS", "U1"), "click")
    assert (await room.current()).state is IncidentState.OPEN


async def test_insufficient_data_is_nothing(store: RedisStore) -> None:
    room = Room(store)
    await room.tells("checkout-5xx", AlarmState.INSUFFICIENT_DATA, 1)
    assert room.board.posts == {}


async def test_an_alarm_of_a_monitoring_account_is_read_there(store: RedisStore) -> None:
    room = Room(store, services=[Service(name="checkout", account="111122223333", channel="C1")])
    room.aws.account = "999900001111"
    await room.tells("checkout-5xx", ALARM, 1, says={"account": "999900001111"})
    assert [service.account for service in room.asked] == ["999900001111"]


async def test_the_channel_of_several_services_asks_whose_alarm_it_is(store: RedisStore) -> None:
    services = [Service(name="shop", channel="C0ALERTS"), Service(name="pay", channel="C0ALERTS")]
    room = Room(store, services=services)
    await room.tells("front-door-errors", ALARM, 1)
    asked = buttons(room, "unknown:1.front-door-errors")
    chosen = [AlarmChoice.model_validate_json(value).service for value in asked.values()]
    assert chosen == ["shop", "pay"]
    alone = Room(store, services=services[:1])
    await alone.tells("front-door-5xx", ALARM, 2)
    assert await store.incident_for("shop:5xx") is not None
