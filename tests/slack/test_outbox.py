"""The outbox against Slack over HTTP: what is sent, in which order."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from bot.domain.errors import ConfigError
from bot.slack.client import SlackClient
from bot.slack.outbox import Flushed, Message, Outbox, Sent, Status
from bot.state.keys import WITHOUT_TTL
from tests.slack.flushing import drain, text
from tests.support.slack_stub import SlackStub

BLOCKS = [{"type": "section", "text": {"type": "plain_text", "text": "5XX"}}]


# --- what is sent ---------------------------------------------------------------------------------


async def test_a_message_arrives_with_its_key_and_without_unfurling(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    assert await outbox.put("C1", "card:INC1", Message(text="5XX on checkout", blocks=BLOCKS))
    assert await outbox.pending() == ["C1"]
    done = await drain(outbox, client)
    (message,) = slack.messages
    assert message["blocks"] == BLOCKS
    assert message["text"] == "5XX on checkout"
    assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)
    assert message["metadata"] == {
        "event_type": "incident_helper",
        "event_payload": {"key": "card:INC1"},
    }
    assert done.sent == [Sent("card:INC1", message["ts"])]
    assert await outbox.status("C1", "card:INC1") == Status("sent", message["ts"], "")
    assert await outbox.pending() == []


async def test_what_was_not_sent_yet_is_replaced(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    for n in range(5):
        await outbox.put("C1", "card:INC1", text(f"version {n}"))
    await drain(outbox, client)
    assert slack.texts == ["version 4"]
    assert len(slack.writes) == 1


async def test_what_was_sent_is_updated(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("early"))
    await drain(outbox, client)
    assert await outbox.put("C1", "card:INC1", text("complete"))
    await drain(outbox, client)
    assert slack.texts == ["complete"]
    assert slack.writes == [("chat.postMessage", "early"), ("chat.update", "complete")]


async def test_the_same_content_again_sends_nothing(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("same"))
    await drain(outbox, client)
    assert not await outbox.put("C1", "card:INC1", text("same"))
    await drain(outbox, client)
    assert len(slack.writes) == 1


async def test_content_put_while_sending_follows_as_an_update(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("early"))
    slack.faults.append("take hang")
    sending = asyncio.create_task(outbox.flush("C1", client))
    await slack.taken.wait()
    await outbox.put("C1", "card:INC1", text("complete"))
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await outbox._redis.delete(outbox._keys.outbox_lease("C1"))  # it has run out
    await drain(outbox, client)
    assert slack.texts == ["complete"]


async def test_first_put_first_sent(outbox: Outbox, slack: SlackStub, client: SlackClient) -> None:
    for n in range(12):
        await outbox.put("C1", f"note:{n}", text(str(n)))
    await outbox.put("C1", "note:0", text("0, corrected"))
    await drain(outbox, client)
    assert slack.texts == ["0, corrected", *map(str, range(1, 12))]


async def test_a_reply_waits_for_what_it_replies_to(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "run:R1", text("reply", thread_key="card:INC1"))
    assert await drain(outbox, client) == Flushed()
    await outbox.put("C1", "note:1", text("elsewhere", thread_ts="1795440000.000100"))
    await outbox.put("C1", "card:INC1", text("card"))
    await drain(outbox, client)
    by_text = {m["text"]: m for m in slack.messages}
    assert by_text["reply"]["thread_ts"] == by_text["card"]["ts"]
    assert by_text["elsewhere"]["thread_ts"] == "1795440000.000100"
    assert "thread_ts" not in by_text["card"]


async def test_channels_do_not_wait_for_each_other(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "a", text("one"))
    await outbox.put("C2", "a", text("two"))
    assert await outbox.pending() == ["C1", "C2"]
    await drain(outbox, client, "C2")
    assert await outbox.pending() == ["C1"]
    assert slack.texts == ["two"]


def test_a_message_needs_its_text_and_one_thread() -> None:
    with pytest.raises(ValidationError, match="at least 1 character"):
        Message(text="", blocks=BLOCKS)
    with pytest.raises(ValidationError, match="one thread"):
        Message(text="x", thread_key="card:INC1", thread_ts="1.2")


async def test_who_changed_something_is_told_and_no_other_address(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    said = "moved by maya@example.com for bob@example.com"
    message = Message(text=said, kept=frozenset({"maya@example.com"}))
    assert await outbox.put("C1", "card:INC1", message)
    assert not await outbox.put("C1", "card:INC1", message)
    await drain(outbox, client)
    assert slack.texts == ["moved by maya@example.com for [email]"]


async def test_secrets_reach_neither_redis_nor_slack(
    outbox: Outbox, slack: SlackStub, client: SlackClient, redis: Redis
) -> None:
    secret = "AKIA" + "Q3EGRKX7PLMN2ABC"
    block = {"type": "section", "text": {"type": "plain_text", "text": f"key {secret}"}}
    await outbox.put("C1", "card:INC1", Message(text=f"key {secret}", blocks=[block]))
    stored = await redis.hgetall(outbox._keys.outbox_message("C1", "card:INC1"))
    assert secret not in str(stored)
    await drain(outbox, client)
    assert slack.texts == ["key [aws key]"]
    assert secret not in str(slack.messages)


# --- housekeeping ---------------------------------------------------------------------------------


async def test_every_key_of_the_outbox_expires(
    outbox: Outbox, slack: SlackStub, client: SlackClient, redis: Redis, namespace: str
) -> None:
    await outbox.put("C1", "card:INC1", text("card"))
    await outbox.put("C1", "note:1", text("note"))
    await outbox.put("C2", "note:1", text("note"))
    slack.faults.extend(["take drop"])
    await outbox.flush("C1", client)
    keys = [key async for key in redis.scan_iter(f"{{{namespace}}}:*")]
    assert len(keys) > 5
    immortal = {str(key) for key in keys if await redis.ttl(key) == -1}
    assert immortal <= WITHOUT_TTL.keys()


def test_a_client_that_retries_is_refused() -> None:
    from slack_sdk.web.async_client import AsyncWebClient

    with pytest.raises(ConfigError, match="twice"):
        SlackClient(AsyncWebClient(token="xoxb-test"))
