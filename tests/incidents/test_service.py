"""Alarms come and go: which incident each belongs to. On a real store; AWS is plain values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.config.catalogue import Catalogue
from bot.domain.alarm import Alarm, AlarmState
from bot.domain.errors import ReadFailed
from bot.domain.incident import Incident, IncidentState
from bot.domain.playbook_contract import Playbook
from bot.domain.report import GapReason
from bot.domain.service import Service
from bot.incidents import alarm_reads
from bot.incidents.alarm_accounts import AlarmAccounts
from bot.incidents.card_publisher import IncidentCard
from bot.incidents.context import IncidentContext
from bot.incidents.lifecycle import STALE_AFTER, Lifecycle
from bot.incidents.posted_alarms import PostedAlarms
from bot.incidents.requests import Asked, Place
from bot.incidents.service import IncidentService
from bot.investigation.routing import Router
from bot.state.store import RedisStore
from tests.support.playbooks import Fives

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
KEY = "checkout:5xx"


class CloudWatch:
    """DescribeAlarms of plain values: name → state and when it came to it."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.states: dict[str, tuple[AlarmState, datetime]] = {}
        self.began: dict[str, datetime] = {}
        self.clock = T0
        self.metrics: dict[str, str] = {}  # of an alarm that is not on 5XXError
        self.account = "123456789012"
        self.denied = False

    def now(self) -> datetime:
        return self.clock

    def read(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        if self.denied:
            raise ReadFailed(GapReason.DENIED, "not allowed")
        found = [
            {
                "AlarmName": name,
                "AlarmArn": f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm:{name}",
                "StateValue": state.value,
                "StateTransitionedTimestamp": since,
                "Namespace": "AWS/ApiGateway",
                "MetricName": self.metrics.get(name, "5XXError"),
            }
            for name, (state, since) in self.states.items()
            if name in params.get("AlarmNames", ())
        ]
        return {"MetricAlarms": found}

    def pages(self, *_: object, **params: Any) -> Iterator[dict[str, Any]]:
        """DescribeAlarmHistory: when the alarm went off."""
        data = {"newState": {"stateValue": "ALARM"}}
        began = self.began[params["AlarmName"]]
        yield {"AlarmHistoryItems": [{"Timestamp": began, "HistoryData": json.dumps(data)}]}


class Board:
    """Collects what would be posted."""

    def __init__(self) -> None:
        self.posts: dict[str, str | None] = {}
        self.messages: dict[str, Any] = {}
        self.tasks: list[tuple[str, str]] = []
        self.told: list[str] = []  # to one person only

    async def post(self, channel: str, key: str, message: Any, **where: Any) -> None:
        self.posts[key] = where.get("thread_ts")
        self.messages[key] = message

    async def ephemeral(self, channel: str, user: str, message: Any, **_: Any) -> None:
        self.told.append(message.text)

    async def can_post(self, channel: str) -> bool:
        return True

    async def link(self, channel: str, key: str) -> str | None:
        return f"https://slack.example/{channel}/{key}"

    async def put(self, kind: str, about: str, *, key: str, after: float = 0.0) -> None:
        self.tasks.append((kind, about))

    async def waiting(self, kind: str) -> set[str]:
        return set()


class Room:
    def __init__(
        self,
        store: RedisStore,
        playbooks: Sequence[Playbook] = (Fives(),),
        services: Sequence[Service] = (Service(name="checkout", channel="C1"),),
    ) -> None:
        self.store, self.aws, self.board = store, CloudWatch(), Board()
        self.asked: list[Service] = []  # whose account was read
        router = Router(playbooks)
        card = IncidentCard(store, self.board)  # type: ignore[arg-type]
        context = IncidentContext(
            store=store,
            announcer=self.board,  # type: ignore[arg-type]
            queue=self.board,
            accounts=self,  # type: ignore[arg-type]
            catalogue=Catalogue(services=tuple(services)),
            router=router,
            lifecycle=Lifecycle(store, card),
            card=card,
        )
        self.incidents = IncidentService(context)
        self.alarms = PostedAlarms(context, AlarmAccounts(context.accounts, context.catalogue))
        self.service, self.playbook = services[0], router.playbooks["5xx"]

    def reader(self, service: Service) -> CloudWatch:
        self.asked.append(service)
        return self.aws

    async def tells(
        self,
        name: str,
        state: AlarmState,
        minute: int,
        *,
        truly: bool = True,
        says: dict[str, Any] | None = None,
    ) -> None:
        """Amazon Q posts that an alarm changed at a minute; CloudWatch agrees, or doesn't.

        `says` has fields of the alarm as the post describes it, where it is not plain.
        """
        at = T0 + timedelta(minutes=minute)
        if truly:
            self.aws.states[name] = (state, at)
            if state is AlarmState.ALARM:
                self.aws.began[name] = at
        self.aws.clock = at
        pointer = Alarm.model_validate(
            {"name": name, "region": "us-east-1", "state": state, **(says or {})}
        )
        await self.alarms.alarm_seen(pointer, "C0ALERTS", f"{minute}.{name}")

    async def current(self) -> Incident:
        found = await self.store.incident_for(KEY)
        assert found is not None
        return found


@pytest.fixture
def room(store: RedisStore) -> Room:
    return Room(store)


ALARM, OK = AlarmState.ALARM, AlarmState.OK


async def test_an_alarm_opens_an_incident_under_its_post_and_its_ok_ends_it(room: Room) -> None:
    await room.tells("checkout-5xx", ALARM, 1)
    opened = await room.current()
    assert opened.thread_ts == "1.checkout-5xx"
    assert opened.opened_at == T0 + timedelta(minutes=1)
    await room.tells("checkout-5xx", OK, 9)
    ended = await room.current()
    assert (ended.id, ended.state) == (opened.id, IncidentState.RECOVERED)
    assert ended.recovered_at == T0 + timedelta(minutes=9)


async def test_a_second_alarm_of_the_same_kind_joins_and_its_post_points_to_the_card(
    room: Room,
) -> None:
    await room.tells("checkout-5xx", ALARM, 1)
    await room.tells("checkout-errors-5xx", ALARM, 2)
    assert (await room.current()).thread_ts == "1.checkout-5xx"
    assert room.board.posts["elsewhere:2.checkout-errors-5xx"] == "2.checkout-errors-5xx"


async def test_the_ok_of_another_alarm_says_nothing(room: Room) -> None:
    await room.tells("checkout-5xx", ALARM, 1)
    await room.tells("checkout-errors-5xx", ALARM, 2)
    await room.tells("checkout-errors-5xx", OK, 3)
    assert (await room.current()).state is IncidentState.OPEN


async def test_a_post_that_says_ok_while_cloudwatch_says_alarm_ends_nothing(room: Room) -> None:
    await room.tells("checkout-5xx", ALARM, 1)
    await room.tells("checkout-5xx", OK, 3, truly=False)
    assert (await room.current()).state is IncidentState.OPEN


async def test_an_alarm_whose_ok_was_missed_opens_anew(room: Room) -> None:
    await room.tells("checkout-5xx", ALARM, 1)
    first = await room.current()
    await room.tells("checkout-5xx", ALARM, 300)
    second = await room.current()
    assert second.id != first.id
    before = await room.store.incident(first.id)
    assert before is not None
    assert before.state is IncidentState.RECOVERED


async def test_a_late_post_is_known_for_one_though_cloudwatch_is_slow(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for CloudWatch at an alarm's first post; a recovered one may be an old post."""
    monkeypatch.setattr(alarm_reads, "WAIT_SECONDS", 0.0)
    await room.tells("checkout-5xx", ALARM, 1)
    opened = await room.current()
    await room.tells("checkout-5xx", OK, 9)
    await room.tells("checkout-5xx", ALARM, 20, truly=False)
    kept = await room.current()
    assert (kept.id, kept.state) == (opened.id, IncidentState.RECOVERED)


async def test_a_recent_triage_takes_the_alarm_as_its_own(room: Room) -> None:
    await room.incidents.triage(room.playbook, room.service, Place("C1", "U1"), "seed")
    asked = await room.current()
    await room.tells("checkout-5xx", ALARM, 5)
    joined = await room.current()
    assert (joined.id, joined.alarm and joined.alarm.name) == (asked.id, "checkout-5xx")
    await room.tells("checkout-5xx", OK, 9)
    assert (await room.current()).state is IncidentState.RECOVERED


async def test_a_forgotten_triage_swallows_no_alarm(room: Room) -> None:
    await room.incidents.triage(room.playbook, room.service, Place("C1", "U1"), "seed")
    asked = await room.current()
    later = int(STALE_AFTER.total_seconds() / 60) + 5
    await room.tells("checkout-5xx", ALARM, later)
    assert (await room.current()).id != asked.id
    assert (await room.current()).thread_ts == f"{later}.checkout-5xx"


async def test_in_a_services_channel_its_incident_is_meant_wherever_the_alarm_was(
    room: Room,
) -> None:
    assert await room.incidents.find(Place("C1", "U1")) is None
    await room.tells("checkout-5xx", ALARM, 1)
    opened = await room.current()
    assert opened.channel == "C0ALERTS"
    found = await room.incidents.find(Place("C1", "U1"))
    assert found is not None
    assert found.id == opened.id
    assert await room.incidents.find(Place("C8", "U1")) is None


async def test_a_post_that_tells_the_same_again_asks_for_no_investigation(room: Room) -> None:
    for ts in ("1700000000.1", "1700000001.1", "1700000900.1"):
        room.aws.states["checkout-5xx"] = (ALARM, T0)
        pointer = Alarm(name="checkout-5xx", region="us-east-1", state=ALARM)
        await room.alarms.alarm_seen(pointer, "C0ALERTS", ts)
    assert len(room.board.tasks) == 1


async def test_the_first_post_delivered_again_does(room: Room) -> None:
    """Its task may have died between the incident and the task that investigates it."""
    for _ in range(2):
        await room.tells("checkout-5xx", ALARM, 1)
    assert len(room.board.tasks) == 2


async def test_an_alarm_that_cannot_be_read_repeats_itself_for_minutes_only(room: Room) -> None:
    room.aws.denied = True
    for ts in ("1700000000.1", "1700000100.1", "1700000900.1"):
        pointer = Alarm(name="checkout-5xx", region="us-east-1", state=ALARM)
        await room.alarms.alarm_seen(pointer, "C0ALERTS", ts)
    assert len(room.board.tasks) == 2


async def test_a_doubtful_post_opens_what_cloudwatch_confirms(room: Room) -> None:
    room.aws.states["checkout-5xx"], room.aws.clock = (ALARM, T0), T0 + timedelta(minutes=2)
    pointer = Alarm(name="checkout-5xx", region="us-east-1", state=ALARM)
    await room.alarms.alarm_seen(pointer, "C0ALERTS", "1.1", known_sender=False)
    assert (await room.current()).thread_ts == "1.1"


@pytest.mark.parametrize("forwarded", [False, True])
async def test_a_doubtful_post_of_an_old_alarm_opens_nothing(room: Room, forwarded: bool) -> None:
    room.aws.states["checkout-5xx"], room.aws.clock = (ALARM, T0), T0 + timedelta(hours=2)
    pointer = Alarm(name="checkout-5xx", region="us-east-1", state=ALARM)
    await room.alarms.alarm_seen(
        pointer, "C0ALERTS", "1.1", known_sender=False, forwarded=forwarded
    )
    assert await room.store.incident_for(KEY) is None
    assert list(room.board.posts) == (["unknown:1.1"] if forwarded else [])


async def test_a_doubtful_post_about_what_cannot_be_read_is_a_question(room: Room) -> None:
    room.aws.denied = True
    pointer = Alarm(name="checkout-5xx", region="us-east-1", state=ALARM)
    await room.alarms.alarm_seen(pointer, "C0ALERTS", "1.1", known_sender=False)
    assert await room.store.incident_for(KEY) is None
    assert list(room.board.posts) == ["unknown:1.1"]


async def test_an_alarm_that_does_not_exist_is_refused(room: Room) -> None:
    nope = Alarm(name="nope", region="us-east-1")
    await room.incidents.triage(room.playbook, room.service, Place("C1", "U1"), "s", alarm=nope)
    assert await room.store.incident_for(KEY) is None
    assert room.board.told == ["CloudWatch in us-east-1 has no alarm “nope”. Check its name."]


async def test_an_alarm_that_cannot_be_read_is_not_refused(room: Room) -> None:
    room.aws.denied = True
    perhaps = Alarm(name="perhaps", region="us-east-1")
    await room.incidents.triage(room.playbook, room.service, Place("C1", "U1"), "s", alarm=perhaps)
    assert (await room.current()).alarm == perhaps


async def test_the_status_tells_all_open_incidents_of_the_channel_and_of_when_it_is(
    store: RedisStore,
) -> None:
    services = (Service(name="checkout", channel="C1"), Service(name="cart"))
    room = Room(store, services=services)
    await room.tells("checkout-5xx", ALARM, 1)
    await room.tells("cart-5xx", ALARM, 5)
    room.aws.clock = T0 + timedelta(minutes=9)
    await room.incidents.status(Place("C0ALERTS", "U1"))
    (text,) = room.board.told
    assert "checkout" in text
    assert "cart" in text
    await room.incidents.status(Place("C0ALERTS", "U1", "5.cart-5xx"))
    assert "checkout" not in room.board.told[-1]


# --- somebody asked at a message ----------------------------------------------------------------

POINTER = Alarm(name="checkout-5xx", region="us-east-1", state=None)


async def test_asked_for_an_alarm_opens_whatever_its_state(room: Room) -> None:
    """CloudWatch says OK: a plain post of it opens nothing, a person's request does."""
    room.aws.states["checkout-5xx"] = (OK, T0)
    room.aws.began["checkout-5xx"] = T0 - timedelta(minutes=9)
    await room.alarms.alarm_seen(POINTER, "C0ALERTS", "1.0")
    assert await room.store.incident_for(KEY) is None
    await room.alarms.alarm_seen(POINTER, "C0ALERTS", "1.0", asked=Asked("U1", "seed"))
    opened = await room.current()
    assert (opened.opened_by, opened.thread_ts, opened.state) == (
        "U1",
        "1.0",
        IncidentState.RECOVERED,
    )
    said = [entry for entry in await room.store.timeline(opened.id) if entry.actor == "U1"]
    assert [entry.text for entry in said] == ["asked to look at checkout-5xx"]


async def test_asked_for_in_a_thread_the_card_is_in_that_thread_once(room: Room) -> None:
    room.aws.states["checkout-5xx"] = (ALARM, T0)
    for seed in ("first", "second"):
        asked = Asked("U1", seed)
        await room.alarms.alarm_seen(POINTER, "C9", "2.0", "1.5", asked=asked)
    opened = await room.current()
    assert (opened.channel, opened.thread_ts) == ("C9", "1.5")
    assert not [key for key in room.board.posts if key.startswith("elsewhere:")]


async def test_asked_for_an_alarm_that_has_its_card_points_there(room: Room) -> None:
    await room.tells("checkout-5xx", ALARM, 1)
    card = f"card:{(await room.current()).id}"
    await room.alarms.alarm_seen(POINTER, "C9", "2.0", "1.5", asked=Asked("U1", "seed"))
    assert room.board.posts["elsewhere:2.0"] == "1.5"
    assert f"https://slack.example/C0ALERTS/{card}" in room.board.messages["elsewhere:2.0"].text


async def test_a_mention_about_an_open_incident_is_answered_in_its_thread(room: Room) -> None:
    await room.tells("checkout-5xx", ALARM, 1)
    opened = await room.current()
    thread = opened.thread_ts
    here = Place("C0ALERTS", "U1", thread, mention="5.0")
    await room.incidents.triage(room.playbook, room.service, here, "one")
    elsewhere = Place("C1", "U1", mention="6.0")
    await room.incidents.triage(room.playbook, room.service, elsewhere, "two")
    await room.incidents.status(Place("C1", "U1", mention="7.0"))
    answers = {key: thread for key, thread in room.board.posts.items() if "answer:" in key}
    assert answers == {"answer:5.0": thread, "answer:6.0": "6.0", "answer:7.0": "7.0"}
    for key in ("answer:5.0", "answer:6.0"):
        assert f"card:{opened.id}|Open the card>" in room.board.messages[key].text


async def test_a_mention_that_opens_an_incident_has_the_card_in_its_thread(room: Room) -> None:
    place = Place("C1", "U1", mention="5.0")
    await room.incidents.triage(room.playbook, room.service, place, "one")
    assert (await room.current()).thread_ts == "5.0"
    assert not [key for key in room.board.posts if key.startswith("answer:")]
