"""Break-glass: the modal in which somebody approves their own request, and the post in the channel
that tells everybody."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.incident import Incident
from bot.domain.run import Run
from bot.render.blocks import (
    Block,
    Message,
    Part,
    bold,
    label,
    line,
    mentioned,
    person,
    plain,
    quote,
    rich,
)
from bot.render.clicks import ALONE, LEAST_REASON, MOST_REASON, REASON
from bot.render.modal import View, modal_view
from bot.render.text import Mrkdwn, escaped, join, literal, mention

TITLE = "Approve alone"
MOST_MENTIONED = 20  # people and usergroups


def alone_loading_modal(external_id: str) -> View:
    """Opened at the click, whose trigger id is valid for 3 seconds; `alone_modal` replaces it."""
    return modal_view(TITLE, [rich(line(plain("Looking up who may. ")))], external_id)


def alone_modal(run: Run, external_id: str) -> View:
    """Asks for the reason why nobody else can approve."""
    title = run.plan.title if run.plan else run.action
    told = (
        "Your reason is posted in the channel and mentions everybody who may approve. It stays in "
        "the change's message, the timeline and the audit log."
    )
    field: Block = {
        "type": "input",
        "block_id": REASON,
        "label": label("Why can nobody else approve this now?", 150),
        "hint": label(f"At least {LEAST_REASON} characters.", 150),
        "element": {
            "type": "plain_text_input",
            "action_id": REASON,
            "multiline": True,
            "min_length": LEAST_REASON,
            "max_length": MOST_REASON,
        },
    }
    blocks = [
        rich(line(bold(title, 200))),
        rich(line(plain("You asked for this change and would approve it alone. "), plain(told))),
        field,
    ]
    return modal_view(
        TITLE, blocks, external_id, submit="Approve and apply", callback=ALONE, metadata=run.id
    )


def alone_post(run: Run, incident: Incident, approvers: Sequence[str]) -> Message:
    """Tells the channel that somebody approved their own request, and why.

    Args:
        run: the change, approved by break-glass.
        incident: whose change it is.
        approvers: ids of the people and usergroups who could have approved; they are mentioned.
    """
    title = run.plan.title if run.plan else run.action
    others = [each for each in approvers if each != run.requested_by][:MOST_MENTIONED]
    to: list[Part] = []
    for each in others:
        to += [mentioned(each), plain(" ")]
    said = "this could have been yours to approve, please look." if others else "nobody else may."
    blocks = [
        rich(
            line(
                bold("Break-glass: "),
                person(run.requested_by),
                plain(f" approved their own change of {incident.service}: "),
                bold(title, 200),
            ),
            quote(plain(run.break_glass, MOST_REASON)),
            line(*to, plain(said)),
        )
    ]
    pieces: list[Mrkdwn | None] = [
        literal("Break-glass:"),
        mention(run.requested_by),
        escaped(f"approved their own change of {incident.service}: {title}. ", 300),
        escaped(f"Reason: {run.break_glass}", MOST_REASON + 20),
    ]
    return Message(join(" ", pieces), blocks)


def alone_line(run: Run) -> list[Part]:
    """The line that stays in the change's message."""
    return [
        bold("Break-glass: "),
        plain("approved by whoever asked for it, without a second person. Reason: "),
        plain(run.break_glass, MOST_REASON),
    ]
