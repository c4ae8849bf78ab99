"""Which use case an envelope leads to."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import AsyncMock

from bot.config.catalogue import Catalogue
from bot.domain.alarm import Alarm
from bot.domain.service import Service
from bot.incidents.requests import Asked, Place
from bot.render import Click
from handlers.dispatch import Dispatch
from handlers.envelopes import (
    ActionReached,
    AlarmAsked,
    BotInvited,
    ButtonClicked,
    ChangeRejected,
    HomeOpened,
    MentionGiven,
    Misunderstood,
)


def dispatching(
    incidents: AsyncMock, changes: AsyncMock, alarms: AsyncMock | None = None
) -> Dispatch:
    unused = AsyncMock()
    incidents.context.store.was_seen.return_value = False
    return Dispatch(
        incidents=incidents,
        alarms=alarms or unused,
        changes=changes,
        announcer=unused,
        catalogue=unused,
        router=unused,
        vocabulary=unused,
        home=unused,
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
    incidents, alarms = AsyncMock(), AsyncMock()
    dispatch = dispatching(incidents, AsyncMock(), alarms)
    incidents.context.store.was_seen.side_effect = [False, True]
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
    alarms.alarm_chosen.assert_awaited_once_with("{}", Place("C1", "U1", "1.0"), click.key)


async def test_an_invitation_is_greeted_once_with_the_channels_service() -> None:
    incidents, announcer = AsyncMock(), AsyncMock()
    services = (Service(name="checkout", channel="C1"), Service(name="search", channel="C2"))
    dispatch = replace(
        dispatching(incidents, AsyncMock()),
        announcer=announcer,
        catalogue=Catalogue(services=services),
    )
    incidents.context.store.was_seen.side_effect = [False, True]
    invited = BotInvited(team="T1", channel="C1", inviter="U1", event="8.0")
    for _ in range(2):
        await dispatch(invited.model_dump_json())
    [call] = announcer.post.await_args_list
    assert call.args[:2] == ("C1", "greeting:8.0")
    assert "the channel of checkout" in call.args[2].text


async def test_the_home_tab_and_a_rejection_reach_their_use_cases() -> None:
    incidents, changes, home = AsyncMock(), AsyncMock(), AsyncMock()
    incidents.place_of.return_value = Place("C1", "U1", "1.0")
    dispatch = replace(dispatching(incidents, changes), home=home)
    await dispatch(HomeOpened(team="T1", user="U1", event="7.0").model_dump_json())
    home.publish.assert_awaited_once_with("U1")
    rejected = ChangeRejected(team="T1", user="U1", run="CHG-1", view_id="V1", reason="late")
    await dispatch(rejected.model_dump_json())
    changes.reject.assert_awaited_once_with("CHG-1", Place("C1", "U1", "1.0"), "late")


async def test_the_shortcut_asks_for_the_alarm_whatever_its_state() -> None:
    alarms = AsyncMock()
    asked = AlarmAsked(
        team="T1",
        channel="C1",
        user="U1",
        ts="2.0",
        thread_ts="1.0",
        trigger="t",
        alarm=Alarm(name="shop-5xx", region="eu-west-1"),
    )
    await dispatching(AsyncMock(), AsyncMock(), alarms)(asked.model_dump_json())
    alarms.alarm_seen.assert_awaited_once_with(
        asked.alarm, "C1", "2.0", "1.0", asked=Asked("U1", asked.key)
    )


async def test_a_mention_is_answered_for_all_and_as_it_can_be_typed_there() -> None:
    incidents = AsyncMock()
    mention = MentionGiven(
        team="T1",
        channel="C1",
        user="U1",
        ts="9.0",
        command=Misunderstood(what="I don't know “hlep”.", suggestion="/incident help"),
    )
    await dispatching(incidents, AsyncMock())(mention.model_dump_json())
    [call] = incidents.context.answer.await_args_list
    assert call.args[0] == Place("C1", "U1", mention="9.0")
    assert call.args[0].answer_in == "9.0"
    assert "`@incident help`" in call.args[1].text
