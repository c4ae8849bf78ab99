"""Waiting for something to become true, never longer than a test may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(look: Callable[[], Awaitable[object] | object], seconds: float = 10.0) -> None:
    """Look every hundredth of a second. Raises AssertionError when it does not become true."""
    for _ in range(int(seconds * 100)):
        seen = look()
        if await seen if isinstance(seen, Awaitable) else seen:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"not so after {seconds} s")
