"""The Home tab, shortcut, invitations and forms: what reaches the inbox, what is seen at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.domain.alarm import AlarmState
from bot.render import REFRESH, TRIAGE_FORM, TRIAGE_SHORTCUT, TURN_DOWN
from handlers.envelopes import (
    AlarmAsked,
    BotInvited,
    ChangeRejected,
    HomeOpened,
    Triage,
    TriageAsked,
    ViewSubmitted,
)
from tests.handlers.slack.alarm_posts import amazon_q
from tests.handlers.slack.running_bot import CHANNEL, TEAM, USER, Bot
from tests.handlers.slack.test_listeners import LINK, submission

HOME = {"type": "app_home_opened", "user": USER, "tab": "home", "event_ts": "7.0"}
JOINED = {"type": "member_joined_channel", "user": "U0BOT", "inviter": USER, "event_ts": "8.0"}


def shortcut(message: dict[str, Any], **payload: Any) -> dict[str, Any]:
    return {
        "type": "message_action",
        "callback_id": TRIAGE_SHORTCUT,
        "channel": {"id": CHANNEL},
        "message_ts": message["ts"],
        "message": message,
        **payload,
    }


def view_of(call: dict[str, Any]) -> dict[str, Any]:
    view = call["view"]
    return view if isinstance(view, dict) else json.loads(view)  # type: ignore[no-any-return]


# --- the Home tab -------------------------------------------------------------------------------


async def test_the_home_tab_is_kept_once_an_opening(bot: Bot) -> None:
    for number in range(2):
        assert (await bot.event(HOME, event_time=number)).status_code == 200
    await bot.event({**HOME, "event_ts": "7.5"})
    assert bot.memory.envelopes == [
        HomeOpened(team=TEAM, user=USER, event="7.0"),
        HomeOpened(team=TEAM, user=USER, event="7.5"),
    ]


async def test_the_other_tab_and_people_of_another_workspace_get_nothing(bot: Bot) -> None:
    await bot.event({**HOME, "tab": "messages"})
    await bot.event(HOME, team_id="T0THEIRS")
    await bot.event({**HOME, "user_team": "T0GUEST"})
    assert bot.memory.envelopes == []


async def test_refresh_is_kept(bot: Bot) -> None:
    pressed = {"type": "button", "action_id": REFRESH, "value": "home"}
    payload = {"type": "block_actions", "container": {"type": "view", "view_id": "V1"}}
    assert (await bot.interact({**payload, "actions": [pressed]})).status_code == 200
    [opened] = bot.memory.envelopes
    assert isinstance(opened, HomeOpened)
    assert opened.user == USER


# --- invitations --------------------------------------------------------------------------------


async def test_only_the_bots_own_invitation_counts(bot: Bot) -> None:
    await bot.event({**JOINED, "user": "U0ELSE"})
    for number in range(2):
        await bot.event(JOINED, event_time=number)
    invited = BotInvited(team=TEAM, channel=CHANNEL, inviter=USER, event="8.0")
    assert bot.memory.envelopes == [invited]


async def test_an_invitation_that_could_not_be_saved_comes_again(bot: Bot) -> None:
    bot.memory.broken = True
    assert (await bot.event(JOINED)).status_code == 503


# --- the shortcut -------------------------------------------------------------------------------

QUOTED = {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": f"<{LINK}|a>"}}]}


@pytest.mark.parametrize(
    ("message", "name", "state", "thread"),
    [
        ({"ts": "1.0", **amazon_q()}, "checkout-api-5xx", AlarmState.ALARM, None),
        ({"ts": "2.0", "user": USER, "text": f"look at {LINK}"}, "shop-5xx", None, None),
        (
            {
                "ts": "3.0",
                "user": USER,
                "text": "",
                "thread_ts": "1.5",
                "attachments": [{"message_blocks": [{"message": QUOTED}]}],
            },
            "shop-5xx",
            None,
            "1.5",
        ),
    ],
    ids=["an alarm's post", "a person's link", "forwarded into a thread"],
)
async def test_a_message_with_an_alarm_is_looked_at(
    bot: Bot, message: dict[str, Any], name: str, state: AlarmState | None, thread: str | None
) -> None:
    payload = shortcut(message, response_url=f"{bot.api.url}/response")
    for _ in range(2):  # delivered twice
        assert (await bot.interact(payload)).status_code == 200
    [asked] = bot.memory.envelopes
    assert isinstance(asked, AlarmAsked)
    assert (asked.alarm.name, asked.alarm.state) == (name, state)
    assert (asked.channel, asked.ts, asked.thread_ts, asked.user) == (
        CHANNEL,
        message["ts"],
        thread,
        USER,
    )
    assert f"I look at {name} now" in bot.api.of("response")[0]["text"]
    assert bot.api.of("views.open") == []


async def test_a_message_without_an_alarm_opens_a_form_whose_answer_is_kept(bot: Bot) -> None:
    message = {"ts": "4.0", "user": USER, "text": "checkout is slow", "thread_ts": "3.5"}
    assert (await bot.interact(shortcut(message))).status_code == 200
    assert bot.memory.envelopes == []
    [opened] = bot.api.of("views.open")
    view = view_of(opened)
    assert view["callback_id"] == TRIAGE_FORM
    values = {
        "type": {"type": {"type": "static_select", "selected_option": {"value": "5xx"}}},
        "service": {"service": {"type": "static_select", "selected_option": {"value": "checkout"}}},
    }
    answer = submission(
        callback_id=TRIAGE_FORM,
        private_metadata=view["private_metadata"],
        state={"values": values},
    )
    assert (await bot.interact(answer)).text == ""
    [asked] = bot.memory.envelopes
    assert isinstance(asked, TriageAsked)
    assert asked.command == Triage(playbook="5xx", service="checkout")
    assert (asked.channel, asked.thread_ts, asked.user) == (CHANNEL, "3.5", USER)


async def test_what_could_not_be_saved_is_told(bot: Bot) -> None:
    bot.memory.broken = True
    payload = shortcut({"ts": "1.0", **amazon_q()}, response_url=f"{bot.api.url}/response")
    assert (await bot.interact(payload)).status_code == 503
    assert "could not save your request" in bot.api.of("response")[0]["text"]
    rejected = submission(callback_id=TURN_DOWN, private_metadata="run-9")
    said = (await bot.interact(rejected)).json()
    assert "The change was not rejected" in json.dumps(said["view"])


# --- reasons ------------------------------------------------------------------------------------


async def test_reject_asks_why_and_only_the_answer_rejects(bot: Bot) -> None:
    assert (await bot.click("reject", "run-9")).status_code == 200
    assert bot.memory.envelopes == []
    view = view_of(bot.api.of("views.open")[0])
    assert (view["callback_id"], view["private_metadata"]) == (TURN_DOWN, "run-9")
    values = {"reason": {"reason": {"type": "plain_text_input", "value": " too\nlate "}}}
    sent = submission(callback_id=TURN_DOWN, private_metadata="run-9", state={"values": values})
    assert (await bot.interact(sent)).text == ""
    [rejected] = bot.memory.envelopes
    assert isinstance(rejected, ChangeRejected)
    assert (rejected.run, rejected.user, rejected.reason) == ("run-9", USER, "too late")


async def test_the_reason_of_a_request_is_kept_and_cut(bot: Bot) -> None:
    values = {"reason": {"reason": {"type": "plain_text_input", "value": "x" * 900}}}
    await bot.interact(submission(state={"values": values}))
    [view] = bot.memory.envelopes
    assert isinstance(view, ViewSubmitted)
    assert view.reason == "x" * 300
