"""Everything people see, rendered from the samples."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.domain.objection import Objection, objection, other_actions
from bot.domain.report import BreakdownRow, ClueKind, Link, NextTest
from bot.domain.report import Offer as BlockedOffer
from bot.domain.run import RunState
from bot.render import (
    Entry,
    Offer,
    card,
    error_modal,
    evidence_modal,
    guard_modal,
    help_message,
    loading_modal,
    nothing_modal,
    others_modal,
    playbooks_message,
    preview_modal,
    run_message,
    status,
    timeline,
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
        "run_requested": blocks(run_message(REQUESTED, INCIDENT)),
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
        "unknown": blocks(unknown_message('I do not know "triage 5x".', "/incident triage 5xx")),
    }
