"""Several services may share a Slack channel: what is asked there says which one, or is asked."""

from __future__ import annotations

from unittest.mock import AsyncMock, MagicMock

import pytest

from bot.config.catalogue import Catalogue
from bot.domain.service import Service
from bot.incidents.requests import Place
from bot.render import Entry, Message
from handlers.dispatch import NOT_FOLLOWED, Dispatch
from handlers.envelopes import AlarmOfOthers, AloneSubmitted, Command, CommandGiven, Triage
from handlers.slack.commands import Vocabulary

CART, CHECKOUT = Service(name="cart", channel="C1"), Service(name="checkout", channel="C1")
OTHER = Service(name="search", channel="C2")


class Room:
    """Dispatch with the use cases replaced; `said` is what people were told."""

    def __init__(self, owner: Service | None = None) -> None:
        self.incidents, self.changes = AsyncMock(), AsyncMock()
        self.incidents.context.store.was_seen.return_value = False
        self.incidents.owner_among.return_value = owner
        self.said: list[str] = []
        self.incidents.context.answer.side_effect = self._told
        self.announcer = AsyncMock()
        self.dispatch = Dispatch(
            incidents=self.incidents,
            alarms=AsyncMock(),
            changes=self.changes,
            announcer=self.announcer,
            catalogue=Catalogue(services=(CART, CHECKOUT, OTHER)),
            router=MagicMock(),
            vocabulary=Vocabulary((Entry("5xx", "HTTP 5XX errors", ""),)),
            home=AsyncMock(),
        )

    async def _told(self, place: Place, message: Message) -> None:
        self.said.append(message.text)

    async def given(self, command: Command, channel: str = "C1") -> Service | None:
        """The service that was investigated for a command; None when none was."""
        envelope = CommandGiven(team="T1", channel=channel, user="U1", trigger="t", command=command)
        await self.dispatch(envelope.model_dump_json())
        if not self.incidents.triage.await_args:
            return None
        service: Service = self.incidents.triage.await_args.args[1]
        return service


async def test_the_channel_of_several_services_asks_which_one() -> None:
    room = Room()
    assert await room.given(Triage(playbook="5xx")) is None
    assert room.said == [
        "This is the channel of cart, checkout. Which one? "
        "Did you mean `/incident triage 5xx cart`?"
    ]


@pytest.mark.parametrize(
    ("command", "channel", "expected"),
    [
        (Triage(playbook="5xx", service="checkout"), "C1", CHECKOUT),
        (Triage(playbook="5xx", service="search"), "C1", OTHER),
        (Triage(playbook="5xx"), "C2", OTHER),
    ],
)
async def test_what_is_named_or_alone_is_investigated(
    command: Triage, channel: str, expected: Service
) -> None:
    assert await Room().given(command, channel) == expected


async def test_a_named_alarm_chooses_its_owner() -> None:
    room = Room(owner=CHECKOUT)
    assert await room.given(Triage(playbook="5xx", alarm="checkout 5xx")) == CHECKOUT
    room.incidents.owner_among.assert_awaited_once_with("checkout 5xx", (CART, CHECKOUT))
    unknown = Room(owner=None)
    assert await unknown.given(Triage(playbook="5xx", alarm="checkout 5xx")) is None
    assert "/incident triage 5xx cart --alarm 'checkout 5xx'" in unknown.said[0]


async def test_an_alarm_of_another_organisation_is_said_once_in_the_channel() -> None:
    room = Room()
    seen = AlarmOfOthers(team="T1", channel="C1").model_dump_json()
    await room.dispatch(seen)
    channel, key, message = room.announcer.post.await_args.args
    assert (channel, key, message.text) == ("C1", "alarm-of-others:C1", NOT_FOLLOWED)
    room.incidents.context.store.was_seen.side_effect = [False, True]
    await room.dispatch(seen)
    room.announcer.post.assert_awaited_once()


async def test_a_reason_leads_to_the_change() -> None:
    room = Room()
    given = AloneSubmitted(team="T1", user="U1", run="CHG-1", reason="nobody is there", view_id="V")
    await room.dispatch(given.model_dump_json())
    place = room.incidents.place_of.return_value
    room.changes.break_glass.assert_awaited_once_with("CHG-1", place, "nobody is there")
