"""One person may approve their own request where the policy says so: with a reason, and loudly."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.changes import guards
from bot.changes.guards import Request, first_refusal
from bot.changes.service import ChangeService
from bot.domain.change_wording import timeline_text
from bot.domain.objection import Objection
from bot.domain.objection import Standing as CauseStanding
from bot.domain.people import Account, Directory, Standing
from bot.domain.policy import Policy, Refusal, Role
from bot.domain.report import CauseStatus
from bot.domain.run import RunState
from bot.domain.service import Service
from bot.incidents.card_publisher import IncidentCard
from bot.incidents.requests import Place
from bot.render import run_message
from bot.state.store import RedisStore
from bot.telemetry import metrics
from tests.support.change_samples import PLAN, REQUESTED
from tests.support.dial import APPROVES, ASKS, INCIDENT, RUN, Bench
from tests.support.samples import INCIDENT as SAMPLE
from tests.support.stepping import drive

NOW = datetime(2026, 11, 23, 3, 20, tzinfo=UTC)
REASON = "Jonas and Ann do not answer, checkout is down"
ROLES = {
    "observer": Role(),
    "responder": Role(request=("*",)),
    "commander": Role(request=("*",), approve=("*",)),
    "alone": Role(request=("*",), break_glass=("turn-*",), tiers=frozenset({1, 2})),
}
ALONE = Policy(people={ASKS: ("alone",), APPROVES: ("commander",)}, roles=ROLES)


def refuted(found: bool) -> Objection:
    status = CauseStatus.REFUTED if found else CauseStatus.POSSIBLE
    standing = CauseStanding(title="The dial is low", status=status, text="it stands at 9")
    return Objection(action="turn-dial", title="Turn", standings=(standing,), made_at=NOW)


def requested() -> Bench:
    bench = Bench(policy=ALONE)
    bench.requested()
    return bench


# --- the rule -------------------------------------------------------------------------------------

cells = st.fixed_dictionaries(
    {
        "role": st.sampled_from([*ROLES, None]),
        "tier": st.integers(1, 4),
        "action": st.sampled_from(["turn-dial", "rollback-alias"]),
        "same": st.booleans(),
        "standing": st.sampled_from(Standing),
        "reason": st.sampled_from(["", "   ", "too short", "x" * 19, REASON, " " * 30 + "why"]),
        "now": st.sampled_from([None, refuted(False), refuted(True)]),
        "shown": st.sampled_from([None, refuted(False), refuted(True)]),
        "state": st.sampled_from(RunState),
        "left": st.integers(-1, 1),
        "audit": st.sampled_from([None, "Entry 7 was edited."]),
        "readable": st.booleans(),
    }
)


@settings(max_examples=400, deadline=None)
@given(cells)
def test_every_cell_of_the_matrix(cell: dict[str, Any]) -> None:
    roles = (cell["role"],) if cell["role"] else ()
    policy = Policy(people={ASKS: roles, APPROVES: ("commander",)}, roles=ROLES)
    run = REQUESTED.model_copy(
        update={
            "action": cell["action"],
            "state": cell["state"],
            "requested_by": ASKS if cell["same"] else "U0ELSE",
            "objection": cell["shown"],
            "expires_at": NOW + timedelta(seconds=cell["left"]),
        }
    )
    request = Request(
        run=run,
        plan=PLAN,
        service=Service(name="checkout", tier=cell["tier"]),
        policy=policy if cell["readable"] else Policy.unreadable("no"),
        directory=Directory(accounts={ASKS: Account(ASKS, cell["standing"], "in a test")}),
        now=NOW,
        actor=ASKS,
        audit_fault=cell["audit"],
        objection=cell["now"],
        reason=cell["reason"],
    )
    allowed = (
        cell["role"] == "alone"
        and cell["tier"] <= 2
        and cell["action"] == "turn-dial"
        and cell["same"]
        and cell["standing"] is Standing.MEMBER
        and cell["reason"] == REASON
        and not any(each is not None and each.refuted for each in (cell["now"], cell["shown"]))
        and cell["state"] is RunState.REQUESTED
        and cell["left"] > 0
        and cell["audit"] is None
        and cell["readable"]
    )
    assert (first_refusal(guards.BREAK_GLASS, request) is None) == allowed
    # and whoever asked never passes the ordinary way, whatever they are
    if cell["same"]:
        assert first_refusal(guards.APPROVE, request) is not None
    sent = replace(
        request,
        run=run.model_copy(
            update={"state": RunState.APPROVED, "approved_by": ASKS, "break_glass": cell["reason"]}
        ),
    )
    if allowed:
        assert first_refusal(guards.STILL_ALLOWED, sent) is None
    elif first_refusal(guards.STILL_ALLOWED, sent) is None:
        assert cell["role"] == "alone"
        assert cell["standing"] is Standing.MEMBER
        assert cell["same"]
        assert cell["reason"]


def test_it_is_off_by_default() -> None:
    bench = Bench()
    bench.people[ASKS] = ("commander",)
    bench.requested()
    assert not bench.run.may_break_glass
    refusal = drive(bench.executor.break_glass(RUN, ASKS, REASON))
    assert isinstance(refusal, Refusal)
    assert (
        refusal.reason == f"You asked for this; a second person has to approve it: <@{APPROVES}>."
    )
    assert bench.state() is RunState.REQUESTED


# --- the way --------------------------------------------------------------------------------------


def test_it_is_approved_recorded_and_sent() -> None:
    bench = requested()
    assert bench.run.may_break_glass
    assert isinstance(drive(bench.executor.approve(RUN, ASKS)), Refusal)
    assert drive(bench.executor.may_approve_alone(RUN, ASKS)) is None
    assert drive(bench.executor.may_approve_alone(RUN, APPROVES)) is not None
    drive(bench.executor.break_glass(RUN, ASKS, f"  {REASON}\n"))
    assert (bench.state(), bench.run.break_glass) == (RunState.APPROVED, REASON)
    assert bench.store.chain[-1].detail == REASON
    drive(bench.executor.break_glass(RUN, ASKS, "a second delivery of the same click"))
    assert bench.run.break_glass == REASON
    drive(bench.executor.apply(RUN))
    assert bench.dial.attempts == 1
    [entry] = [each for each in bench.store.notes[INCIDENT] if REASON in each.text]
    assert entry.text.startswith("Approved alone by break-glass: Turn the dial")


def test_a_role_lost_meanwhile_or_a_refutation_stops_it() -> None:
    lost = requested()
    drive(lost.executor.break_glass(RUN, ASKS, REASON))
    lost.policy = Policy(people={ASKS: ("commander",)}, roles=ROLES)
    drive(lost.executor.apply(RUN))
    assert (lost.state(), lost.dial.attempts) == (RunState.REFUSED, 0)
    assert "may not approve this alone on checkout any more" in lost.run.note


def test_the_message_says_so_for_good() -> None:
    offered = run_message(REQUESTED.model_copy(update={"may_break_glass": True}), SAMPLE)
    assert "Nobody else there…" in str(offered.blocks)
    assert "Nobody else there…" not in str(run_message(REQUESTED, SAMPLE).blocks)
    for state in (RunState.APPROVED, RunState.VERIFYING, RunState.UNDONE, RunState.REFUSED):
        run = REQUESTED.model_copy(
            update={"state": state, "approved_by": "U0ANNA", "break_glass": REASON}
        )
        said = str(run_message(run, SAMPLE).blocks)
        assert "Break-glass: " in said
        assert REASON in said
    assert timeline_text(REQUESTED.model_copy(update={"state": RunState.APPROVED})) is not None


class Posts:
    """What is posted, in order."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, Any, dict[str, Any]]] = []

    async def post(self, channel: str, key: str, message: Any, **place: Any) -> None:
        self.posted.append((key, message, place))

    async def ephemeral(self, *_: Any, **__: Any) -> None: ...

    async def view(self, *_: Any) -> None: ...


class Idle:
    async def put(self, *_: Any, **__: Any) -> None: ...


def test_the_channel_is_told_and_those_who_may_are_mentioned() -> None:
    bench, posts = requested(), Posts()
    changes = ChangeService(
        bench.executor, IncidentCard(bench.store, posts), bench.store, posts, Idle()
    )
    counted = metrics.BREAK_GLASS.labels("turn-dial")._value.get()
    drive(changes.break_glass(RUN, Place("C1", ASKS), REASON))
    drive(changes.show(RUN))
    told = [(message, place) for key, message, place in posts.posted if key == f"break-glass:{RUN}"]
    message, place = told[0]
    assert place == {}  # in the channel, not in the thread
    assert REASON in str(message.blocks)
    assert {"type": "user", "user_id": APPROVES} in message.blocks[0]["elements"][2]["elements"]
    assert REASON in message.text
    assert metrics.BREAK_GLASS.labels("turn-dial")._value.get() == counted + 1


# --- on Redis -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "reason", "approved"),
    [
        ("U0ANNA", "", False),
        ("U0ANNA", REASON, True),
        ("U0BEN", "", True),
        ("U0BEN", REASON, False),
    ],
)
async def test_the_store_lets_only_the_requester_approve_with_a_reason(
    redis: Redis, namespace: str, by: str, reason: str, approved: bool
) -> None:
    store = RedisStore(redis, namespace)
    later = await store.now() + timedelta(minutes=5)
    await store.create_run(REQUESTED.model_copy(update={"expires_at": later}))
    run = await store.approve(REQUESTED.id, by, REQUESTED.fingerprint or "", break_glass=reason)
    assert (run is not None) == approved
    if run is not None:
        assert (run.approved_by, run.break_glass) == (by, reason)
        entry = (await store.audit())[-1]
        assert (REASON in entry.detail) == bool(reason)
    with pytest.raises(ValueError, match="break_glass cannot be changed"):
        await store.move_run(REQUESTED.id, (RunState.REQUESTED,), RunState.REJECTED, break_glass="")
