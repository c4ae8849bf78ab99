"""The bot's Slack side as it runs, without a network: real Bolt behind the real ingress.

Only the edges are plain values: an inbox that is a list, a memory of nonces that is a set, and a
Web API on localhost that writes down what it is asked.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode

import httpx
from aiohttp import web
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_sdk.web.async_client import AsyncWebClient
from starlette.types import ASGIApp

from bot.domain.slack_ports import People
from bot.render import Entry
from handlers.envelopes import Envelope, NotSaved, envelope_from
from handlers.slack.authorization import Authorization
from handlers.slack.commands import Vocabulary
from handlers.slack.listeners import register, slack_app
from handlers.slack.request_verification import SlackIngress

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TEAM, APP, BOT, CHANNEL, USER = "T0OURS", "A0OURS", "B0BOT", "C0CHECKOUT", "U0ANNA"
VOCABULARY = Vocabulary((Entry("5xx", "HTTP 5XX errors", "an overloaded backend"),), ("checkout",))


@dataclass
class Memory:
    """An inbox that keeps one envelope a key, as JSON; and the nonces seen."""

    kept: dict[str, str] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)
    broken: bool = False

    async def accept(self, envelope: Envelope) -> None:
        if self.broken:
            raise NotSaved("the store is down")
        self.kept.setdefault(envelope.key, envelope.model_dump_json())

    async def seen(self, nonce: str) -> bool:
        known = nonce in self.nonces
        self.nonces.add(nonce)
        return known

    async def forget(self, nonce: str) -> None:
        self.nonces.discard(nonce)

    @property
    def envelopes(self) -> list[Envelope]:
        return [envelope_from(text) for text in self.kept.values()]


@dataclass
class WebApi:
    """Slack's Web API and its response URLs, as far as a listener asks them."""

    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refuse: str | None = None

    def of(self, method: str) -> list[dict[str, Any]]:
        return [body for name, body in self.asked if name == method]

    async def answer(self, request: web.Request) -> web.Response:
        method = request.path.strip("/")
        text = await request.text()
        body = json.loads(text) if text.startswith("{") else dict(await request.post())
        self.asked.append((method, body))
        if method == "auth.test":
            known = {"team_id": TEAM, "user_id": "U0BOT", "bot_id": BOT, "user": "incident"}
            return web.json_response({"ok": True, **known})
        if self.refuse:
            return web.json_response({"ok": False, "error": self.refuse})
        return web.json_response({"ok": True})


@dataclass
class Bot:
    """The bot and a hand to send it signed requests."""

    http: httpx.AsyncClient
    memory: Memory
    api: WebApi

    async def send(
        self, body: bytes, kind: str = "application/json", **headers: str
    ) -> httpx.Response:
        signed = {"content-type": kind, **signature(body), **headers}
        return await self.http.post("/slack/events", content=body, headers=signed)

    async def event(self, event: dict[str, Any], **outer: Any) -> httpx.Response:
        payload = {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": APP,
            "event_id": "Ev1",
            "event": {"channel": CHANNEL, "team": TEAM, **event},
            **outer,
        }
        return await self.send(json.dumps(payload).encode())

    async def slash(self, text: str, **fields: str) -> httpx.Response:
        form = {
            "command": "/incident",
            "text": text,
            "team_id": TEAM,
            "api_app_id": APP,
            "channel_id": CHANNEL,
            "user_id": USER,
            "trigger_id": "11.22.abc",
            "response_url": f"{self.api.url}/response",
            **fields,
        }
        return await self.send(urlencode(form).encode(), "application/x-www-form-urlencoded")

    async def interact(self, payload: dict[str, Any]) -> httpx.Response:
        whole = {
            "team": {"id": TEAM},
            "api_app_id": APP,
            "user": {"id": USER, "team_id": TEAM},
            "trigger_id": "11.22.abc",
            **payload,
        }
        form = urlencode({"payload": json.dumps(whole)}).encode()
        return await self.send(form, "application/x-www-form-urlencoded")

    async def click(self, action_id: str, value: str, **payload: Any) -> httpx.Response:
        return await self.interact(
            {
                "type": "block_actions",
                "channel": {"id": CHANNEL},
                "container": {"message_ts": "2.0", "channel_id": CHANNEL, "thread_ts": "1.0"},
                "response_url": f"{self.api.url}/response",
                "actions": [{"type": "button", "action_id": action_id, "value": value}],
                **payload,
            }
        )


def signature(body: bytes, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256)
    return {
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={digest.hexdigest()}",
    }


@asynccontextmanager
async def running(
    door: Authorization | None = None,
    vocabulary: Vocabulary = VOCABULARY,
    people: People | None = None,
) -> AsyncIterator[Bot]:
    memory, api = Memory(), WebApi()
    server = web.Application()
    server.router.add_post("/{method}", api.answer)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    api.url = f"http://127.0.0.1:{port}"
    app = slack_app(AsyncWebClient(token="xoxb-test", base_url=f"{api.url}/"), SECRET)
    register(app, memory, door or Authorization(app_id=APP), vocabulary, people)
    inner = cast(ASGIApp, AsyncSlackRequestHandler(app))
    ingress = SlackIngress(inner, SECRET, memory)
    transport = httpx.ASGITransport(app=ingress)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as http:
            yield Bot(http, memory, api)
    finally:
        await runner.cleanup()
