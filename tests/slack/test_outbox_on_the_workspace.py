"""The outbox against the local Slack workspace, which was written by nobody who knew of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.slack.client import SlackClient, web_client
from bot.slack.outbox import Message, Outbox, Status
from sandbox.slack.people import App, ChannelSeed, Person, Seed
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace
from tests.slack.flushing import drain

BOT = App(
    id="A0HELPER",
    name="Incident Helper",
    bot_token="xoxb-helper",
    app_token="xapp-helper",
    signing_secret="shhh",
)

OTHER = App("A0OTHER", "Another", "xoxb-other", "xapp-other", "hush")


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    seed = Seed(
        people=(Person("U0ADA", "Ada", "On-call engineer", color="#3867d6"),),
        channels=(ChannelSeed("C0OPS", "ops", members=("U0ADA", BOT.user_id)),),
        apps=(BOT, OTHER),
    )
    with SlackServer(Workspace(seed)) as server:
        yield server


@pytest.fixture
def outbox(redis: Redis, namespace: str) -> Outbox:
    return Outbox(redis, namespace, spacing=0.0, lease=5.0, doubt=0.0, backoff=0.001)


async def standing(slack: SlackServer) -> list[tuple[str, str | None]]:
    """Text and thread of everything that stands in the channel, oldest first."""
    web = web_client(BOT.bot_token, slack.api_url)
    history: list[dict[str, Any]] = (await web.conversations_history(channel="C0OPS"))["messages"]
    found = []
    for parent in reversed(history):
        replies = await web.conversations_replies(channel="C0OPS", ts=parent["ts"])
        found += [(m["text"], m.get("thread_ts")) for m in replies["messages"]]
    return [(text, thread) for text, thread in found if not text.startswith("<@")]


@pytest.mark.parametrize("kind", ["drop_reply", "drop_request", "server_error", "ratelimited"])
async def test_trouble_with_a_card_and_its_reply(
    outbox: Outbox, slack: SlackServer, kind: str
) -> None:
    client = SlackClient(web_client(BOT.bot_token, slack.api_url))
    await outbox.put("C0OPS", "card:INC1", Message(text="card"))
    await outbox.put("C0OPS", "run:R1", Message(text="reply", thread_key="card:INC1"))
    for _ in range(2):
        slack.play(kind, "chat.postMessage", retry_after=0)  # type: ignore[arg-type]
        done = await outbox.flush("C0OPS", client)
        assert done.refused == []
    await drain(outbox, client, "C0OPS")
    card, reply = await standing(slack)
    assert card[0] == "card"
    assert reply == ("reply", (await outbox.status("C0OPS", "card:INC1") or Status("", "", "")).ts)


async def test_kill_9_while_slack_is_slow_makes_one_message(
    outbox: Outbox, slack: SlackServer, redis_url: str, namespace: str
) -> None:
    await outbox.put("C0OPS", "card:INC1", Message(text="card"))
    slack.play("slow", "chat.postMessage", seconds=0.2)
    flusher = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.slack.flush_once", redis_url, namespace, slack.api_url, "C0OPS"
    )
    for _ in range(1_000):
        status = await outbox.status("C0OPS", "card:INC1")
        if status is not None and status.state == "sending":
            break
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.1)  # the request is out, the answer is not
    flusher.kill()
    await flusher.wait()
    await drain(outbox, SlackClient(web_client(BOT.bot_token, slack.api_url)), "C0OPS")
    assert [text for text, _ in await standing(slack)] == ["card"]


async def test_the_bot_finds_what_it_posted(outbox: Outbox, slack: SlackServer) -> None:
    """In the channel and in threads; posts of others that look like its own are not its own."""
    client = SlackClient(web_client(BOT.bot_token, slack.api_url))
    before = datetime.now(UTC)
    await outbox.put("C0OPS", "card:INC1", Message(text="card"))
    await outbox.put("C0OPS", "run:R1", Message(text="reply", thread_key="card:INC1"))
    await drain(outbox, client, "C0OPS")
    card = (await outbox.status("C0OPS", "card:INC1") or Status("", "", "")).ts
    copied = {"event_type": "incident_helper", "event_payload": {"key": "card:FORGED"}}
    slack.workspace.post_as_app("A0OTHER", "C0OPS", {"text": "card", "metadata": copied})
    found = await client.own_posts(before - timedelta(minutes=1))
    assert [(post.channel, post.key, post.thread_ts) for post in found] == [
        ("C0OPS", "card:INC1", None),
        ("C0OPS", "run:R1", card),
    ]
    assert await client.own_posts(before + timedelta(minutes=1)) == []
