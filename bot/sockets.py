"""Socket Mode: two connections, and a watchdog that replaces one that has gone deaf.

slack-sdk's client reconnects by itself in most cases; known ones where it does not (deaf after an
idle reconnect, a closed HTTP session it keeps using) are why a connection that stays down is
thrown away whole, HTTP session included, and why there are two: Slack hands a payload to any live
one.
"""

from __future__ import annotations

import asyncio
import logging
import time

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackClientError

log = logging.getLogger(__name__)

CONNECTIONS = 2
LOOK_SECONDS = 2.0
DEAF_SECONDS = 15.0
PAUSE_SECONDS = (1.0, 30.0)  # before the first retry of a refused connection, and at most


class Sockets:
    """Keeps the connections up until cancelled; `live` says how many are."""

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        self._app = app
        self._token = app_token
        self._live = [False] * CONNECTIONS

    @property
    def live(self) -> int:
        return sum(self._live)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(self._keep(number), name=f"socket-{number}")

    async def _keep(self, number: int) -> None:
        first, most = PAUSE_SECONDS
        pause = first
        while True:
            handler = AsyncSocketModeHandler(self._app, self._token, ping_interval=5)
            try:
                await handler.connect_async()
                pause = first
                await self._watch(number, handler)
                log.warning("Socket Mode connection %d went deaf; replacing it", number)
            except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
                log.warning("Socket Mode connection %d: %s; again in %.0f s", number, error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, most)
            finally:
                self._live[number] = False
                await handler.close_async()

    async def _watch(self, number: int, handler: AsyncSocketModeHandler) -> None:
        """Returns when the connection has been down for too long."""
        heard = time.monotonic()
        while time.monotonic() - heard < DEAF_SECONDS:
            self._live[number] = await handler.client.is_connected()
            if self._live[number]:
                heard = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
