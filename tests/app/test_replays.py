"""A signed request that comes again, to another replica too: one effect, on a real Valkey."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any, cast
from unittest.mock import AsyncMock
from urllib.parse import urlencode

import httpx
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_sdk.web.async_client import AsyncWebClient
from starlette.types import ASGIApp

from bot.app.durable_inbox import DocketInbox, StoreReplays
from bot.state.durable_tasks import Jobs, Kind
from bot.state.store import RedisStore
from handlers.dispatch import Dispatch
from handlers.slack.authorization import Authorization
from handlers.slack.listeners import register, slack_app
from handlers.slack.request_verification import SlackIngress
from tests.handlers.slack.running_bot import APP, SECRET, TEAM, VOCABULARY, running, signature
from tests.support.waiting import until

FORM = "application/x-www-form-urlencoded"


def command(text: str) -> bytes:
    fields = {"command": "/incident", "text": text, "team_id": TEAM, "api_app_id": APP}
    return urlencode(
        {**fields, "channel_id": "C1", "user_id": "U1", "trigger_id": f"1.2.{text}"}
    ).encode()


def click(action: str, url: str) -> bytes:
    payload = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "api_app_id": APP,
        "user": {"id": "U1", "team_id": TEAM},
        "trigger_id": "1.2.click",
        "channel": {"id": "C1"},
        "response_url": f"{url}/response",
        "actions": [{"type": "button", "action_id": action, "value": "INC-1:x"}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


async def test_two_replicas_do_it_once(redis_url: str, store: RedisStore, namespace: str) -> None:
    incidents, changes = AsyncMock(), AsyncMock()
    incidents.context.store = store
    unused = AsyncMock()
    dispatch = Dispatch(
        incidents=incidents,
        alarms=AsyncMock(),
        changes=changes,
        announcer=unused,
        catalogue=unused,
        router=unused,
        vocabulary=unused,
        home=unused,
    )
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(running())
        url = slack.api.url
        doors = []
        for _ in range(2):
            jobs = Jobs(redis_url, name=namespace)
            await stack.enter_async_context(jobs.opened({"intake": Kind(dispatch)}))
            bolt = slack_app(AsyncWebClient(token="xoxb-test", base_url=f"{url}/"), SECRET)
            register(bolt, DocketInbox(jobs), Authorization(app_id=APP), VOCABULARY)
            inner = cast(ASGIApp, AsyncSlackRequestHandler(bolt))
            ingress = SlackIngress(inner, SECRET, StoreReplays(store))
            transport = httpx.ASGITransport(app=ingress)
            client = httpx.AsyncClient(transport=transport, base_url="http://bot")
            doors.append(await stack.enter_async_context(client))
        working = asyncio.create_task(jobs.work())
        stack.callback(working.cancel)

        async def send(body: bytes, headers: dict[str, str], door: int) -> int:
            for _ in range(20):  # 503 is "not saved, come again": a machine may be slow
                answer = await doors[door].post("/slack/events", content=body, headers=headers)
                if answer.status_code != 503:
                    break
            return answer.status_code

        async def again_and_again(body: bytes, headers: dict[str, str]) -> None:
            every = [send(body, headers, number % 2) for number in range(6)]
            assert await asyncio.gather(*every) == [200] * 6

        bodies = [command("status"), command("timeline"), click("prepare.0", url)]
        requests = [(body, {"content-type": FORM, **signature(body)}) for body in bodies]
        for body, headers in requests:
            await again_and_again(body, headers)
        seen: list[Any] = [incidents.status, incidents.timeline, changes.prepare]
        await until(lambda: _all_called(seen))
        for body, headers in requests:  # after it was handled, too
            await again_and_again(body, headers)
        await until(lambda: _nothing_waits(jobs))
        assert [each.await_count for each in seen] == [1, 1, 1]
        assert len(slack.api.of("views.open")) == 1
        assert slack.api.of("response") == []


async def _all_called(seen: list[Any]) -> bool:
    return all(each.await_count for each in seen)


async def _nothing_waits(jobs: Jobs) -> bool:
    return not await jobs.waiting("intake")
