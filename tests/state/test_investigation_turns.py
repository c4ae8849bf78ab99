"""Whose turn it is to investigate, on a real Valkey: one at a time, nothing asked for is lost."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from bot.domain.ports import Turn
from bot.state.investigation_turns import RedisTurns

ID = "INC-1"


@pytest.fixture
def turns(redis: Redis, namespace: str) -> RedisTurns:
    return RedisTurns(redis, namespace)


async def test_nothing_is_done_that_nobody_asked_for(turns: RedisTurns) -> None:
    assert await turns.begin(ID, "a", 10) == Turn()


async def test_a_run_is_for_all_who_asked_before_it_began(turns: RedisTurns) -> None:
    for _ in range(60):
        assert await turns.ask(ID) == 0
    assert await turns.begin(ID, "a", 10) == Turn(number=60)
    assert not await turns.end(ID, "a", 60)
    assert await turns.begin(ID, "b", 10) == Turn()


async def test_who_asks_meanwhile_gets_one_more_together(turns: RedisTurns) -> None:
    await turns.ask(ID)
    await turns.begin(ID, "a", 10)
    for _ in range(60):
        assert await turns.ask(ID) == 1
        busy = (await turns.begin(ID, "b", 10)).busy
        assert busy is not None
        assert 9 < busy <= 10
    assert await turns.end(ID, "a", 1)
    assert await turns.begin(ID, "b", 10) == Turn(number=61)
    assert not await turns.end(ID, "b", 61)


async def test_of_many_who_begin_at_once_one_does(turns: RedisTurns) -> None:
    await turns.ask(ID)
    begun = await asyncio.gather(*(turns.begin(ID, f"{n}", 10) for n in range(20)))
    assert [turn.number for turn in begun if turn.number is not None] == [1]


async def test_the_lease_of_the_dead_ends_and_the_dead_end_nothing(turns: RedisTurns) -> None:
    await turns.ask(ID)
    await turns.begin(ID, "dead", 0.02)
    await asyncio.sleep(0.03)
    assert await turns.begin(ID, "heir", 10) == Turn(number=1)
    assert not await turns.keep(ID, "dead", 10)
    await turns.ask(ID)
    assert not await turns.end(ID, "dead", 1), "the heir says whether there is more to do"
    assert await turns.keep(ID, "heir", 10)
    assert await turns.end(ID, "heir", 1)


async def test_what_failed_remains_to_be_done(turns: RedisTurns) -> None:
    await turns.ask(ID)
    await turns.begin(ID, "a", 10)
    assert not await turns.end(ID, "a", None), "its task is tried again anyway"
    assert await turns.begin(ID, "b", 10) == Turn(number=1)


async def test_incidents_do_not_wait_for_each_other(turns: RedisTurns) -> None:
    for each in ("INC-1", "INC-2"):
        await turns.ask(each)
        assert await turns.begin(each, "a", 10) == Turn(number=1)
