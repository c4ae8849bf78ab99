"""The whole loop with a real Bolt app: events, commands, clicks, modals, answers."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck, AsyncRespond, AsyncSay
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.clock import MovableClock, Timing
from sandbox.slack.people import AMAZON_Q_APP_ID
from sandbox.slack.workspace import Workspace
from tests.sandbox.slack.conftest import ADA, BEN, BOT, OPS, Helper


def texts(workspace: Workspace, viewer: str | None = None) -> list[str]:
    return [message.text for message in workspace.messages(OPS, viewer=viewer)]


def buttons(*action_ids: str) -> list[dict[str, Any]]:
    elements = [
        {"type": "button", "action_id": one, "text": {"type": "plain_text", "text": one}}
        for one in action_ids
    ]
    return [{"type": "actions", "block_id": "doors", "elements": elements}]


def modal(title: str = "Open", **own: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "open",
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": "Go"},
        "blocks": [
            {
                "type": "input",
                "block_id": "why",
                "label": {"type": "plain_text", "text": "Why?"},
                "element": {"type": "plain_text_input", "action_id": "reason"},
            }
        ],
        **own,
    }


async def test_a_mention_arrives_as_message_and_as_app_mention(helper: Helper) -> None:
    await helper.act(ADA, "say", channel=OPS, text="@Incident Helper look <here> & there")
    await helper.until(lambda: len(helper.heard) == 2)
    events = {body["event"]["type"]: body["event"] for body in helper.heard}
    assert set(events) == {"message", "app_mention"}
    assert events["message"]["text"] == f"<@{BOT.user_id}> look &lt;here&gt; &amp; there"
    assert events["message"]["ts"] == events["app_mention"]["ts"]
    assert events["message"]["channel_type"] == "channel"
    assert "channel_type" not in events["app_mention"]


async def test_amazon_q_posts_with_empty_text_and_attachment_blocks(
    helper: Helper, workspace: Workspace
) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "ALARM"}}
    post = {"attachments": [{"color": "#d13212", "blocks": [section]}]}
    ts = workspace.post_as_app(AMAZON_Q_APP_ID, OPS, post)
    await helper.until(lambda: helper.heard)
    event = helper.heard[0]["event"]
    assert event["subtype"] == "bot_message"
    assert event["text"] == ""
    assert event["app_id"] == event["bot_profile"]["app_id"] == "A6L22LZNH"
    assert event["attachments"][0]["blocks"][0]["text"]["text"] == "ALARM"
    assert event["ts"] == ts
    assert "user" not in event


async def test_a_command_is_answered_to_its_giver_only(
    helper: Helper, workspace: Workspace
) -> None:
    @helper.app.command("/incident")
    async def open_incident(ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack(f"opening {command['text']} in {command['channel_name']}")

    await helper.act(ADA, "say", channel=OPS, text="/incident checkout")
    assert texts(workspace, ADA) == ["opening checkout in ops"]
    assert texts(workspace, BEN) == []


async def test_a_command_nobody_acknowledges_times_out(
    helper: Helper, workspace: Workspace
) -> None:
    workspace.timing = Timing(ack=0.1)
    await helper.act(ADA, "command", channel=OPS, name="/incident")
    assert texts(workspace, ADA) == ['/incident failed with the error "operation_timeout"']


async def test_commands_are_refused_in_threads_and_when_unknown(
    helper: Helper, workspace: Workspace
) -> None:
    parent = workspace.say(BEN, OPS, "hello")
    await helper.act(ADA, "say", channel=OPS, text="/incident x", thread_ts=parent.ts)
    await helper.act(ADA, "say", channel=OPS, text="/nonsense")
    reply = workspace.thread(OPS, parent.ts, viewer=ADA)[-1]
    assert reply.text == "/incident is not supported in threads. Sorry!"
    assert texts(workspace, ADA)[-1] == "`/nonsense` is not a valid command."
    assert [body for body in helper.heard if "command" in body] == []


async def test_button_then_modal_then_errors_then_success(
    helper: Helper, client: AsyncWebClient, workspace: Workspace
) -> None:
    @helper.app.action("approve")
    async def clicked(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        private = body["container"]["message_ts"]
        await client.views_open(trigger_id=body["trigger_id"], view=modal(private_metadata=private))

    @helper.app.view("open")
    async def submitted(ack: AsyncAck, view: dict[str, Any], client: AsyncWebClient) -> None:
        reason = view["state"]["values"]["why"]["reason"]["value"]
        if len(reason) < 5:
            await ack(response_action="errors", errors={"why": "Say more."})
            return
        await ack()
        await client.chat_update(channel=OPS, ts=view["private_metadata"], text=f"done: {reason}")

    posted = await client.chat_postMessage(channel=OPS, text="ok?", blocks=buttons("approve"))
    await helper.act(ADA, "click", channel=OPS, ts=posted["ts"], action_id="approve")
    modals = helper.slack.site.modals
    await helper.until(lambda: modals.top(ADA))
    assert modals.top(BEN) is None
    view = modals.top(ADA)
    assert view is not None

    empty = await helper.act(ADA, "submit", view_id=view.id, values={"why": {"reason": ""}})
    assert empty["errors"] == {"why": "Please complete this required field."}
    short = await helper.act(ADA, "submit", view_id=view.id, values={"why": {"reason": "no"}})
    assert short["errors"] == {"why": "Say more."}
    assert modals.top(ADA) is view
    assert view.errors == {"why": "Say more."}

    await helper.act(ADA, "submit", view_id=view.id, values={"why": {"reason": "disk full"}})
    assert modals.top(ADA) is None
    await helper.until(lambda: texts(workspace) == ["done: disk full"])
    edited = workspace.message(OPS, posted["ts"])
    assert edited.edited is not None
    assert edited.edited["user"] == BOT.user_id


async def test_submission_can_update_push_and_clear(helper: Helper, client: AsyncWebClient) -> None:
    @helper.app.action("approve")
    async def clicked(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal("One"))

    answers = iter(
        [
            {"response_action": "update", "view": modal("Two")},
            {"response_action": "push", "view": modal("Three")},
            {"response_action": "clear"},
        ]
    )

    @helper.app.view("open")
    async def submitted(ack: AsyncAck) -> None:
        await ack(**next(answers))

    posted = await client.chat_postMessage(channel=OPS, text="ok?", blocks=buttons("approve"))
    await helper.act(ADA, "click", channel=OPS, ts=posted["ts"], action_id="approve")
    modals = helper.slack.site.modals
    await helper.until(lambda: modals.top(ADA))
    seen = []
    for _ in range(3):
        view = modals.top(ADA)
        assert view is not None
        seen.append((view.body["title"]["text"], view.previous_id is not None))
        await helper.act(ADA, "submit", view_id=view.id, values={"why": {"reason": "x"}})
    assert seen == [("One", False), ("Two", False), ("Three", True)]
    assert modals.top(ADA) is None


async def test_respond_works_five_times(helper: Helper, client: AsyncWebClient) -> None:
    outcomes: list[int] = []

    @helper.app.action("approve")
    async def clicked(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        for number in range(6):
            outcomes.append((await respond(f"answer {number}")).status_code)

    posted = await client.chat_postMessage(channel=OPS, text="ok?", blocks=buttons("approve"))
    await helper.act(ADA, "click", channel=OPS, ts=posted["ts"], action_id="approve")
    await helper.until(lambda: len(outcomes) == 6)
    assert outcomes == [200] * 5 + [404]
    workspace = helper.slack.workspace
    assert texts(workspace, ADA)[1:] == [f"answer {number}" for number in range(5)]
    assert texts(workspace, BEN) == ["ok?"]


async def test_respond_expires_replaces_and_deletes(
    helper: Helper, client: AsyncWebClient, clock: MovableClock, workspace: Workspace
) -> None:
    outcomes: list[int] = []

    @helper.app.action("approve")
    async def clicked(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        outcomes.append((await respond("taken", replace_original=True)).status_code)
        outcomes.append((await respond(delete_original=True)).status_code)
        clock.move(1801)
        outcomes.append((await respond("too late")).status_code)

    posted = await client.chat_postMessage(channel=OPS, text="ok?", blocks=buttons("approve"))
    await helper.act(ADA, "click", channel=OPS, ts=posted["ts"], action_id="approve")
    await helper.until(lambda: len(outcomes) == 3)
    assert outcomes == [200, 200, 404]
    assert texts(workspace, ADA) == []
    await helper.until(lambda: len(helper.heard) == 4)
    told = [body["event"].get("subtype") for body in helper.heard if "event" in body]
    assert sorted(told, key=str) == [None, "message_changed", "message_deleted"]


async def test_a_trigger_works_once_and_for_three_seconds(
    helper: Helper, client: AsyncWebClient, clock: MovableClock
) -> None:
    triggers: list[str] = []

    @helper.app.action("approve")
    async def clicked(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        triggers.append(body["trigger_id"])

    posted = await client.chat_postMessage(channel=OPS, text="ok?", blocks=buttons("approve"))
    for _ in range(2):
        await helper.act(ADA, "click", channel=OPS, ts=posted["ts"], action_id="approve")
    await helper.until(lambda: len(triggers) == 2)
    await client.views_open(trigger_id=triggers[0], view=modal())
    clock.move(3.1)
    codes = []
    for trigger in (*triggers, "1.2.made-up"):
        with pytest.raises(SlackApiError) as refused:
            await client.views_open(trigger_id=trigger, view=modal())
        codes.append(refused.value.response["error"])
    assert codes == ["exchanged_trigger_id", "expired_trigger_id", "invalid_trigger_id"]


async def test_invite_makes_an_app_a_member_and_tells_it(
    helper: Helper, workspace: Workspace
) -> None:
    room = workspace.create_channel("war-room", ADA)
    told: list[dict[str, Any]] = []

    @helper.app.event("member_joined_channel")
    async def joined(event: dict[str, Any]) -> None:
        told.append(event)

    for _ in range(2):  # the second time it is a member already
        await helper.act(ADA, "say", channel=room.id, text="/invite @incident-helper")
    await helper.until(lambda: told)
    assert [(each["user"], each["inviter"]) for each in told] == [(BOT.user_id, ADA)]
    mine = await helper.app.client.users_conversations(types="public_channel,private_channel")
    assert [each["id"] for each in mine["channels"]] == [OPS, room.id]


async def test_message_shortcut_carries_the_message(helper: Helper, workspace: Workspace) -> None:
    @helper.app.message_shortcut("investigate")
    async def investigate(ack: AsyncAck, shortcut: dict[str, Any], say: AsyncSay) -> None:
        await ack()
        await say(f"looking at: {shortcut['message']['text']}", thread_ts=shortcut["message_ts"])

    message = workspace.say(BEN, OPS, "checkout is slow")
    await helper.act(ADA, "shortcut", callback_id="investigate", channel=OPS, ts=message.ts)
    await helper.until(lambda: len(workspace.thread(OPS, message.ts)) == 2)
    reply = workspace.thread(OPS, message.ts)[1]
    assert reply.text == "looking at: checkout is slow"
    assert reply.user == BOT.user_id
