"""The Web API through slack-sdk's client: what it answers and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.clock import MovableClock
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace
from tests.sandbox.slack.conftest import ADA, BEN, BOT, CLEO, OPS, PRIVATE


async def refusal(work: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as refused:
        await work
    return str(refused.value.response["error"])


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def test_auth_test_names_the_bot_and_its_scopes(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == BOT.user_id
    assert answer["bot_id"] == BOT.bot
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("", "not_authed"),
        ("xoxb-stranger", "invalid_auth"),
        ("xapp-helper", "not_allowed_token_type"),
    ],
)
async def test_tokens_are_checked(slack: SlackServer, token: str, error: str) -> None:
    stranger = AsyncWebClient(token=token, base_url=slack.api_url)
    assert await refusal(stranger.users_list()) == error


async def test_a_method_slack_does_not_have(client: AsyncWebClient) -> None:
    assert await refusal(client.api_call("chat.shout")) == "unknown_method"


async def test_an_empty_json_body_and_a_form_are_both_read(slack: SlackServer) -> None:
    headers = {"authorization": f"Bearer {BOT.bot_token}"}
    async with httpx.AsyncClient(base_url=slack.api_url, headers=headers) as http:
        empty = await http.post("auth.test", headers={"content-type": "application/json"})
        form = await http.post("users.info", data={"user": ADA})
        sent = await http.post("users.info", json={"user": ADA})
        broken = await http.post(
            "users.info", content="{", headers={"content-type": "application/json"}
        )
    assert empty.json()["ok"] is True
    assert form.json()["user"]["real_name"] == sent.json()["user"]["real_name"] == "Ada Ogilvie"
    assert broken.json() == {"ok": False, "error": "invalid_json"}


async def test_a_scope_that_was_not_granted_is_named(slack: SlackServer) -> None:
    slack.workspace.apps[BOT.id] = replace(BOT, scopes="chat:write")
    poor = AsyncWebClient(token=BOT.bot_token, base_url=slack.api_url)
    with pytest.raises(SlackApiError) as refused:
        await poor.pins_add(channel=OPS, timestamp="1")
    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "pins:write"


async def test_metadata_is_kept_and_returned_on_request(client: AsyncWebClient) -> None:
    metadata = {"event_type": "incident", "event_payload": {"id": "INC-1"}}
    await client.chat_postMessage(channel="#ops", text="card", metadata=metadata)
    bare = await client.conversations_history(channel=OPS)
    full = await client.conversations_history(channel=OPS, include_all_metadata=True)
    assert "metadata" not in bare["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": PRIVATE, "text": "x"}, "channel_not_found"),
        ({"channel": OPS}, "no_text"),
        ({"channel": OPS, "text": "x", "blocks": "[{"}, "invalid_blocks_format"),
        ({"channel": OPS, "text": "x", "blocks": [section("x" * 2700)] * 5}, "msg_blocks_too_long"),
        ({"channel": OPS, "text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"channel": OPS, "text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_schema"),
        ({"channel": OPS, "text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
    ],
)
async def test_posting_is_refused_in_slacks_words(
    client: AsyncWebClient, arguments: dict[str, Any], error: str
) -> None:
    assert await refusal(client.api_call("chat.postMessage", json=arguments)) == error


async def test_invalid_blocks_name_the_path(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=OPS, text="x", blocks=[section("x" * 3001)])
    answer = refused.value.response
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    ]


async def test_a_bot_outside_a_channel_joins_before_it_posts(client: AsyncWebClient) -> None:
    created = await client.conversations_create(name="inc-1")
    channel = created["channel"]["id"]
    assert created["channel"]["is_member"] is True
    assert await refusal(client.conversations_create(name="inc-1")) == "name_taken"
    assert await refusal(client.conversations_create(name="Inc 1")) == "invalid_name_specials"
    await client.conversations_invite(channel=channel, users=[ADA, BEN])
    assert await refusal(client.conversations_invite(channel=channel, users=ADA)) == (
        "already_in_channel"
    )
    assert await refusal(client.conversations_invite(channel=channel, users="U0GHOST")) == (
        "user_not_found"
    )
    members = await client.conversations_members(channel=channel)
    assert members["members"] == [BOT.user_id, ADA, BEN]
    await client.conversations_setTopic(channel=channel, topic="5xx on checkout")
    info = await client.conversations_info(channel=channel)
    assert info["channel"]["topic"]["value"] == "5xx on checkout"
    await client.conversations_archive(channel=channel)
    assert await refusal(client.chat_postMessage(channel=channel, text="x")) == "is_archived"
    assert await refusal(client.conversations_archive(channel=channel)) == "already_archived"


async def test_not_in_channel_until_joined(client: AsyncWebClient, workspace: Workspace) -> None:
    lobby = workspace.create_channel("lobby", ADA)
    assert await refusal(client.chat_postMessage(channel=lobby.id, text="x")) == "not_in_channel"
    await client.conversations_join(channel=lobby.id)
    assert (await client.chat_postMessage(channel=lobby.id, text="x"))["ok"] is True


async def test_history_and_replies_are_paged_by_cursor(
    client: AsyncWebClient, workspace: Workspace
) -> None:
    parent = workspace.say(ADA, OPS, "parent")
    for number in range(5):
        workspace.say(BEN, OPS, f"reply {number}", parent.ts)
        workspace.say(CLEO, OPS, f"later {number}")
    pages = [
        [message["text"] for message in page["messages"]]
        async for page in await client.conversations_history(channel=OPS, limit=4)
    ]
    assert pages == [["later 4", "later 3", "later 2", "later 1"], ["later 0", "parent"]]
    replies = await client.conversations_replies(channel=OPS, ts=parent.ts, limit=3)
    assert [message["text"] for message in replies["messages"]] == ["parent", "reply 0", "reply 1"]
    assert replies["messages"][0]["reply_count"] == 5
    assert replies["has_more"] is True
    error = refusal(client.conversations_history(channel=OPS, cursor="!"))
    assert await error == "invalid_cursor"
    since = await client.conversations_history(channel=OPS, oldest=parent.ts, inclusive=True)
    assert len(since["messages"]) == 6


async def test_an_ephemeral_message_is_for_one_reader(
    client: AsyncWebClient, workspace: Workspace
) -> None:
    answer = await client.chat_postEphemeral(channel=OPS, user=ADA, text="psst")
    assert [one.text for one in workspace.messages(OPS, viewer=ADA)] == ["psst"]
    assert workspace.messages(OPS, viewer=BEN) == []
    assert (await client.conversations_history(channel=OPS))["messages"] == []
    update = client.chat_update(channel=OPS, ts=answer["message_ts"], text="x")
    assert await refusal(update) == "message_not_found"
    stranger = client.chat_postEphemeral(channel=OPS, user="U0GHOST", text="psst")
    assert await refusal(stranger) == "user_not_in_channel"


async def test_update_is_for_own_messages(client: AsyncWebClient, workspace: Workspace) -> None:
    posted = await client.chat_postMessage(channel=OPS, text="one", blocks=[section("card")])
    emptied = await client.chat_update(channel=OPS, ts=posted["ts"], text="three", blocks=[])
    assert "blocks" not in emptied["message"]
    assert await refusal(client.chat_update(channel=OPS, ts=posted["ts"], text="x" * 4001)) == (
        "msg_too_long"
    )
    hers = workspace.say(ADA, OPS, "mine")
    assert await refusal(client.chat_update(channel=OPS, ts=hers.ts, text="x")) == (
        "cant_update_message"
    )
    assert await refusal(client.chat_delete(channel=OPS, ts=hers.ts)) == "cant_delete_message"
    await client.chat_delete(channel=OPS, ts=posted["ts"])
    assert [one.text for one in workspace.messages(OPS)] == ["mine"]


async def test_reactions_pins_bookmarks_and_permalinks(
    client: AsyncWebClient, workspace: Workspace, slack: SlackServer
) -> None:
    message = workspace.say(ADA, OPS, "look")
    await client.reactions_add(channel=OPS, timestamp=message.ts, name="eyes")
    again = client.reactions_add(channel=OPS, timestamp=message.ts, name="eyes")
    assert await refusal(again) == "already_reacted"
    await client.reactions_remove(channel=OPS, timestamp=message.ts, name="eyes")
    gone = client.reactions_remove(channel=OPS, timestamp=message.ts, name="eyes")
    assert await refusal(gone) == "no_reaction"
    await client.pins_add(channel=OPS, timestamp=message.ts)
    assert await refusal(client.pins_add(channel=OPS, timestamp=message.ts)) == "already_pinned"
    await client.bookmarks_add(channel_id=OPS, title="Runbook", type="link", link="https://e.com")
    assert workspace.channels[OPS].bookmarks[0]["title"] == "Runbook"
    link = (await client.chat_getPermalink(channel=OPS, message_ts=message.ts))["permalink"]
    async with httpx.AsyncClient(follow_redirects=True) as http:
        page = await http.get(link)
    assert page.status_code == 200
    assert "look" in page.text


async def test_people_and_groups_are_found(client: AsyncWebClient) -> None:
    found = await client.users_lookupByEmail(email="BEN.castro@example.com")
    assert found["user"]["id"] == BEN
    assert await refusal(client.users_lookupByEmail(email="x@example.com")) == "users_not_found"
    assert await refusal(client.users_info(user="U0GHOST")) == "user_not_found"
    groups = await client.usergroups_list(include_users=True)
    assert groups["usergroups"][0]["users"] == [ADA, BEN]
    assert (await client.usergroups_users_list(usergroup="S0SRE"))["users"] == [ADA, BEN]
    opened = await client.conversations_open(users=ADA)
    again = await client.conversations_open(users=ADA)
    assert opened["channel"]["id"] == again["channel"]["id"]


async def test_a_file_is_uploaded_in_three_steps(
    client: AsyncWebClient, workspace: Workspace, slack: SlackServer
) -> None:
    parent = workspace.say(ADA, OPS, "logs please")
    await client.files_upload_v2(
        channel=OPS, thread_ts=parent.ts, content="line\n", filename="log.txt", title="The log"
    )
    reply = workspace.thread(OPS, parent.ts)[1]
    file = workspace.files[reply.files[0]]
    assert (file.content, file.title) == (b"line\n", "The log")
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{slack.url}/files/{file.id}")
    assert answer.content == b"line\n"
    assert answer.headers["content-disposition"] == "attachment"


async def test_canvases_take_markdown_and_a_channel_has_one(client: AsyncWebClient) -> None:
    content = {"type": "markdown", "markdown": "# Incident"}
    made = await client.conversations_canvases_create(channel_id=OPS, document_content=content)
    twice = client.conversations_canvases_create(channel_id=OPS, document_content=content)
    assert await refusal(twice) == "channel_canvas_already_exists"
    change = {"operation": "insert_at_end", "document_content": {**content, "markdown": "over"}}
    assert (await client.canvases_edit(canvas_id=made["canvas_id"], changes=[change]))["ok"] is True
    other = {"title": "x", "document_content": content | {"type": "html"}}
    assert await refusal(client.api_call("canvases.create", json=other)) == "invalid_arguments"


def home(text: str) -> dict[str, Any]:
    return {"type": "home", "blocks": [section(text)], "external_id": "home-of-ada"}


async def test_views_are_found_by_external_id_and_guarded_by_hash(client: AsyncWebClient) -> None:
    first = await client.views_publish(user_id=ADA, view=home("one"))
    old = first["view"]["hash"]
    second = await client.views_update(external_id="home-of-ada", view=home("two"), hash=old)
    assert second["view"]["hash"] != old
    race = client.views_update(external_id="home-of-ada", view=home("three"), hash=old)
    assert await refusal(race) == "hash_conflict"
    assert await refusal(client.views_update(view_id="V0GONE", view=home("x"))) == "not_found"
    huge = home("x") | {"private_metadata": "x" * 250_001}
    assert await refusal(client.views_publish(user_id=ADA, view=huge)) == "view_too_large"
    long = home("x" * 3001)
    assert await refusal(client.views_publish(user_id=ADA, view=long)) == "invalid_arguments"


async def test_a_burst_is_allowed_and_then_one_message_a_second(
    client: AsyncWebClient, clock: MovableClock
) -> None:
    for number in range(5):
        await client.chat_postMessage(channel=OPS, text=str(number))
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=OPS, text="too soon")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "1"
    assert refused.value.response["error"] == "ratelimited"
    clock.move(1)
    assert (await client.chat_postMessage(channel=OPS, text="now"))["ok"] is True


async def test_a_method_has_a_limit_of_its_own(client: AsyncWebClient) -> None:
    for _ in range(20):
        await client.conversations_list()
    assert await refusal(client.conversations_list()) == "ratelimited"


async def test_the_control_door_shows_what_is_there(slack: SlackServer) -> None:
    async with httpx.AsyncClient(base_url=slack.url) as http:
        body = {"app_id": "A6L22LZNH", "channel": "ops", "message": {"text": "from q"}}
        posted = (await http.post("/sandbox/post", json=body)).json()
        said = {"user": ADA, "act": "say", "channel": OPS, "text": "hi", "thread_ts": posted["ts"]}
        assert (await http.post("/sandbox/act", json=said)).json()["ok"] is True
        top = (await http.get("/sandbox/messages", params={"channel": "ops"})).json()
        query = {"channel": OPS, "thread_ts": posted["ts"]}
        thread = (await http.get("/sandbox/messages", params=query)).json()
        state = (await http.get("/sandbox/state")).json()
        unknown = await http.post("/sandbox/act", json={"user": ADA, "act": "fly"})
        foreign = await http.post("/sandbox/act", content=json.dumps(said))
    assert [one["text"] for one in top["messages"]] == ["from q"]
    assert [one["text"] for one in thread["messages"]] == ["from q", "hi"]
    assert {one["name"] for one in state["channels"]} == {"ops", "leads"}
    assert (unknown.status_code, unknown.json()["error"]) == (400, "unknown_act")
    assert foreign.json()["error"] == "invalid_json"
