"""A guarded change in words: its timeline entries, and AWS CLI commands to do it by hand. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.domain.plan import Step
from bot.domain.run import Answer, Run, RunState

FROM_REPLY = "(the value that AWS returns when the change is made)"
"""Placeholder in an inverse call for a value that only the reply to the forward call has: an id."""

_OWN_MARKS = frozenset({"RevisionId", "LastModified", "zonalShiftId", "deploymentId"})
"""Fields of AWS's replies that tell this program's change from the same value set again."""

_CLI_SERVICE = {"codedeploy": "deploy"}  # where the AWS CLI's name differs from boto3's


def timeline_text(run: Run) -> tuple[str, str, str | None] | None:
    """Kind, text and actor of the timeline entry for a run's state; None for no entry.

    It depends on the run alone, so that the entry made again after a crash is the same and is
    stored once. A run gets no entry before somebody requests approval.
    """
    if run.expires_at is None:
        return None
    title = run.plan.title if run.plan else run.action
    match run.state:
        case RunState.PREPARING | RunState.PROPOSED:
            return None
        case RunState.REQUESTED:
            against = f" {run.objection.text}" if run.objection else ""
            why = f" Reason: {run.reason}." if run.reason else ""
            return "approval", f"Approval asked for: {title}.{why}{against}", run.requested_by
        case RunState.APPROVED if run.break_glass:
            text = f"Approved alone by break-glass: {title}. Reason: {run.break_glass}"
            return "approval", text, run.approved_by
        case RunState.APPROVED:
            return "approval", f"Approved: {title}.", run.approved_by
        case RunState.RUNNING:
            return "change", f"Being applied: {title}.", run.approved_by
        case RunState.SETTLING:
            return "change", f"Applied: {title}. Waiting until it is in force.", None
        case RunState.VERIFYING:
            return "change", f"In force: {title}. Verifying.", None
        case RunState.DONE:
            return "verification", _outcome(run), None
        case RunState.UNDO_REQUESTED:
            return "approval", f"Undo asked for: {title}. {run.note}", run.undone_by
        case RunState.UNDO_APPROVED:
            return "approval", f"Undo approved: {title}.", run.undo_approved_by
        case RunState.UNDOING:
            return "undo", f"Being undone: {title}.", run.undone_by
        case RunState.UNDONE:
            return "undo", f"Undone: {title}.", run.undone_by
        case RunState.REJECTED | RunState.EXPIRED:
            return "approval", f"{title}: {run.state.value}. {run.note}", None
        case RunState.REFUSED | RunState.DRIFTED:
            return "change", f"{title}: {run.state.value}. {run.note}", None


def _outcome(run: Run) -> str:
    answer = run.verification
    if answer is None:
        return run.note
    if run.in_force_at is not None:
        return f"Verification says {answer.answer.value}: {answer.text}"
    if answer.answer is Answer.NO:
        return f"It did not come into force: {answer.text}"
    return f"It is not known to be in force: {answer.text}"


def same_value_is_noticed(run: Run) -> bool:
    """Whether an undo would notice that somebody has set the same value again since."""
    return any(_OWN_MARKS & reply.keys() for reply in run.results)


def cli_command(step: Step) -> str:
    """The step as an AWS CLI command, to be run by hand.

    A parameter whose value is not known (FROM_REPLY) is left out; a shell comment names it.
    """
    service = _CLI_SERVICE.get(step.service, step.service)
    operation = step.operation.replace("_", "-")
    known = {name: value for name, value in step.params.items() if value != FROM_REPLY}
    text = f"aws {service} {operation} --cli-input-json {shlex.quote(_json(known))}"
    missing = ", ".join(sorted(step.params.keys() - known.keys()))
    return f"{text}  # and its {missing}: look it up first" if missing else text


def undo_calls(run: Run) -> tuple[Step, ...]:
    """The inverse calls of a run's plan, with FROM_REPLY replaced by what AWS replied."""
    replied = {name: value for result in run.results for name, value in result.items()}
    return tuple(
        step.model_copy(
            update={
                "params": {
                    name: replied.get(name, value) if value == FROM_REPLY else value
                    for name, value in step.params.items()
                }
            }
        )
        for step in (run.plan.inverse if run.plan else None) or ()
    )


def undo_command(run: Run) -> str:
    """One shell command line that undoes a run."""
    return " && ".join(cli_command(step) for step in undo_calls(run))


BY_HAND = " By hand: "


def undo_by_hand(run: Run) -> str:
    """The commands that undo a run, to be added to a sentence; empty when nothing undoes it."""
    return f"{BY_HAND}{undo_command(run)}" if run.plan and run.plan.inverse else ""


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def trim_reply(reply: Mapping[str, Any]) -> dict[str, Any]:
    """The part of AWS's reply to a write that is stored: its plain fields and the request id."""
    kept: dict[str, Any] = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in reply.items()
        if isinstance(value, (str, int, float, bool, datetime))
    }
    request_id = reply.get("ResponseMetadata", {}).get("RequestId")
    return kept | ({"request_id": request_id} if request_id else {})
