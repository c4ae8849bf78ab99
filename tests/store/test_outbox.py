"""The outbox against Slack over HTTP: coalesced, paced, in order, and once."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from bot.errors import ConfigError
from bot.keys import WITHOUT_TTL
from bot.outbox import Flushed, Message, Outbox, Refused, Sent, Status
from bot.slack_client import SlackClient, web_client
from tests.store.slack_stub import SlackStub, slack_stub

BLOCKS = [{"type": "section", "text": {"type": "plain_text", "text": "5XX"}}]


@pytest.fixture
async def slack() -> AsyncIterator[SlackStub]:
    async with slack_stub() as stub:
        yield stub


@pytest.fixture
def client(slack: SlackStub) -> SlackClient:
    return SlackClient(web_client("xoxb-test", slack.url))


@pytest.fixture
def outbox(redis: Redis, namespace: str) -> Outbox:
    """One that does not dawdle; what is about the pace sets its own."""
    return Outbox(redis, namespace, spacing=0.0, lease=5.0, doubt=0.0, backoff=0.001)


def text(words: str, **where: str) -> Message:
    return Message(text=words, **where)


async def drain(outbox: Outbox, client: SlackClient, channel: str = "C1") -> Flushed:
    """Flush until nothing waits; everything that happened."""
    done = Flushed()
    for _ in range(200):
        flushed = await outbox.flush(channel, client)
        done.sent += flushed.sent
        done.refused += flushed.refused
        done.doubtful += flushed.doubtful
        if flushed.next_in is None:
            return done
        await asyncio.sleep(min(flushed.next_in, 0.1))
    raise AssertionError(f"the outbox does not come to an end: {done}")


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


# --- the pace -------------------------------------------------------------------------------------


async def test_replicas_share_one_write_a_second(
    redis: Redis, namespace: str, slack: SlackStub, client: SlackClient
) -> None:
    replicas = [Outbox(redis, namespace) for _ in range(3)]
    for n in range(3):
        await replicas[0].put("C1", f"note:{n}", text(str(n)))
    flushed = await asyncio.gather(*(replica.flush("C1", client) for replica in replicas))
    again = [await replica.flush("C1", client) for replica in replicas]
    assert slack.texts == ["0"]
    assert sum(len(f.sent) for f in flushed) == 1
    for waits in (f.next_in for f in again):
        assert waits is not None
        assert 0.5 < waits <= 1.0


async def test_the_next_write_comes_when_it_is_due(
    redis: Redis, namespace: str, slack: SlackStub, client: SlackClient
) -> None:
    outbox = Outbox(redis, namespace, spacing=0.1)
    for n in range(3):
        await outbox.put("C1", f"note:{n}", text(str(n)))
    began = time.monotonic()
    await drain(outbox, client)
    assert time.monotonic() - began >= 0.2
    assert slack.texts == ["0", "1", "2"]


async def test_retry_after_pauses_the_whole_channel(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "a", text("a"))
    await outbox.put("C1", "b", text("b"))
    slack.faults.append(429)
    slack.retry_after = "7"
    first = await outbox.flush("C1", client)
    second = await outbox.flush("C1", client)
    assert first.next_in is not None
    assert second.next_in is not None
    assert 6 < second.next_in <= first.next_in <= 7
    assert len(slack.writes) == 1
    assert await outbox.status("C1", "a") == Status("queued", None, "")


async def test_failures_are_spaced_out(
    redis: Redis, namespace: str, slack: SlackStub, client: SlackClient
) -> None:
    outbox = Outbox(redis, namespace, spacing=0.0, doubt=0.0, backoff=10.0)
    await outbox.put("C1", "a", text("a"))
    pauses = []
    for _ in range(8):
        slack.faults.append("drop")
        slack.read_faults.clear()
        pauses.append(round((await outbox.flush("C1", client)).next_in or 0))
        await redis.hdel(outbox._keys.outbox_gate("C1"), "until")
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 640]


# --- once -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["take drop", "take 503", "take 500", "take fatal_error"])
@pytest.mark.parametrize("thread", [{}, {"thread_ts": "1795440000.000100"}])
async def test_slack_takes_it_and_the_answer_is_lost(
    outbox: Outbox, slack: SlackStub, client: SlackClient, fault: str, thread: dict[str, str]
) -> None:
    for n in range(3):  # others, so that ours is not on the first page
        slack.say(channel="C1", text=f"human {n}", user="U1", **thread)
    await outbox.put("C1", "card:INC1", text("card", **thread))
    slack.faults.append(fault)
    done = await drain(outbox, client)
    assert slack.texts == ["human 0", "human 1", "human 2", "card"]
    assert done.sent == [Sent("card:INC1", slack.messages[-1]["ts"])]
    await outbox.put("C1", "card:INC1", text("card, complete", **thread))
    await drain(outbox, client)
    assert slack.texts[3:] == ["card, complete"]


@pytest.mark.parametrize("fault", ["drop", "503", "internal_error", "plain", "429"])
async def test_slack_does_not_take_it_at_first(
    outbox: Outbox, slack: SlackStub, client: SlackClient, fault: str
) -> None:
    await outbox.put("C1", "card:INC1", text("card"))
    slack.faults.append(fault)
    done = await drain(outbox, client)
    assert slack.texts == ["card"]
    assert len(done.sent) == 1
    assert len(slack.writes) == 2


async def test_slack_is_down_for_long_and_nothing_is_lost(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    for n in range(3):
        await outbox.put("C1", f"note:{n}", text(str(n)))
    slack.faults.extend([503, "drop", 500, "take drop", 502] * 2)
    slack.read_faults.extend([503, "drop", "429"])
    await drain(outbox, client)
    assert slack.texts == ["0", "1", "2"]


async def test_slack_cannot_be_reached(outbox: Outbox, slack: SlackStub) -> None:
    nowhere = SlackClient(web_client("xoxb-test", "http://127.0.0.1:9/api/"))
    await outbox.put("C1", "a", text("a"))
    flushed = await outbox.flush("C1", nowhere)
    assert flushed.next_in is not None
    assert await outbox.status("C1", "a") == Status("queued", None, "")
    await drain(outbox, SlackClient(web_client("xoxb-test", slack.url)))
    assert slack.texts == ["a"]


@pytest.mark.parametrize("fault", ["take drop", "drop", "take 500", "500", "429"])
async def test_a_lost_update_is_sent_again(
    outbox: Outbox, slack: SlackStub, client: SlackClient, fault: str
) -> None:
    await outbox.put("C1", "card:INC1", text("early"))
    await drain(outbox, client)
    await outbox.put("C1", "card:INC1", text("complete"))
    slack.faults.append(fault)
    await drain(outbox, client)
    assert slack.texts == ["complete"]


async def test_kill_9_in_the_middle_of_a_post_makes_one_message(
    outbox: Outbox, slack: SlackStub, client: SlackClient, url: str, namespace: str
) -> None:
    await outbox.put("C1", "card:INC1", text("card"))
    await outbox.put("C1", "run:R1", text("run", thread_key="card:INC1"))
    slack.faults.append("take hang")
    flusher = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store.flush_once", url, namespace, slack.url, "C1"
    )
    await asyncio.wait_for(slack.taken.wait(), 10)
    flusher.kill()
    assert await flusher.wait() == -9
    assert await outbox.status("C1", "card:INC1") == Status("sending", None, "")
    done = await drain(outbox, client)
    assert slack.texts == ["card", "run"]
    assert [sent.key for sent in done.sent] == ["card:INC1", "run:R1"]
    assert slack.messages[1]["thread_ts"] == slack.messages[0]["ts"]


async def test_while_one_flushes_another_waits(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "a", text("a"))
    slack.faults.append("take hang")
    sending = asyncio.create_task(outbox.flush("C1", client))
    await slack.taken.wait()
    other = await outbox.flush("C1", client)
    sending.cancel()
    assert other.sent == []
    assert other.next_in is not None
    assert len(slack.writes) == 1


async def test_metadata_of_others_is_not_believed(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    metadata = {"event_type": "incident_helper", "event_payload": {"key": "card:INC1"}}
    slack.say(channel="C1", text="forged", user="U_EVE", bot_id="B_EVE", metadata=metadata)
    await outbox.put("C1", "card:INC1", text("card"))
    slack.faults.append("drop")
    await drain(outbox, client)
    assert slack.texts == ["forged", "card"]


async def test_a_search_that_is_refused_posts_again_and_says_so(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("card"))
    slack.faults.append("take drop")
    slack.read_faults.extend(["missing_scope"])
    done = await drain(outbox, client)
    assert done.doubtful == ["card:INC1"]
    assert slack.texts == ["card", "card"]


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["invalid_blocks", "channel_not_found", "is_archived", "no_text"])
async def test_a_refusal_is_kept_and_reported_and_not_tried_again(
    outbox: Outbox, slack: SlackStub, client: SlackClient, code: str
) -> None:
    await outbox.put("C1", "card:INC1", text("card"))
    await outbox.put("C1", "run:R1", text("reply", thread_key="card:INC1"))
    await outbox.put("C1", "note:1", text("note"))
    slack.faults.append(code)
    done = await drain(outbox, client)
    assert done.refused == [
        Refused("card:INC1", code),
        Refused("run:R1", "the message it replies to was refused"),
    ]
    assert slack.texts == ["note"]
    assert await outbox.status("C1", "card:INC1") == Status("refused", None, code)
    assert not await outbox.put("C1", "card:INC1", text("card"))
    assert await drain(outbox, client) == Flushed()


async def test_other_content_after_a_refusal_is_tried(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("too many blocks"))
    slack.faults.append("invalid_blocks")
    await drain(outbox, client)
    await outbox.put("C1", "card:INC1", text("fewer blocks"))
    await drain(outbox, client)
    assert slack.texts == ["fewer blocks"]


async def test_a_revoked_token_keeps_the_messages_and_says_so(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("card"))
    slack.faults.append("token_revoked")
    flushed = await outbox.flush("C1", client)
    assert flushed.revoked == "token_revoked"
    assert flushed.next_in is not None
    assert 50 < flushed.next_in <= 60
    assert flushed.refused == []
    assert await outbox.status("C1", "card:INC1") == Status("queued", None, "")


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
