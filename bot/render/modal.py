"""The preview of a guarded change, as a modal: loading, the plan, a blocked plan, a fault.

`private_metadata` carries the run's opaque id and nothing else; what would be done stands in the
store, bound to the fingerprint the person saw.
"""

from __future__ import annotations

from bot.domain.plan import Plan
from bot.domain.run import Run
from bot.render.blocks import (
    Block,
    bold,
    bullets,
    fixed_width,
    label,
    line,
    listing,
    quoted,
    rich,
    say,
    told,
    weight,
)
from bot.render.clicks import PROPOSE
from bot.render.plans import calls, checks, diff, price, settling, way_back
from bot.render.text import plural

View = Block
MOST_CHARACTERS = 12_000  # well under what a view may weigh


def loading_modal(external_id: str, title: str = "Preparing the change") -> View:
    """Opened at once, while the 3-second trigger id lives; the preview replaces it."""
    reading = say("Reading the state of the resource and computing the exact calls. ")
    promise = say("Nothing is changed by this.", quiet=True)
    return _view("Preview", [rich(line(bold(title)), line(reading, promise))], external_id)


def preview_modal(run: Run, plan: Plan, external_id: str) -> View:
    """The plan to be asked for; without a submit button when a precondition blocks it."""
    blocked = plan.blocked_by
    facts = (_consequences(plan), checks(plan))
    blocks: list[Block | None] = [
        rich(line(bold(plan.title)), line(say("Target: "), fixed_width(plan.target))),
        _stop(plan) if blocked else None,
        rich(line(bold("Before → after")), *diff(plan)),
        *(reversed(facts) if blocked else facts),
        rich(line(bold("Exact calls")), listing(calls(plan.steps))),
    ]
    if plan.inverse:
        blocks.append(rich(line(bold("Calls that undo it")), listing(calls(plan.inverse), 1500)))
    kept = [block for block in blocks if block is not None]
    while weight(kept) > MOST_CHARACTERS and len(kept) > 3:
        kept.pop()  # from the end: the calls are in the audit too, the diff is not
    submit = None if blocked else "Ask for approval"
    return _view("Preview", kept, external_id, submit=submit, run=run.id)


def nothing_modal(external_id: str, title: str, why: str) -> View:
    """There is nothing to do, or it may not be done; why, and what to do instead."""
    return _view("Preview", [rich(line(bold(title)), line(*told(why, 1500)))], external_id)


def error_modal(external_id: str, what: str, advice: str) -> View:
    """Something failed on our side: what, and what the person can do. Nothing was changed."""
    said = rich(line(bold(what)), line(say(advice, 1500)), line(say("Nothing was changed.")))
    return _view("Not possible now", [said], external_id)


def _stop(plan: Plan) -> Block:
    number = len(plan.blocked_by)
    verb = "does" if number == 1 else "do"
    return rich(
        quoted(
            bold("Blocked. "),
            say(f"{plural(number, 'precondition')} {verb} not hold or could not be checked. "),
            say("Nothing can be asked for until that is settled."),
        )
    )


def _consequences(plan: Plan) -> Block:
    rows = [[say(price(plan))], [say(settling(plan))], [say(way_back(plan), 400)]]
    rows += [[bold("Warning: "), say(warning)] for warning in plan.warnings[:8]]
    return rich(line(bold("What it means")), bullets(rows))


def _view(
    title: str,
    blocks: list[Block],
    external_id: str,
    *,
    submit: str | None = None,
    run: str | None = None,
) -> View:
    view: View = {
        "type": "modal",
        "callback_id": PROPOSE,
        "external_id": external_id,
        "title": label(title, 24),
        "close": label("Close" if submit is None else "Cancel", 24),
        "blocks": blocks,
    }
    if submit:
        view["submit"] = label(submit, 24)
    if run:
        view["private_metadata"] = run
    return view
