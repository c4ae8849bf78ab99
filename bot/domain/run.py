"""A plan on its way from request to verification or undo, and its audit record."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime

from bot.domain.base import Frozen
from bot.domain.plan import Plan


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    INCONCLUSIVE = "inconclusive"


class Verification(Frozen):
    """Is the service mended? One answer with its figures, at one time."""

    answer: Answer
    text: str
    at: AwareDatetime


class RunState(StrEnum):
    """The way of a guarded change. Everything moves by compare-and-set; see `bot.state.store`."""

    PREPARING = "preparing"  # the plan is being computed for the preview
    PROPOSED = "proposed"  # shown to the requester
    REQUESTED = "requested"  # waits for an approver
    APPROVED = "approved"
    RUNNING = "running"  # intent recorded; the calls may have been sent
    SETTLING = "settling"  # sent and accepted; not in force yet
    VERIFYING = "verifying"
    DONE = "done"  # verification has answered, see `verification`
    UNDOING = "undoing"
    UNDONE = "undone"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REFUSED = "refused"  # a guard or AWS said no; nothing was changed
    DRIFTED = "drifted"  # the world is neither before nor after: a human looks


class Run(Frozen):
    """A plan on its way: who asked, who approved, how far it came."""

    id: str
    incident: str
    action: str
    state: RunState
    requested_by: str
    plan: Plan | None = None
    fingerprint: str | None = None  # of the plan the requester saw
    approved_by: str | None = None
    requested_at: AwareDatetime | None = None  # when approval was asked for, Redis time
    expires_at: AwareDatetime | None = None  # of that request, Redis time
    deadline: AwareDatetime | None = None  # by which the present state should end, Redis time
    applied_at: AwareDatetime | None = None  # AWS time
    in_force_at: AwareDatetime | None = None  # AWS time; None: it never was, as far as is known
    results: tuple[dict[str, Any], ...] = ()  # what each step returned, trimmed
    verification: Verification | None = None
    note: str = ""  # why it ended, in a sentence
    undone_by: str | None = None


class AuditEntry(Frozen):
    """One link of the audit chain: who did what; `digest` covers it and the link before."""

    number: int
    at: AwareDatetime  # Redis TIME
    actor: str
    event: str  # "approved", "running", "settling"…
    run: str
    detail: str
    digest: str
