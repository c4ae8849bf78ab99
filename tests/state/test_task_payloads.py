"""A task in Redis that this program did not write runs no code, and stops nothing."""

from __future__ import annotations

import asyncio
import os
import pickle
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from redis.asyncio import Redis

from bot.state.durable_tasks import Jobs, Kind
from bot.state.queue_client import NO_ARGUMENTS, PlainPayloads
from tests.support.waiting import until


class Forged:
    """Makes a folder when it is loaded by pickle."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


def message(name: str, args: bytes, kwargs: bytes) -> dict[str, bytes | str]:
    """A task as docket writes it to its stream."""
    when = "2026-11-23T03:12:00+00:00"
    about: dict[str, bytes | str] = {"key": name, "when": when, "function": "note"}
    return about | {"args": args, "kwargs": kwargs, "attempt": "1", "generation": "0"}


@pytest.mark.parametrize("field", ["args", "kwargs"])
async def test_a_forged_task_runs_no_code(
    redis_url: str, redis: Redis, tmp_path: Path, field: str
) -> None:
    done: list[str] = []

    async def note(about: str) -> None:
        done.append(about)

    made = tmp_path / "made"
    forged = {"args": pickle.dumps(("x",)), "kwargs": pickle.dumps({})}
    forged[field] = cloudpickle.dumps(Forged(made))
    queue = f"test-{uuid.uuid4().hex[:8]}"
    jobs = Jobs(redis_url, name=queue, first_pause=timedelta(milliseconds=1))
    strike = {"direction": "strike", "operator": "==", "function": "note"}
    await redis.xadd(
        f"{queue}:strikes",
        {**strike, "parameter": "about", "value": cloudpickle.dumps(Forged(made))},
    )
    async with jobs.opened({"note": Kind(note, attempts=1)}):
        await redis.xadd(f"{queue}:stream", message("forged", **forged))
        worker = asyncio.create_task(jobs.work())
        await jobs.put("note", "ours", key="ours")
        await until(lambda: "ours" in done)

        async def is_ended() -> bool:
            pending: Any = await redis.xpending(f"{queue}:stream", "docket-workers")
            return int(pending["pending"]) == 0 and await redis.xlen(f"{queue}:stream") == 0

        await until(is_ended)
        assert not worker.done()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    assert not made.exists()
    assert pickle.loads(cloudpickle.dumps(Forged(made))) is None
    assert made.exists(), "the same payload does run code where it is loaded as docket does"


async def test_a_task_of_an_earlier_version_is_done(redis_url: str, redis: Redis) -> None:
    done: list[str] = []

    async def note(about: str) -> None:
        done.append(about)

    queue = f"test-{uuid.uuid4().hex[:8]}"
    jobs = Jobs(redis_url, name=queue)
    async with jobs.opened({"note": Kind(note)}):
        earlier = message("earlier", cloudpickle.dumps(("queued",)), cloudpickle.dumps({}))
        await redis.xadd(f"{queue}:stream", earlier)
        worker = asyncio.create_task(jobs.work())
        await until(lambda: done == ["queued"])
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_arguments_are_kept_as_plain_text(redis_url: str, redis: Redis) -> None:
    queue = f"test-{uuid.uuid4().hex[:8]}"
    jobs = Jobs(redis_url, name=queue)

    async def note(about: str) -> None: ...

    async with jobs.opened({"note": Kind(note)}):
        await jobs.put("note", "é: ünï", key="k")
        ((_, fields),) = await redis.xrange(f"{queue}:stream")
        assert fields["args"] == '["\\u00e9: \\u00fcn\\u00ef"]'
        assert await jobs.waiting("note") == {"é: ünï"}


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\x80",
        b"\x80\x05.",
        pickle.dumps(print),
        b"cos\nsystem\n(S'x'\ntR.",
        b"\xff\xfe",
    ],
)
def test_what_cannot_be_read_is_no_arguments(payload: bytes) -> None:
    assert PlainPayloads.loads(payload) is NO_ARGUMENTS
