"""Hostile and huge incidents, drawn at random."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from bot.domain.alarm import Alarm, AlarmState
from bot.domain.incident import Incident, IncidentState, Severity, TimelineEntry
from bot.domain.objection import Objection, Standing
from bot.domain.plan import Check, Plan, Step
from bot.domain.report import (
    BreakdownRow,
    Cause,
    CauseStatus,
    Change,
    Clue,
    ClueKind,
    Cost,
    Gap,
    GapReason,
    Link,
    NextTest,
    Offer,
    Overview,
    Report,
    Series,
    Verdict,
    Window,
)
from bot.domain.run import Answer, Run, RunState, Verification
from tests.support.samples import HOSTILE

NOW = datetime(2026, 11, 23, 2, 44, tzinfo=UTC)

# Attacks in every shape, and lengths beyond any limit of Slack's.
texts = st.one_of(
    st.sampled_from(["", " ", HOSTILE, "<!channel>", "`", "\u202e\u200b", "&amp;", "א" * 50]),
    st.text(max_size=40),
    st.sampled_from([HOSTILE, "x", "&<>", "ab "]).map(lambda text: text * 60),
)
times = st.integers(-10_000, 10_000).map(lambda seconds: NOW + timedelta(seconds=seconds))
figures = st.floats(allow_nan=True, allow_infinity=True) | st.integers(0, 10**9).map(float)
counts = st.integers(0, 10**12)
finite = st.floats(0, 1e12)
users = st.sampled_from(["U0ANNA", "W123ABC"]) | texts
maybe_texts = st.none() | texts


def many(values: st.SearchStrategy[Any], most: int = 25) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=most).map(tuple)


clues = st.builds(Clue, kind=st.sampled_from(ClueKind), holds=st.none() | st.booleans(), text=texts)
causes = st.builds(
    Cause,
    id=texts,
    title=texts,
    status=st.sampled_from(CauseStatus),
    score=st.integers(-9, 9),
    clues=many(clues, 8),
    actions=many(texts, 3),
)
gaps = st.builds(
    Gap,
    probe=texts,
    reason=st.sampled_from(GapReason),
    detail=texts,
    permission=maybe_texts,
)
changes = st.builds(
    Change,
    at=times,
    actor=texts,
    kind=texts,
    resource=texts,
    summary=texts,
    until=st.none() | times,
    lag=st.none() | st.floats(-1e6, 1e6),
)
shares = st.builds(
    BreakdownRow, code=texts, count=finite, of_errors=finite, of_requests=st.none() | finite
)
series = st.builds(
    Series,
    name=texts,
    points=st.lists(st.none() | figures, max_size=90).map(
        lambda values: tuple(
            (NOW + timedelta(minutes=number - 70), value) for number, value in enumerate(values)
        )
    ),
)
links = st.builds(
    Link,
    title=texts,
    url=st.sampled_from(["https://a.example/x", "javascript:alert(1)", "http://x", "https://a b"])
    | st.integers(1, 4000).map(lambda length: "https://a.example/" + "x" * length),
)
overviews = st.builds(
    Overview,
    headline=texts,
    onset=st.none() | times,
    breakdown=many(shares),
    changes=many(changes),
    chart_title=texts,
    chart=many(series, 9),
    links=many(links),
)
costs = st.builds(Cost, calls=counts, metrics=counts, log_bytes=counts, usd=finite, seconds=finite)
offers = st.builds(Offer, action=texts, title=texts, fits=st.none() | st.booleans(), why=texts)
alarms = st.builds(
    Alarm,
    name=texts,
    region=texts,
    state=st.sampled_from(AlarmState),
    changed_at=st.none() | times,
)
next_tests = st.builds(
    NextTest,
    question=texts,
    decides=many(texts, 5),
    probe=maybe_texts,
    read=texts,
    reason=st.none() | st.sampled_from([each for each in GapReason if each != "pending"]),
    permission=maybe_texts,
    denied_by=maybe_texts,
    again_at=st.none() | times,
)
reports = st.builds(
    Report,
    playbook=texts,
    service=texts,
    alarm=st.none() | alarms,
    window=times.map(lambda began: Window.around(began, NOW)),
    overview=overviews,
    verdict=st.sampled_from(Verdict),
    causes=many(causes),
    gaps=many(gaps),
    next_test=st.none() | next_tests,
    first_guess=maybe_texts,
    actions=many(offers, 6),
    cost=costs,
    complete=st.booleans(),
    made_at=times,
)
incidents = st.builds(
    Incident,
    id=st.just("inc-1"),
    playbook=texts,
    service=texts,
    severity=st.sampled_from(Severity),
    state=st.sampled_from(IncidentState),
    alarm=st.none() | alarms,
    channel=st.just("C0CHECKOUT"),
    opened_by=st.none() | users,
    opened_at=times,
    recovered_at=st.none() | times,
)
values = texts | st.integers() | st.booleans() | st.none()
states = st.dictionaries(texts, values | st.dictionaries(texts, values, max_size=5), max_size=20)
steps = st.builds(
    Step,
    service=st.just("lambda"),
    operation=st.just("update_alias"),
    params=states,
)
checks = st.builds(Check, text=texts, holds=st.none() | st.booleans())
plans = st.builds(
    Plan,
    action=texts,
    title=texts,
    service=texts,
    target=texts,
    before=states,
    after=states,
    steps=many(steps, 6),
    inverse=st.none() | many(steps, 6),
    irreversible=maybe_texts,
    checks=many(checks),
    warnings=many(texts),
    usd_per_hour=st.none() | st.floats(-1e6, 1e6),
    settles_within=st.integers(0, 10**6),
)
verifications = st.builds(Verification, answer=st.sampled_from(Answer), text=texts, at=times)
standings = st.builds(Standing, title=texts, status=st.sampled_from(CauseStatus), text=texts)
objections = st.builds(
    Objection,
    action=texts,
    title=texts,
    standings=many(standings, 8),
    likely=maybe_texts,
    instead=maybe_texts,
    fits=st.none() | st.booleans(),
    made_at=times,
    complete=st.booleans(),
)
runs = st.builds(
    Run,
    id=st.just("run-1"),
    incident=st.just("inc-1"),
    action=texts,
    state=st.sampled_from(RunState),
    requested_by=users,
    plan=st.none() | plans,
    objection=st.none() | objections,
    approved_by=st.none() | users,
    expires_at=st.none() | times,
    applied_at=st.none() | times,
    in_force_at=st.none() | times,
    verification=st.none() | verifications,
    note=texts,
    undone_by=st.none() | users,
)
entries = st.builds(TimelineEntry, at=times, kind=texts, text=texts, actor=st.none() | users)
