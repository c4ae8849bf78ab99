"""The outbox against Slack over HTTP: once, whatever breaks."""

from __future__ import annotations

import asyncio
import sys

import pytest

from bot.slack.client import SlackClient, web_client
from bot.slack.outbox import Outbox, Sent, Status
from tests.slack.flushing import drain, text
from tests.support.slack_stub import SlackStub

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
    outbox: Outbox, slack: SlackStub, client: SlackClient, redis_url: str, namespace: str
) -> None:
    await outbox.put("C1", "card:INC1", text("card"))
    await outbox.put("C1", "run:R1", text("run", thread_key="card:INC1"))
    slack.faults.append("take hang")
    flusher = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.slack.flush_once", redis_url, namespace, slack.url, "C1"
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
