"""Redis has no memory left: what is under way is ended or undone, and nothing new begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from bot.domain.incident import TimelineEntry
from bot.domain.run import RunState
from bot.slack.outbox import Message, Outbox
from bot.state import embedded_valkey
from bot.state.durable_tasks import MAIN, Jobs, Kind
from bot.state.store import RedisStore, connect
from tests.support.values import NOON, approved, incident, plan, requested, run
from tests.support.waiting import until

S = RunState


@pytest.fixture
async def server(state_dir: Path) -> AsyncIterator[Redis]:
    """A Valkey of one's own, reached by the store's client."""
    client = connect(embedded_valkey.start(state_dir))
    yield client
    await client.config_set("maxmemory", "0")
    await client.aclose()


async def fill(server: Redis) -> None:
    await server.config_set("maxmemory", "1")


async def test_a_change_in_force_is_undone_and_no_other_begins(server: Redis) -> None:
    store, outbox = RedisStore(server), Outbox(server, spacing=0.0)
    assert await store.verify_audit() is None
    await approved(store)
    await store.claim_target("function:checkout", "R1")
    await store.move_run("R1", {S.APPROVED}, S.RUNNING)
    await store.move_run("R1", {S.RUNNING}, S.DONE)
    await store.release_target("function:checkout", "R1")
    await approved(store, id="R2")
    await requested(store, id="R3")
    await fill(server)

    assert await store.first_time("undo:R1:click", 60)
    assert not await store.first_time("undo:R1:click", 60)
    assert await store.claim_target("function:checkout", "R1") is None
    assert await store.move_run("R1", {S.DONE}, S.UNDOING, undone_by="U_ANA") is not None
    await store.add_to_timeline("INC1", TimelineEntry(at=NOON, kind="undo", text="undoing"))
    assert await outbox.put("C1", "run:R1", Message(text="Undoing"))
    assert await store.move_run("R1", {S.UNDOING}, S.UNDONE) is not None
    await store.release_target("function:checkout", "R1")
    assert await store.verify_audit() is None
    assert len(await store.timeline("INC1")) == 1

    with pytest.raises(OutOfMemoryError):
        await store.move_run("R2", {S.APPROVED}, S.RUNNING)
    with pytest.raises(OutOfMemoryError):
        await store.approve("R3", "U_BEN", plan().fingerprint)
    with pytest.raises(OutOfMemoryError):
        await store.create_run(run(id="R4"))
    with pytest.raises(OutOfMemoryError):
        await store.open_incident(incident(), "a")
    with pytest.raises(OutOfMemoryError):
        await store.check_writable()


async def test_tasks_are_queued_claimed_retried_and_ended(server: Redis, state_dir: Path) -> None:
    """The worker was started before; another is started when it is full."""
    done: list[str] = []

    async def note(about: str) -> None:
        done.append(about)
        if done.count(about) == 1:
            raise LookupError("not yet")

    url = embedded_valkey.start(state_dir)
    kinds = {"undo": Kind(note), "intake": Kind(note, begins_anew=True)}
    for name in ("before", "after"):
        if name == "after":
            await fill(server)
        jobs = Jobs(url, name=f"test-{name}")
        async with jobs.opened(kinds):
            worker = asyncio.create_task(jobs.work())
            await jobs.put("undo", f"{name} 1", key="1")
            await until(lambda name=name: done.count(f"{name} 1") == 2)
            await fill(server)
            with pytest.raises(OutOfMemoryError):
                await jobs.check_writable()
            with pytest.raises(OutOfMemoryError):
                await jobs.put("intake", "new", key="new")
            await jobs.put("undo", f"{name} 2", key="2", after=0.2)
            await until(lambda name=name: done.count(f"{name} 2") == 2)

            async def nothing_waits(jobs: Jobs = jobs) -> bool:
                return not await jobs.waiting("undo")

            await until(nothing_waits)
            await server.config_set("maxmemory", "0")
            await jobs.check_writable()
            await jobs.put("intake", f"{name} new", key="new")
            await until(lambda name=name: done.count(f"{name} new") == 2)
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)


async def test_a_transaction_that_is_refused_is_done_step_by_step(
    server: Redis, state_dir: Path
) -> None:
    """docket's workers tell that they live in one."""
    jobs = Jobs(embedded_valkey.start(state_dir), name="test")
    async with jobs.opened({}), jobs._lanes[MAIN].redis() as client:
        await fill(server)
        async with client.pipeline() as step:
            step.zadd("test:workers", {"me": 1})
            step.sadd("test:tasks", "note", "step")
            assert await step.execute() == [1, 2]


async def test_the_check_of_the_queue_leaves_nothing_in_it(server: Redis, state_dir: Path) -> None:
    jobs = Jobs(embedded_valkey.start(state_dir), name="test")
    async with jobs.opened({}):
        await jobs.check_writable()
        assert await server.xlen("test:stream") == 0
