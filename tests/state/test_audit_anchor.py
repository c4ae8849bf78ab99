"""The store is lost, goes back, or is replaced: what is known outside of Redis tells it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.domain.run import RunState
from bot.state import audit
from bot.state.anchor import FILE, FileAnchor, Known
from bot.state.audit_entries import DIGEST, new_entry
from bot.state.keys import Keys
from bot.state.store import RedisStore
from tests.support.values import approved, plan, requested, run

S = RunState
Tamper = Callable[[Redis, Keys], Awaitable[None]]


@pytest.fixture
def anchored(redis: Redis, namespace: str, tmp_path: Path) -> RedisStore:
    return RedisStore(redis, namespace, FileAnchor(tmp_path / FILE))


@pytest.fixture
def keys(namespace: str) -> Keys:
    return Keys(namespace)


def restarted(redis: Redis, namespace: str, folder: Path) -> RedisStore:
    """The bot's store after a restart: it knows what the file tells."""
    return RedisStore(redis, namespace, FileAnchor(folder / FILE))


async def write_chain(redis: Redis, keys: Keys, count: int, detail: str = "") -> None:
    """A chain that is whole in itself, head included; the generation stays."""
    before, entries = "", []
    for number in range(1, count + 1):
        entries.append(new_entry(number, before, number * 1_000_000, "bot", "done", "R", detail))
        before = entries[-1][:DIGEST]
    await redis.delete(keys.audit_entries)
    for start in range(0, count, 1_000):
        await redis.rpush(keys.audit_entries, *entries[start : start + 1_000])
    await redis.hset(keys.audit_head, mapping={"number": count, "digest": before})


async def lose_all(redis: Redis, keys: Keys) -> None:
    """What FLUSHALL leaves of this namespace."""
    await redis.delete(*[key async for key in redis.scan_iter(f"{keys.prefix}*")])


async def lose_the_record(redis: Redis, keys: Keys) -> None:
    await redis.delete(keys.audit_entries, keys.audit_head, keys.audit_faults)


async def go_back(redis: Redis, keys: Keys) -> None:
    """An older append-only file: the last two entries are not there yet, nor in the head."""
    await redis.rpop(keys.audit_entries, 2)
    last = str(await redis.lindex(keys.audit_entries, -1))
    number = await redis.llen(keys.audit_entries)
    await redis.hset(keys.audit_head, mapping={"number": number, "digest": last[:DIGEST]})


async def replace_it(redis: Redis, keys: Keys) -> None:
    """As many entries, whole in themselves, with the generation they should have."""
    await write_chain(redis, keys, 7, "replaced")


async def replace_it_by_a_longer_one(redis: Redis, keys: Keys) -> None:
    await write_chain(redis, keys, 20, "replaced")


async def use_another_store(redis: Redis, keys: Keys) -> None:
    await write_chain(redis, keys, 7, "another")
    await redis.hset(keys.audit_head, "generation", "f" * 32)


async def cut_the_head(redis: Redis, keys: Keys) -> None:
    await redis.lpop(keys.audit_entries, 2)


async def cut_the_tail(redis: Redis, keys: Keys) -> None:
    await redis.rpop(keys.audit_entries, 2)


async def add_a_valid_one(redis: Redis, keys: Keys) -> None:
    last = str(await redis.lindex(keys.audit_entries, -1))
    entry = new_entry(8, last[:DIGEST], 1, "U_EVE", "approved", "R2", "")
    await redis.rpush(keys.audit_entries, entry)


async def write_something_else(redis: Redis, keys: Keys) -> None:
    await redis.set(keys.audit_entries, "no list")


async def spoil_the_head(redis: Redis, keys: Keys) -> None:
    await redis.hset(keys.audit_head, "number", "seven")


LOSSES: dict[Tamper, str] = {
    lose_all: "the audit record is gone: it ended with entry 7",
    lose_the_record: "the audit record is gone: it ended with entry 7",
    go_back: "ends with entry 5, and entry 7 is known",
    replace_it: "audit entry 7 is not the one that is known",
    replace_it_by_a_longer_one: "audit entry 7 is not the one that is known",
    use_another_store: "the audit record is not the one that is known (it is ffffffff",
    cut_the_head: "audit entry 1 is missing",
    cut_the_tail: "audit entry 6 is missing",
    add_a_valid_one: "audit entry 8 stands beyond the end",
    write_something_else: "replaced by something else",
    spoil_the_head: "head of the audit chain cannot be read",
}


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
async def test_a_lost_record_freezes_and_says_how(
    anchored: RedisStore,
    redis: Redis,
    namespace: str,
    keys: Keys,
    tmp_path: Path,
    loss: Tamper,
) -> None:
    assert await anchored.verify_audit() is None
    await approved(anchored)
    await requested(anchored, id="R2")
    await loss(redis, keys)
    for store in (restarted(redis, namespace, tmp_path), anchored):
        assert await store.frozen() is not None, "seen without reading the entries"
        finding = await store.verify_audit()
        assert finding is not None
        assert LOSSES[loss] in finding
        assert await store.frozen() == finding


@pytest.mark.parametrize("loss", [go_back, replace_it, use_another_store, add_a_valid_one])
async def test_nothing_is_approved_or_applied_before_anybody_verifies(
    anchored: RedisStore, redis: Redis, keys: Keys, loss: Tamper
) -> None:
    assert await anchored.verify_audit() is None
    await approved(anchored)
    await requested(anchored, id="R2")
    await loss(redis, keys)
    assert await anchored.move_run("R1", {S.APPROVED}, S.RUNNING) is None
    assert await anchored.approve("R2", "U_BEN", plan().fingerprint) is None


async def test_what_is_appended_to_a_lost_record_does_not_make_it_the_known_one(
    anchored: RedisStore, redis: Redis, namespace: str, keys: Keys, tmp_path: Path
) -> None:
    assert await anchored.verify_audit() is None
    await approved(anchored)
    await lose_all(redis, keys)
    for number in range(10):
        await anchored.create_run(run(id=f"N{number}"))
    for store in (anchored, restarted(redis, namespace, tmp_path)):
        finding = await store.verify_audit()
        assert finding is not None
        assert "is not the one that is known" in finding


async def test_a_first_start_on_an_empty_store_is_no_loss(
    anchored: RedisStore, redis: Redis, namespace: str, keys: Keys, tmp_path: Path
) -> None:
    assert await anchored.frozen() is None
    assert await anchored.verify_audit() is None
    known = await FileAnchor(tmp_path / FILE).load()
    assert known == Known(str(await redis.hget(keys.audit_head, "generation")), 0, "")
    await approved(anchored)
    again = restarted(redis, namespace, tmp_path)
    assert await again.verify_audit() is None
    assert await again.move_run("R1", {S.APPROVED}, S.RUNNING) is not None


async def test_the_file_has_the_end_after_each_entry(
    anchored: RedisStore, redis: Redis, keys: Keys, tmp_path: Path
) -> None:
    await anchored.verify_audit()
    for number in range(1, 4):
        await anchored.create_run(run(id=f"R{number}"))
        kept = await FileAnchor(tmp_path / FILE).load()
        last = str(await redis.lindex(keys.audit_entries, -1))
        assert kept is not None
        assert (kept.number, kept.digest) == (number, last[:DIGEST])


async def test_a_file_may_lag_behind_what_another_replica_wrote(
    redis: Redis, namespace: str, tmp_path: Path
) -> None:
    first = RedisStore(redis, namespace, FileAnchor(tmp_path / "first"))
    second = RedisStore(redis, namespace, FileAnchor(tmp_path / "second"))
    assert await first.verify_audit() is None
    assert await second.verify_audit() is None
    await approved(first)
    await requested(first, id="R2")
    assert await second.frozen() is None
    assert await second.move_run("R1", {S.APPROVED}, S.RUNNING) is not None
    assert await first.verify_audit() is None
    assert (
        await FileAnchor(tmp_path / "first").load() == await FileAnchor(tmp_path / "second").load()
    )


async def test_what_one_replica_knows_freezes_all(
    redis: Redis, namespace: str, keys: Keys, tmp_path: Path
) -> None:
    """The replica that was down when the last entries were made does not know of them."""
    behind = RedisStore(redis, namespace, FileAnchor(tmp_path / "behind"))
    ahead = RedisStore(redis, namespace, FileAnchor(tmp_path / "ahead"))
    assert await behind.verify_audit() is None
    assert await ahead.verify_audit() is None
    await approved(ahead)
    await requested(ahead, id="R2")
    await go_back(redis, keys)
    assert await behind.verify_audit() is None
    assert await ahead.verify_audit() is not None
    finding = await behind.verify_audit()
    assert finding is not None
    assert "went back to an older state" in finding
    assert "(seen at " in finding
    assert await behind.approve("R2", "U_BEN", plan().fingerprint) is None


async def test_a_file_that_cannot_be_understood_freezes(
    redis: Redis, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text("{rubbish")
    store = restarted(redis, namespace, tmp_path)
    finding = await store.verify_audit()
    assert finding is not None
    assert "cannot be understood" in finding
    await store.accept_audit("operator", "the disk was full")
    assert await store.verify_audit() is None


# --- long chains ------------------------------------------------------------------------------


async def test_a_long_chain_is_not_read_anew_each_time(
    anchored: RedisStore, redis: Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit of what was read long ago is found in turn, and stays found."""
    monkeypatch.setattr(audit, "PAGE", 10)
    await write_chain(redis, keys, 95)
    assert await anchored.verify_audit() is None
    edited = str(await redis.lindex(keys.audit_entries, 44))
    await redis.lset(keys.audit_entries, 44, edited.replace('"R"', '"E"'))
    checks = 0
    while (finding := await anchored.verify_audit()) is None:
        checks += 1
        assert checks < 10, "each check reads a page more"
    assert "entry 45 does not match" in finding
    for _ in range(12):
        assert await anchored.verify_audit() == finding
    await redis.lset(keys.audit_entries, 44, edited)
    assert await anchored.verify_audit() == finding, "only a full check tells that it is over"
    assert await anchored.verify_audit(full=True) is None
    assert await anchored.frozen() is None


async def test_a_full_check_names_an_old_entry_at_once(
    anchored: RedisStore, redis: Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "PAGE", 10)
    await write_chain(redis, keys, 95)
    assert await anchored.verify_audit() is None
    edited = str(await redis.lindex(keys.audit_entries, 70))
    await redis.lset(keys.audit_entries, 70, edited.replace('"R"', '"E"'))
    assert "entry 71" in str(await anchored.verify_audit(full=True))


@pytest.mark.slow
async def test_one_new_entry_after_100000_takes_little(
    anchored: RedisStore, redis: Redis, keys: Keys
) -> None:
    await write_chain(redis, keys, 100_000)
    began = time.perf_counter()
    assert await anchored.verify_audit(full=True) is None
    whole = time.perf_counter() - began
    took = []
    for number in range(20):
        await anchored.create_run(run(id=f"R{number}"))
        began = time.perf_counter()
        assert await anchored.verify_audit() is None
        took.append(time.perf_counter() - began)
    print(f"all 100,000: {whole:.2f} s; after one new entry: {min(took) * 1000:.1f} ms")
    assert min(took) < 0.05
    assert whole < 15


# --- the way out ------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [lose_all, go_back, cut_the_head, write_something_else])
async def test_an_operator_accepts_the_record_as_it_is(
    anchored: RedisStore,
    redis: Redis,
    namespace: str,
    keys: Keys,
    tmp_path: Path,
    loss: Tamper,
) -> None:
    """By the command line, beside the bot: its store sees it without a restart."""
    assert await anchored.verify_audit() is None
    await approved(anchored)
    await requested(anchored, id="R2")
    found = [str(raw) for raw in await redis.lrange(keys.audit_entries, 0, -1)]
    await loss(redis, keys)
    finding = await anchored.verify_audit()
    command = restarted(redis, namespace, tmp_path)
    assert await command.accept_audit("operator ana", "restored from the backup of 3 AM") == finding

    assert await anchored.verify_audit() is None
    assert await anchored.frozen() is None
    entry = (await anchored.audit())[-1]
    assert (entry.actor, entry.event) == ("operator ana", "accepted")
    assert entry.detail.startswith(f"restored from the backup of 3 AM (accepted: {finding})")
    await approved(anchored, id="R9")
    assert await anchored.move_run("R9", {S.APPROVED}, S.RUNNING) is not None
    assert await anchored.verify_audit() is None
    assert await restarted(redis, namespace, tmp_path).verify_audit() is None
    if loss is cut_the_head:
        generation = await redis.hget(keys.audit_head, "generation")
        sealed = await redis.lrange(keys.audit_sealed(str(generation)), 0, -1)
        assert set(found) & {str(raw) for raw in sealed}, "what was found is kept"
        assert "; sealed " in entry.detail


async def test_nothing_is_accepted_without_a_reason_or_without_a_freeze(
    anchored: RedisStore, redis: Redis, keys: Keys
) -> None:
    await approved(anchored)
    assert await anchored.verify_audit() is None
    with pytest.raises(ValueError, match="nothing is frozen"):
        await anchored.accept_audit("operator", "to be sure")
    await lose_all(redis, keys)
    with pytest.raises(ValueError, match="say why"):
        await anchored.accept_audit("operator", "  ")
    assert await anchored.frozen() is not None


async def test_what_was_accepted_does_not_hide_what_comes_after(
    anchored: RedisStore, redis: Redis, keys: Keys
) -> None:
    assert await anchored.verify_audit() is None
    await approved(anchored)
    await go_back(redis, keys)
    await anchored.verify_audit()
    await anchored.accept_audit("operator", "a failover")
    await approved(anchored, id="R5")
    await go_back(redis, keys)
    assert "went back" in str(await anchored.verify_audit())


async def test_a_look_from_outside_leaves_nothing_behind(
    anchored: RedisStore, redis: Redis, namespace: str, keys: Keys, tmp_path: Path
) -> None:
    """The file of another store, as on the laptop of whoever looks, freezes nobody."""
    laptop = tmp_path / "laptop"
    laptop.mkdir()
    other = RedisStore(redis, f"{namespace}-other", FileAnchor(laptop / FILE))
    assert await other.verify_audit() is None
    await approved(anchored)
    assert await anchored.verify_audit() is None
    looking = RedisStore(redis, namespace, FileAnchor(laptop / FILE))
    assert "not the one that is known" in str(await looking.verify_audit(full=True, adopt=False))
    assert await anchored.frozen() is None
    unknowing = RedisStore(redis, namespace, FileAnchor(tmp_path / "none" / FILE))
    assert await unknowing.verify_audit(full=True, adopt=False) is None
    assert not (tmp_path / "none").exists()


async def test_a_freeze_for_another_reason_needs_an_operator_too(anchored: RedisStore) -> None:
    await requested(anchored)
    await anchored.freeze("slack", "Slack shows the change CHG-1, which the store does not have")
    assert "CHG-1" in str(await anchored.frozen())
    assert "CHG-1" in str(await anchored.verify_audit())
    assert await anchored.approve("R1", "U_BEN", plan().fingerprint) is None
    await anchored.accept_audit("operator", "it was a test")
    assert await anchored.frozen() is None
    assert await anchored.approve("R1", "U_BEN", plan().fingerprint) is not None
