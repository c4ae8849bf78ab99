"""Drive coroutines by hand, one wait at a time: kill one at any point, interleave two."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


class _Wait:
    def __await__(self) -> Generator[None, None, None]:
        yield


async def wait_here() -> None:
    """A point where whoever drives may stop us."""
    await _Wait()


async def beside(work: Callable[[], T], /) -> T:
    """An `Offload` that can be stopped before the work and after it."""
    await wait_here()
    try:
        return work()
    finally:
        await wait_here()


class Killed(Exception):
    """The coroutine was stopped where the test wanted it."""


def drive(coroutine: Coroutine[Any, Any, T], *, kill_at: int | None = None) -> T:
    """Run to the end, or until the wait number `kill_at`; there it is dropped: Killed."""
    try:
        waits = 0
        while True:
            coroutine.send(None)
            if waits == kill_at:
                raise Killed
            waits += 1
    except StopIteration as end:
        result: T = end.value
        return result
