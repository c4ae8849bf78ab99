"""Runs and claims on a real Valkey: races, refusals, deadlines."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from bot.domain.errors import ConfigError
from bot.domain.incident import TimelineEntry
from bot.domain.objection import objection
from bot.domain.run import Answer, RunState, Verification
from bot.state.keys import WITHOUT_TTL, Keys
from bot.state.store import RedisStore
from tests.support.samples import FOUND
from tests.support.values import NOON, approved, incident, plan, requested, run

S = RunState


# --- runs -----------------------------------------------------------------------------------------


async def test_a_run_comes_back_as_it_was(store: RedisStore) -> None:
    born = run(plan=plan(), fingerprint=plan().fingerprint)
    assert await store.create_run(born) == born
    assert await store.run("R1") == born
    assert await store.create_run(run(requested_by="U_EVE")) == born
    assert await store.runs("INC1") == [born]
    assert await store.run("R2") is None


@pytest.mark.parametrize("state", sorted(set(RunState) - {S.PREPARING, S.PROPOSED, S.REQUESTED}))
async def test_no_run_is_born_approved(store: RedisStore, state: RunState) -> None:
    with pytest.raises(ValueError, match="cannot begin"):
        await store.create_run(run(state=state))
    assert await store.run("R1") is None


async def test_no_run_is_born_with_an_approver(store: RedisStore) -> None:
    with pytest.raises(ValueError, match="cannot begin"):
        await store.create_run(run(state=S.REQUESTED, approved_by="U_EVE"))


async def test_staying_in_a_state_is_no_entry_of_the_audit(store: RedisStore) -> None:
    await store.create_run(run())
    kept = await store.move_run("R1", {S.PREPARING}, S.PREPARING, note="3 of 24 allocated")
    assert kept is not None
    assert kept.note == "3 of 24 allocated"
    assert [entry.event for entry in await store.audit()] == ["preparing"]


async def test_what_is_told_of_a_run_is_stored_without_secrets(
    store: RedisStore, redis: Redis, namespace: str
) -> None:
    await approved(store)
    said = "role AKIAIOSFODNN7EXAMPLE: password=hunter2hunter2"
    verification = Verification(answer=Answer.NO, text=said, at=NOON)
    await store.move_run("R1", {S.APPROVED}, S.RUNNING)
    await store.move_run("R1", {S.RUNNING}, S.DONE, note=said, verification=verification)
    kept = await store.run("R1")
    assert kept is not None
    assert kept.note == "role [aws key]: password=[secret]"
    assert kept.verification is not None
    assert kept.verification.text == kept.note
    stored = str(await redis.hgetall(Keys(namespace).run("R1")))
    assert "[aws key]" in stored
    assert "hunter2" not in stored


async def test_the_whole_way_of_a_run_is_in_the_audit(store: RedisStore) -> None:
    await approved(store)
    for source, to in ((S.APPROVED, S.RUNNING), (S.RUNNING, S.SETTLING), (S.SETTLING, S.DONE)):
        assert await store.move_run("R1", {source}, to) is not None
    undone = await store.move_run("R1", {S.DONE}, S.UNDOING, undone_by="U_CY", note="it got worse")
    assert undone is not None
    assert undone.undone_by == "U_CY"
    told = [(e.number, e.actor, e.event, e.run, e.detail) for e in await store.audit()]
    assert told == [
        (1, "U_ANA", "preparing", "R1", ""),
        (2, "bot", "proposed", "R1", ""),
        (3, "bot", "requested", "R1", ""),
        (4, "U_BEN", "approved", "R1", f"fingerprint {plan().fingerprint}"),
        (5, "bot", "running", "R1", ""),
        (6, "bot", "settling", "R1", ""),
        (7, "bot", "done", "R1", ""),
        (8, "U_CY", "undoing", "R1", "it got worse"),
    ]
    assert await store.verify_audit() is None


async def test_what_speaks_against_a_change_is_in_its_audit_entries(store: RedisStore) -> None:
    against = objection(FOUND, "rollback-alias", {})
    assert against is not None
    await store.create_run(run(objection=against))
    expiry = NOON + timedelta(days=365 * 100)
    await store.move_run(
        "R1", {S.PREPARING}, S.PROPOSED, plan=plan(), fingerprint=plan().fingerprint
    )
    await store.move_run("R1", {S.PROPOSED}, S.REQUESTED, objection=against, expires_at=expiry)
    kept = await store.approve("R1", "U_BEN", plan().fingerprint, against)
    assert kept is not None
    assert kept.objection == against
    details = {entry.event: entry.detail for entry in await store.audit()}
    for event in ("preparing", "requested", "approved"):
        assert "against the evidence: The evidence refutes it: function errors" in details[event]
    with pytest.raises(ValueError, match="no way leads"):
        await store.move_run("R1", {S.APPROVED}, S.APPROVED, objection=None)


async def test_fifty_approvers_at_once_one_wins(store: RedisStore) -> None:
    await requested(store)
    answers = await asyncio.gather(
        *(store.approve("R1", f"U{n}", plan().fingerprint) for n in range(50))
    )
    winners = [answer for answer in answers if answer is not None]
    assert len(winners) == 1
    assert await store.run("R1") == winners[0]
    assert [e.actor for e in await store.audit() if e.event == "approved"] == [
        winners[0].approved_by
    ]


async def test_approval_and_rejection_at_once_one_wins(store: RedisStore) -> None:
    await requested(store)
    answers = await asyncio.gather(
        *(
            store.approve("R1", "U_BEN", plan().fingerprint)
            if n % 2
            else store.move_run("R1", {S.REQUESTED}, S.REJECTED)
            for n in range(20)
        )
    )
    assert sum(answer is not None for answer in answers) == 1


async def test_nobody_approves_their_own_request(store: RedisStore) -> None:
    await requested(store)
    assert await store.approve("R1", "U_ANA", plan().fingerprint) is None
    assert (await store.run("R1") or run()).state is S.REQUESTED


async def test_another_plan_than_the_one_shown_is_not_approved(store: RedisStore) -> None:
    await requested(store)
    assert await store.approve("R1", "U_BEN", plan("function:other").fingerprint) is None
    assert (await store.run("R1") or run()).state is S.REQUESTED


async def test_an_expired_request_is_not_approved(store: RedisStore) -> None:
    await requested(store, minutes=0.03 / 60)
    await asyncio.sleep(0.04)
    assert await store.approve("R1", "U_BEN", plan().fingerprint) is None


async def test_the_deadline_is_kept_by_the_clock_of_redis(store: RedisStore) -> None:
    """A host whose clock is wrong by days asks for a deadline by Redis TIME and gets it."""
    await requested(store, minutes=1)
    kept = await store.run("R1")
    assert kept is not None
    assert kept.expires_at is not None
    left = kept.expires_at - await store.now()
    assert timedelta(seconds=50) < left <= timedelta(minutes=1)
    assert await store.approve("R1", "U_BEN", plan().fingerprint) is not None


async def test_a_request_without_a_deadline_is_not_approved(store: RedisStore) -> None:
    await store.create_run(
        run(state=S.REQUESTED, plan=plan(), fingerprint=plan().fingerprint, expires_at=None)
    )
    assert await store.approve("R1", "U_BEN", plan().fingerprint) is None


async def test_what_was_asked_for_cannot_be_exchanged(store: RedisStore) -> None:
    await requested(store)
    other = plan("function:other")
    with pytest.raises(ValueError, match="no way leads"):
        await store.move_run("R1", {S.REQUESTED}, S.REQUESTED, plan=other)
    with pytest.raises(ValueError, match="cannot be changed"):
        await store.move_run("R1", {S.REQUESTED}, S.REQUESTED, requested_by="U_EVE")
    with pytest.raises(ValueError, match="cannot be changed"):
        await store.move_run("R1", {S.REQUESTED}, S.REJECTED, approved_by="U_EVE")
    with pytest.raises(ValueError, match="no way leads"):
        await store.move_run("R1", {S.REQUESTED}, S.APPROVED)
    assert (await store.run("R1") or run()).plan == plan()


async def test_a_fingerprint_must_be_the_plans(store: RedisStore) -> None:
    with pytest.raises(ValueError, match="fingerprint"):
        await store.create_run(run(plan=plan(), fingerprint="0" * 64))
    await store.create_run(run())
    with pytest.raises(ValueError, match="fingerprint"):
        await store.move_run("R1", {S.PREPARING}, S.PROPOSED, plan=plan(), fingerprint="0" * 64)


async def test_a_run_goes_out_once(store: RedisStore) -> None:
    await approved(store)
    answers = await asyncio.gather(
        *(store.move_run("R1", {S.APPROVED}, S.RUNNING) for _ in range(30))
    )
    assert sum(answer is not None for answer in answers) == 1


async def test_results_are_recorded_while_it_runs(store: RedisStore) -> None:
    await approved(store)
    await store.move_run("R1", {S.APPROVED}, S.RUNNING)
    results = ({"RevisionId": "a", "list": [], "n": 1.5},)
    kept = await store.move_run("R1", {S.RUNNING}, S.RUNNING, results=results, applied_at=NOON)
    assert kept is not None
    assert kept == await store.run("R1")
    assert (kept.results, kept.applied_at) == (results, NOON)


async def test_a_full_server_lets_changes_come_home_and_none_go_out(store: RedisStore) -> None:
    """Fault: Redis full. Undoing goes on; approving and applying do not."""
    await approved(store)
    await requested(store, id="R2")
    await approved(store, id="R3")
    assert await store.move_run("R3", {S.APPROVED}, S.RUNNING) is not None
    redis = store._redis
    try:
        await redis.config_set("maxmemory", "1mb")
        with pytest.raises(OutOfMemoryError):
            await store.move_run("R1", {S.APPROVED}, S.RUNNING)
        with pytest.raises(OutOfMemoryError):
            await store.approve("R2", "U_BEN", plan().fingerprint)
        undoing = await store.move_run("R3", {S.RUNNING}, S.UNDOING)
    finally:
        await redis.config_set("maxmemory", "0")
    assert undoing is not None
    assert [(await store.run(r) or run()).state for r in ("R1", "R2", "R3")] == [
        S.APPROVED,
        S.REQUESTED,
        S.UNDOING,
    ]


# --- one pending change per target ----------------------------------------------------------------


async def test_a_target_has_one_pending_change(store: RedisStore) -> None:
    await store.create_run(run())
    await store.create_run(run(id="R2"))
    holders = await asyncio.gather(
        *(store.claim_target("sg-1", f"R{1 + n % 2}") for n in range(20))
    )
    assert holders.count(None) == 10
    winner = "R2" if "R2" in holders else "R1"
    loser = "R1" if winner == "R2" else "R2"
    assert set(holders) == {None, winner}
    await store.release_target("sg-1", loser)
    assert await store.claim_target("sg-1", loser) == winner
    await store.release_target("sg-1", winner)
    assert await store.claim_target("sg-1", loser) is None
    assert await store.claim_target("sg-2", winner) is None


async def test_a_run_that_is_over_holds_no_target(store: RedisStore) -> None:
    await store.create_run(run())
    await store.create_run(run(id="R2"))
    assert await store.claim_target("sg-1", "R1") is None
    await store.move_run("R1", {S.PREPARING}, S.REFUSED)
    assert await store.claim_target("sg-1", "R2") is None
    assert await store.claim_target("sg-1", "R1") == "R2"


async def test_an_expired_request_holds_no_target(store: RedisStore) -> None:
    await requested(store, minutes=-1)
    await store.create_run(run(id="R2"))
    assert await store.claim_target("sg-1", "R1") is None
    assert await store.claim_target("sg-1", "R2") is None


@pytest.mark.parametrize("to", [S.RUNNING, S.DONE, S.DRIFTED])
async def test_a_change_in_force_holds_its_target(store: RedisStore, to: RunState) -> None:
    await approved(store)
    await store.create_run(run(id="R2"))
    assert await store.claim_target("sg-1", "R1") is None
    await store.move_run("R1", {S.APPROVED}, S.RUNNING)
    await store.move_run("R1", {S.RUNNING}, to)
    assert await store.claim_target("sg-1", "R2") == "R1"


# --- housekeeping ---------------------------------------------------------------------------------


async def test_every_key_expires_or_has_a_reason_not_to(
    store: RedisStore, redis: Redis, namespace: str
) -> None:
    await store.open_incident(incident(thread_ts="171.5"), "a")
    await store.change_incident("INC1", thread_ts="172.5")
    await store.add_to_timeline("INC1", TimelineEntry(at=NOON, kind="note", text="hello"))
    await store.first_time("event:Ev1", 60)
    await store.claim_target("sg-1", "R1")
    await approved(store)
    await store.move_run("R1", {S.APPROVED}, S.RUNNING)
    keys = [key async for key in redis.scan_iter(f"{{{namespace}}}:*")]
    assert len(keys) > 10
    immortal = {key for key in keys if await redis.ttl(key) == -1}
    assert {key.removeprefix(f"{{{namespace}}}:") for key in immortal} <= WITHOUT_TTL.keys()


def test_a_client_that_gives_bytes_is_refused() -> None:
    with pytest.raises(ConfigError, match="connect"):
        RedisStore(Redis())


# --- an undo that takes two -----------------------------------------------------------------------


async def undo_requested(store: RedisStore, seconds: float = 60) -> None:
    await approved(store)
    await store.move_run("R1", {S.APPROVED}, S.RUNNING)
    await store.move_run("R1", {S.RUNNING}, S.DONE)
    expires = await store.now() + timedelta(seconds=seconds)
    asked = await store.move_run(
        "R1", {S.DONE}, S.UNDO_REQUESTED, undone_by="U_CY", undo_expires_at=expires
    )
    assert asked is not None


async def test_an_undo_is_approved_by_somebody_else_once(store: RedisStore) -> None:
    await undo_requested(store)
    assert [run.id for run in await store.unfinished_runs()] == ["R1"]
    assert await store.approve_undo("R1", "U_CY") is None
    found = await store.approve_undo("R1", "U_BEN")
    assert found is not None
    assert (found.state, found.undo_approved_by) == (S.UNDO_APPROVED, "U_BEN")
    assert await store.approve_undo("R1", "U_DEE") is None
    entry = (await store.audit())[-1]
    assert (entry.event, entry.actor) == ("undo approved", "U_BEN")
    assert await store.verify_audit() is None


async def test_an_undo_is_not_approved_late_or_unasked(store: RedisStore) -> None:
    await undo_requested(store, seconds=0)
    assert await store.approve_undo("R1", "U_BEN") is None
    await store.move_run("R1", {S.UNDO_REQUESTED}, S.DONE)
    assert await store.approve_undo("R1", "U_BEN") is None
    assert await store.approve_undo("none", "U_BEN") is None
    with pytest.raises(ValueError, match="needs a person"):
        await store.approve_undo("R1", "")


async def test_who_approved_an_undo_is_set_by_its_approval_only(store: RedisStore) -> None:
    await undo_requested(store)
    with pytest.raises(ValueError, match="undo_approved_by"):
        await store.move_run("R1", {S.UNDO_REQUESTED}, S.DONE, undo_approved_by="U_BEN")
    with pytest.raises(ValueError, match="no way leads"):
        await store.move_run("R1", {S.UNDO_REQUESTED}, S.UNDO_APPROVED)
    with pytest.raises(ValueError, match="no way leads"):
        await store.move_run("R1", {S.UNDO_REQUESTED}, S.UNDOING)
