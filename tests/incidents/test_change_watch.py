"""The watch of an open incident: when it looks, when it ends, what it does without an answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from bot.config.catalogue import Catalogue
from bot.domain.errors import ReadFailed
from bot.domain.incident import IncidentState
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.report import Change, GapReason, Report, SinceChange
from bot.domain.service import Service
from bot.incidents import change_watch
from bot.incidents.card_publisher import IncidentCard
from bot.incidents.change_watch import ChangeWatch
from bot.investigation.routing import Router
from tests.support.memory_store import MemoryStore
from tests.support.playbooks import Fives
from tests.support.recorder import Recorder
from tests.support.samples import BEGAN, FOUND, INCIDENT

MINUTE = timedelta(minutes=1)
ABOUT = f"{INCIDENT.id} 7"


class Found:
    """What the collector found."""

    def __init__(self, *known: Change) -> None:
        self.known = known


class Collector(Probe[Found]):
    title = "changes"
    permissions = ()
    answer: Found | ReadFailed = Found()

    def read(self, aws: Aws, scope: Scope) -> Found:
        if isinstance(Collector.answer, ReadFailed):
            raise Collector.answer
        return Collector.answer


class Watched(Fives):
    changes = Collector()


class Clock:
    """AWS, which is asked for nothing but the time."""

    def __init__(self) -> None:
        self.at = BEGAN + 2 * MINUTE
        self.denied = False

    def reader(self, service: Service) -> Any:
        if self.denied:
            raise ReadFailed(GapReason.DENIED, "the role can't be assumed")
        return self

    def now(self) -> Any:
        return self.at


@pytest.fixture
def aws() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    made.clock = BEGAN + 2 * MINUTE
    made.incidents[INCIDENT.id] = INCIDENT
    made.reports[INCIDENT.id] = report()
    return made


@pytest.fixture
def watch(
    store: MemoryStore,
    aws: Clock,
    record: Recorder,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> ChangeWatch:
    monkeypatch.setattr(Collector, "answer", Found())
    return ChangeWatch(
        store,
        aws,  # type: ignore[arg-type]
        Catalogue(services=(Service(name=INCIDENT.service),)),
        Router([Watched()]),
        record,
        IncidentCard(store, record),
        pool,
    )


def report(**more: Any) -> Report:
    made = {"made_at": BEGAN + 2 * MINUTE, "complete": True}
    return FOUND.model_copy(update=made | more)


FIX = Change(
    at=BEGAN + 4 * MINUTE,
    actor="maya",
    kind="alias",
    resource="checkout",
    summary="UpdateAlias alias PROD to version 41",
    touches=("checkout:PROD",),
)


def kinds(record: Recorder) -> list[str]:
    return [kind for kind, _ in record.tasks]


async def test_a_change_is_told_once_and_investigated_when_it_is_settled(
    watch: ChangeWatch, store: MemoryStore, record: Recorder, aws: Clock
) -> None:
    Collector.answer = Found(FIX)
    aws.at = BEGAN + 9 * MINUTE
    await watch.look(ABOUT)
    await watch.look(ABOUT)
    assert kinds(record) == ["watch", "watch"]
    assert store.incidents[INCIDENT.id].noticed == (FIX,)
    assert [text for _, key, text in record.posts if key.startswith("noticed:")] == [
        "I noticed a change: maya moved PROD to version 41 (02:48 UTC; I investigate the minutes "
        "since it when their metrics are in, at 02:56 UTC)."
    ]
    assert [note.text for note in store.notes[INCIDENT.id]] == ["maya moved PROD to version 41."]
    aws.at = BEGAN + 12 * MINUTE
    await watch.look(ABOUT)
    assert kinds(record)[2:] == ["investigate", "watch"]


async def test_all_who_ask_for_a_look_at_one_time_get_one(
    watch: ChangeWatch, record: Recorder
) -> None:
    """An investigation ends while the incident is watched already."""
    await watch.begin(INCIDENT.id)
    await watch.begin(INCIDENT.id)
    first, second = record.tasks
    assert first == second
    number = int(first[1].split()[1])
    await watch.look(first[1])
    assert record.tasks[-1] == ("watch", f"{INCIDENT.id} {number + 1}")


@pytest.mark.parametrize("denied", [True, False])
async def test_what_cannot_be_read_is_not_known_and_looked_at_again(
    watch: ChangeWatch, store: MemoryStore, record: Recorder, aws: Clock, denied: bool
) -> None:
    aws.denied = denied
    Collector.answer = ReadFailed(GapReason.THROTTLED, "Rate exceeded")
    await watch.look(ABOUT)
    assert kinds(record) == ["watch"]
    assert record.posts == []
    assert store.incidents[INCIDENT.id].noticed == ()


async def test_a_look_that_failed_is_followed_by_the_next(
    watch: ChangeWatch, record: Recorder
) -> None:
    await watch.look_failed(ABOUT, KeyError("inside"))
    assert kinds(record) == ["watch"]


async def test_it_ends_with_the_incident(
    watch: ChangeWatch, store: MemoryStore, record: Recorder
) -> None:
    await store.change_incident(INCIDENT.id, state=IncidentState.CLOSED)
    await watch.look(ABOUT)
    await watch.look("INC-GONE 7")
    assert record.tasks == []


async def test_once_recovered_only_what_was_changed_before_is_waited_for(
    watch: ChangeWatch, store: MemoryStore, record: Recorder, aws: Clock
) -> None:
    Collector.answer = ReadFailed(GapReason.ERROR, "nothing is read any more")
    await store.change_incident(INCIDENT.id, state=IncidentState.RECOVERED, noticed=(FIX,))
    aws.at = BEGAN + 9 * MINUTE
    await watch.look(ABOUT)
    assert kinds(record) == ["watch"]
    after = SinceChange(at=FIX.at, what="maya moved PROD to version 41")
    store.reports[INCIDENT.id] = report(made_at=BEGAN + 13 * MINUTE, after=after)
    await watch.look(ABOUT)
    assert kinds(record) == ["watch"], "it has ended"


async def test_it_ends_some_hours_after_the_latest_investigation(
    watch: ChangeWatch, record: Recorder, aws: Clock
) -> None:
    aws.at = BEGAN + change_watch.WATCHED + 3 * MINUTE
    await watch.look(ABOUT)
    assert record.tasks == []
