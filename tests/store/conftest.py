"""One real Valkey for the session, started as the bot starts its own; a namespace for each test."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.slack.client import SlackClient, web_client
from bot.slack.outbox import Outbox
from bot.state import embedded
from bot.state.store import RedisStore, connect
from tests.store.slack_stub import SlackStub, slack_stub


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    state_dir = tmp_path_factory.mktemp("state")
    yield embedded.start(state_dir)
    embedded.stop(state_dir)


@pytest.fixture
def namespace() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def redis(url: str) -> AsyncIterator[Redis]:
    client = connect(url)
    yield client
    await client.aclose()


@pytest.fixture
def store(redis: Redis, namespace: str) -> RedisStore:
    return RedisStore(redis, namespace)


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    """A state directory of one's own, whose server is ended with the test."""
    yield tmp_path
    embedded.stop(tmp_path)


@pytest.fixture
async def slack() -> AsyncIterator[SlackStub]:
    async with slack_stub() as stub:
        yield stub


@pytest.fixture
def client(slack: SlackStub) -> SlackClient:
    return SlackClient(web_client("xoxb-test", slack.url))


@pytest.fixture
def outbox(redis: Redis, namespace: str) -> Outbox:
    """One that does not dawdle; what is about the pace sets its own."""
    return Outbox(redis, namespace, spacing=0.0, lease=5.0, doubt=0.0, backoff=0.001)
