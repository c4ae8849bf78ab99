"""Everything people see, rendered from the samples."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.domain.change_events import EventKind
from bot.domain.objection import Objection, objection, other_actions
from bot.domain.report import BreakdownRow, ClueKind, Link, NextTest
from bot.domain.report import Offer as BlockedOffer
from bot.domain.run import RunState
from bot.render import (
    Entry,
    Home,
    HomeChange,
    HomeIncident,
    Offer,
    already_open,
    card,
    change_reply,
    error_modal,
    evidence_modal,
    greeting,
    guard_modal,
    help_message,
    home_view,
    loading_modal,
    looks_again,
    nothing_modal,
    others_modal,
    playbooks_message,
    preview_modal,
    reject_modal,
    run_message,
    status,
    timeline,
    triage_form,
    unknown_message,
)
from tests.support.change_samples import (
    AGAINST,
    BLOCKED,
    CHOSEN,
    DONE,
    DRIFTED,
    FITTING,
    NEVER_IN_FORCE,
    NOT_MENDED,
    OFFERS,
    PLAN,
    REFUSED,
    REQUESTED,
    SETTLING,
    TITLES,
    UNDO_REQUESTED,
    UNTESTED,
    run,
)
from tests.support.samples import (
    ALARM,
    CHANGES,
    COLD_STARTS,
    DENIED,
    FOUND,
    HOSTILE,
    INCIDENT,
    LINKS,
    LOOKING,
    NOW,
    OVERLOAD,
    OVERVIEW,
    RECOVERED,
    TIMELINE,
    UNCLEAR,
    clue,
)

NOT_POSSIBLE = FOUND.model_copy(
    update={
        "actions": (
            BlockedOffer(
                action="rollback-alias",
                title="Roll back the Lambda alias",
                fits=False,
                why="Roll checkout:live back from 23 to 21: does not hold: checkout:live serves "
                "version 22, which the evidence names (it serves 23)",
            ),
        )
    }
)


def hostile() -> dict[str, Any]:
    """Everything that comes from outside is an attack."""
    alarm = ALARM.model_copy(update={"name": HOSTILE})
    evil = COLD_STARTS.model_copy(update={"clues": (clue(ClueKind.DECISIVE, HOSTILE),)})
    change = CHANGES[0].model_copy(update={"actor": HOSTILE, "summary": HOSTILE})
    overview = OVERVIEW.model_copy(
        update={
            "headline": HOSTILE,
            "changes": (change,),
            "breakdown": (BreakdownRow(code=HOSTILE, count=1, of_errors=1, of_requests=None),),
            "chart_title": HOSTILE,
            "links": (Link(title=HOSTILE, url="javascript:alert(1)"), *LINKS[:1]),
        }
    )
    report = FOUND.model_copy(
        update={
            "alarm": alarm,
            "overview": overview,
            "causes": (evil, OVERLOAD.model_copy(update={"title": HOSTILE})),
            "gaps": (DENIED.model_copy(update={"detail": HOSTILE, "permission": HOSTILE}),),
        }
    )
    incident = INCIDENT.model_copy(update={"alarm": alarm, "service": HOSTILE})
    return blocks(card(incident, report, (), (Offer(id="ofr-1", title=HOSTILE),)))


PLAYBOOKS = (
    Entry("5xx", "HTTP 5XX errors", "an overloaded backend"),
    Entry("look-around", "Look around", for_any_alarm=True),
)
CARD_URL = "https://acme.slack.com/archives/C0CHECKOUT/p1795401840000100"
APPROVERS = ("U0ANNA", "U0BEN", "U0CLEO", "U0DAN", "U0EVE", "S0SRE", "U0FAY", "U0GUS")
WITH_REASON = REQUESTED.model_copy(
    update={"reason": "cold starts since the newsletter", "requested_at": NOW}
)
REJECTED = REQUESTED.model_copy(
    update={
        "state": RunState.REJECTED,
        "note": "<@U0BEN> rejected this change: “the surge ends at 4”",
    }
)
UNDONE = DONE.model_copy(update={"state": RunState.UNDONE, "undone_by": "U0ANNA"})
UNDO_FAILED = DONE.model_copy(
    update={
        "undone_by": "U0ANNA",
        "note": "Not undone: the change is still in force. By hand: aws lambda …",
    }
)
TOLD = {
    EventKind.APPROVED: DONE,
    EventKind.MENDED: DONE,
    EventKind.NOT_MENDED: NOT_MENDED,
    EventKind.UNVERIFIED: NOT_MENDED,
    EventKind.NOT_IN_FORCE: NEVER_IN_FORCE,
    EventKind.FAILED: REFUSED,
    EventKind.REJECTED: REJECTED,
    EventKind.EXPIRED: REQUESTED,
    EventKind.UNDONE: UNDONE,
    EventKind.UNDO_FAILED: UNDO_FAILED,
    EventKind.DRIFTED: DRIFTED,
}
HOME = Home(
    as_of=NOW,
    incidents=(
        HomeIncident(INCIDENT, FOUND, CARD_URL),
        HomeIncident(INCIDENT.model_copy(update={"service": "search"})),
    ),
    hidden=1,
    to_approve=(HomeChange(REQUESTED, INCIDENT, CARD_URL),),
    asked=(HomeChange(REQUESTED, INCIDENT),),
    previews=(HomeChange(run(RunState.PROPOSED), INCIDENT, CARD_URL),),
    frozen="audit entry 12 does not match its digest: it or the one before was edited",
)

NOT_YET = UNCLEAR.model_copy(
    update={
        "next_test": NextTest(
            question="whether something was released: none found yet in the 6 h before it began, "
            "but CloudTrail may be minutes behind",
            decides=("bad-deployment",),
            again_at=NOW + timedelta(minutes=6),
        )
    }
)


def others() -> list[tuple[Offer, Objection]]:
    """What the findings do not call for, each with what speaks against it."""
    report = FOUND.model_copy(update={"actions": (FITTING,)})
    made = (objection(report, action, TITLES) for action in other_actions(report))
    return [(Offer(f"{INCIDENT.id}:{each.action}", each.title), each) for each in made if each]


def blocks(message: Any) -> dict[str, Any]:
    return {"text": message.text, "blocks": message.blocks}


def everything() -> dict[str, dict[str, Any]]:
    """Name of each golden file → what is rendered into it."""
    asked = INCIDENT.model_copy(update={"alarm": None, "opened_by": "U0ANNA"})
    return {
        "card_opened": blocks(card(asked, None, (), ())),
        "card_looking": blocks(card(INCIDENT, LOOKING, (), ())),
        "card_found": blocks(card(INCIDENT, FOUND, (), OFFERS)),
        "card_unclear": blocks(card(INCIDENT, UNCLEAR, (), ())),
        "card_recovered": blocks(card(RECOVERED, FOUND, (DONE,), OFFERS[1:])),
        "card_hostile": hostile(),
        "card_blocked": blocks(card(INCIDENT, NOT_POSSIBLE, (), ())),
        "card_later": blocks(card(INCIDENT, NOT_YET, (), ())),
        "run_against_the_evidence": blocks(
            run_message(REQUESTED.model_copy(update={"objection": AGAINST}), INCIDENT)
        ),
        "run_requested": blocks(run_message(WITH_REASON, INCIDENT, APPROVERS)),
        "run_requested_of_nobody": blocks(run_message(REQUESTED, INCIDENT, ("U0ANNA",))),
        **{f"told_{kind}": blocks(change_reply(kind, told)) for kind, told in TOLD.items()},
        "run_settling": blocks(run_message(SETTLING, INCIDENT)),
        "run_done": blocks(run_message(DONE, INCIDENT)),
        "run_undo_requested": blocks(run_message(UNDO_REQUESTED, INCIDENT)),
        "run_not_mended": blocks(run_message(NOT_MENDED, INCIDENT)),
        "run_never_in_force": blocks(run_message(NEVER_IN_FORCE, INCIDENT)),
        "run_refused": blocks(run_message(REFUSED, INCIDENT)),
        "run_drifted": blocks(run_message(DRIFTED, INCIDENT)),
        "modal_loading": loading_modal("prepare-1"),
        "modal_preview": preview_modal(run(RunState.PROPOSED), PLAN, "prepare-1"),
        "modal_against_the_evidence": preview_modal(
            run(RunState.PROPOSED, objection=AGAINST), PLAN, "prepare-1"
        ),
        "modal_others_loading": evidence_modal("others-1"),
        "modal_others": others_modal(INCIDENT.id, others(), "others-1"),
        "modal_guard": guard_modal(*others()[1], "others-1"),
        "modal_guard_untested": guard_modal(
            Offer(f"{INCIDENT.id}:rollback-alias", "Roll back the Lambda alias"),
            UNTESTED,
            "others-1",
        ),
        "modal_chosen": preview_modal(
            run(RunState.PROPOSED, plan=CHOSEN, fingerprint=CHOSEN.fingerprint), CHOSEN, "prepare-1"
        ),
        "modal_blocked": preview_modal(run(RunState.PROPOSED), BLOCKED, "prepare-1"),
        "modal_nothing": nothing_modal(
            "prepare-1",
            "Nothing to do",
            "Provisioned concurrency of checkout-handler:live is 24 already.",
        ),
        "modal_reject": reject_modal("reject-1", "run-9d04"),
        "modal_triage": triage_form("form-1", "{}", PLAYBOOKS, ("checkout", "search")),
        "home": home_view(HOME),
        "home_empty": home_view(Home(as_of=NOW)),
        "greeting": blocks(greeting("C0CHECKOUT", ("checkout",), 3)),
        "greeting_unknown": blocks(greeting("C0OTHER", (), 3)),
        "already_open": blocks(already_open(INCIDENT, CARD_URL)),
        "looks_again": blocks(looks_again(INCIDENT, CARD_URL)),
        "modal_error": error_modal(
            "prepare-1",
            "The state of the resource could not be read.",
            "lambda:GetProvisionedConcurrencyConfig was denied to the read role; grant it, "
            "then open the action again from the card.",
        ),
        "status": blocks(status(INCIDENT, FOUND)),
        "timeline": blocks(timeline(INCIDENT, TIMELINE)),
        "help": blocks(help_message()),
        "playbooks": blocks(
            playbooks_message((Entry("5xx", "HTTP 5XX errors", "an overloaded backend"),))
        ),
        "unknown_mentioned": blocks(
            unknown_message("I don't know “hlep”.", "/incident help", mentioned=True)
        ),
        "unknown": blocks(unknown_message('I do not know "triage 5x".', "/incident triage 5xx")),
    }
