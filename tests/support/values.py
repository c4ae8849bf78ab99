"""Plain values the tests of the store begin with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.alarm import Alarm
from bot.domain.incident import Incident, Severity
from bot.domain.plan import Plan, Step
from bot.domain.run import Run, RunState
from bot.state.store import RedisStore

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
    await store.move_run(born.id, {S.PREPARING}, S.PROPOSED)
    moved = await store.move_run(born.id, {S.PROPOSED}, S.REQUESTED, expires_at=deadline)
    assert moved is not None
    return moved


async def approved(store: RedisStore, **fields: Any) -> Run:
    await requested(store, **fields)
    done = await store.approve(fields.get("id", "R1"), "U_BEN", plan().fingerprint)
    assert done is not None
    return done
