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
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.domain.errors import ConfigError
from bot.slack.outbox import REVOKED

log = logging.getLogger(__name__)

CONNECTIONS = 2
LOOK_SECONDS = 2.0
DEAF_SECONDS = 15.0
REFUSED = REVOKED | {"not_allowed_token_type"}
PAUSE_SECONDS = (1.0, 30.0)  # before the first retry of a refused connection, and at most


class Sockets:
    """Keeps the connections up until cancelled; `live` says how many are, `refused` what Slack
    says against the token, if it does."""

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        self._app = app
        self._token = app_token
        self._live = [False] * CONNECTIONS
        self._connected = False
        self.refused: str | None = None

    @property
    def live(self) -> int:
        return sum(self._live)

    async def run(self) -> None:
        """Raises ConfigError when Slack refuses the token at the start. A token that is revoked
        later is tried again: somebody may be about to put that right."""
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(self._keep(number), name=f"socket-{number}")

    async def _keep(self, number: int) -> None:
        first, most = PAUSE_SECONDS
        pause = first
        while True:
            handler = AsyncSocketModeHandler(self._app, self._token, ping_interval=5)
            try:
                # slack-sdk tries a refused token again without end, so it gets its URL from us
                opened = await self._app.client.apps_connections_open(app_token=self._token)
                handler.client.wss_uri = opened["url"]
                async with asyncio.timeout(DEAF_SECONDS):
                    await handler.connect_async()
                pause, self._connected, self.refused = first, True, None
                await self._watch(number, handler)
                log.warning("Socket Mode connection %d went deaf; replacing it", number)
            except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
                if isinstance(error, SlackApiError):
                    self._heed(str(error.response.get("error")))
                log.warning("Socket Mode connection %d: %s; again in %.0f s", number, error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, most)
            finally:
                self._live[number] = False
                await handler.close_async()

    def _heed(self, error: str) -> None:
        if error not in REFUSED:
            return
        self.refused = (
            f"Slack refuses SLACK_APP_TOKEN ({error}); make an app-level token (xapp-…) with "
            "connections:write on the app's Basic Information page"
        )
        if not self._connected:
            raise ConfigError(self.refused)
        log.critical("%s. Nothing is heard from Slack.", self.refused)

    async def _watch(self, number: int, handler: AsyncSocketModeHandler) -> None:
        """Returns when the connection has been down for too long."""
        heard = time.monotonic()
        while time.monotonic() - heard < DEAF_SECONDS:
            self._live[number] = await handler.client.is_connected()
            if self._live[number]:
                heard = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
