"""Whatever an investigation finds, Slack takes the card, and nobody is mentioned by it."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.change_events import EventKind
from bot.domain.incident import Incident, TimelineEntry
from bot.domain.objection import Objection
from bot.domain.plan import Plan
from bot.domain.report import Report
from bot.domain.run import Run
from bot.domain.slack_ids import is_user
from bot.render import (
    Entry,
    Home,
    HomeChange,
    HomeIncident,
    Message,
    Offer,
    all_evidence_modal,
    card,
    change_reply,
    error_modal,
    greeting,
    guard_modal,
    home_view,
    loading_modal,
    notice,
    others_modal,
    playbooks_message,
    preview_modal,
    run_message,
    status,
    timeline,
    triage_form,
    unknown_message,
)
from sandbox.slack.limits import validate_blocks, validate_view
from tests.render import strategies as draw
from tests.render.mentions import pinged
from tests.support.samples import NOW

hard = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
offers = st.lists(st.builds(Offer, id=st.just("ofr-1"), title=draw.texts), max_size=30)


def accepted(message: Message) -> None:
    assert validate_blocks(message.blocks) == []
    assert 0 < len(message.text) <= 4000


@hard
@given(draw.incidents, st.none() | draw.reports, draw.many(draw.runs, 5), offers)
def test_any_card(
    incident: Incident, report: Report | None, runs: tuple[Run, ...], offers: list[Offer]
) -> None:
    made = card(incident, report, runs, offers)
    accepted(made)
    people = {incident.opened_by}
    for run in runs:
        people |= {run.requested_by, run.approved_by, run.undone_by}
    known = {each for each in people if each and is_user(each)}
    urls = {link.url for link in report.overview.links} if report else set()
    assert pinged(made.text, made.blocks) <= known | {url for url in urls if url[:5] == "https"}
    accepted(status(incident, report))
    if report is not None:
        view = all_evidence_modal(report, "evidence-1")
        assert validate_view(view) == []
        assert pinged("", view["blocks"]) <= urls


@hard
@given(draw.runs, draw.incidents, draw.many(draw.users, 12))
def test_any_change(run: Run, incident: Incident, approvers: tuple[str, ...]) -> None:
    made = run_message(run, incident, approvers)
    accepted(made)
    people = {run.requested_by, run.approved_by, run.undone_by, run.undo_approved_by, *approvers}
    assert pinged(made.text, made.blocks) <= {each for each in people if each and is_user(each)}
    pressed = [
        element["value"]
        for block in made.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]
    assert set(pressed) <= {run.id}


@hard
@given(draw.runs, st.sampled_from(EventKind))
def test_any_reply_about_a_change(run: Run, kind: EventKind) -> None:
    made = change_reply(kind, run)
    accepted(made)
    people = {run.requested_by, run.approved_by, run.undone_by, run.undo_approved_by}
    assert pinged(made.text, made.blocks) <= {each for each in people if each and is_user(each)}


@hard
@given(draw.incidents, st.none() | draw.reports, draw.runs, draw.texts, st.integers(0, 30))
def test_any_home_tab(
    incident: Incident, report: Report | None, run: Run, why: str, number: int
) -> None:
    url = "https://acme.slack.com/archives/C1/p1"
    incidents = [
        HomeIncident(incident, report, url if each % 2 else None) for each in range(number)
    ]
    changes = [HomeChange(run, incident, url)] * number
    view = home_view(Home(NOW, incidents, number, changes, changes, changes, why))
    assert validate_view(view) == []
    assert pinged("", view["blocks"]) <= {run.requested_by, run.undone_by, incident.channel, url}


@hard
@given(draw.many(draw.texts, 30), st.integers(1, 200))
def test_any_greeting_and_form(names: tuple[str, ...], services: int) -> None:
    accepted(greeting("C1", names, services))
    known = tuple(f"service-{number}" for number in range(services))
    entries = [Entry(f"t{number}", name or "-") for number, name in enumerate(names)]
    form = triage_form("form-1", "{}", entries or [Entry("5xx", "5XX errors")], known)
    assert validate_view(form) == []
    assert pinged("", form["blocks"]) == set()


@hard
@given(draw.runs, draw.plans)
def test_any_preview(run: Run, plan: Plan) -> None:
    view = preview_modal(run, plan, "external-1")
    assert validate_view(view) == []
    assert pinged("", view["blocks"]) == set()
    assert view["private_metadata"] == run.id
    assert ("submit" in view) == (not plan.blocked_by)


@hard
@given(draw.many(draw.objections, 12))
def test_any_objection(objections: tuple[Objection, ...]) -> None:
    offers = [
        (Offer(id=f"inc-1:action-{number}", title=each.title), each)
        for number, each in enumerate(objections)
    ]
    views = [guard_modal(offer, each, "external-1") for offer, each in offers]
    if offers:
        views.append(others_modal("inc-1", offers, "external-1"))
    for view in views:
        assert validate_view(view) == []
        assert pinged("", view["blocks"]) == set()


@hard
@given(draw.incidents, draw.many(draw.entries, 60))
def test_any_timeline(incident: Incident, entries: tuple[TimelineEntry, ...]) -> None:
    made = timeline(incident, entries)
    accepted(made)
    people = {entry.actor for entry in entries if entry.actor and is_user(entry.actor)}
    assert pinged(made.text, made.blocks) <= people


@hard
@given(draw.texts, draw.texts)
def test_anything_else_said(one: str, other: str) -> None:
    for made in (
        notice(one),
        unknown_message(one, other or None),
        playbooks_message([Entry(one, other, one)] * 60),
    ):
        accepted(made)
        assert pinged(made.text, made.blocks) == set()
    assert validate_view(error_modal("external-1", one, other)) == []
    assert validate_view(loading_modal("external-1", one)) == []
