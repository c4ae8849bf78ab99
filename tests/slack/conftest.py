from __future__ import annotations

import pytest
from redis.asyncio import Redis

from bot.slack.outbox import Outbox


@pytest.fixture
def outbox(redis: Redis, namespace: str) -> Outbox:
    """One that does not dawdle; what is about the pace sets its own."""
    return Outbox(redis, namespace, spacing=0.0, lease=5.0, doubt=0.0, backoff=0.001)
