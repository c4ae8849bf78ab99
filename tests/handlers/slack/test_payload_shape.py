"""No signed payload makes the bot answer 500, whatever is missing from it or of another type."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from handlers.slack.payload_shape import MOST_DEPTH, is_payload
from tests.handlers.slack.running_bot import APP, CHANNEL, TEAM, USER, Bot

OUTER = {"team": {"id": TEAM}, "api_app_id": APP, "user": {"id": USER, "team_id": TEAM}}
VIEW = {
    "id": "V1",
    "type": "modal",
    "callback_id": "propose",
    "private_metadata": "run",
    "external_id": "x",
    "state": {"values": {}},
    "blocks": [],
}
EVENT = {"type": "event_callback", "team_id": TEAM, "api_app_id": APP, "event_id": "Ev1"}
POST = {"type": "message", "bot_id": "B1", "channel": CHANNEL, "ts": "1.0", "text": "x"}
PAYLOADS: list[dict[str, Any]] = [
    {
        **OUTER,
        "type": "block_actions",
        "channel": {"id": CHANNEL},
        "container": {"message_ts": "2.0", "channel_id": CHANNEL, "thread_ts": "1.0"},
        "actions": [{"type": "button", "action_id": "approve", "block_id": "b", "value": "run"}],
        "trigger_id": "1.2.x",
        "message": {"thread_ts": "1.0"},
    },
    {**OUTER, "type": "view_submission", "view": VIEW, "response_urls": []},
    {**OUTER, "type": "view_closed", "view": VIEW, "response_urls": [{"response_url": "x"}]},
    {**OUTER, "type": "shortcut", "callback_id": "triage", "trigger_id": "1.2.x"},
    {
        **OUTER,
        "type": "message_action",
        "callback_id": "triage",
        "trigger_id": "1.2.x",
        "channel": {"id": CHANNEL},
        "message": {"ts": "1.0", "text": "x", "bot_id": "B1"},
        "message_ts": "1.0",
    },
    {**OUTER, "type": "block_suggestion", "action_id": "a", "block_id": "b", "value": "x"},
    {**OUTER, "type": "interactive_message", "callback_id": "a", "actions": [{"name": "x"}]},
    {**OUTER, "type": "dialog_submission", "callback_id": "a", "submission": {}},
    {**EVENT, "event": POST, "authorizations": [{"team_id": TEAM, "user_id": "U0BOT"}]},
    {**EVENT, "event": {**POST, "subtype": "message_changed", "message": POST}},
    {**EVENT, "event": {**POST, "type": "app_mention", "user": USER}},
    {**EVENT, "event": {"type": "app_home_opened", "user": USER, "tab": "home"}},
    {**EVENT, "event": {"type": "member_joined_channel", "user": USER, "channel": CHANNEL}},
    {**EVENT, "event": {"type": "message_metadata_posted", "metadata": {}}},
]
OTHERS: list[Any] = [None, 7, True, "x", [], {}, [None], [{}, {}], [{}], {"id": None}]


def damaged(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The payload with each of its fields, at any depth, left out or replaced."""

    def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        for key in node if isinstance(node, dict) else range(len(node)):
            yield (*path, key)
            if isinstance(node[key], dict | list):
                yield from places(node[key], (*path, key))

    for path in places(payload):
        for other in (*OTHERS, places):  # the function stands for "left out"
            whole = copy.deepcopy(payload)
            inside = whole
            for key in path[:-1]:
                inside = inside[key]
            if other is places:
                del inside[path[-1]]
            else:
                inside[path[-1]] = other
            yield whole


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda each: str(each["type"]))
async def test_no_damage_makes_an_error_of_the_server(bot: Bot, payload: dict[str, Any]) -> None:
    assert is_payload(payload)
    for number, each in enumerate(damaged(payload)):
        text = json.dumps({**each, "number": number})
        if payload["type"] == "event_callback":
            answer = await bot.send(text.encode())
        else:
            form = urlencode({"payload": text}).encode()
            answer = await bot.send(form, "application/x-www-form-urlencoded")
        assert answer.status_code < 500, each


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda each: str(each["type"]))
def test_the_shape_of_any_damage_can_be_judged(payload: dict[str, Any]) -> None:
    for each in damaged(payload):
        is_payload(each)


def test_depth() -> None:
    deep: Any = {}
    for _ in range(MOST_DEPTH - 2):
        deep = {"a": deep}
    assert is_payload({"a": deep})
    assert not is_payload({"a": {"a": deep}})
