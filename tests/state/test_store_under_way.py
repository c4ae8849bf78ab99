"""The runs somebody waits for: found again after their task was lost."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from bot.domain.run import RunState
from bot.state.keys import Keys
from bot.state.runs import INDEX_SECONDS
from bot.state.store import RedisStore
from tests.support.values import approved, plan, requested, run

S = RunState


async def ids(store: RedisStore) -> list[str]:
    return [each.id for each in await store.unfinished_runs()]


async def age(redis: Redis, namespace: str, run_id: str) -> None:
    """As if it had been asked for long ago."""
    await redis.zincrby(Keys(namespace).runs_under_way, -INDEX_SECONDS - 5, run_id)


async def test_a_preview_is_nobodys_wait_and_a_request_is(store: RedisStore) -> None:
    await store.create_run(run(id="R0", plan=plan(), fingerprint=plan().fingerprint))
    await store.move_run("R0", {S.PREPARING}, S.PROPOSED)
    await requested(store, id="R1")
    await approved(store, id="R2")
    assert await ids(store) == ["R1", "R2"]


async def test_it_is_under_way_until_it_ends(store: RedisStore) -> None:
    await approved(store)
    for source, to in ((S.APPROVED, S.RUNNING), (S.RUNNING, S.SETTLING), (S.SETTLING, S.VERIFYING)):
        await store.move_run("R1", {source}, to)
        assert await ids(store) == ["R1"], to
    await store.move_run("R1", {S.VERIFYING}, S.DONE)
    assert await ids(store) == []


async def test_an_undo_long_after_is_under_way_again(
    store: RedisStore, redis: Redis, namespace: str
) -> None:
    await approved(store)
    await store.move_run("R1", {S.APPROVED}, S.RUNNING)
    await store.move_run("R1", {S.RUNNING}, S.DONE)
    await age(redis, namespace, "R1")
    assert await ids(store) == []
    assert await redis.zcard(Keys(namespace).runs_under_way) == 0, "the index is kept small"
    await store.move_run("R1", {S.DONE}, S.UNDOING, undone_by="U_CY")
    assert await ids(store) == ["R1"]


@pytest.mark.parametrize("ended", [False, True])
async def test_only_what_ended_is_taken_out(
    store: RedisStore, redis: Redis, namespace: str, ended: bool
) -> None:
    await requested(store)
    await age(redis, namespace, "R1")
    if ended:
        await store.move_run("R1", {S.REQUESTED}, S.REJECTED)
    assert await ids(store) == ([] if ended else ["R1"])
    assert await redis.zcard(Keys(namespace).runs_under_way) == (0 if ended else 1)


async def test_what_was_asked_for_anew_meanwhile_stays(
    store: RedisStore, redis: Redis, namespace: str
) -> None:
    """Between reading the index and taking it out, somebody asks for the undo."""
    await approved(store)
    await store.move_run("R1", {S.APPROVED}, S.REFUSED)
    index = Keys(namespace).runs_under_way
    seen = int(await redis.zscore(index, "R1") or 0) - 1
    await store._index_remove(keys=[index], args=["R1", seen])
    assert await redis.zcard(index) == 1
