"""A guarded change's own message in the thread, updated in place as it moves."""

from __future__ import annotations

from bot.domain import change_wording
from bot.domain.incident import Incident
from bot.domain.plan import Plan
from bot.domain.run import Answer, Run, RunState
from bot.render.blocks import (
    Block,
    Message,
    Part,
    actions,
    bold,
    bullets,
    button,
    confirm,
    context,
    fixed_width,
    line,
    listing,
    person,
    quoted,
    rich,
    say,
    section,
    told,
    when,
)
from bot.render.clicks import Click
from bot.render.plans import calls, commands, diff, price, way_back
from bot.render.text import (
    Mrkdwn,
    clip,
    escaped,
    fixed,
    is_user,
    joined,
    mention,
    moment,
    span,
    strong,
)

# Heads of the message: what has become of the change, in a word or two.
HEAD = {
    RunState.PREPARING: "Preparing",
    RunState.PROPOSED: "Proposed",
    RunState.REQUESTED: "Needs approval",
    RunState.APPROVED: "Approved",
    RunState.RUNNING: "Applying",
    RunState.SETTLING: "Applied, not in force yet",
    RunState.VERIFYING: "In force, verifying",
    RunState.DONE: "Done",
    RunState.UNDOING: "Undoing",
    RunState.UNDONE: "Undone",
    RunState.REJECTED: "Rejected",
    RunState.EXPIRED: "Expired",
    RunState.REFUSED: "Refused",
    RunState.DRIFTED: "Stopped: a person must look",
}
ANSWERED = {
    Answer.YES: "verified",
    Answer.NO: "in force, but the service is not mended",
    Answer.INCONCLUSIVE: "in force, verification inconclusive",
}
NOT_IN_FORCE = {  # the answer is about the change: the service was never asked
    Answer.YES: "verified",
    Answer.NO: "did not come into force",
    Answer.INCONCLUSIVE: "not known to be in force",
}
# States in which nothing has been changed and nothing will be.
UNTOUCHED = frozenset({RunState.REJECTED, RunState.EXPIRED, RunState.REFUSED})
# States in which something is asked for or being done.
UNDER_WAY = frozenset(
    {
        RunState.REQUESTED,
        RunState.APPROVED,
        RunState.RUNNING,
        RunState.SETTLING,
        RunState.VERIFYING,
        RunState.UNDOING,
    }
)
# States in which an undo may be asked for.
UNDOABLE = frozenset({RunState.SETTLING, RunState.VERIFYING, RunState.DONE})


def standing(run: Run) -> str:
    """Where a change stands, in a few words."""
    if run.state is RunState.DONE and run.verification:
        return _answered(run)[run.verification.answer]
    if run.state in UNTOUCHED:
        return f"{HEAD[run.state].lower()}, nothing was changed"
    return HEAD[run.state].lower()


def run_message(run: Run, incident: Incident) -> Message:
    """The message for a change as it stands now. A run without a plan shows who asked for what."""
    plan = run.plan
    title = plan.title if plan else run.action
    blocks: list[Block | None] = [
        section(strong(escaped(f"{_head(run)}: {title}", 250))),
        rich(_who(run), *_what(plan)),
    ]
    if plan and run.state in (RunState.REQUESTED, RunState.APPROVED):
        blocks.append(_consequences(plan))
    blocks += [_progress(run), _verified(run), _by_hand(run), _buttons(run)]
    if run.state is RunState.REQUESTED:
        blocks.append(context(_deadline(run)))
    text = joined(" · ", [escaped(f"{_head(run)}: {title}", 250), escaped(incident.service, 80)])
    return Message(text=text, blocks=[block for block in blocks if block is not None])


def _head(run: Run) -> str:
    if run.state is RunState.DONE and run.verification:
        ending = _answered(run)[run.verification.answer]
        return f"Done, {ending}" if run.in_force_at else f"Applied, {ending}"
    return HEAD[run.state]


def _answered(run: Run) -> dict[Answer, str]:
    return ANSWERED if run.in_force_at else NOT_IN_FORCE


def _who(run: Run) -> Block:
    parts: list[Part] = [say("Asked by "), person(run.requested_by)]
    if run.approved_by:
        parts += [say(" · approved by "), person(run.approved_by)]
    if run.applied_at:
        parts += [say(" · applied "), when(run.applied_at)]
    if run.undone_by:
        parts += [say(" · undone by "), person(run.undone_by)]
    return line(*parts)


def _what(plan: Plan | None) -> list[Block]:
    """The one resource it changes, and how."""
    if plan is None:
        return []
    return [line(say("Target "), fixed_width(plan.target)), *diff(plan)]


def _consequences(plan: Plan) -> Block:
    """What an approver must know beyond the diff."""
    rows: list[list[Part]] = [[say(warning)] for warning in plan.warnings[:5]]
    rows += [[say(price(plan))], [say(way_back(plan), 400)]]
    return rich(
        line(bold("What it means")),
        bullets(rows),
        line(bold("Exact calls")),
        listing(calls(plan.steps)),
    )


def _progress(run: Run) -> Block | None:
    """What AWS says of a change under way, or why it ended."""
    if not run.note or run.state is RunState.DRIFTED:
        return None
    return rich(quoted(*told(run.note, 600)))


def _verified(run: Run) -> Block | None:
    seen = run.verification
    if seen is None:
        return None
    lead = {
        Answer.YES: "Mended: ",
        Answer.NO: "Not mended: ",
        Answer.INCONCLUSIVE: "Could not be told: ",
    }[seen.answer]
    if run.in_force_at is None and seen.answer is Answer.NO:
        lead = "AWS says: "
    elif run.state is RunState.UNDONE:
        lead = f"While it was in force · {lead}"
    return rich(line(bold(lead), say(f"{seen.text} · ", 500), when(seen.at)))


def _by_hand(run: Run) -> Block | None:
    """What a person does when the machine must not."""
    plan = run.plan
    if run.state is RunState.REFUSED:
        return rich(
            line(
                bold("Nothing was changed. "),
                say("Open the action again from the card for a plan from the state as it is now."),
            )
        )
    if run.state is RunState.EXPIRED:
        return rich(line(bold("Nothing was changed. "), say("Nobody approved it in time.")))
    if run.state is not RunState.DRIFTED:
        return None
    elements = [
        line(
            bold("The resource is neither as it was before nor as it was meant to be. "),
            say(run.note or "Somebody else changed it.", 600),
        )
    ]
    if plan and plan.inverse:
        elements += [
            line(say("To go back by hand, once you have looked:")),
            listing(commands(change_wording.undo_calls(run))),
        ]
    elif plan:
        elements.append(line(say(way_back(plan), 400)))
    return rich(*elements)


def _buttons(run: Run) -> Block | None:
    title = run.plan.title if run.plan else run.action
    if run.state is RunState.REQUESTED:
        sure = confirm(
            "Approve this change?", f"{clip(title, 200)}. It is applied at once.", "Approve"
        )
        return actions(
            [
                button("Approve", Click.APPROVE, run.id, style="primary", confirm=sure),
                button("Reject", Click.REJECT, run.id, style="danger"),
            ]
        )
    if run.state in UNDOABLE and run.plan and run.plan.inverse:
        back = confirm(
            "Undo this change?",
            f"{clip(title, 200)}. The state before is restored.",
            "Undo",
            danger=True,
        )
        return actions([button("Undo", Click.UNDO, run.id, confirm=back)])
    return None


def _deadline(run: Run) -> Mrkdwn:
    asker = mention(run.requested_by) if is_user(run.requested_by) else fixed("the requester")
    rule = joined(" ", [fixed("Somebody other than"), asker, fixed("must approve")])
    if run.expires_at is None:
        return rule
    if run.requested_at is not None:
        length = Mrkdwn(span(run.expires_at - run.requested_at))
        return joined(" ", [rule, fixed("within"), length])
    return joined(" ", [rule, fixed("before"), moment(run.expires_at)])
