"""Answers go to Slack, whatever a signed body or a socket says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from handlers.slack.authorization import Authorization
from handlers.slack.listeners import register, slack_app
from tests.handlers.slack.running_bot import (
    APP,
    SECRET,
    TEAM,
    VOCABULARY,
    Memory,
    running,
)


@asynccontextmanager
async def stranger() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that is not Slack's, and what it was asked."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"ok": True, "team_id": TEAM, "user_id": "U0BOT"})

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


CLICK = {"action_id": "undo", "value": "run"}


async def test_a_signed_body_can_not_send_the_bot_elsewhere() -> None:
    async with stranger() as (url, asked), running() as bot:
        bot.memory.broken = True  # so that the person has to be told
        answer = await bot.click(**CLICK, response_url=f"{url}/x")
        assert answer.status_code == 503
        urls = [{"response_url": f"{url}/x"}]
        await bot.click(**CLICK, response_url=None, response_urls=urls)
        bot.memory.broken = False
        await bot.click(**CLICK, response_url=f"{url}/y", api_app_id="A0OTHER")
        assert asked == []
        assert bot.api.of("response") == []
        bot.memory.broken = True
        await bot.click(**CLICK)
        assert len(bot.api.of("response")) == 1


async def test_nor_can_a_socket() -> None:
    async with stranger() as (url, asked):
        memory = Memory(broken=True)
        app = slack_app(AsyncWebClient(token="xoxb-test", base_url=f"{url}/api/"), SECRET)
        register(app, memory, Authorization(app_id=APP), VOCABULARY)
        for body in (
            {"response_url": "http://127.0.0.1:9/x"},
            {"response_urls": [{"response_url": "http://127.0.0.1:9/x"}]},
        ):
            payload = {
                "type": "block_actions",
                "team": {"id": TEAM},
                "api_app_id": APP,
                "user": {"id": "U1", "team_id": TEAM},
                "actions": [{"type": "button", **CLICK}],
                **body,
            }
            await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))
            assert "http://127.0.0.1:9/x" not in str(payload)
        assert set(asked) == {"/api/auth.test"}
