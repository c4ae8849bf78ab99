"""What Slack refused: who is told, and what becomes of the incident. On a real store."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bot.config.catalogue import Catalogue
from bot.domain.alarm import Alarm
from bot.domain.incident import Incident, IncidentState, Severity
from bot.domain.service import Service
from bot.incidents.card_publisher import IncidentCard
from bot.incidents.refused_posts import RefusedPosts
from bot.state.store import RedisStore
from tests.support.recorder import Recorder

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
KEY = "checkout:5xx"
ALARM = Alarm(name="checkout-5xx", region="us-east-1", changed_at=T0)
WHY = "I am not a member of that channel (not_in_channel)"
CATALOGUE = Catalogue(services=(Service(name="checkout", channel="C0TEAM"),))


def incident(name: str, channel: str = "C0FOREIGN", by: str | None = "U0MAYA") -> Incident:
    return Incident(
        id=name,
        playbook="5xx",
        service="checkout",
        severity=Severity.SEV2,
        channel=channel,
        opened_by=by,
        opened_at=T0,
        alarm=ALARM,
    )


@pytest.fixture
def refused(store: RedisStore, record: Recorder) -> RefusedPosts:
    return RefusedPosts(store, record, CATALOGUE)


def about(key: str, *, closed: bool, channel: str = "C0FOREIGN") -> str:
    return json.dumps({"channel": channel, "key": key, "why": WHY, "closed": closed})


async def test_an_incident_nobody_saw_holds_no_place(
    refused: RefusedPosts, store: RedisStore, record: Recorder
) -> None:
    await store.open_incident(incident("INC-1"), KEY)
    await refused.tell(about("card:INC-1", closed=True))
    ended = await store.incident("INC-1")
    assert ended is not None
    assert (ended.state, ended.unposted) == (IncidentState.CLOSED, WHY)
    assert record.withdrawn == ["card:INC-1"]
    ((channel, user, text),) = record.whispers
    assert (channel, user) == ("C0FOREIGN", "U0MAYA")
    assert "could not post the card of checkout" in text
    assert "/invite @incident" in text
    assert [(where, key) for where, key, _ in record.posts] == [("C0TEAM", "unposted:INC-1")]
    assert [entry.kind for entry in await store.timeline("INC-1")] == ["note"]
    # the same transition of the same alarm, in its own channel
    _, new = await store.open_incident(incident("INC-2", "C0ALERTS", None), KEY)
    assert new
    card = IncidentCard(store, record)
    await card.show("INC-1")  # by an investigation that was under way
    assert len(record.posts) == 1


async def test_the_same_request_delivered_again_opens_nothing(
    refused: RefusedPosts, store: RedisStore
) -> None:
    await store.open_incident(incident("INC-1"), KEY)
    await refused.tell(about("card:INC-1", closed=True))
    again, new = await store.open_incident(incident("INC-1"), KEY)
    assert not new
    assert again.state is IncidentState.CLOSED


async def test_a_card_that_stands_already_keeps_its_incident(
    store: RedisStore, record: Recorder
) -> None:
    class Posted(Recorder):
        async def withdraw(self, channel: str, key: str, reason: str) -> bool:
            return False

    announcer = Posted()
    await store.open_incident(incident("INC-1"), KEY)
    for _ in range(2):  # it is tried again now and then
        await RefusedPosts(store, announcer, CATALOGUE).tell(about("card:INC-1", closed=True))
    kept = await store.incident("INC-1")
    assert kept is not None
    assert kept.state is IncidentState.OPEN
    assert [user for _, user, _ in announcer.whispers] == ["U0MAYA"]


async def test_content_that_slack_will_never_take_is_told_in_the_channel(
    refused: RefusedPosts, store: RedisStore, record: Recorder
) -> None:
    await store.open_incident(incident("INC-1"), KEY)
    await refused.tell(about("card:INC-1", closed=False))
    ((channel, key, text),) = record.posts
    assert (channel, key) == ("C0FOREIGN", "unshown:card:INC-1")
    assert "Slack did not take the card of checkout" in text
    assert [user for _, user, _ in record.whispers] == ["U0MAYA"]
    await refused.tell(about("unshown:card:INC-1", closed=False))
    assert len(record.posts) == 1
