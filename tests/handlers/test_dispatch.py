"""Which use case an envelope leads to."""

from __future__ import annotations

from unittest.mock import AsyncMock

from bot.incidents.service import Place
from bot.render import Click
from handlers.dispatch import Dispatch
from handlers.envelopes import ActionReached, ButtonClicked


def dispatching(incidents: AsyncMock, changes: AsyncMock) -> Dispatch:
    unused = AsyncMock()
    incidents.store.was_seen.return_value = False
    return Dispatch(
        incidents=incidents,
        changes=changes,
        announcer=unused,
        catalogue=unused,
        router=unused,
        vocabulary=unused,
    )


def click(which: Click, value: str, view: str | None = None) -> ButtonClicked:
    return ButtonClicked(
        team="T1",
        channel="C1",
        user="U1",
        click=which,
        value=value,
        thread_ts="1.0",
        trigger="t",
        view=view,
    )


async def test_what_is_reached_for_leads_to_the_guard_and_only_insisting_to_a_plan() -> None:
    incidents, changes = AsyncMock(), AsyncMock()
    dispatch = dispatching(incidents, changes)
    await dispatch(click(Click.OTHERS, "INC-1", "others-t").model_dump_json())
    changes.others.assert_awaited_once_with("INC-1", "others-t")
    reached = ActionReached(
        team="T1", user="U1", offer="INC-1:rollback-alias", view_id="V1", external="others-t"
    )
    await dispatch(reached.model_dump_json())
    changes.reach.assert_awaited_once_with("INC-1:rollback-alias", "others-t")
    changes.insist.assert_not_awaited()
    insisted = reached.model_copy(update={"insisted": True})
    assert insisted.key != reached.key
    await dispatch(insisted.model_dump_json())
    changes.insist.assert_awaited_once_with("INC-1:rollback-alias", "U1", "others-t", insisted.key)


async def test_look_again_at_a_time_leads_to_the_incident() -> None:
    incidents = AsyncMock()
    later = click(Click.LATER, "INC-1")
    await dispatching(incidents, AsyncMock())(later.model_dump_json())
    incidents.look_later.assert_awaited_once_with("INC-1", Place("C1", "U1", "1.0"), later.key)


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
