"""An HTTP server in this event loop, and bytes sent to it by hand."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.app import http_server
from bot.app.connection_limits import Limits

WHOLE = b"GET /healthz HTTP/1.1\r\nHost: bot\r\n\r\n"


@dataclass
class Running:
    server: http_server.Server
    port: int
    seen: list[tuple[str, bytes]]

    async def say(self, *pieces: bytes, wait: float = 5.0) -> bytes:
        """Send the pieces and read until the server closes, or is silent for 0.2 s after having
        answered; everything it said."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        told = b""
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            while True:
                async with asyncio.timeout(0.2 if told else wait):
                    piece = await reader.read(65_536)
                if not piece:
                    break
                told += piece
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return told

    async def healthy(self, seconds: float = 1.0) -> bool:
        """Whether a health check is answered in time."""
        async with asyncio.timeout(seconds):
            return (await self.say(WHOLE)).startswith(b"HTTP/1.1 200")


@asynccontextmanager
async def running(
    limits: Limits | None = None, app: ASGIApp | None = None
) -> AsyncIterator[Running]:
    seen: list[tuple[str, bytes]] = []

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message["body"]
            more = message["more_body"]
        seen.append((scope["path"], body))
        length = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": body})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = http_server.server(app or echo, listener, limits)
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.005)
        try:
            yield Running(server, port, seen)
        finally:
            server.should_exit = True
            await task
