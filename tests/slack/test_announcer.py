"""The way of a message from `post` to Slack, on real tasks: nothing put is left lying."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.announcer import SlackAnnouncer
from bot.slack.outbox import Message, Outbox
from bot.state.durable_tasks import Jobs, Kind
from bot.state.store import RedisStore, connect
from tests.support.waiting import until

PUTS = 60
LONGEST = 2.0  # seconds; a sweep would take up to five


class Channel:
    """Slack, as far as the outbox needs it; when each key arrived."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}

    async def post(self, channel: str, message: Message, *, key: str, thread_ts: str | None) -> str:
        await asyncio.sleep(0.005)
        self.arrived[key] = time.monotonic()
        return f"{len(self.arrived)}.0"

    async def update(self, channel: str, ts: str, message: Message, *, key: str) -> None:
        raise AssertionError("nothing is put twice here")

    async def find(
        self, channel: str, key: str, *, thread_ts: str | None, since: datetime
    ) -> str | None:
        raise AssertionError("nothing is doubtful here")


async def test_no_put_waits_for_the_sweep(redis_url: str) -> None:
    """A put that comes while another flush of the channel is ending is seen by one of the two."""
    redis = connect(redis_url)
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    slack, jobs = Channel(), Jobs(redis_url, name=namespace)
    outbox = Outbox(redis, namespace, spacing=0.01)
    store = RedisStore(redis, namespace)
    announcer = SlackAnnouncer(outbox, slack, AsyncWebClient(), jobs, store)
    pick = random.Random(7)
    asked: dict[str, float] = {}
    async with jobs.opened({"flush": Kind(announcer.flush, attempts=1)}):
        worker = asyncio.create_task(jobs.work())
        for number in range(PUTS):
            key = f"note:{number}"
            asked[key] = time.monotonic()
            await announcer.post("C1", key, _said(key))
            await asyncio.sleep(pick.random() * 0.03)
        await until(lambda: len(slack.arrived) == PUTS)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    await redis.aclose()
    assert slack.arrived.keys() == asked.keys()
    assert max(slack.arrived[key] - asked[key] for key in asked) < LONGEST


def _said(text: str) -> Any:
    return Message(text=text)
