"""The use cases when things go wrong: twice at once, a slow AWS, the last word."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.app import registry
from bot.changes.executor import ChangeExecutor
from bot.changes.service import ChangeService
from bot.config.catalogue import Catalogue
from bot.domain.alarm import Alarm
from bot.domain.errors import ReadFailed
from bot.domain.incident import Incident, Severity
from bot.domain.policy import Policy
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef, FunctionRef, Resources
from bot.domain.run import Run, RunState
from bot.domain.service import Service
from bot.incidents import alarm_reads
from bot.incidents.alarm_accounts import AlarmAccounts
from bot.incidents.card_publisher import IncidentCard, card_key
from bot.incidents.context import IncidentContext
from bot.incidents.investigation_task import IncidentInvestigation
from bot.incidents.lifecycle import Lifecycle
from bot.incidents.posted_alarms import PostedAlarms
from bot.incidents.service import IncidentService
from bot.investigation.investigator import Investigator
from bot.render import Click
from handlers.dispatch import Dispatch
from handlers.envelopes import (
    AlarmSeen,
    ButtonClicked,
    CommandGiven,
    Envelope,
    MentionGiven,
    Triage,
    ViewSubmitted,
)
from handlers.slack.commands import Vocabulary
from tests.support.members import Members
from tests.support.memory_store import MemoryStore
from tests.support.recorder import Given, Recorder
from tests.support.values import plan

ALERTS, TS = "C0ALERTS", "1700000000.000100"
CHECKOUT = Service(
    name="checkout",
    resources=Resources(
        apis=(ApiRef(name="checkout"),), functions=(FunctionRef(name="checkout", alias="live"),)
    ),
)
ALARM = Alarm(name="checkout-5xx", region="us-east-1")


class Store(MemoryStore):
    """Opens one incident at a time."""

    async def incident_for(self, dedupe: str) -> Incident | None:
        return next(iter(self.incidents.values()), None)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def card(store: Store, record: Recorder) -> IncidentCard:
    return IncidentCard(store, record)


@pytest.fixture
def investigation(
    store: Store, card: IncidentCard, pool: ThreadPoolExecutor, reader: Aws
) -> IncidentInvestigation:
    router = registry.router()
    return IncidentInvestigation(
        store=store,
        accounts=Given(reader),
        catalogue=Catalogue(services=(CHECKOUT,)),
        router=router,
        investigator=Investigator(router, registry.ACTIONS, pool),
        card=card,
        watch=_nobody_watches,
    )


async def _nobody_watches(incident_id: str) -> None: ...


@pytest.fixture
def context(store: Store, record: Recorder, reader: Aws) -> IncidentContext:
    return context_of(store, record, reader)


def context_of(store: Store, record: Recorder, aws: Aws) -> IncidentContext:
    card = IncidentCard(store, record)
    return IncidentContext(
        store=store,
        announcer=record,
        queue=record,
        accounts=Given(aws),
        catalogue=Catalogue(services=(CHECKOUT,)),
        router=registry.router(),
        lifecycle=Lifecycle(store, card),
        card=card,
    )


def posted_alarms(context: IncidentContext) -> PostedAlarms:
    return PostedAlarms(context, AlarmAccounts(context.accounts, context.catalogue))


def change_service(context: IncidentContext) -> ChangeService:
    executor = ChangeExecutor(
        store=context.store,
        actions=registry.ACTIONS,
        service=context.catalogue.service,
        policy=Policy,
        people=Members(),
        reader=context.accounts.reader,
        writer=context.accounts.writer,
        detector=_never,
    )
    return ChangeService(executor, context.card, context.store, context.announcer, context.queue)


async def _never(run: Run) -> Any:
    raise AssertionError("nothing is verified here")


def opened(store: Store) -> Incident:
    incident = Incident(
        id="INC-1",
        playbook="5xx",
        service="checkout",
        severity=Severity.SEV3,
        channel=ALERTS,
        thread_ts=TS,
        opened_at=store.clock,
    )
    store.incidents[incident.id] = incident
    return incident


def waiting(store: Store, state: RunState) -> Run:
    """A change of an open incident, asked for a minute ago."""
    run = Run(
        id="CHG-1",
        incident=opened(store).id,
        action="rollback-alias",
        state=state,
        requested_by="U1",
        plan=plan(),
        fingerprint=plan().fingerprint,
        expires_at=store.clock + timedelta(minutes=9),
    )
    store.kept[run.id] = run
    return run


# --- twice at once ------------------------------------------------------------------------------


async def test_two_investigations_at_once_end_as_one_would(
    investigation: IncidentInvestigation, card: IncidentCard, store: Store, record: Recorder
) -> None:
    """An alarm and somebody who asks, in the same moment."""
    incident = opened(store)
    await asyncio.gather(
        investigation.investigate(incident.id), investigation.investigate(incident.id)
    )
    report = store.reports[incident.id]
    assert report.complete
    last = len(record.posts)
    await card.show(incident.id)
    assert record.posts[-1] == record.posts[last - 1], "the card shows what the store knows"
    assert {key for _, key, _ in record.posts} == {card_key(incident.id)}
    findings = [note for note in store.notes[incident.id] if note.kind == "finding"]
    assert 1 <= len(findings) <= 2


async def test_a_card_is_not_overwritten_with_what_was_read_before(
    investigation: IncidentInvestigation,
    card: IncidentCard,
    store: Store,
    record: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the reading and the posting, somebody else saved and posted something newer."""
    incident = opened(store)
    await investigation.investigate(incident.id)
    whole = store.reports.pop(incident.id)
    late = Recorder.post

    async def overtaken(self: Recorder, *posted: Any, **where: Any) -> None:
        if incident.id not in store.reports:
            await store.save_report(incident.id, whole)
            await card.show(incident.id)
        await late(self, *posted, **where)

    record.posts.clear()
    monkeypatch.setattr(Recorder, "post", overtaken)
    await card.show(incident.id)
    newer, older, last = (text for _, _, text in record.posts)
    assert newer == last != older


# --- a slow AWS ---------------------------------------------------------------------------------


class Silent:
    """An AWS that takes its time to say nothing."""

    region = "us-east-1"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> Any:
        self.read("sts", "get_caller_identity")

    def read(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        time.sleep(self.seconds)
        raise ReadFailed(GapReason.TIMEOUT, f"{service}.{operation}: no answer from AWS")


async def test_a_slow_aws_does_not_hold_up_the_first_card(
    store: Store, record: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_reads, "WAIT_SECONDS", 0.05)
    silent: Any = Silent(0.6)
    alarms = posted_alarms(context_of(store, record, silent))
    began = time.monotonic()
    await alarms.alarm_seen(ALARM, ALERTS, TS)
    assert time.monotonic() - began < 0.5
    (incident,) = store.incidents.values()
    assert record.posts[0][:2] == (ALERTS, card_key(incident.id))
    assert record.tasks == [("investigate", incident.id)]
    await asyncio.sleep(0.1)


# --- the last word ------------------------------------------------------------------------------

TOLD = ReadFailed(GapReason.DENIED, "sts:AssumeRole: User: bot is not authorized")
INSIDE = KeyError("xoxb-secret")


@pytest.mark.parametrize(("fault", "words"), [(TOLD, "not authorized"), (INSIDE, "internal error")])
async def test_an_investigation_given_up_is_told_in_its_thread(
    investigation: IncidentInvestigation,
    store: Store,
    record: Recorder,
    fault: Exception,
    words: str,
) -> None:
    incident = opened(store)
    await investigation.report_failure(incident.id, fault)
    ((channel, _, text),) = record.posts
    assert channel == ALERTS
    assert words in text
    assert "Look again" in text
    assert "xoxb" not in text


@pytest.fixture
def dispatch(context: IncidentContext) -> Dispatch:
    return Dispatch(
        incidents=IncidentService(context),
        alarms=posted_alarms(context),
        changes=change_service(context),
        announcer=context.announcer,
        catalogue=context.catalogue,
        router=context.router,
        vocabulary=Vocabulary(playbooks=(), services=("checkout",)),
        home=AsyncMock(),
    )


ASKED = Triage(playbook="5xx")
BUTTON = {"click": Click.UNDO, "value": "CHG-1", "trigger": "t"}


@pytest.mark.parametrize(
    "envelope",
    [
        CommandGiven(team="T", channel=ALERTS, user="U1", trigger="t", command=ASKED),
        MentionGiven(team="T", channel=ALERTS, user="U1", ts=TS, command=ASKED),
        ButtonClicked(team="T", channel=ALERTS, user="U1", **BUTTON),
        ViewSubmitted(team="T", user="U1", callback="c", run="CHG-1", view_id="V1"),
    ],
    ids=lambda each: each.kind,
)
async def test_who_asked_hears_that_it_was_given_up(
    dispatch: Dispatch, store: Store, record: Recorder, envelope: Envelope
) -> None:
    waiting(store, RunState.REQUESTED)
    await dispatch.report_failure(envelope.model_dump_json(), INSIDE)
    if isinstance(envelope, MentionGiven):  # it is answered for all, in its thread
        ((channel, key, text),) = record.posts
        assert (channel, key) == (ALERTS, f"answer:{TS}")
    else:
        ((channel, user, text),) = record.whispers
        assert (channel, user) == (ALERTS, "U1")
    assert "Please try again" in text
    assert "xoxb" not in text


async def test_an_alarm_given_up_is_told_under_its_post(
    dispatch: Dispatch, record: Recorder
) -> None:
    seen = AlarmSeen(team="T", channel=ALERTS, ts=TS, alarm=ALARM)
    await dispatch.report_failure(seen.model_dump_json(), TOLD)
    ((channel, _, text),) = record.posts
    assert channel == ALERTS
    assert "/incident triage 5xx" in text


async def test_what_was_handled_once_is_not_handled_again(
    dispatch: Dispatch, store: Store, record: Recorder
) -> None:
    seen = AlarmSeen(team="T", channel=ALERTS, ts=TS, alarm=ALARM).model_dump_json()
    await dispatch(seen)
    tasks, posts = list(record.tasks), list(record.posts)
    assert tasks
    await dispatch(seen)
    assert (record.tasks, record.posts) == (tasks, posts)
