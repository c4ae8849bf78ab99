"""A local Slack for each test, and a small Bolt app living in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.clock import MovableClock, Timing
from sandbox.slack.people import (
    App,
    ChannelSeed,
    Command,
    Person,
    Seed,
    Shortcut,
    UserGroup,
    amazon_q,
)
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace

ADA, BEN, CLEO = "U0ADA", "U0BEN", "U0CLEO"
OPS, PRIVATE = "C0OPS", "C0PRIVATE"

BOT = App(
    id="A0HELPER",
    name="Incident Helper",
    bot_token="xoxb-helper",
    app_token="xapp-helper",
    signing_secret="shhh",
    commands=(Command("/incident", "Open an incident", "[service]"),),
    shortcuts=(Shortcut("investigate", "Investigate this"),),
)


def seed(bot: App = BOT) -> Seed:
    return Seed(
        people=(
            Person(ADA, "Ada Ogilvie", "On-call engineer", color="#3867d6"),
            Person(BEN, "Ben Castro", "Platform lead", color="#20bf6b"),
            Person(CLEO, "Cleo Marsh", "Payments engineer", color="#eb3b5a"),
        ),
        channels=(
            ChannelSeed(OPS, "ops", members=(ADA, BEN, CLEO, bot.user_id)),
            ChannelSeed(PRIVATE, "leads", private=True, members=(ADA, BEN)),
        ),
        apps=(bot, amazon_q()),
        user_groups=(UserGroup("S0SRE", "sre", "SRE", (ADA, BEN)),),
    )


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def workspace(clock: MovableClock) -> Workspace:
    return Workspace(seed(), now=clock, timing=Timing(ack=2.0, retries=(0.0, 0.01, 0.01)))


@pytest.fixture
def slack(workspace: Workspace) -> Iterator[SlackServer]:
    with SlackServer(workspace) as server:
        yield server


@pytest.fixture
def client(slack: SlackServer) -> AsyncWebClient:
    return AsyncWebClient(token=BOT.bot_token, base_url=slack.api_url)


@dataclass
class Helper:
    """A running Bolt app, and what it has heard."""

    app: AsyncApp
    slack: SlackServer
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def act(self, user: str, verb: str, **fields: Any) -> dict[str, Any]:
        """Do something as a person while this event loop goes on serving the app."""
        return await asyncio.to_thread(self.slack.act, user, verb, **fields)

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for something to become true; fails the test after five seconds."""
        async with asyncio.timeout(5):
            while not true():
                await asyncio.sleep(0.005)


@pytest.fixture
async def helper(slack: SlackServer, client: AsyncWebClient) -> AsyncIterator[Helper]:
    app = AsyncApp(client=client, raise_error_for_unhandled_request=False)
    running = Helper(app, slack)

    handler = AsyncSocketModeHandler(app, BOT.app_token, ping_interval=0.4)

    async def hear(_: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        running.heard.append(request.payload)

    handler.client.socket_mode_request_listeners.append(hear)
    await handler.connect_async()
    await running.until(lambda: slack.site.sockets.connected(BOT.id))
    yield running
    await handler.close_async()
