"""The modal with the preview of a guarded change: loading, plan, blocked plan, fault.

`private_metadata` has the id of the run only. The plan itself is in the store, and an approval is
bound to the fingerprint of the plan the person saw.
"""

from __future__ import annotations

from collections.abc import Collection

from bot.domain.plan import Plan
from bot.domain.run import Run
from bot.render.blocks import (
    Block,
    bold,
    bullets,
    code_block,
    count_characters,
    fixed_width,
    label,
    line,
    number_field,
    plain,
    quote,
    rich,
    sentence,
    text_field,
)
from bot.render.clicks import NUMBER, PROPOSE, REASON
from bot.render.plans import (
    against,
    calls,
    checks,
    diff,
    hourly_cost,
    how_to_undo,
    number_bounds,
    other_users,
    sizing,
    time_until_in_force,
)
from bot.render.text import plural

View = Block
MOST_OF_REASON = 300  # characters
MOST_CHARACTERS = 12_000  # well below Slack's limit for a view


def loading_modal(external_id: str, title: str = "Preparing the change") -> View:
    """Opened at the click, whose trigger id is valid for 3 seconds; the preview replaces it."""
    progress = plain("Reading the state of the resource and computing the exact calls. ")
    promise = plain("This changes nothing.", quiet=True)
    return modal_view("Preview", [rich(line(bold(title)), line(progress, promise))], external_id)


def preview_modal(run: Run, plan: Plan, external_id: str) -> View:
    """The plan, with a button that requests approval; without it when a precondition blocks it.

    Where a number is a choice, a field has it: submitted with another number, the plan is computed
    anew.
    """
    blocked = plan.blocked_by
    field = _number(plan)
    facts = (_consequences(plan), checks(plan))
    derived = [each for each in (sizing(plan),) if each]
    blocks: list[Block | None] = [
        rich(*against(run.objection)) if run.objection else None,
        rich(line(bold(plan.title)), line(plain("Target: "), fixed_width(plan.target)), *derived),
        field,
        _blocked_notice(plan) if blocked else None,
        rich(line(bold("Before → after")), *diff(plan)),
        *(reversed(facts) if blocked else facts),
        rich(line(bold("Exact calls")), code_block(calls(plan.steps))),
    ]
    if plan.inverse:
        blocks.append(rich(line(bold("Calls that undo it")), code_block(calls(plan.inverse), 1500)))
    kept = [block for block in blocks if block is not None]
    asks = [] if blocked else [reason_field("Why?")]
    while count_characters(kept) > MOST_CHARACTERS and len(kept) > 3:
        kept.pop()  # from the end: the diff matters most
    submit = None if blocked else "Ask for approval"
    if blocked and field:
        submit = "Compute again"
    return modal_view("Preview", kept + asks, external_id, submit=submit, metadata=run.id)


def nothing_modal(
    external_id: str, title: str, reason: str, mentions: Collection[str] = ()
) -> View:
    """Says why there is nothing to do, or why the person may not do it.

    `mentions` are those in the reason that this program wrote.
    """
    said = line(*sentence(reason, 1500, mentions))
    return modal_view("Preview", [rich(line(bold(title)), said)], external_id)


def error_modal(external_id: str, what: str, advice: str) -> View:
    """Says what failed inside the bot and what the person can do; nothing was changed."""
    block = rich(line(bold(what)), line(plain(advice, 1500)), line(plain("Nothing was changed.")))
    return modal_view("Not possible now", [block], external_id)


def reason_field(what: str) -> Block:
    """The field for a reason, which may be left empty."""
    hint = "It stands in the thread and in the audit record."
    return text_field(what, REASON, most=MOST_OF_REASON, hint=hint)


def _blocked_notice(plan: Plan) -> Block:
    number = len(plan.blocked_by)
    verb = "does" if number == 1 else "do"
    return rich(
        quote(
            bold("Blocked. "),
            plain(f"{plural(number, 'precondition')} {verb} not hold or could not be checked. "),
            plain("You can ask for approval once they hold."),
        )
    )


def _consequences(plan: Plan) -> Block:
    rows = [
        [plain(hourly_cost(plan))],
        [plain(time_until_in_force(plan))],
        [plain(how_to_undo(plan), 400)],
    ]
    rows += [[bold("Warning: "), plain(warning)] for warning in plan.warnings[:8]]
    return rich(line(bold("What it means")), bullets(rows), *other_users(plan))


def _number(plan: Plan) -> Block | None:
    """The field for the plan's number; None when there is nothing to choose."""
    number = plan.number
    if number is None or not number.least <= number.value <= number.most:
        return None
    hint = f"{number_bounds(number)} With another number the preview is computed anew."
    return number_field(
        number.name, NUMBER, number.value, least=number.least, most=number.most, hint=hint
    )


def modal_view(
    title: str,
    blocks: list[Block],
    external_id: str,
    *,
    submit: str | None = None,
    callback: str = PROPOSE,
    metadata: str | None = None,
) -> View:
    """A modal with these blocks.

    Args:
        title: at most 24 characters.
        blocks: its content.
        external_id: by which it is replaced.
        submit: the button that goes on; without one it can only be closed.
        callback: which step submitting it takes (`bot.render.clicks`).
        metadata: id of what the step is about.
    """
    view: View = {
        "type": "modal",
        "callback_id": callback,
        "external_id": external_id,
        "title": label(title, 24),
        "close": label("Close" if submit is None else "Cancel", 24),
        "blocks": blocks,
    }
    if submit:
        view["submit"] = label(submit, 24)
    if metadata:
        view["private_metadata"] = metadata
    return view
