"""What reaches the inbox, once; and what a person sees of it at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.alarm import AlarmState
from bot.domain.errors import ConfigError
from bot.render import PROPOSE, Click, card
from handlers.envelopes import (
    Ago,
    AlarmSeen,
    ButtonClicked,
    CommandGiven,
    MentionGiven,
    Misunderstood,
    Timeline,
    Triage,
    ViewSubmitted,
)
from handlers.slack.authorization import Authorization
from handlers.slack.commands import Vocabulary
from handlers.slack.listeners import register
from tests.handlers.slack.alarm_posts import amazon_q
from tests.handlers.slack.running_bot import (
    APP,
    BOT,
    CHANNEL,
    TEAM,
    USER,
    VOCABULARY,
    Bot,
    Memory,
    running,
)
from tests.support.change_samples import OFFERS
from tests.support.samples import FOUND, INCIDENT

POST = {"type": "message", "subtype": "bot_message", "ts": "1.0", **amazon_q()}
MENTION = {"type": "app_mention", "user": USER, "ts": "9.1", "text": "<@U0BOT> triage 5xx"}


def shown(answer: Any) -> str:
    """What an ephemeral acknowledgement says."""
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["response_type"] == "ephemeral"
    return str(said["text"])


# --- alarm posts and mentions -------------------------------------------------------------------


async def test_an_alarm_post_is_kept(bot: Bot) -> None:
    assert (await bot.event(POST)).status_code == 200
    [seen] = bot.memory.envelopes
    assert isinstance(seen, AlarmSeen)
    assert (seen.alarm.name, seen.alarm.region) == ("checkout-api-5xx", "us-east-2")
    assert seen.alarm.state is AlarmState.ALARM
    assert (seen.team, seen.channel, seen.ts, seen.thread_ts) == (TEAM, CHANNEL, "1.0", None)


async def test_one_event_delivered_four_times_is_kept_once(bot: Bot) -> None:
    for number in range(4):
        answer = await bot.event(POST, event_time=number)
        assert answer.status_code == 200
    assert len(bot.memory.envelopes) == 1


LINK = "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/shop-5xx"
SAID = {"type": "message", "user": USER, "ts": "1.0"}
QUOTED = {
    "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": f"[ALARM] <{LINK}|a>"}}]
}
MAIL = {"mode": "email", "filetype": "email", "plain_text": f"has entered the OK state\n{LINK}"}


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ({**SAID, "attachments": [{"message_blocks": [{"message": QUOTED}]}]}, AlarmState.ALARM),
        (
            {**SAID, "user": "USLACKBOT", "subtype": "file_share", "files": [MAIL]},
            AlarmState.OK,
        ),
    ],
    ids=["forwarded by a person", "an e-mail posted by Slackbot"],
)
async def test_alarms_that_come_by_other_ways(
    bot: Bot, event: dict[str, Any], state: AlarmState
) -> None:
    assert (await bot.event(event)).status_code == 200
    [seen] = bot.memory.envelopes
    assert isinstance(seen, AlarmSeen)
    assert (seen.alarm.name, seen.alarm.state) == ("shop-5xx", state)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message", "user": USER, "ts": "1.0", "text": "the API is down, help"},
        {**SAID, "text": f"look at {LINK}"},
        {**SAID, "subtype": "file_share", "files": [MAIL]},
        {**POST, "subtype": "message_changed"},
        {**POST, "bot_id": BOT},
        {**POST, "app_id": APP},
        {**POST, "attachments": [], "text": "all quiet"},
        {**MENTION, "bot_id": "B0OTHER"},
        {**MENTION, "edited": {"user": USER, "ts": "9.2"}},
    ],
    ids=[
        "a person",
        "a person's link",
        "a person's file",
        "an edit",
        "our bot",
        "our app",
        "no alarm",
        "a bot's mention",
        "an edit",
    ],
)
async def test_what_is_nobodys_business(bot: Bot, event: dict[str, Any]) -> None:
    assert (await bot.event(event)).status_code == 200
    assert bot.memory.envelopes == []


async def test_a_mention_in_a_thread(bot: Bot) -> None:
    text = "<@U0BOT> triage 5xx checkout --since 20m"
    await bot.event({**MENTION, "text": text, "thread_ts": "1.0"})
    [given] = bot.memory.envelopes
    assert isinstance(given, MentionGiven)
    assert given.command == Triage(playbook="5xx", service="checkout", since=Ago(seconds=1200))
    assert (given.user, given.ts, given.thread_ts) == (USER, "9.1", "1.0")


async def test_the_message_and_the_mention_of_one_post_are_one(bot: Bot) -> None:
    await bot.event(MENTION)
    await bot.event({**MENTION, "type": "message"})
    assert [type(each) for each in bot.memory.envelopes] == [MentionGiven]


async def test_a_mention_that_is_not_understood_is_kept_to_be_answered(bot: Bot) -> None:
    await bot.event({**MENTION, "text": "<@U0BOT> traige 5xx"})
    [given] = bot.memory.envelopes
    assert isinstance(given, MentionGiven)
    assert isinstance(given.command, Misunderstood)
    assert given.command.suggestion == "/incident triage 5xx"


@pytest.mark.parametrize("event", [POST, MENTION])
async def test_an_event_that_could_not_be_written_down_gets_no_2xx(
    bot: Bot, event: dict[str, Any]
) -> None:
    bot.memory.broken = True
    assert (await bot.event(event)).status_code == 503


# --- the slash command --------------------------------------------------------------------------


async def test_triage_is_kept_and_acknowledged_in_words(bot: Bot) -> None:
    assert shown(await bot.slash("triage 5xx checkout")) == "Investigating 5xx for checkout…"
    [given] = bot.memory.envelopes
    assert isinstance(given, CommandGiven)
    assert given.command == Triage(playbook="5xx", service="checkout")
    assert (given.channel, given.user) == (CHANNEL, USER)
    assert "11.22.abc" not in given.model_dump_json()


async def test_a_service_called_payload_is_a_service_like_any_other() -> None:
    """Bolt takes a form in which that word occurs for an interaction, and finds no command."""
    async with running(vocabulary=Vocabulary(VOCABULARY.playbooks, ("payload-api",))) as bot:
        assert "payload-api" in shown(await bot.slash("triage 5xx payload-api"))
        assert len(bot.memory.envelopes) == 1


async def test_timeline_is_kept(bot: Bot) -> None:
    answer = await bot.slash("timeline")
    assert (answer.status_code, answer.text) == (200, "")
    [given] = bot.memory.envelopes
    assert isinstance(given, CommandGiven)
    assert given.command == Timeline()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("help", "How to use /incident"),
        ("", "How to use /incident"),
        ("playbooks", "I know 1 playbook: HTTP 5XX errors"),
        ("triage 5x", "Did you mean `/incident triage 5xx`?"),
        ("<!channel>", "I don't know “&lt;!channel&gt;”."),
    ],
)
async def test_what_is_answered_at_once_is_not_kept(bot: Bot, text: str, answer: str) -> None:
    assert answer in shown(await bot.slash(text))
    assert bot.memory.envelopes == []


async def test_a_command_that_could_not_be_written_down_says_so(bot: Bot) -> None:
    bot.memory.broken = True
    assert "could not save your request" in shown(await bot.slash("triage 5xx"))


# --- buttons and the preview --------------------------------------------------------------------


async def test_the_cards_button_opens_a_loading_modal(bot: Bot) -> None:
    """The ids are the rendered ones: render and listeners agree."""
    blocks = card(INCIDENT, FOUND, (), OFFERS).blocks
    row = next(block for block in blocks if block["type"] == "actions")
    first = row["elements"][0]
    answer = await bot.click(first["action_id"], first["value"])
    assert answer.status_code == 200
    [clicked] = bot.memory.envelopes
    assert isinstance(clicked, ButtonClicked)
    assert (clicked.click, clicked.value) == (Click.PREPARE, OFFERS[0].id)
    assert (clicked.message_ts, clicked.thread_ts, clicked.user) == ("2.0", "1.0", USER)
    [opened] = bot.api.of("views.open")
    view = opened["view"] if isinstance(opened["view"], dict) else json.loads(opened["view"])
    assert opened["trigger_id"] == "11.22.abc"
    assert view["external_id"] == clicked.view


@pytest.mark.parametrize(
    "click",
    [Click.APPROVE, Click.UNDO, Click.RERUN, Click.LATER, Click.CHOOSE],
)
async def test_other_buttons_open_nothing(bot: Bot, click: Click) -> None:
    assert (await bot.click(click, "run-1")).status_code == 200
    [clicked] = bot.memory.envelopes
    assert isinstance(clicked, ButtonClicked)
    assert (clicked.click, clicked.value, clicked.view) == (click, "run-1", None)
    assert bot.api.of("views.open") == []


async def test_a_click_that_could_not_be_written_down_is_told(bot: Bot) -> None:
    bot.memory.broken = True
    assert (await bot.click("prepare.0", "ofr-1")).status_code == 503
    [told] = bot.api.of("response")
    assert "could not save your request" in told["text"]
    assert told["replace_original"] is False
    assert bot.api.of("views.open") == []


async def test_a_preview_slack_does_not_open_is_told(bot: Bot) -> None:
    bot.api.refuse = "expired_trigger_id"
    assert (await bot.click("prepare.0", "ofr-1")).status_code == 200
    assert len(bot.memory.envelopes) == 1
    [told] = bot.api.of("response")
    assert "Please press it again" in told["text"]


def submission(**view: Any) -> dict[str, Any]:
    made = {"id": "V1", "callback_id": PROPOSE, "private_metadata": "run-9", "external_id": "p-1"}
    return {"type": "view_submission", "view": {"type": "modal", **made, **view}}


async def test_the_submitted_preview_names_its_run(bot: Bot) -> None:
    answer = await bot.interact(submission())
    assert (answer.status_code, answer.text) == (200, "")
    [submitted] = bot.memory.envelopes
    assert isinstance(submitted, ViewSubmitted)
    assert (submitted.run, submitted.user) == ("run-9", USER)


def with_number(typed: str | None, **field: str) -> dict[str, Any]:
    """The preview with its field for a number, 40 of 1 to 850, and what was typed in it."""
    element = {"initial_value": "40", "min_value": "1", "max_value": "850", **field}
    block = {"type": "input", "block_id": "number", "element": element}
    values = {"number": {"number": {"type": "number_input", "value": typed}}}
    return submission(blocks=[block], state={"values": values})


async def test_an_unchanged_number_asks_for_approval(bot: Bot) -> None:
    assert (await bot.interact(with_number("40"))).text == ""
    [view] = bot.memory.envelopes
    assert isinstance(view, ViewSubmitted)
    assert view.amount is None


async def test_another_number_has_the_plan_computed_anew(bot: Bot) -> None:
    said = (await bot.interact(with_number("60"))).json()
    assert said["response_action"] == "update"
    assert "Preparing the change" in str(said["view"])
    [view] = bot.memory.envelopes
    assert isinstance(view, ViewSubmitted)
    assert view.amount == 60
    again = view.model_copy(update={"run": "CHG-2", "amount": None})
    assert again.key != view.key  # the same modal, submitted a second time


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("0", "At least 1"),
        ("851", "At most 850"),
        ("1e3", "A whole number from 1 to 850"),
        ("-5", "A whole number"),
        ("", "A whole number"),
        (None, "A whole number"),
        ("99999999999999999999", "A whole number"),
    ],
)
async def test_a_number_that_is_not_possible_is_said_in_the_modal(
    bot: Bot, typed: str | None, words: str
) -> None:
    said = (await bot.interact(with_number(typed))).json()
    assert said["response_action"] == "errors"
    assert said["errors"]["number"].startswith(words)
    assert bot.memory.envelopes == []


async def test_a_submission_that_could_not_be_written_down_shows_in_the_modal(bot: Bot) -> None:
    bot.memory.broken = True
    said = (await bot.interact(submission())).json()
    assert said["response_action"] == "update"
    assert "Nothing was changed" in json.dumps(said["view"])


# --- strangers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ({}, {"team_id": "T0THEIRS"}),
        ({}, {"api_app_id": "A0THEIRS"}),
        ({"user_team": "T0GUEST"}, {}),
        ({"team": "T0GUEST"}, {}),
    ],
    ids=["another workspace", "another app", "Slack Connect", "Slack Connect by team"],
)
async def test_events_of_strangers_have_no_effect(
    bot: Bot, inner: dict[str, Any], outer: dict[str, Any]
) -> None:
    assert (await bot.event({**MENTION, **inner}, **outer)).status_code == 200
    assert bot.memory.envelopes == []


async def test_a_guest_of_a_shared_channel_is_told(bot: Bot) -> None:
    stranger = {"id": "U0GUEST", "team_id": "T0GUEST"}
    assert (await bot.click("approve", "run-1", user=stranger)).status_code == 200
    assert bot.memory.envelopes == []
    [told] = bot.api.of("response")
    assert "members of the workspace" in told["text"]


async def test_a_strangers_command_is_told(bot: Bot) -> None:
    answer = await bot.slash("triage 5xx", team_id="T0GUEST")
    assert "members of the workspace" in answer.json()["text"]
    assert bot.memory.envelopes == []


async def test_the_workspaces_let_in_can_be_named() -> None:
    async with running(Authorization(teams=frozenset({TEAM, "T0SISTER"}))) as bot:
        await bot.slash("timeline", team_id="T0SISTER")
        assert [each.team for each in bot.memory.envelopes] == ["T0SISTER"]


def test_an_app_that_acknowledges_too_early_is_refused() -> None:
    early = AsyncApp(client=AsyncWebClient(token="xoxb-test"), signing_secret="x")
    with pytest.raises(ConfigError, match="slack_app"):
        register(early, Memory(), Authorization(), VOCABULARY)


def test_a_mention_may_name_the_grid_instead_of_the_workspace() -> None:
    body = {"team_id": TEAM, "api_app_id": APP, "event": {"user_team": "E0OURS"}}
    assert Authorization().refusal(body, TEAM, "E0OURS") is None
    assert Authorization().refusal(body, TEAM, "E0THEIRS")
    assert Authorization().refusal(body, None, "E0OURS")
