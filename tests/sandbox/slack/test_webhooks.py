"""Delivery over signed HTTP, to a real Bolt app behind Starlette."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
import uvicorn
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.slack.clock import Timing
from sandbox.slack.server import SlackServer
from sandbox.slack.webhooks import signature
from sandbox.slack.workspace import Workspace
from tests.sandbox.slack.conftest import ADA, BOT, OPS, seed


@dataclass
class Receiver:
    """An HTTP server for a Bolt app that can first answer something else."""

    app: AsyncApp
    url: str
    slack: SlackServer
    requests: list[dict[str, str]] = field(default_factory=list)
    stumble: list[Response] = field(default_factory=list)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.requests) < count:
                await asyncio.sleep(0.005)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
    bot = replace(BOT, request_url=url)
    timing = Timing(ack=2.0, retries=(0.0, 0.01, 0.01))
    with SlackServer(Workspace(seed(bot), timing=timing)) as slack:
        client = AsyncWebClient(token=BOT.bot_token, base_url=slack.api_url)
        app = AsyncApp(client=client, signing_secret=BOT.signing_secret)
        found = Receiver(app, url, slack)
        handler = AsyncSlackRequestHandler(app)

        async def serve(request: Request) -> Response:
            found.requests.append(dict(request.headers))
            if found.stumble:
                return found.stumble.pop(0)
            return await handler.handle(request)

        web = Starlette(routes=[Route("/slack/events", serve, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(web, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield found
        server.should_exit = True
        await serving


def test_the_signature_is_the_one_slacks_sdk_verifies() -> None:
    body = '{"type":"event_callback","text":"ä"}'
    signed = signature("shhh", "1700000000", body.encode())
    verifier = SignatureVerifier("shhh")
    assert verifier.generate_signature(timestamp="1700000000", body=body) == signed


async def test_events_commands_and_clicks_pass_bolts_verification(receiver: Receiver) -> None:
    heard: list[str] = []
    workspace = receiver.slack.workspace

    @receiver.app.event("message")
    async def on_message(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    @receiver.app.command("/incident")
    async def on_command(ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack({"response_type": "in_channel", "text": f"open: {command['text']}"})

    await asyncio.to_thread(receiver.slack.act, ADA, "say", channel=OPS, text="hello ä")
    await receiver.until(1)
    await asyncio.to_thread(
        receiver.slack.act, ADA, "command", channel=OPS, name="/incident", text="a & b"
    )
    assert heard == ["hello ä"]
    assert [one.text for one in workspace.messages(OPS)] == ["hello ä", "open: a & b"]
    assert "x-slack-retry-num" not in receiver.requests[0]


async def test_an_event_is_tried_again_with_slacks_headers(receiver: Receiver) -> None:
    heard: list[str] = []

    @receiver.app.event("message")
    async def on_message(body: dict[str, Any]) -> None:
        heard.append(body["event_id"])

    receiver.stumble = [Response(status_code=500), Response(status_code=503)]
    receiver.slack.workspace.say(ADA, OPS, "hello")
    await receiver.until(3)
    assert [one.get("x-slack-retry-num") for one in receiver.requests] == [None, "1", "2"]
    assert receiver.requests[2]["x-slack-retry-reason"] == "http_error"
    attempts = receiver.slack.site.delivery.attempts
    async with asyncio.timeout(5):
        while len(attempts) < 3:
            await asyncio.sleep(0.005)
    assert [one.outcome for one in attempts] == ["http_error", "http_error", "acknowledged"]
    assert heard == [attempts[0].event_id]


async def test_an_app_can_ask_not_to_be_tried_again(receiver: Receiver) -> None:
    receiver.stumble = [Response(status_code=500, headers={"x-slack-no-retry": "1"})] * 4
    receiver.slack.workspace.say(ADA, OPS, "hello")
    await receiver.until(1)
    await asyncio.sleep(0.1)
    assert len(receiver.requests) == 1


async def test_a_forged_request_is_refused_by_bolt(receiver: Receiver) -> None:
    async with httpx.AsyncClient() as http:
        headers = {"x-slack-request-timestamp": "1700000000", "x-slack-signature": "v0=00"}
        answer = await http.post(receiver.url, json={}, headers=headers)
    assert answer.status_code == 401
