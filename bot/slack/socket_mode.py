"""Socket Mode: two connections, each replaced when it has been down for too long.

slack-sdk's client reconnects by itself in most cases. In known cases it does not: it receives
nothing after an idle reconnect, or keeps using a closed HTTP session. So a connection that stays
down is replaced together with its HTTP session. There are two connections because Slack gives
each payload to any one that is open.
"""

from __future__ import annotations

import asyncio
import logging
import time

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from bot.domain.errors import ConfigError
from bot.slack.faults import FAULTS
from bot.slack.refusals import REVOKED

log = logging.getLogger(__name__)

CONNECTIONS = 2
CHECK_SECONDS = 2.0  # between two checks of a connection
DOWN_SECONDS = 15.0  # after which a connection that is down is replaced
TOKEN_REFUSED = REVOKED | {"not_allowed_token_type"}
"""Slack's error codes for an app-level token that is not valid."""
PAUSE_SECONDS = (1.0, 30.0)  # before the first retry of a failed connection, and at most


class Sockets:
    """Keeps the connections open until cancelled.

    `refused` is a sentence for people when Slack refuses the token, else None.
    """

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        self._app = app
        self._token = app_token
        self._live = [False] * CONNECTIONS
        self._connected = False
        self.refused: str | None = None

    @property
    def live(self) -> int:
        """How many connections are open."""
        return sum(self._live)

    async def run(self) -> None:
        """Connect, and replace connections that stay down, until cancelled.

        Raises ConfigError when Slack refuses the token before any connection was open. A token
        that is revoked later is tried again, because it may be a mistake that is being corrected.
        """
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(self._keep(number), name=f"socket-{number}")

    async def _keep(self, number: int) -> None:
        first, most = PAUSE_SECONDS
        pause = first
        while True:
            handler = AsyncSocketModeHandler(self._app, self._token, ping_interval=5)
            try:
                # slack-sdk retries a refused token for ever; so the URL is asked for here
                opened = await self._app.client.apps_connections_open(app_token=self._token)
                handler.client.wss_uri = opened["url"]
                async with asyncio.timeout(DOWN_SECONDS):
                    await handler.connect_async()
                pause, self._connected, self.refused = first, True, None
                await self._watch(number, handler)
                log.warning("Socket Mode connection %d stays down; replacing it", number)
            except FAULTS as error:
                if isinstance(error, SlackApiError):
                    self._check_token_error(str(error.response.get("error")))
                log.warning(
                    "Socket Mode connection %d: %s; trying again in %.0f s", number, error, pause
                )
                await asyncio.sleep(pause)
                pause = min(pause * 2, most)
            finally:
                self._live[number] = False
                await handler.close_async()

    def _check_token_error(self, error: str) -> None:
        if error not in TOKEN_REFUSED:
            return
        self.refused = (
            f"Slack refuses SLACK_APP_TOKEN ({error}); make an app-level token (xapp-…) with "
            "connections:write on the app's Basic Information page"
        )
        if not self._connected:
            raise ConfigError(self.refused)
        log.critical("%s. No events are received from Slack.", self.refused)

    async def _watch(self, number: int, handler: AsyncSocketModeHandler) -> None:
        """Return when the connection has been down for DOWN_SECONDS."""
        last_open = time.monotonic()
        while time.monotonic() - last_open < DOWN_SECONDS:
            self._live[number] = await handler.client.is_connected()
            if self._live[number]:
                last_open = time.monotonic()
            await asyncio.sleep(CHECK_SECONDS)
