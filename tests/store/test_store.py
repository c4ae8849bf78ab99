"""Incidents, runs and claims on a real Valkey: races, refusals, deadlines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from bot.errors import ConfigError
from bot.keys import WITHOUT_TTL
from bot.model import (
    Alarm,
    Incident,
    IncidentState,
    Picture,
    Plan,
    Report,
    Run,
    RunState,
    Severity,
    Step,
    TimelineEntry,
    Verdict,
    Window,
)
from bot.store import RedisStore

S = RunState
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def plan(target: str = "function:checkout") -> Plan:
    step = Step(service="lambda", operation="put_concurrency", params={"n": 5, "empty": []})
    return Plan(
        action="enable-provisioned-concurrency",
        title="Enable provisioned concurrency",
        service="checkout",
        target=target,
        before={"n": 0, "big": 12345678901234567890},
        after={"n": 5},
        steps=(step,),
        inverse=(step,),
    )


def run(**fields: Any) -> Run:
    values: dict[str, Any] = {
        "id": "R1",
        "incident": "INC1",
        "action": "enable-provisioned-concurrency",
        "state": S.PREPARING,
        "requested_by": "U_ANA",
    }
    return Run(**values | fields)


def incident(**fields: Any) -> Incident:
    values: dict[str, Any] = {
        "id": "INC1",
        "playbook": "5xx",
        "service": "checkout",
        "severity": Severity.SEV2,
        "channel": "C1",
        "opened_at": NOON,
    }
    return Incident(**values | fields)


def alarm(changed_at: datetime) -> Alarm:
    return Alarm(name="checkout-5xx", region="eu-west-1", changed_at=changed_at)


async def requested(store: RedisStore, minutes: float = 15, **fields: Any) -> Run:
    """A run that waits for an approver."""
    deadline = await store.now() + timedelta(minutes=minutes)
    born = run(plan=plan(), fingerprint=plan().fingerprint, **fields)
    await store.create_run(born)
    await store.move(born.id, {S.PREPARING}, S.PROPOSED)
    moved = await store.move(born.id, {S.PROPOSED}, S.REQUESTED, expires_at=deadline)
    assert moved is not None
    return moved


async def approved(store: RedisStore, **fields: Any) -> Run:
    await requested(store, **fields)
    done = await store.approve(fields.get("id", "R1"), "U_BEN", plan().fingerprint)
    assert done is not None
    return done


# --- incidents ------------------------------------------------------------------------------------


async def test_the_same_alarm_opens_one_incident(store: RedisStore) -> None:
    first, new = await store.open_incident(incident(), "alarm:checkout")
    again, new_again = await store.open_incident(incident(id="INC2"), "alarm:checkout")
    assert (new, new_again) == (True, False)
    assert first == again == incident()
    assert await store.incident("INC2") is None


async def test_forty_messages_at_once_open_one_incident(store: RedisStore) -> None:
    opened = await asyncio.gather(
        *(store.open_incident(incident(id=f"INC{n}"), "alarm:checkout") for n in range(40))
    )
    assert sum(new for _, new in opened) == 1
    assert len({kept.id for kept, _ in opened}) == 1


async def test_an_alarm_after_recovery_opens_a_new_incident(store: RedisStore) -> None:
    await store.open_incident(incident(alarm=alarm(NOON)), "alarm:checkout")
    recovered = NOON + timedelta(minutes=9)
    await store.change_incident("INC1", state=IncidentState.RECOVERED, recovered_at=recovered)
    later = incident(id="INC2", alarm=alarm(NOON + timedelta(minutes=30)))
    assert await store.open_incident(later, "alarm:checkout") == (later, True)


@pytest.mark.parametrize("minutes", [0, 5, 9])
async def test_a_late_duplicate_after_recovery_opens_nothing(
    store: RedisStore, minutes: int
) -> None:
    await store.open_incident(incident(alarm=alarm(NOON)), "alarm:checkout")
    recovered = NOON + timedelta(minutes=9)
    await store.change_incident("INC1", state=IncidentState.RECOVERED, recovered_at=recovered)
    late = incident(id="INC2", alarm=alarm(NOON + timedelta(minutes=minutes)))
    kept, new = await store.open_incident(late, "alarm:checkout")
    assert (kept.id, new) == ("INC1", False)


async def test_an_incident_is_found_by_its_thread_once_it_has_one(store: RedisStore) -> None:
    await store.open_incident(incident(), "a")
    assert await store.incident_at("C1", "171.5") is None
    changed = await store.change_incident("INC1", thread_ts="171.5")
    assert changed.thread_ts == "171.5"
    assert await store.incident_at("C1", "171.5") == changed
    assert await store.incident_at("C2", "171.5") is None
    await store.open_incident(incident(id="INC2", thread_ts="172.5"), "b")
    found = await store.incident_at("C1", "172.5")
    assert found is not None
    assert found.id == "INC2"


async def test_the_latest_incident_of_a_channel_is_the_one_opened_last(store: RedisStore) -> None:
    assert await store.latest_incident("C1") is None
    late = incident(id="LATE", opened_at=NOON + timedelta(minutes=1))
    await store.open_incident(late, "b")
    await store.open_incident(incident(id="EARLY"), "a")
    await store.open_incident(
        incident(id="ELSEWHERE", channel="C2", opened_at=NOON + timedelta(hours=1)), "c"
    )
    assert await store.latest_incident("C1") == late


async def test_changes_at_once_do_not_undo_each_other(store: RedisStore) -> None:
    await store.open_incident(incident(), "a")
    await asyncio.gather(
        store.change_incident("INC1", severity=Severity.SEV1),
        store.change_incident("INC1", thread_ts="171.5"),
        store.change_incident("INC1", opened_by="U1"),
    )
    assert await store.incident("INC1") == incident(
        severity=Severity.SEV1, thread_ts="171.5", opened_by="U1"
    )


@pytest.mark.parametrize(
    "fields", [{"id": "X"}, {"channel": "C2"}, {"colour": "red"}, {"severity": "SEV9"}]
)
async def test_a_wrong_change_of_an_incident_stores_nothing(
    store: RedisStore, fields: dict[str, str]
) -> None:
    await store.open_incident(incident(), "a")
    with pytest.raises(ValueError, match=r"has no field|cannot be changed|SEV1"):
        await store.change_incident("INC1", **fields)
    assert await store.incident("INC1") == incident()


async def test_changing_an_unknown_incident_is_an_error(store: RedisStore) -> None:
    with pytest.raises(LookupError, match="INC9"):
        await store.change_incident("INC9", severity=Severity.SEV1)
    assert await store.incident("INC9") is None


async def test_a_note_is_kept_once_and_in_order_of_time(store: RedisStore) -> None:
    def entry(minute: int, text: str, ref: str | None = None) -> TimelineEntry:
        return TimelineEntry(
            at=NOON + timedelta(minutes=minute), kind="note", text=text, ref=ref, actor="U1"
        )

    for noted in (entry(2, "b"), entry(1, "a"), entry(3, "b"), entry(4, "b", ref="R1")):
        await store.note("INC1", noted)
    kept = await store.timeline("INC1")
    assert [(e.text, e.ref) for e in kept] == [("a", None), ("b", None), ("b", "R1")]


async def test_a_secret_in_a_note_is_not_stored(store: RedisStore, redis: Redis) -> None:
    entry = TimelineEntry(at=NOON, kind="note", text="it said password=hunter22 in the log")
    await store.note("INC1", entry)
    assert [e.text for e in await store.timeline("INC1")] == [
        "it said password=[secret] in the log"
    ]


async def test_a_report_comes_back_as_it_was(store: RedisStore) -> None:
    report = Report(
        playbook="5xx",
        service="checkout",
        alarm=alarm(NOON),
        window=Window.around(NOON, NOON + timedelta(minutes=20)),
        picture=Picture(headline="5XX: 8.4 % of requests, 504 mostly", onset=NOON),
        verdict=Verdict.INCONCLUSIVE,
        causes=(),
        gaps=(),
        made_at=NOON,
    )
    assert await store.report("INC1") is None
    await store.save_report("INC1", report)
    assert await store.report("INC1") == report


async def test_a_delivery_is_first_once(store: RedisStore) -> None:
    firsts = await asyncio.gather(*(store.once("event:Ev1", 60) for _ in range(20)))
    assert sum(firsts) == 1


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


async def test_the_whole_way_of_a_run_is_in_the_audit(store: RedisStore) -> None:
    await approved(store)
    for source, to in ((S.APPROVED, S.RUNNING), (S.RUNNING, S.SETTLING), (S.SETTLING, S.DONE)):
        assert await store.move("R1", {source}, to) is not None
    undone = await store.move("R1", {S.DONE}, S.UNDOING, undone_by="U_CY", note="it got worse")
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
            else store.move("R1", {S.REQUESTED}, S.REJECTED)
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
        await store.move("R1", {S.REQUESTED}, S.REQUESTED, plan=other)
    with pytest.raises(ValueError, match="cannot be changed"):
        await store.move("R1", {S.REQUESTED}, S.REQUESTED, requested_by="U_EVE")
    with pytest.raises(ValueError, match="cannot be changed"):
        await store.move("R1", {S.REQUESTED}, S.REJECTED, approved_by="U_EVE")
    with pytest.raises(ValueError, match="no way leads"):
        await store.move("R1", {S.REQUESTED}, S.APPROVED)
    assert (await store.run("R1") or run()).plan == plan()


async def test_a_fingerprint_must_be_the_plans(store: RedisStore) -> None:
    with pytest.raises(ValueError, match="fingerprint"):
        await store.create_run(run(plan=plan(), fingerprint="0" * 64))
    await store.create_run(run())
    with pytest.raises(ValueError, match="fingerprint"):
        await store.move("R1", {S.PREPARING}, S.PROPOSED, plan=plan(), fingerprint="0" * 64)


async def test_a_run_goes_out_once(store: RedisStore) -> None:
    await approved(store)
    answers = await asyncio.gather(*(store.move("R1", {S.APPROVED}, S.RUNNING) for _ in range(30)))
    assert sum(answer is not None for answer in answers) == 1


async def test_results_are_recorded_while_it_runs(store: RedisStore) -> None:
    await approved(store)
    await store.move("R1", {S.APPROVED}, S.RUNNING)
    results = ({"RevisionId": "a", "list": [], "n": 1.5},)
    kept = await store.move("R1", {S.RUNNING}, S.RUNNING, results=results, applied_at=NOON)
    assert kept is not None
    assert kept == await store.run("R1")
    assert (kept.results, kept.applied_at) == (results, NOON)


async def test_a_full_server_lets_changes_come_home_and_none_go_out(store: RedisStore) -> None:
    """Fault: Redis full. Undoing goes on; approving and applying do not."""
    await approved(store)
    await requested(store, id="R2")
    await approved(store, id="R3")
    assert await store.move("R3", {S.APPROVED}, S.RUNNING) is not None
    redis = store._redis
    try:
        await redis.config_set("maxmemory", "1mb")
        with pytest.raises(OutOfMemoryError):
            await store.move("R1", {S.APPROVED}, S.RUNNING)
        with pytest.raises(OutOfMemoryError):
            await store.approve("R2", "U_BEN", plan().fingerprint)
        undoing = await store.move("R3", {S.RUNNING}, S.UNDOING)
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
    holders = await asyncio.gather(*(store.claim("sg-1", f"R{1 + n % 2}") for n in range(20)))
    assert holders.count(None) == 10
    winner = "R2" if "R2" in holders else "R1"
    loser = "R1" if winner == "R2" else "R2"
    assert set(holders) == {None, winner}
    await store.release("sg-1", loser)
    assert await store.claim("sg-1", loser) == winner
    await store.release("sg-1", winner)
    assert await store.claim("sg-1", loser) is None
    assert await store.claim("sg-2", winner) is None


async def test_a_run_that_is_over_holds_no_target(store: RedisStore) -> None:
    await store.create_run(run())
    await store.create_run(run(id="R2"))
    assert await store.claim("sg-1", "R1") is None
    await store.move("R1", {S.PREPARING}, S.REFUSED)
    assert await store.claim("sg-1", "R2") is None
    assert await store.claim("sg-1", "R1") == "R2"


async def test_an_expired_request_holds_no_target(store: RedisStore) -> None:
    await requested(store, minutes=-1)
    await store.create_run(run(id="R2"))
    assert await store.claim("sg-1", "R1") is None
    assert await store.claim("sg-1", "R2") is None


@pytest.mark.parametrize("to", [S.RUNNING, S.DONE, S.DRIFTED])
async def test_a_change_in_force_holds_its_target(store: RedisStore, to: RunState) -> None:
    await approved(store)
    await store.create_run(run(id="R2"))
    assert await store.claim("sg-1", "R1") is None
    await store.move("R1", {S.APPROVED}, S.RUNNING)
    await store.move("R1", {S.RUNNING}, to)
    assert await store.claim("sg-1", "R2") == "R1"


# --- housekeeping ---------------------------------------------------------------------------------


async def test_every_key_expires_or_has_a_reason_not_to(
    store: RedisStore, redis: Redis, namespace: str
) -> None:
    await store.open_incident(incident(thread_ts="171.5"), "a")
    await store.change_incident("INC1", thread_ts="172.5")
    await store.note("INC1", TimelineEntry(at=NOON, kind="note", text="hello"))
    await store.once("event:Ev1", 60)
    await store.claim("sg-1", "R1")
    await approved(store)
    await store.move("R1", {S.APPROVED}, S.RUNNING)
    keys = [key async for key in redis.scan_iter(f"{{{namespace}}}:*")]
    assert len(keys) > 10
    immortal = {key for key in keys if await redis.ttl(key) == -1}
    assert {key.removeprefix(f"{{{namespace}}}:") for key in immortal} <= WITHOUT_TTL.keys()


def test_a_client_that_gives_bytes_is_refused() -> None:
    with pytest.raises(ConfigError, match="connect"):
        RedisStore(Redis())
