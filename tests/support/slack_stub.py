"""As much of Slack as the outbox calls, over HTTP, with the faults it must survive."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bot.slack.client import SlackClient, web_client

BOT = {"user": "U_BOT", "bot_id": "B_BOT"}


class SlackStub:
    """Messages as Slack keeps them. `faults` is played one a call of a write, then all is well:
    a number (status), an error code, "drop" (not taken), or "take" + "drop"/"hang"/a status."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.writes: list[tuple[str, str]] = []  # method and text, also of refused ones
        self.faults: deque[str | int] = deque()
        self.read_faults: deque[str | int] = deque()
        self.retry_after = "0.05"
        self.refused_blocks: set[str] = set()  # types that this workspace does not take
        self.points, self.pointer = True, "/type"  # whether a refusal says which block, and where
        self.taken = asyncio.Event()
        self.url = ""
        self._clock = 1_795_445_000

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        handlers = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._read,
            "conversations.replies": self._read,
        }
        body = await request.text()
        arguments = json.loads(body) if body.startswith("{") else dict(request.query)
        is_write = method.startswith("chat.")
        faults = self.faults if is_write else self.read_faults
        fault = str(faults.popleft()) if faults else ""
        if is_write:
            self.writes.append((method, arguments["text"]))
        if is_write and not fault and (complaint := self._complaint(arguments)):
            return web.json_response(complaint)
        reply = {} if fault and not fault.startswith("take ") else handlers[method](arguments)
        match fault.removeprefix("take "):
            case "":
                return web.json_response(reply)
            case "drop":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case "hang":
                self.taken.set()
                await asyncio.sleep(60)
                return web.Response()
            case "plain":
                return web.Response(text="captive portal")
            case "429":
                return web.json_response(
                    {"ok": False, "error": "ratelimited"},
                    status=429,
                    headers={"Retry-After": self.retry_after},
                )
            case status if status.isdigit():
                return web.Response(status=int(status), text="<html>oops", content_type="text/html")
            case code:
                return web.json_response({"ok": False, "error": code})

    def _complaint(self, arguments: dict[str, Any]) -> dict[str, Any] | None:
        for number, block in enumerate(arguments.get("blocks") or ()):
            if block["type"] in self.refused_blocks:
                where = f"[json-pointer:/blocks/{number}{self.pointer}]"
                messages = [f"[ERROR] unsupported type: {block['type']} {where}"]
                told = {"response_metadata": {"messages": messages}} if self.points else {}
                return {"ok": False, "error": "invalid_blocks", **told}
        return None

    def say(self, **message: Any) -> str:
        """A message of anybody."""
        self._clock += 1
        ts = f"{self._clock}.000100"
        self.messages.append({"ts": ts, **message})
        return ts

    def _auth_test(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "user_id": BOT["user"], "bot_id": BOT["bot_id"]}

    def _post(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "ts": self.say(**arguments, **BOT)}

    def _update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        (found,) = [m for m in self.messages if m["ts"] == arguments["ts"]]
        found.update(arguments)
        return {"ok": True, "ts": found["ts"]}

    def _read(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """One message a page, so that whoever stops at the first page finds nothing."""
        assert arguments["include_all_metadata"] in ("1", "true", True, 1)
        in_thread = [
            m
            for m in self.messages
            if m["channel"] == arguments["channel"] and m.get("thread_ts") == arguments.get("ts")
        ]
        place = int(arguments.get("cursor") or 0)
        following = place + 1
        return {
            "ok": True,
            "messages": in_thread[place:following],
            "response_metadata": {
                "next_cursor": str(following) if following < len(in_thread) else ""
            },
        }


@asynccontextmanager
async def slack_stub() -> AsyncIterator[SlackStub]:
    stub = SlackStub()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", stub.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    try:
        yield stub
    finally:
        await runner.cleanup()


@pytest.fixture
async def slack() -> AsyncIterator[SlackStub]:
    async with slack_stub() as stub:
        yield stub


@pytest.fixture
def client(slack: SlackStub) -> SlackClient:
    return SlackClient(web_client("xoxb-test", slack.url))
