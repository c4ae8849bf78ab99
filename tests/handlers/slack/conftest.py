from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.handlers.slack.running_bot import Bot, running


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with running() as started:
        yield started
