"""What the evidence says against an action: the choice among the other actions, the guard before
the plan of one."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.objection import Objection
from bot.render.blocks import (
    bold,
    choice_field,
    context,
    line,
    plain,
    rich,
)
from bot.render.clicks import ACTION, INSIST, REACH, Offer
from bot.render.modal import View, modal_view
from bot.render.plans import STATUS, against
from bot.render.text import join, literal, local_time

MOST_CHOICES = 10  # options of radio buttons (docs.slack.dev, "Radio button group element")
ANYWAY = "Plan it anyway"


def evidence_modal(external_id: str) -> View:
    """Opened at the click, whose trigger id is valid for 3 seconds; the choice replaces it."""
    progress = plain("Looking up what the findings say of them. ")
    promise = plain("This changes nothing.", quiet=True)
    return modal_view("Other actions", [rich(line(progress, promise))], external_id)


def others_modal(
    incident: str, offers: Sequence[tuple[Offer, Objection]], external_id: str
) -> View:
    """The choice among the actions that nothing calls for, each with what speaks against it.

    Args:
        incident: the incident's id.
        offers: each action with its objection; an offer's id is "<incident id>:<action id>".
        external_id: of the open modal.
    """
    options = [
        (offer.title, offer.id, _in_short(objection)) for offer, objection in offers[:MOST_CHOICES]
    ]
    lead = line(
        bold("The findings call for none of these. "),
        plain("Choose one to see what the evidence says against it. This changes nothing."),
    )
    blocks = [rich(lead), choice_field("Other actions", ACTION, options)]
    return modal_view(
        "Other actions",
        blocks,
        external_id,
        submit="Show the evidence",
        callback=REACH,
        metadata=incident,
    )


def guard_modal(offer: Offer, objection: Objection, external_id: str) -> View:
    """What the evidence says against an action, before its plan; going on is a step of its own."""
    promise = (
        "If you go on, this stands in the preview, in the request for approval and in the audit "
        "log. A second person has to approve it."
    )
    stamped = [literal("By the findings as of"), local_time(objection.made_at, "{time_secs}")]
    if not objection.complete:
        stamped.append(literal("· the investigation was still reading"))
    blocks = [
        rich(line(bold(objection.title, 200)), *against(objection)),
        rich(line(plain(promise, quiet=True))),
        context(join(" ", stamped)),
    ]
    return modal_view(
        "Before you do that", blocks, external_id, submit=ANYWAY, callback=INSIST, metadata=offer.id
    )


def _in_short(objection: Objection) -> str:
    first = next(iter(objection.standings), None)
    return f"{STATUS[first.status]}: {first.text}" if first else objection.lead
