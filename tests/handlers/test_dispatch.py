"""Which use case an envelope leads to."""

from __future__ import annotations

from unittest.mock import AsyncMock

from bot.incidents.service import Place
from bot.render import Click
from handlers.dispatch import Dispatch
from handlers.envelopes import ButtonClicked


async def test_a_choice_about_an_alarm_opens_it_once() -> None:
    incidents, unused = AsyncMock(), AsyncMock()
    incidents.store.was_seen.side_effect = [False, True]
    dispatch = Dispatch(
        incidents=incidents,
        changes=unused,
        announcer=unused,
        catalogue=unused,
        router=unused,
        vocabulary=unused,
    )
    click = ButtonClicked(
        team="T1",
        channel="C1",
        user="U1",
        click=Click.CHOOSE,
        value="{}",
        thread_ts="1.0",
        trigger="t",
    )
    for _ in range(2):  # delivered twice
        await dispatch(click.model_dump_json())
    incidents.alarm_chosen.assert_awaited_once_with("{}", Place("C1", "U1", "1.0"), click.key)
