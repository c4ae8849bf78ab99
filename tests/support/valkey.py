"""One real Valkey for the session, started as the bot starts its own; a namespace for each test."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.state import embedded_valkey
from bot.state.store import RedisStore, connect


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    state_dir = tmp_path_factory.mktemp("state")
    yield embedded_valkey.start(state_dir)
    embedded_valkey.stop(state_dir)


@pytest.fixture
def namespace() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def store(redis: Redis, namespace: str) -> RedisStore:
    return RedisStore(redis, namespace)


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    """A state directory of one's own, whose server is ended with the test."""
    yield tmp_path
    embedded_valkey.stop(tmp_path)
