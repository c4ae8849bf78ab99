"""A failover behind a DNS name: the old primary turns replica, and its connections stay open."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import ReadOnlyError

from bot.domain.run import RunState
from bot.slack.outbox import Message, Outbox
from bot.state.durable_tasks import Jobs, Kind
from bot.state.store import RedisStore, connect
from tests.support.two_servers import Name, fail_over, port_of, server
from tests.support.values import approved, incident
from tests.support.waiting import until

S = RunState
SET = b"$3\r\nSET\r\n"
SCRIPT = b"EVALSHA"


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[Redis]:
    async with server(tmp_path / "old") as client:
        yield client


@pytest.fixture
async def new(tmp_path: Path) -> AsyncIterator[Redis]:
    async with server(tmp_path / "new") as client:
        yield client


@pytest.fixture
async def name(old: Redis) -> AsyncIterator[Name]:
    async with Name(port_of(old)) as forwarder:
        yield forwarder


@pytest.fixture
async def client(name: Name) -> AsyncIterator[Redis]:
    redis = connect(name.url)
    yield redis
    await redis.aclose()


async def test_every_write_after_a_failover_is_done(
    name: Name, client: Redis, old: Redis, new: Redis
) -> None:
    store, outbox = RedisStore(client), Outbox(client)
    await asyncio.gather(*(store.first_time(f"warm-{n}", 60) for n in range(8)))  # 8 connections
    await fail_over(name, old, new)
    with pytest.raises(ReadOnlyError):
        await old.set("the old one", "refuses")

    done = await asyncio.gather(*(store.first_time(f"nonce-{n}", 60) for n in range(8)))
    assert all(done)
    assert not await store.first_time("nonce-0", 60), "remembered, and counted once"
    _, is_new = await store.open_incident(incident(), "checkout")
    assert is_new
    assert await outbox.put("C1", "card", Message(text="a card"))
    assert await outbox.pending() == ["C1"]
    await store.forget("nonce-0")
    assert await store.first_time("nonce-0", 60)


async def test_a_compare_and_set_that_was_refused_is_done_once(
    name: Name, client: Redis, old: Redis, new: Redis
) -> None:
    store = RedisStore(client)
    await approved(store)
    before = [entry.event for entry in await store.audit()]
    await fail_over(name, old, new)

    won = await store.move_run("R1", {S.APPROVED}, S.RUNNING)
    assert won is not None, "nobody else was first: the refused attempt did nothing"
    assert won.state is S.RUNNING
    assert await store.move_run("R1", {S.APPROVED}, S.RUNNING) is None
    assert [entry.event for entry in await store.audit()] == [*before, "running"]
    assert await store.verify_audit() is None


async def test_a_replica_refuses_a_script_before_its_first_line(
    name: Name, client: Redis, old: Redis, new: Redis
) -> None:
    """A script that would only look is refused too: it must not decide on what a replica knows."""
    store = RedisStore(client)
    await approved(store)
    assert await store.claim_target("function:checkout", "R1") is None
    await fail_over(name, old, new)
    name.port = port_of(old)  # the name still leads to the old one
    held = store.claim_target("function:checkout", "R2")  # answered without a write, by the script
    with pytest.raises(ReadOnlyError):
        await held


async def test_a_name_that_changes_late_is_asked_for_each_command(
    name: Name, client: Redis, old: Redis, new: Redis
) -> None:
    store = RedisStore(client)
    assert await store.first_time("before", 60)
    await fail_over(name, old, new)
    name.port = port_of(old)
    for n in range(3):
        with pytest.raises(ReadOnlyError):
            await store.first_time(f"too early {n}", 60)
    with pytest.raises(ReadOnlyError):
        await store.check_writable()
    name.port = port_of(new)
    await store.check_writable()
    assert await store.first_time("too early 0", 60), "no refused attempt was remembered"


async def test_tasks_are_queued_and_done_after_a_failover(
    name: Name, old: Redis, new: Redis
) -> None:
    done: list[str] = []

    async def do(about: str) -> None:
        done.append(about)

    jobs = Jobs(name.url, name=f"test-{uuid.uuid4().hex[:8]}")
    async with jobs.opened({"note": Kind(do)}):
        worker = asyncio.create_task(jobs.work())
        try:
            await jobs.put("note", "before", key="before")
            await until(lambda: done == ["before"])
            await fail_over(name, old, new)
            for n in range(6):
                await jobs.put("note", str(n), key=f"after-{n}")
            await jobs.put("note", "0", key="after-0")  # known: its key is there or it is done
            await until(lambda: {str(n) for n in range(6)} <= set(done), seconds=20)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)


@pytest.mark.parametrize(
    "refusal",
    [
        b"-READONLY You can't write against a read only replica.",
        b"-LOADING Valkey is loading the dataset in memory",
        b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    ],
    ids=["readonly", "loading", "masterdown"],
)
async def test_what_a_server_refused_is_sent_once_more_on_a_new_connection(
    name: Name, client: Redis, refusal: bytes
) -> None:
    await asyncio.gather(*(client.ping() for _ in range(4)))
    made = name.made
    name.victim, name.refusal = SET, refusal
    assert await RedisStore(client).first_time("nonce", 60)
    assert name.made == made + 1
    await asyncio.gather(*(client.ping() for _ in range(4)))
    assert name.made == made + 4, "the connections of the pool that were idle are made anew too"
    await asyncio.gather(*(client.ping() for _ in range(4)))
    assert name.made == made + 4, "and then kept"


async def test_another_refusal_is_not_sent_again(name: Name, client: Redis) -> None:
    name.victim, name.refusal = SET, b"-NOREPLICAS Not enough good replicas to write."
    with pytest.raises(Exception, match="NOREPLICAS"):
        await RedisStore(client).first_time("nonce", 60)
    assert await RedisStore(client).first_time("nonce", 60)
    assert name.made == 2, "but it is a reason to leave the server"


@pytest.mark.parametrize("victim", [b"INCR", SCRIPT])
async def test_a_write_whose_reply_was_lost_is_not_sent_again(
    name: Name, client: Redis, old: Redis, victim: bytes
) -> None:
    count = client.register_script("return redis.call('INCR', KEYS[1])")
    assert await count(keys=["count"]) == 1
    name.victim, name.loses_replies = victim, True
    with pytest.raises(NoConnection):
        await (client.incr("count") if victim == b"INCR" else count(keys=["count"]))
    name.victim = b""
    assert await old.get("count") == "2"
    made = name.made
    await client.ping()
    assert name.made == made + 1
