"""The outbox against Slack over HTTP: at what pace, and what goes first."""

from __future__ import annotations

import asyncio
import time

from redis.asyncio import Redis

from bot.slack.client import SlackClient
from bot.slack.outbox import SPACING, Outbox, Put, Status
from tests.slack.flushing import drain, text
from tests.support.slack_stub import SlackStub


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
        assert 0.5 < waits <= SPACING


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


async def test_retry_after_pauses_the_posts_of_the_channel(
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
        await redis.hdel(outbox._keys.outbox_gate("C1"), "until:post")
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 640]


# --- what goes first ------------------------------------------------------------------------------


async def posted(outbox: Outbox, client: SlackClient, number: int) -> None:
    """So many messages stand in the channel, and each has an edit that waits."""
    for n in range(number):
        await outbox.put("C1", f"card:{n}", text(f"card {n}"))
    await drain(outbox, client)
    for n in range(number):
        await outbox.put("C1", f"card:{n}", text(f"edit {n}"))


async def test_a_new_card_goes_before_fifty_edits(
    redis: Redis, namespace: str, outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await posted(outbox, client, 50)
    await outbox.put("C1", "card:new", text("new"))
    slow = Outbox(redis, namespace)  # one write a second
    await slow.flush("C1", client)
    assert slack.writes[-1] == ("chat.postMessage", "new")


async def test_what_somebody_waits_for_goes_before_other_edits_and_interim_ones_last(
    redis: Redis, namespace: str, slack: SlackStub, client: SlackClient
) -> None:
    outbox = Outbox(redis, namespace, spacing=0.0, gap=0.0)
    await posted(outbox, client, 4)
    await outbox.put("C1", "card:0", text("interim"), interim=True)
    await outbox.put("C1", "card:3", text("approved"), answer=True)
    await drain(outbox, client)
    said = [words for method, words in slack.writes if method == "chat.update"]
    assert said == ["approved", "edit 1", "edit 2", "interim"]


async def test_a_pause_of_edits_does_not_delay_a_new_card(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await posted(outbox, client, 2)
    slack.faults.append(429)
    slack.retry_after = "20"
    paused = await outbox.flush("C1", client)
    assert paused.next_in is not None
    assert 19 < paused.next_in <= 20
    await outbox.put("C1", "card:new", text("new"))
    await outbox.put("C2", "card:new", text("elsewhere"))
    await outbox.flush("C1", client)
    await outbox.flush("C2", client)
    assert slack.texts[2:] == ["new", "elsewhere"]
    await outbox.put("C2", "card:new", text("an edit, in the same workspace"))
    waits = await outbox.flush("C2", client)
    assert waits.next_in is not None
    assert 15 < waits.next_in <= 20


async def test_failing_edits_do_not_delay_a_new_card(
    redis: Redis, namespace: str, slack: SlackStub, client: SlackClient
) -> None:
    outbox = Outbox(redis, namespace, spacing=0.0, backoff=30.0)
    await posted(outbox, client, 1)
    slack.faults.append(503)
    await outbox.flush("C1", client)
    await outbox.put("C1", "card:new", text("new"))
    await outbox.flush("C1", client)
    assert slack.texts == ["card 0", "new"]


async def test_the_workspace_has_one_budget_of_edits(
    redis: Redis, namespace: str, slack: SlackStub, client: SlackClient
) -> None:
    outbox = Outbox(redis, namespace, spacing=0.0, edits=3)
    for channel in ("C1", "C2"):
        for n in range(3):
            await outbox.put(channel, f"card:{n}", text("card"))
        await drain(outbox, client, channel)
        for n in range(3):
            await outbox.put(channel, f"card:{n}", text("edit"))
    assert (await outbox.flush("C1", client)).next_in is None
    waits = await outbox.flush("C2", client)
    assert waits.sent == []
    assert waits.next_in is not None
    assert 15 < waits.next_in <= 20
    await outbox.put("C2", "card:new", text("new"))
    assert len((await outbox.flush("C2", client)).sent) == 1


# --- fewer versions -------------------------------------------------------------------------------


async def test_an_interim_version_waits_and_the_last_one_does_not(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:1", text("looking"), interim=True)
    await outbox.flush("C1", client)
    assert slack.texts == ["looking"]
    await outbox.put("C1", "card:1", text("half"), interim=True)
    waits = await outbox.flush("C1", client)
    assert waits.next_in is not None
    assert 4 < waits.next_in <= 5
    await outbox.put("C1", "card:1", text("whole"))
    await outbox.flush("C1", client)
    assert slack.writes == [("chat.postMessage", "looking"), ("chat.update", "whole")]


async def test_the_same_words_as_the_last_version_do_not_wait(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:1", text("looking"), interim=True)
    await outbox.flush("C1", client)
    await outbox.put("C1", "card:1", text("found"), interim=True)
    assert await outbox.put("C1", "card:1", text("found")) is Put.STORED
    await outbox.flush("C1", client)
    assert slack.texts == ["found"]


async def test_the_more_edits_wait_the_fewer_interim_versions_are_sent(
    redis: Redis, namespace: str, slack: SlackStub, client: SlackClient
) -> None:
    outbox = Outbox(redis, namespace, spacing=0.0, edits=60, gap=5.0)
    for n in range(20):
        await outbox.put("C1", f"card:{n}", text("looking"), interim=True)
    await drain(outbox, client)
    for n in range(20):
        await outbox.put("C1", f"card:{n}", text("half"), interim=True)
    waits = await outbox.flush("C1", client)
    assert waits.next_in is not None
    assert 17 < waits.next_in <= 20  # twenty edits at sixty a minute


# --- one flusher ----------------------------------------------------------------------------------


async def test_while_a_flusher_keeps_the_channel_a_put_needs_no_flush(
    redis: Redis, namespace: str, slack: SlackStub, client: SlackClient
) -> None:
    outbox = Outbox(redis, namespace, spacing=0.3)
    await outbox.put("C1", "a", text("a"))
    await outbox.put("C1", "b", text("b"))
    kept = await outbox.flush("C1", client, owner="me", keep=1.0)
    assert kept.kept
    assert await outbox.put("C1", "c", text("c")) is Put.TAKEN
    assert (await outbox.flush("C1", client)).held
    await outbox.release("C1", "me")
    assert await outbox.put("C1", "d", text("d")) is Put.STORED


async def test_how_long_the_oldest_has_waited(outbox: Outbox, redis: Redis) -> None:
    await outbox.put("C1", "a", text("a"))
    await outbox.put("C1", "b", text("b"))
    message = outbox._keys.outbox_message("C1", "a")
    since = int(await redis.hget(message, "queued") or 0)
    await redis.hset(message, "queued", since - 7_000_000)
    ages = await outbox.ages()
    assert 7 <= ages["new"] < 12
    assert ages["edit"] == 0.0
