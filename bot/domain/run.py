"""One guarded change, from its preview to its verification or undo, and its audit entries."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime

from bot.domain.base import Frozen
from bot.domain.basis import Basis
from bot.domain.objection import Objection
from bot.domain.plan import Choice, Plan


class Answer(StrEnum):
    """What a verification found."""

    YES = "yes"
    NO = "no"
    INCONCLUSIVE = "inconclusive"


class Verification(Frozen):
    """The answer to whether a change is in force, or whether the incident is over."""

    answer: Answer
    text: str  # one sentence with its figures
    at: AwareDatetime  # AWS time
    mixed: bool = False
    """Inconclusive although all was read: some of the latest minutes are good and some are bad."""


class RunState(StrEnum):
    """The states of a guarded change. `bot.state.store` says which may follow which."""

    PREPARING = "preparing"  # the plan is being computed for the preview
    PROPOSED = "proposed"  # shown to the requester
    REQUESTED = "requested"  # waits for an approver
    APPROVED = "approved"
    RUNNING = "running"  # recorded before the calls are sent; some may have been sent
    SETTLING = "settling"  # AWS accepted all calls; the change is not in force yet
    VERIFYING = "verifying"  # in force; waiting to see whether the incident is over
    DONE = "done"  # ended; `verification` has the answer
    UNDO_REQUESTED = "undo requested"  # in force; a second person has to approve the undo
    UNDO_APPROVED = "undo approved"
    UNDOING = "undoing"  # recorded before the inverse calls are sent
    UNDONE = "undone"
    REJECTED = "rejected"  # an approver said no
    EXPIRED = "expired"  # nobody approved in time
    REFUSED = "refused"  # a guard or AWS said no; nothing was changed
    DRIFTED = "drifted"  # the target is neither as before nor as planned: a person must look


IN_FORCE = frozenset({RunState.DONE, RunState.UNDO_REQUESTED, RunState.UNDO_APPROVED})
"""The change has ended and is in force, or an undo of it waits for a second person."""


class Run(Frozen):
    """One guarded change: its plan, who requested and approved it, and its state."""

    id: str
    incident: str  # the incident's id
    action: str  # the action's id
    state: RunState
    requested_by: str  # Slack user id
    reason: str = ""  # why, in the requester's words; may be empty
    choice: Choice | None = None  # what the plan is computed with
    plan: Plan | None = None
    fingerprint: str | None = None  # of the plan that the requester saw
    objection: Objection | None = None  # what the evidence said against it when it was asked for
    basis: Basis | None = None  # what the plan rests on
    may_break_glass: bool = False  # whoever asked may approve it alone, by the policy at that time
    approved_by: str | None = None  # Slack user id
    break_glass: str = ""  # the reason, when whoever asked approved it alone
    requested_at: AwareDatetime | None = None  # when approval was requested; Redis time
    expires_at: AwareDatetime | None = None  # when that request ends; Redis time
    deadline: AwareDatetime | None = None  # when the present state should have ended; Redis time
    applied_at: AwareDatetime | None = None  # when the calls were accepted; AWS time
    in_force_at: AwareDatetime | None = None  # AWS time; None: not known to have been in force
    results: tuple[dict[str, Any], ...] = ()  # AWS's reply to each step (`trim_reply`)
    verification: Verification | None = None
    note: str = ""  # why it ended, in one sentence
    undone_by: str | None = None  # Slack user id; of an undo that was only asked for, who asked
    undo_approved_by: str | None = None  # Slack user id, where an undo takes a second person
    undo_expires_at: AwareDatetime | None = None  # when a request to undo ends; Redis time
    undone_at: AwareDatetime | None = None  # when the undo was in force; AWS time


class AuditEntry(Frozen):
    """One entry of the audit chain."""

    number: int  # from 1
    at: AwareDatetime  # Redis time
    actor: str  # Slack user id, or the bot
    event: str  # the state entered: "approved", "running", "settling"…
    run: str  # the run's id
    detail: str
    digest: str  # SHA-256 of this entry and the digest before it, in hex
