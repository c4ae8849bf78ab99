"""Whatever is tried in whatever order: no run goes out unapproved, and none goes out twice.

Hypothesis plays people and workers against a real Valkey; the checks read what was stored and
what the audit chain tells, not what the calls answered.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from bot.domain.run import RunState
from bot.state.store import RedisStore, connect
from bot.state.transitions import ALLOWED_TRANSITIONS
from tests.support.values import plan, run

S = RunState
STATES = st.sampled_from(sorted(RunState))


@dataclass(frozen=True)
class Move:
    """Somebody moves it, allowing these states."""

    allowed: frozenset[RunState]
    to: RunState

    async def play(self, store: RedisStore) -> None:
        if any(state is self.to or state in ALLOWED_TRANSITIONS[self.to] for state in self.allowed):
            await store.move_run("R1", self.allowed, self.to)
        else:
            with pytest.raises(ValueError, match="no way leads"):
                await store.move_run("R1", self.allowed, self.to)


@dataclass(frozen=True)
class MoveOn:
    """The next step on one of the ways from where it is."""

    pick: int

    async def play(self, store: RedisStore) -> None:
        state = (await store.run("R1") or run()).state
        ways = [to for to in RunState if state in ALLOWED_TRANSITIONS[to]]
        if ways:
            assert await store.move_run("R1", {state}, ways[self.pick % len(ways)]) is not None


@dataclass(frozen=True)
class Ask:
    minutes: int

    async def play(self, store: RedisStore) -> None:
        deadline = await store.now() + timedelta(minutes=self.minutes)
        await store.move_run("R1", {S.PREPARING, S.PROPOSED}, S.REQUESTED, expires_at=deadline)


@dataclass(frozen=True)
class Approve:
    approver: str = "U_BEN"
    fingerprint: str = field(default_factory=lambda: plan().fingerprint)

    async def play(self, store: RedisStore) -> None:
        await store.approve("R1", self.approver, self.fingerprint)


@dataclass(frozen=True)
class TwoWorkersSendIt:
    async def play(self, store: RedisStore) -> None:
        send = (store.move_run("R1", {S.APPROVED}, S.RUNNING) for _ in range(2))
        assert sum(answer is not None for answer in await asyncio.gather(*send)) <= 1


Step = Move | MoveOn | Ask | Approve | TwoWorkersSendIt
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(MoveOn, st.integers(0, 11)),
    st.builds(MoveOn, st.integers(0, 11)),
    st.builds(Move, st.just(frozenset(RunState)) | st.frozensets(STATES, min_size=1), STATES),
    st.builds(Ask, st.sampled_from([15, -1])),
    st.builds(
        Approve,
        st.sampled_from(["U_ANA", "U_BEN", "U_CY"]),
        st.sampled_from([plan().fingerprint, plan("function:other").fingerprint]),
    ),
    st.just(TwoWorkersSendIt()),
)
HEAD_STARTS: list[list[Step]] = [
    [],
    [Ask(15)],
    [Ask(15), Approve()],
    [Ask(15), Approve(), TwoWorkersSendIt()],
]


async def play(url: str, steps: list[Step]) -> list[RunState]:
    """The way the audit tells, after everything about it was checked."""
    redis = connect(url)
    store = RedisStore(redis, f"way-{uuid.uuid4().hex[:8]}")
    await store.create_run(run(plan=plan(), fingerprint=plan().fingerprint))
    for step in steps:
        await step.play(store)
    entries = await store.audit()
    told = [RunState(entry.event) for entry in entries]

    for before, after in pairwise(told):
        assert (
            before is after
            or before in ALLOWED_TRANSITIONS[after]
            or (before, after)
            == (
                S.REQUESTED,
                S.APPROVED,
            )
        )
    into_running = [before for before, after in pairwise(told) if after is S.RUNNING is not before]
    assert into_running in ([], [S.APPROVED])
    approvals = [
        entry for before, entry in pairwise(entries) if entry.event == "approved" != before.event
    ]
    assert len(approvals) <= 1
    for approval in approvals:
        assert approval.actor in ("U_BEN", "U_CY")
        assert plan().fingerprint in approval.detail

    kept = await store.run("R1")
    assert kept is not None
    assert (kept.state, kept.plan) == (told[-1], plan())
    assert kept.approved_by == (approvals[0].actor if approvals else None)
    assert await store.verify_audit() is None
    await redis.aclose()
    return told


def test_no_way_leads_out_without_approval_and_none_leads_out_twice(redis_url: str) -> None:
    reached: set[RunState] = set()

    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],  # what fails is short enough to read as it is
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(HEAD_STARTS), st.lists(STEPS, max_size=8))
    @example(HEAD_STARTS[3], [MoveOn(0), MoveOn(0), MoveOn(0), MoveOn(0), MoveOn(1)])  # to undone
    @example(HEAD_STARTS[3], [MoveOn(5)])  # to drifted
    @example([], [MoveOn(0)])  # proposed
    def whatever_is_tried(head_start: list[Step], steps: list[Step]) -> None:
        reached.update(asyncio.run(play(redis_url, head_start + steps)))

    whatever_is_tried()
    assert reached == set(RunState), "it tried too little"


def test_an_expired_request_is_approved_by_nobody(redis_url: str) -> None:
    told = asyncio.run(play(redis_url, [Ask(-1), Approve(), TwoWorkersSendIt()]))
    assert told == [S.PREPARING, S.REQUESTED]


def test_the_table_of_transitions_knows_every_state() -> None:
    assert set(ALLOWED_TRANSITIONS) == set(RunState)
    assert ALLOWED_TRANSITIONS[S.APPROVED] == frozenset()
    assert ALLOWED_TRANSITIONS[S.RUNNING] == {S.APPROVED}
    for over in (S.REJECTED, S.EXPIRED, S.REFUSED, S.UNDONE):
        ways = {to for to, sources in ALLOWED_TRANSITIONS.items() if over in sources}
        assert ways <= {S.DRIFTED}, f"{over} is the end, unless AWS has it after all"
    assert S.UNDONE not in ALLOWED_TRANSITIONS[S.DRIFTED]
