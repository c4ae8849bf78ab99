"""Incidents, reports and timelines on a real Valkey: opened once, changed together."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from bot.domain.incident import IncidentState, Severity, TimelineEntry
from bot.domain.report import Overview, Report, Verdict, Window
from bot.domain.run import RunState
from bot.state.keys import Keys
from bot.state.store import RedisStore
from tests.support.values import NOON, alarm, incident

S = RunState


# --- incidents ------------------------------------------------------------------------------------


async def test_the_same_alarm_opens_one_incident(store: RedisStore) -> None:
    first, new = await store.open_incident(incident(), "alarm:checkout")
    again, new_again = await store.open_incident(incident(id="INC2"), "alarm:checkout")
    assert (new, new_again) == (True, False)
    assert first == again == incident()
    assert await store.incident("INC2") is None


async def test_an_alarms_reason_is_stored_without_secrets(
    store: RedisStore, redis: Redis, namespace: str
) -> None:
    said = alarm(NOON).model_copy(update={"reason": "token=abcdef123456 was refused"})
    opened, _ = await store.open_incident(incident(alarm=said), "alarm:checkout")
    assert opened.alarm is not None
    assert opened.alarm.reason == "token=[secret] was refused"
    later = said.model_copy(update={"reason": "password=hunter2hunter2"})
    changed = await store.change_incident("INC1", alarm=later)
    assert changed.alarm is not None
    assert changed.alarm.reason == "password=[secret]"
    stored = str(await redis.hgetall(Keys(namespace).incident("INC1")))
    assert "password=[secret]" in stored
    assert "hunter2" not in stored


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
        await store.add_to_timeline("INC1", noted)
    kept = await store.timeline("INC1")
    assert [(e.text, e.ref) for e in kept] == [("a", None), ("b", None), ("b", "R1")]


async def test_a_secret_in_a_note_is_not_stored(store: RedisStore, redis: Redis) -> None:
    entry = TimelineEntry(at=NOON, kind="note", text="it said password=hunter22 in the log")
    await store.add_to_timeline("INC1", entry)
    assert [e.text for e in await store.timeline("INC1")] == [
        "it said password=[secret] in the log"
    ]


async def test_a_report_comes_back_as_it_was(store: RedisStore) -> None:
    report = Report(
        playbook="5xx",
        service="checkout",
        alarm=alarm(NOON),
        window=Window.around(NOON, NOON + timedelta(minutes=20)),
        overview=Overview(headline="5XX: 8.4 % of requests, 504 mostly", onset=NOON),
        verdict=Verdict.INCONCLUSIVE,
        causes=(),
        gaps=(),
        made_at=NOON,
    )
    assert await store.report("INC1") is None
    await store.save_report("INC1", report)
    assert await store.report("INC1") == report


async def test_a_delivery_is_first_once(store: RedisStore) -> None:
    firsts = await asyncio.gather(*(store.first_time("event:Ev1", 60) for _ in range(20)))
    assert sum(firsts) == 1
