"""The message of a guarded change in the incident's thread, edited at every new state."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import change_wording
from bot.domain.change_wording import same_value_is_noticed
from bot.domain.incident import Incident, Severity
from bot.domain.plan import Plan
from bot.domain.run import Answer, Run, RunState
from bot.render.alone import alone_line
from bot.render.blocks import (
    Block,
    Message,
    Part,
    actions,
    bold,
    bullets,
    button,
    code_block,
    confirm,
    date,
    fixed_width,
    line,
    mentioned,
    person,
    plain,
    quote,
    rich,
    section,
    sentence,
    spoken,
)
from bot.render.clicks import Click
from bot.render.plans import (
    against,
    calls,
    commands,
    diff,
    hourly_cost,
    how_to_undo,
    other_users,
    sizing,
)
from bot.render.text import Mrkdwn, clip, duration, escaped, join, strong

MOST_MENTIONED = 5  # approvers named in a request; more are counted

# The state of a change in a few words, for the title of its message.
STATE = {
    RunState.PREPARING: "Preparing",
    RunState.PROPOSED: "Proposed",
    RunState.REQUESTED: "Needs approval",
    RunState.APPROVED: "Approved",
    RunState.RUNNING: "Applying",
    RunState.SETTLING: "Applied, not in force yet",
    RunState.VERIFYING: "In force, verifying",
    RunState.DONE: "Done",
    RunState.UNDO_REQUESTED: "Undo needs approval",
    RunState.UNDO_APPROVED: "Undo approved",
    RunState.UNDOING: "Undoing",
    RunState.UNDONE: "Undone",
    RunState.REJECTED: "Rejected",
    RunState.EXPIRED: "Expired",
    RunState.REFUSED: "Refused",
    RunState.DRIFTED: "Stopped, check by hand",
}
AFTER_IN_FORCE = {  # by the answer of the verification
    Answer.YES: "verified",
    Answer.NO: "in force, but the service has not recovered",
    Answer.INCONCLUSIVE: "in force, verification inconclusive",
}
NEVER_IN_FORCE = {  # the answer is about the change: the service was not checked
    Answer.YES: "verified",
    Answer.NO: "did not come into force",
    Answer.INCONCLUSIVE: "not confirmed to be in force",
}
# States that a run ends in without having changed anything.
NOTHING_CHANGED = frozenset({RunState.REJECTED, RunState.EXPIRED, RunState.REFUSED})
# States in which a change waits for approval or is being made.
UNDER_WAY = frozenset(
    {
        RunState.REQUESTED,
        RunState.APPROVED,
        RunState.RUNNING,
        RunState.SETTLING,
        RunState.VERIFYING,
        RunState.UNDO_REQUESTED,
        RunState.UNDO_APPROVED,
        RunState.UNDOING,
    }
)
# States in which the change can be undone.
UNDOABLE = frozenset({RunState.SETTLING, RunState.VERIFYING, RunState.DONE})


def outcome(run: Run) -> str:
    """The state of a change in a few words, for the card."""
    if run.state is RunState.DONE and run.verification:
        return _verification_texts(run)[run.verification.answer]
    if run.state in NOTHING_CHANGED:
        return f"{STATE[run.state].lower()}, nothing was changed"
    return STATE[run.state].lower()


def run_message(run: Run, incident: Incident, approvers: Sequence[str] | None = None) -> Message:
    """The message of a change in its present state; without a plan it says who asked for what.

    Args:
        run: the change.
        incident: whose change it is.
        approvers: ids of the people and user groups who may approve it; None: not known. They
            are mentioned while it waits for approval: posting the message notifies them.
    """
    plan = run.plan
    title = plan.title if plan else run.action
    asked = _asked(run, approvers) if run.state is RunState.REQUESTED else None
    blocks: list[Block | None] = [
        section(strong(escaped(f"{_title(run)}: {title}", 250))),
        rich(line(*asked)) if asked else None,
        rich(*against(run.objection)) if run.objection else None,
        rich(line(*alone_line(run))) if run.break_glass else None,
        rich(_who(run), *_what(plan)),
    ]
    if plan and run.state in (RunState.REQUESTED, RunState.APPROVED):
        blocks.append(_consequences(plan, incident))
    blocks += [_progress(run), _verified(run), by_hand(run), _buttons(run, incident)]
    text = join(" · ", [escaped(f"{_title(run)}: {title}", 250), escaped(incident.service, 80)])
    said = [text, spoken(asked)] if asked else [text, *_told(run)]
    return Message(text=join(". ", said), blocks=[block for block in blocks if block is not None])


def _told(run: Run) -> list[Mrkdwn]:
    """Why a change ended as it did, for notifications and screen readers."""
    measured = run.verification.text if run.verification and run.state is RunState.DONE else ""
    return [escaped(each.rstrip("."), 300) for each in (measured, run.note) if each]


def _title(run: Run) -> str:
    if run.state is RunState.DONE and run.verification:
        ending = _verification_texts(run)[run.verification.answer]
        return f"Done, {ending}" if run.in_force_at else f"Applied, {ending}"
    return STATE[run.state]


def _verification_texts(run: Run) -> dict[Answer, str]:
    return AFTER_IN_FORCE if run.in_force_at else NEVER_IN_FORCE


def _who(run: Run) -> Block:
    parts: list[Part] = [plain("Asked by "), person(run.requested_by)]
    if run.reason:
        parts.append(plain(f": “{run.reason}”", 350))
    if run.approved_by:
        parts += [plain(" · approved by "), person(run.approved_by)]
        if run.break_glass:
            parts.append(plain(" alone"))
    if run.applied_at:
        parts += [plain(" · applied "), date(run.applied_at)]
    if run.undone_by and run.state is RunState.UNDO_REQUESTED:
        parts += [plain(" · undo asked by "), person(run.undone_by)]
    elif run.undone_by and run.state is not RunState.DONE:
        parts += [plain(" · undone by "), person(run.undone_by)]
        if run.undo_approved_by:
            parts += [plain(" · undo approved by "), person(run.undo_approved_by)]
    return line(*parts)


def _what(plan: Plan | None) -> list[Block]:
    """The resource the change is made to, and what differs."""
    if plan is None:
        return []
    sized = sizing(plan)
    return [
        line(plain("Target "), fixed_width(plan.target)),
        *([sized] if sized else []),
        *diff(plan),
    ]


def _consequences(plan: Plan, incident: Incident) -> Block:
    """What an approver needs to know besides the difference."""
    rows: list[list[Part]] = [[plain(warning)] for warning in plan.warnings[:5]]
    rows += [[plain(hourly_cost(plan))], [plain(how_to_undo(plan), 400)]]
    if plan.inverse and incident.severity is Severity.SEV1:
        rows.append([plain("Once it is verified, undoing it takes a second person.")])
    return rich(
        line(bold("What it means")),
        bullets(rows),
        *other_users(plan),
        line(bold("Exact calls")),
        code_block(calls(plan.steps)),
    )


def _progress(run: Run) -> Block | None:
    """What AWS answers while the change is under way, or why it ended."""
    if not run.note or run.state is RunState.DRIFTED:
        return None
    parts = sentence(run.note, 600)
    if run.state in (RunState.RUNNING, RunState.UNDOING) and run.deadline:
        parts += [plain(" AWS accepts it until "), date(run.deadline), plain(".")]
        parts += [plain(" Nothing else is sent.")]
    return rich(quote(*parts))


def _verified(run: Run) -> Block | None:
    verification = run.verification
    if verification is None:
        return None
    lead = {
        Answer.YES: "Recovered: ",
        Answer.NO: "Not recovered: ",
        Answer.INCONCLUSIVE: "Inconclusive: ",
    }[verification.answer]
    if run.in_force_at is None and verification.answer is Answer.NO:
        lead = "AWS says: "
    elif run.state is RunState.UNDONE:
        lead = f"While it was in force: {lead}"
    return rich(line(bold(lead), plain(f"{verification.text} · ", 500), date(verification.at)))


def by_hand(run: Run) -> Block | None:
    """What a person can do after the change ended without being made."""
    plan = run.plan
    if run.state is RunState.REFUSED:
        return rich(
            line(
                bold("Nothing was changed. "),
                plain("Open the action again from the card to get a new plan."),
            )
        )
    if run.state is RunState.EXPIRED:
        return rich(line(bold("Nothing was changed. "), plain("Nobody approved it in time.")))
    if run.state is not RunState.DRIFTED:
        return None
    elements = [
        line(
            bold("I send no more calls. "),
            plain(run.note or "Somebody else changed it.", 600),
        )
    ]
    if plan and plan.inverse:
        elements += [
            line(plain("Check the resource first. To restore the state before the change:")),
            code_block(commands(change_wording.undo_calls(run))),
        ]
    elif plan:
        elements.append(line(plain(how_to_undo(plan), 400)))
    return rich(*elements)


def _buttons(run: Run, incident: Incident) -> Block | None:
    title = run.plan.title if run.plan else run.action
    if run.state is RunState.REQUESTED:
        warned = f" {run.objection.lead}." if run.objection else ""
        confirmation = confirm(
            "Approve this change?", f"{clip(title, 200)}.{warned} It is applied at once.", "Approve"
        )
        alone = [button("Nobody else there…", Click.ALONE, run.id)] if run.may_break_glass else []
        return actions(
            [
                button("Approve", Click.APPROVE, run.id, style="primary", confirm=confirmation),
                button("Reject", Click.REJECT, run.id, style="danger"),
                *alone,
            ]
        )
    if run.state is RunState.UNDO_REQUESTED:
        confirmation = confirm("Undo this fix?", clip(run.note, 280), "Approve undo", danger=True)
        return actions(
            [
                button("Keep the fix", Click.KEEP, run.id, style="primary"),
                button(
                    "Approve undo",
                    Click.APPROVE_UNDO,
                    run.id,
                    style="danger",
                    confirm=confirmation,
                ),
            ]
        )
    if run.state in UNDOABLE and run.plan and run.plan.inverse:
        confirmation = confirm(
            "Undo this change?",
            f"{clip(title, 75)}. {_undoing(run, incident)}",
            "Undo",
            danger=True,
        )
        return actions([button("Undo", Click.UNDO, run.id, confirm=confirmation)])
    return None


def _undoing(run: Run, incident: Incident) -> str:
    """What undoing comes to, for its confirmation."""
    text = "This restores the state before the change."
    if run.state is RunState.DONE and run.verification and run.verification.answer is Answer.YES:
        text = f"The fix is holding: {clip(run.verification.text, 80)}. {text}"
        if incident.severity is Severity.SEV1:
            return f"{text} A second person has to approve it."
    if same_value_is_noticed(run):
        return text
    return f"{text} Whether somebody has set the same value again since is not known."


def _asked(run: Run, approvers: Sequence[str] | None) -> list[Part]:
    """Who is asked to decide, what, and until when."""
    parts = second_people(approvers, run.requested_by)
    if parts is None:
        return [bold("The catalogue's policy names no second person who may approve it.")]
    parts.append(plain("please approve or reject" if parts else "Please approve or reject"))
    if run.expires_at is not None and run.requested_at is not None:
        parts.append(plain(f" within {duration(run.expires_at - run.requested_at)}"))
    elif run.expires_at is not None:
        parts += [plain(" before "), date(run.expires_at)]
    return [*parts, plain(". Nothing is sent before that.")]


def second_people(approvers: Sequence[str] | None, first: str) -> list[Part] | None:
    """Mentions of those who may decide, ended by a comma; None when nobody but `first` may.

    `approvers` are ids of people and user groups; None, when they are not known, mentions nobody.
    """
    others = [each for each in approvers or () if each != first]
    if approvers is not None and not others:
        return None
    parts: list[Part] = []
    for each in others[:MOST_MENTIONED]:
        parts += [mentioned(each), plain(", ")]
    left = len(others) - MOST_MENTIONED
    if left > 0:
        parts[-1:] = [plain(f" and {left} more, ")]
    return parts
