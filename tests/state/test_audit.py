"""The audit chain: no entry is lost or doubled when added, nor edited, deleted or moved unseen."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from bot.domain.run import RunState
from bot.state import audit
from bot.state.keys import Keys
from bot.state.store import RedisStore, connect
from tests.support.values import approved, plan, requested, run

S = RunState
Tamper = Callable[[Redis, str], Awaitable[None]]


@pytest.fixture
async def chain(store: RedisStore, namespace: str) -> str:
    """The key of a chain of seven entries: one run approved, one waiting for its approver."""
    await approved(store)
    await requested(store, id="R2")
    assert await store.verify_audit() is None
    return Keys(namespace).audit_entries


async def edit_the_text(redis: Redis, chain: str) -> None:
    entry = await redis.lindex(chain, 3)
    await redis.lset(chain, 3, str(entry).replace("U_BEN", "U_EVE"))


async def edit_with_a_fitting_digest(redis: Redis, chain: str) -> None:
    before, entry = (str(e) for e in await redis.lrange(chain, 2, 3))
    text = entry[64:].replace("U_BEN", "U_EVE")
    digest = hashlib.sha256((before[:64] + text).encode()).hexdigest()
    await redis.lset(chain, 3, digest + text)


async def delete_one(redis: Redis, chain: str) -> None:
    await redis.lrem(chain, 1, str(await redis.lindex(chain, 3)))


async def delete_the_first(redis: Redis, chain: str) -> None:
    await redis.lpop(chain)


async def delete_the_last(redis: Redis, chain: str) -> None:
    await redis.rpop(chain)


async def delete_all(redis: Redis, chain: str) -> None:
    await redis.delete(chain)


async def swap_two(redis: Redis, chain: str) -> None:
    third, fourth = (str(entry) for entry in await redis.lrange(chain, 2, 3))
    await redis.lset(chain, 2, fourth)
    await redis.lset(chain, 3, third)


async def add_one(redis: Redis, chain: str) -> None:
    last = str(await redis.lindex(chain, -1))
    await redis.rpush(chain, "0" * 64 + last[64:].replace('"number":7', '"number":8'))


async def write_rubbish(redis: Redis, chain: str) -> None:
    await redis.lset(chain, 3, "rubbish")


async def write_bytes_that_are_no_text(redis: Redis, chain: str) -> None:
    entry = str(await redis.lindex(chain, 3))
    await redis.lset(chain, 3, entry.encode().replace(b"U_BEN", b"U_\xff\xfeN"))


async def edit_the_last(redis: Redis, chain: str) -> None:
    entry = await redis.lindex(chain, -1)
    await redis.lset(chain, -1, str(entry).replace("bot", "U_EVE"))


async def lose_the_head(redis: Redis, chain: str) -> None:
    await redis.delete(chain.replace("entries", "head"))


TAMPERINGS: dict[Tamper, str] = {
    edit_the_text: "entry 4 does not match",
    edit_with_a_fitting_digest: "entry 5 does not match its digest: it or the one before",
    delete_one: "entry 4 is missing",
    delete_the_first: "entry 1 is missing",
    delete_the_last: "entry 7 is missing",
    delete_all: "entry 1 is missing",
    swap_two: "entry 3 is missing or out of order: entry 4",
    add_one: "entry 8 does not match",
    write_rubbish: "entry 4 cannot be read",
    write_bytes_that_are_no_text: "entry 4 does not match",
    edit_the_last: "entry 7 does not match",
    lose_the_head: "head of the audit chain is missing",
}


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda t: t.__name__)
async def test_tampering_is_named_and_freezes_what_goes_out(
    store: RedisStore, redis: Redis, chain: str, tamper: Tamper
) -> None:
    await tamper(redis, chain)
    finding = await store.verify_audit()
    assert finding is not None
    assert TAMPERINGS[tamper] in finding
    assert await store.frozen() == finding
    assert await store.move_run("R1", {S.APPROVED}, S.RUNNING) is None
    assert await store.approve("R2", "U_BEN", plan().fingerprint) is None


@pytest.mark.parametrize(
    "tamper",
    [
        delete_one,
        delete_the_first,
        delete_the_last,
        delete_all,
        add_one,
        edit_the_last,
        lose_the_head,
    ],
)
async def test_a_missing_entry_freezes_before_anybody_verifies(
    store: RedisStore, redis: Redis, chain: str, tamper: Tamper
) -> None:
    await tamper(redis, chain)
    assert await store.move_run("R1", {S.APPROVED}, S.RUNNING) is None
    assert await store.approve("R2", "U_BEN", plan().fingerprint) is None


async def test_a_broken_chain_does_not_keep_a_change_from_being_undone(
    store: RedisStore, redis: Redis, chain: str
) -> None:
    await store.move_run("R1", {S.APPROVED}, S.RUNNING)
    await delete_one(redis, chain)
    assert await store.verify_audit() is not None
    assert await store.move_run("R1", {S.RUNNING}, S.RUNNING, note="step 1 sent") is not None
    assert await store.move_run("R1", {S.RUNNING}, S.UNDOING) is not None
    assert await store.move_run("R1", {S.UNDOING}, S.UNDONE) is not None
    finding = await store.verify_audit()
    assert finding is not None
    assert "entry 4 is missing" in finding


async def test_a_chain_made_whole_again_lets_runs_go_out(
    store: RedisStore, redis: Redis, chain: str
) -> None:
    entry = await redis.lindex(chain, 3)
    await edit_the_text(redis, chain)
    await store.verify_audit()
    await redis.lset(chain, 3, str(entry))
    assert await store.verify_audit() is None
    assert await store.frozen() is None
    assert await store.move_run("R1", {S.APPROVED}, S.RUNNING) is not None


async def test_words_of_a_person_do_not_break_the_chain(store: RedisStore) -> None:
    words = 'quo"te, back\\slash, new\nline, é✓, </script>, {"number":9}, \x7f\x01'
    await store.create_run(run())
    await store.move_run("R1", {S.PREPARING}, S.REJECTED, note=words, actor="U_BEN")
    assert await store.verify_audit() is None
    assert [e.detail for e in await store.audit()] == ["", words]


async def test_a_long_chain_is_read_page_by_page(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "PAGE", 10)
    for number in range(1, 36):
        await store.create_run(run(id=f"R{number}"))
    assert await store.verify_audit() is None
    assert [e.number for e in await store.audit()] == list(range(1, 36))


async def test_many_workers_append_at_once(redis_url: str, namespace: str) -> None:
    """Each on a connection of its own, as replicas are: no entry is lost, none is doubled."""
    workers = 24
    clients = [connect(redis_url) for _ in range(workers)]

    async def work(number: int) -> None:
        store, name = RedisStore(clients[number], namespace), f"R{number}"
        await store.create_run(run(id=name))
        for source, to in ((S.PREPARING, S.PROPOSED), (S.PROPOSED, S.REQUESTED)):
            assert await store.move_run(name, {source}, to) is not None
        await store.move_run("R0", {S.REQUESTED}, S.REJECTED, actor=f"U{number}")

    await asyncio.gather(*(work(number) for number in range(workers)))
    store = RedisStore(clients[0], namespace)
    assert await store.verify_audit() is None
    entries = await store.audit()
    expected = Counter({("R0", "rejected"): 1})
    for number in range(workers):
        expected.update((f"R{number}", event) for event in ("preparing", "proposed", "requested"))
    assert Counter((entry.run, entry.event) for entry in entries) == expected
    assert [entry.number for entry in entries] == list(range(1, expected.total() + 1))
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    for client in clients:
        await client.aclose()


async def test_an_append_that_is_always_late_changes_nothing(
    store: RedisStore, chain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before every attempt another worker's entry comes in between."""
    monkeypatch.setattr(audit, "ATTEMPTS", 3)
    read_head, others = store._audit._head, iter(range(10))

    async def overtaken() -> audit.Head:
        head = await read_head()
        with monkeypatch.context() as undone:
            undone.setattr(store._audit, "_head", read_head)
            await store.create_run(run(id=f"O{next(others)}"))
        return head

    monkeypatch.setattr(store._audit, "_head", overtaken)
    with pytest.raises(audit.HeadMoved, match="R2"):
        await store.approve("R2", "U_BEN", plan().fingerprint)
    assert next(others) == 3
    assert (await store.run("R2") or run()).state is S.REQUESTED
    assert [entry.run for entry in await store.audit()][7:] == ["O0", "O1", "O2"]
    assert await store.verify_audit() is None
