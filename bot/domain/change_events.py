"""What people are told about a guarded change by a message of its own, because edits of a message
notify nobody. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.run import Answer, Run, RunState

STOPPED_BY_UNDO = "verification was stopped by an undo that failed"
"""Text of the verification of a run whose undo failed before there was an answer: no news."""

NOT_UNDONE = "Not undone: "
"""How the note of a run begins whose undo failed."""


class EventKind(StrEnum):
    """What happened to a change."""

    APPROVED = "approved"
    MENDED = "mended"  # in force, and the service has recovered
    NOT_MENDED = "not-mended"  # in force, and the service has not
    UNVERIFIED = "unverified"  # in force; whether the service has recovered is not known
    NOT_IN_FORCE = "not-in-force"  # AWS took it, and it is not in force, or not known to be
    FAILED = "failed"  # asked for, and nothing was changed
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNDO_ASKED = "undo-asked"  # a second person has to approve the undo
    UNDONE = "undone"
    UNDO_FAILED = "undo-failed"
    DRIFTED = "drifted"  # a person must look


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """One thing that happened to a change. `key` is the same however often it is told."""

    kind: EventKind
    key: str


def events(run: Run) -> tuple[ChangeEvent, ...]:
    """All that has happened to a run so far, oldest first.

    It depends on the stored run alone and has what happened before, too: a worker that was killed
    before it told of an approval tells of it when the run is shown the next time.
    """
    if run.expires_at is None:  # approval was never asked for
        return ()
    kinds = [
        EventKind.APPROVED if run.approved_by else None,
        _verified(run),
        _ENDED.get(run.state),
        _failed(run),
    ]
    return tuple(ChangeEvent(kind, _key(run, kind)) for kind in kinds if kind)


_ENDED = {
    RunState.REJECTED: EventKind.REJECTED,
    RunState.EXPIRED: EventKind.EXPIRED,
    RunState.UNDO_REQUESTED: EventKind.UNDO_ASKED,
    RunState.UNDONE: EventKind.UNDONE,
    RunState.DRIFTED: EventKind.DRIFTED,
}
_VERIFIED = {
    Answer.YES: EventKind.MENDED,
    Answer.NO: EventKind.NOT_MENDED,
    Answer.INCONCLUSIVE: EventKind.UNVERIFIED,
}
_REPEATED = frozenset({EventKind.UNDO_FAILED, EventKind.DRIFTED})


def _verified(run: Run) -> EventKind | None:
    if run.verification is None or run.verification.text == STOPPED_BY_UNDO:
        return None
    if run.in_force_at is None:
        return EventKind.NOT_IN_FORCE
    return _VERIFIED[run.verification.answer]


def _failed(run: Run) -> EventKind | None:
    if run.state is RunState.REFUSED:
        return EventKind.FAILED
    if run.state is RunState.DONE and run.note.startswith(NOT_UNDONE):
        return EventKind.UNDO_FAILED
    return None


def _key(run: Run, kind: EventKind) -> str:
    """What may happen again has the deadline of its attempt, which no other attempt has."""
    if kind is EventKind.UNDO_ASKED and run.undo_expires_at is not None:
        return f"told:{run.id}:{kind}:{run.undo_expires_at:%Y%m%dT%H%M%S}"
    if kind is EventKind.UNDO_FAILED and run.undo_expires_at is not None:
        attempt = max(filter(None, (run.undo_expires_at, run.deadline)))
        return f"told:{run.id}:{kind}:{attempt:%Y%m%dT%H%M%S}"
    if kind in _REPEATED and run.deadline is not None:
        return f"told:{run.id}:{kind}:{run.deadline:%Y%m%dT%H%M%S}"
    return f"told:{run.id}:{kind}"
