"""What goes wrong at Slack: limits, lost replies, duplicates, sockets that go away."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from slack_bolt.async_app import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.faults import Fault, Faults
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace
from tests.sandbox.slack.conftest import ADA, BOT, OPS, Helper


def texts(workspace: Workspace) -> list[str]:
    return [message.text for message in workspace.messages(OPS)]


async def test_ratelimited_carries_retry_after_and_the_sdk_can_wait(
    slack: SlackServer, client: AsyncWebClient, workspace: Workspace
) -> None:
    slack.play("ratelimited", "chat.*", retry_after=0)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    await client.chat_postMessage(channel=OPS, text="patient")
    slack.play("ratelimited", "chat.postMessage", retry_after=7, times=2)
    client.retry_handlers.clear()
    for _ in range(2):
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel=OPS, text="hasty")
        assert refused.value.response.headers["Retry-After"] == "7"
    assert texts(workspace) == ["patient"]


async def test_a_lost_reply_leaves_the_message_and_a_retry_posts_it_twice(
    slack: SlackServer, client: AsyncWebClient, workspace: Workspace
) -> None:
    slack.play("drop_reply", "chat.postMessage")
    await client.chat_postMessage(channel=OPS, text="the SDK retries by itself")
    assert len(texts(workspace)) == 2
    slack.play("drop_reply", "chat.postMessage")
    client.retry_handlers.clear()
    with pytest.raises(Exception, match=r"disconnected|reset"):
        await client.chat_postMessage(channel=OPS, text="stored, unanswered")
    assert texts(workspace)[2:] == ["stored, unanswered"]


async def test_a_dropped_request_stores_nothing(
    slack: SlackServer, client: AsyncWebClient, workspace: Workspace
) -> None:
    slack.play("drop_request", "chat.postMessage")
    client.retry_handlers.clear()
    with pytest.raises(Exception, match=r"disconnected|reset"):
        await client.chat_postMessage(channel=OPS, text="never")
    assert texts(workspace) == []


async def test_errors_refusals_and_slowness(slack: SlackServer, client: AsyncWebClient) -> None:
    slack.play("server_error", "users.*", status=502)
    async with httpx.AsyncClient() as http:
        broken = await http.post(f"{slack.api_url}users.list")
    assert broken.status_code == 502
    slack.play("refuse", "users.list", error="internal_error")
    with pytest.raises(SlackApiError, match="internal_error"):
        await client.users_list()
    slack.play("slow", "users.list", seconds=0.1)
    begin = time.monotonic()
    await client.users_list()
    assert time.monotonic() - begin >= 0.1


async def test_a_revoked_token_stays_revoked_until_cleared(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    slack.play("token_revoked", BOT.bot_token)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="token_revoked"):
            await client.auth_test()
    slack.site.faults.clear()
    assert (await client.auth_test())["ok"] is True


async def test_an_event_can_come_twice_with_one_id(helper: Helper) -> None:
    helper.slack.play("duplicate_event", "message")
    await helper.act(ADA, "say", channel=OPS, text="echo")
    await helper.until(lambda: len(helper.heard) == 2)
    assert helper.heard[0]["event_id"] == helper.heard[1]["event_id"]
    assert helper.heard[0] == helper.heard[1]


@pytest.mark.parametrize("kind", ["refresh_sockets", "drop_sockets"])
async def test_the_app_comes_back_on_a_new_connection(
    helper: Helper, kind: str, workspace: Workspace
) -> None:
    @helper.app.command("/incident")
    async def answer(ack: AsyncAck) -> None:
        await ack("here again")

    sockets = helper.slack.site.sockets
    before = sockets.accepted
    async with httpx.AsyncClient() as http:
        played = await http.post(f"{helper.slack.url}/sandbox/faults", json={"kind": kind})
    assert played.json()["ok"] is True
    await helper.until(lambda: sockets.accepted > before and sockets.connected(BOT.id) == 1)
    await helper.act(ADA, "command", channel=OPS, name="/incident")
    assert [one.text for one in workspace.messages(OPS, viewer=ADA)] == ["here again"]


async def test_a_command_with_nobody_connected_is_said_to_have_failed(
    slack: SlackServer, workspace: Workspace
) -> None:
    slack.act(ADA, "command", channel=OPS, name="/incident")
    assert [one.text for one in workspace.messages(OPS, viewer=ADA)] == [
        '/incident failed with the error "dispatch_failed"'
    ]


async def test_an_event_nobody_hears_is_tried_four_times(
    slack: SlackServer, workspace: Workspace
) -> None:
    workspace.say(ADA, OPS, "anyone?")
    async with asyncio.timeout(5), httpx.AsyncClient() as http:
        while len(slack.site.delivery.attempts) < 4:
            await asyncio.sleep(0.005)
        log = await http.get(f"{slack.url}/sandbox/deliveries")
    attempts = log.json()["deliveries"]
    assert [one["number"] for one in attempts] == [0, 1, 2, 3]
    assert {one["outcome"] for one in attempts} == {"no_connection"}
    assert len({one["event_id"] for one in attempts}) == 1


def test_faults_match_count_down_and_name_their_kinds() -> None:
    faults = Faults()
    faults.add(Fault("slow", "chat.*", times=2))
    assert faults.take("slow", "users.list") is None
    assert faults.take("server_error", "chat.update") is None
    assert faults.take("slow", "chat.update") == Fault("slow", "chat.*", times=2)
    assert faults.take("slow", "chat.update") == Fault("slow", "chat.*", times=1)
    assert faults.take("slow", "chat.update") is None
    with pytest.raises(ValueError, match="no fault called 'earthquake'; there are: ratelimited"):
        Fault("earthquake")  # type: ignore[arg-type]
