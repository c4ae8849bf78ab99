"""Points in which Slack is easily imagined otherwise than it is."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.events import message_event
from sandbox.slack.limits import validate_blocks, validate_view
from sandbox.slack.people import amazon_q
from sandbox.slack.records import Message
from sandbox.slack.rich_text import rich_text
from sandbox.slack.server import SlackServer
from tests.sandbox.slack.conftest import ADA, OPS, Helper

BLOCK = {"type": "section", "text": {"type": "mrkdwn", "text": "*old*"}}


def test_what_people_type_comes_as_rich_text_too(slack: SlackServer) -> None:
    someone = slack.workspace.humans[0].id
    said = slack.workspace.say(someone, OPS, f"see <https://example.com|it>, <@{someone}> :eyes:")
    (block,) = said.blocks
    assert [part["type"] for part in block["elements"][0]["elements"]] == [
        *("text", "link", "text", "user", "text", "emoji")
    ]
    assert validate_blocks([block]) == []


def test_an_empty_text_has_no_blocks() -> None:
    assert rich_text("") == []


async def test_an_update_with_text_alone_removes_the_blocks(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=OPS, text="old", blocks=[BLOCK])
    await client.chat_update(channel=OPS, ts=posted["ts"], text="new")
    message = slack.workspace.message(OPS, posted["ts"])
    assert (message.text, message.blocks) == ("new", [])


async def test_a_reply_to_a_message_that_is_gone_lands_in_the_channel(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=OPS, text="x", thread_ts="1.000001")
    assert slack.workspace.message(OPS, posted["ts"]).thread_ts is None


async def test_a_long_text_is_cut_when_posted_and_refused_when_updated(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=OPS, text="x" * 40_001)
    assert len(slack.workspace.message(OPS, posted["ts"]).text) == 40_000
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await client.chat_update(channel=OPS, ts=posted["ts"], text="x" * 4_001)


def test_posts_of_old_integrations_have_no_app_id(slack: SlackServer) -> None:
    app = amazon_q(names_itself=False)
    message = Message("1.0", OPS, "alarm", app=app, subtype="bot_message", username="Q")
    event = message_event(slack.workspace, message, slack.workspace.channel(OPS))
    assert "bot_id" in event
    assert not {"app_id", "bot_profile"} & event.keys()


async def test_a_reaction_that_does_not_exist_is_refused(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=OPS, text="x")
    where = {"channel": OPS, "timestamp": posted["ts"]}
    await client.reactions_add(name="eyes", **where)
    with pytest.raises(SlackApiError, match="invalid_name"):
        await client.reactions_add(name="no_such_emoji", **where)


async def test_members_files_and_channels_have_the_fields_slack_gives(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    user = (await client.users_info(user=slack.workspace.humans[0].id))["user"]
    assert isinstance(user["tz_offset"], int)
    assert user["profile"]["image_72"].startswith("http")
    channel = (await client.conversations_info(channel=OPS))["channel"]
    assert (channel["is_ext_shared"], channel["updated"] > 0) == (False, True)
    shared = await client.files_upload_v2(channel=OPS, filename="a.png", content=b"png")
    file = shared["files"][0]
    assert file["mimetype"] == "image/png"
    assert file["url_private_download"]
    assert list(file["shares"]["public"]) == [OPS]


def test_kinds_of_blocks_and_elements_that_slack_has() -> None:
    video = {
        "type": "video",
        "alt_text": "a",
        "title": {"type": "plain_text", "text": "a"},
        "thumbnail_url": "https://example.com/a.png",
        "video_url": "https://example.com/a",
    }
    assert validate_blocks([video]) == []
    label = {"type": "plain_text", "text": "a"}
    inputs = [
        {"type": "input", "label": label, "element": {"type": kind, "action_id": kind}}
        for kind in ("rich_text_input", "multi_conversations_select", "multi_external_select")
    ]
    view = {"type": "modal", "title": label, "submit": label, "blocks": inputs}
    assert validate_view(view) == []


def test_a_chart_has_six_series_at_most() -> None:
    def chart(count: int) -> dict[str, object]:
        data = [{"label": "a", "value": 1}]
        series = [{"name": f"s{number}", "data": data} for number in range(count)]
        axes = {"categories": ["a"]}
        chart = {"type": "line", "series": series, "axis_config": axes}
        return {"type": "data_visualization", "title": "t", "chart": chart}

    assert validate_blocks([chart(6)]) == []
    assert validate_blocks([chart(7)]) != []


async def test_an_external_select_asks_the_app_for_its_options(
    slack: SlackServer, helper: Helper
) -> None:
    """`block_suggestion`: what was typed goes to the app, its answer can be chosen."""
    option = {"text": {"type": "plain_text", "text": "Checkout"}, "value": "checkout"}
    asked: list[str] = []
    picked: list[str] = []

    async def options(ack: AsyncAck, payload: dict[str, Any]) -> None:
        asked.append(payload["value"])
        await ack(options=[option])

    async def choose(ack: AsyncAck, action: dict[str, Any]) -> None:
        await ack()
        picked.append(action["selected_option"]["value"])

    helper.app.options("which")(options)
    helper.app.action("which")(choose)
    select = {"type": "external_select", "action_id": "which", "min_query_length": 1}
    posted = await helper.app.client.chat_postMessage(
        channel=OPS, text="which?", blocks=[{"type": "actions", "elements": [select]}]
    )
    where = {"channel": OPS, "ts": posted["ts"], "action_id": "which"}
    found = await helper.act(ADA, "suggest", value="che", **where)
    assert found["options"] == [option]
    await helper.act(ADA, "click", value=option, **where)
    assert (asked, picked) == (["che"], ["checkout"])
