"""The outbox against Slack over HTTP: what Slack refuses, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from bot.slack.client import SlackClient
from bot.slack.fallback import CHART, TABLE
from bot.slack.outbox import Flushed, Message, Outbox, Refused, Sent, Status
from tests.slack.flushing import drain, text
from tests.support.slack_stub import SlackStub

WORDS = {"type": "section", "text": {"type": "plain_text", "text": "5XX on checkout"}}
CHART_BLOCK = {
    "type": CHART,
    "title": "5XX",
    "chart": {
        "type": "line",
        "series": [
            {"name": "5XX", "data": [{"label": "0", "value": 1}, {"label": "1", "value": 9}]}
        ],
        "axis_config": {"categories": ["0", "1"], "x_label": "min"},
    },
}
TABLE_BLOCK = {"type": TABLE, "rows": [[{"type": "raw_text", "text": "503"}]]}


def whole(words: str) -> Message:
    return Message(text=words, blocks=[WORDS, CHART_BLOCK, TABLE_BLOCK])


def kinds(message: dict[str, Any]) -> list[str]:
    return [block["type"] for block in message["blocks"]]


# --- final ----------------------------------------------------------------------------------------


async def test_what_slack_will_never_take_is_reported_and_not_tried_again(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("card"))
    await outbox.put("C1", "run:R1", text("reply", thread_key="card:INC1"))
    await outbox.put("C1", "note:1", text("note"))
    slack.faults.append("metadata_too_large")
    done = await drain(outbox, client)
    assert done.refused == [
        Refused("card:INC1", "metadata_too_large"),
        Refused("run:R1", "the message it replies to was refused"),
    ]
    assert slack.texts == ["note"]
    assert await outbox.status("C1", "card:INC1") == Status("refused", None, "metadata_too_large")
    assert not await outbox.put("C1", "card:INC1", text("card"))
    assert await drain(outbox, client) == Flushed()
    await outbox.put("C1", "card:INC1", text("other content"))
    await drain(outbox, client)
    assert slack.texts == ["note", "other content"]


# --- passing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["message_limit_exceeded", "team_added_to_org", "code_of_2027"])
async def test_a_post_that_is_refused_for_a_while_is_posted(
    outbox: Outbox, slack: SlackStub, client: SlackClient, code: str
) -> None:
    await outbox.put("C1", "run:R1", text("approve?"))
    await outbox.put("C1", "note:1", text("note"))
    slack.faults.extend([code, ""])
    done = await drain(outbox, client)
    assert done.refused == []
    assert sorted(slack.texts) == ["approve?", "note"]


async def test_the_recovery_edit_is_tried_until_slack_takes_it(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("open"))
    await drain(outbox, client)
    await outbox.put("C1", "card:INC1", text("recovered"))
    slack.faults.extend(["update_failed"] * 3)
    await drain(outbox, client)
    assert slack.texts == ["recovered"]


async def test_what_does_not_pass_is_reported_in_the_end(
    slack: SlackStub, client: SlackClient, redis: Redis, namespace: str
) -> None:
    outbox = Outbox(redis, namespace, spacing=0.0, backoff=20.0)
    await outbox.put("C1", "run:R1", text("approve?"))
    slack.faults.append("message_limit_exceeded")
    await outbox.flush("C1", client)
    message = outbox._keys.outbox_message("C1", "run:R1")
    await redis.hset(message, mapping={"failing": 1, "not_before": 1})  # in 1970
    slack.faults.append("message_limit_exceeded")
    done = await drain(outbox, client)
    assert done.refused == [Refused("run:R1", "message_limit_exceeded")]


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
    assert await outbox.status("C1", "card:INC1") == Status("queued", None, "token_revoked")


# --- the channel ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["not_in_channel", "channel_not_found", "is_archived"])
async def test_a_channel_that_takes_nothing_gets_everything_once_the_bot_is_invited(
    outbox: Outbox, slack: SlackStub, client: SlackClient, code: str
) -> None:
    await outbox.put("C1", "card:INC1", text("open"))
    await drain(outbox, client)
    await outbox.put("C1", "card:INC1", text("recovered"))
    await outbox.put("C1", "run:R1", text("run", thread_key="card:INC1"))
    slack.faults.append(code)
    done = await drain(outbox, client)
    assert done.refused == []
    assert [each.reason for each in done.closed] == [code]
    assert slack.texts == ["open"]
    assert len(slack.writes) == 2  # not tried again at once
    await outbox.reopen("C1")
    await drain(outbox, client)
    assert slack.texts == ["recovered", "run"]


async def test_a_new_message_tries_a_closed_channel_anew(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("one"))
    slack.faults.append("not_in_channel")
    await drain(outbox, client)
    await outbox.put("C1", "card:INC2", text("two"))
    await drain(outbox, client)
    assert slack.texts == ["one", "two"]


async def test_a_message_that_was_never_posted_can_be_given_up(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("card"))
    await outbox.put("C1", "run:R1", text("reply", thread_key="card:INC1"))
    assert await outbox.drop("C1", "card:INC1", "not a member")
    done = await drain(outbox, client)
    assert done.refused == [Refused("run:R1", "the message it replies to was refused")]
    assert slack.writes == []
    await outbox.put("C1", "card:INC2", text("posted"))
    await drain(outbox, client)
    assert not await outbox.drop("C1", "card:INC2", "not a member")


# --- deleted --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message"])
async def test_a_card_that_was_deleted_is_posted_anew_in_its_thread(
    outbox: Outbox, slack: SlackStub, client: SlackClient, code: str
) -> None:
    await outbox.put("C1", "card:INC1", text("early", thread_ts="1.1"))
    first = (await drain(outbox, client)).sent[0].ts
    slack.messages.clear()
    await outbox.put("C1", "card:INC1", text("complete", thread_ts="1.1"))
    slack.faults.append(code)
    done = await drain(outbox, client)
    (message,) = slack.messages
    assert (message["text"], message["thread_ts"]) == ("complete", "1.1")
    assert done.sent == [Sent("card:INC1", message["ts"], replaced=first)]


async def test_a_card_that_was_its_own_thread_is_posted_to_the_channel(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("early"))
    first = (await drain(outbox, client)).sent[0].ts
    slack.messages.clear()
    await outbox.put("C1", "card:INC1", text("complete", thread_ts=first))
    slack.faults.append("message_not_found")
    await outbox.flush("C1", client)
    await outbox.put("C1", "card:INC1", text("newer", thread_ts=first))
    await drain(outbox, client)
    assert [(m["text"], "thread_ts" in m) for m in slack.messages][-1] == ("newer", False)


async def test_without_its_thread_a_message_goes_to_the_channel(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    await outbox.put("C1", "card:INC1", text("card", thread_ts="1.1"))
    slack.faults.append("cannot_reply_to_message")
    done = await drain(outbox, client)
    (message,) = slack.messages
    assert "thread_ts" not in message
    assert done.sent == [Sent("card:INC1", message["ts"], replaced="1.1")]


# --- blocks ---------------------------------------------------------------------------------------


async def test_the_block_slack_points_at_is_replaced_and_the_next_card_knows(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    slack.refused_blocks = {CHART}
    await outbox.put("C1", "card:INC1", whole("one"))
    await drain(outbox, client)
    assert len(slack.writes) == 2
    assert kinds(slack.messages[0]) == ["section", "section", "table"]
    assert "▁█  5XX: 1 to 9" in slack.messages[0]["blocks"][1]["text"]["text"]
    await outbox.put("C1", "card:INC2", whole("two"))
    await drain(outbox, client)
    assert len(slack.writes) == 3
    assert kinds(slack.messages[1]) == ["section", "section", "table"]


@pytest.mark.parametrize(
    ("refused", "calls", "left"),
    [
        ({CHART}, 2, ["section", "section", "table"]),
        ({TABLE}, 3, ["section", "section", "section"]),
        ({CHART, TABLE}, 3, ["section", "section", "section"]),
        ({CHART, TABLE, "section"}, 5, []),
    ],
)
async def test_without_a_pointer_one_kind_after_the_other_is_replaced(
    outbox: Outbox,
    slack: SlackStub,
    client: SlackClient,
    refused: set[str],
    calls: int,
    left: list[str],
) -> None:
    slack.refused_blocks, slack.points = refused, False
    await outbox.put("C1", "card:INC1", whole("checkout fails"))
    done = await drain(outbox, client)
    assert done.refused == []
    assert len(slack.writes) == calls
    assert kinds(slack.messages[0]) == left
    assert slack.texts[0].startswith("checkout fails")


async def test_what_is_remembered_is_forgotten_after_a_day(
    outbox: Outbox, slack: SlackStub, client: SlackClient, redis: Redis
) -> None:
    slack.refused_blocks = {CHART}
    await outbox.put("C1", "card:INC1", whole("one"))
    await drain(outbox, client)
    slack.refused_blocks = set()
    name = f"block:{CHART}"
    till = int(await redis.hget(outbox._keys.outbox_workspace, name) or 0) / 1e6
    seconds, _ = await redis.time()
    assert 86_000 < till - seconds <= 86_401
    await redis.hset(outbox._keys.outbox_workspace, name, 1)
    await outbox.put("C1", "card:INC2", whole("two"))
    await drain(outbox, client)
    assert kinds(slack.messages[1]) == ["section", CHART, TABLE]


async def test_a_table_with_a_fault_of_its_own_is_not_remembered(
    outbox: Outbox, slack: SlackStub, client: SlackClient
) -> None:
    slack.refused_blocks, slack.pointer = {TABLE}, "/rows/0/0/text"
    await outbox.put("C1", "card:INC1", whole("one"))
    await drain(outbox, client)
    slack.refused_blocks = set()
    await outbox.put("C1", "card:INC2", whole("two"))
    await drain(outbox, client)
    assert kinds(slack.messages[0]) == ["section", CHART, "section"]
    assert kinds(slack.messages[1]) == ["section", CHART, TABLE]
