"""Which states a guarded change may enter, and from where."""

from __future__ import annotations

from bot.domain.run import RunState

S = RunState

BEFORE_REQUEST = frozenset({S.PREPARING, S.PROPOSED})
"""Approval has not been requested yet: plan and expiry may still be set."""

INITIAL_STATES = BEFORE_REQUEST | {S.REQUESTED}
"""States a run may be created in."""

BEFORE_APPLYING = INITIAL_STATES | {S.APPROVED}

NOTHING_SENT = BEFORE_APPLYING | {S.REJECTED, S.EXPIRED, S.REFUSED}
"""States that say that nothing of the run is in force. When AWS accepted its calls all the same
(late, or after the store was restored from a backup), only DRIFTED is true."""

UNDO_WAITS = frozenset({S.UNDO_REQUESTED, S.UNDO_APPROVED})
"""The change is in force; an undo of it waits for a second person, or to be sent."""

ALLOWED_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    S.PREPARING: frozenset(),
    S.PROPOSED: frozenset({S.PREPARING}),
    S.REQUESTED: BEFORE_REQUEST,
    S.APPROVED: frozenset(),  # by `approve` only
    S.RUNNING: frozenset({S.APPROVED}),
    S.SETTLING: frozenset({S.RUNNING}),
    S.VERIFYING: frozenset({S.RUNNING, S.SETTLING}),
    S.DONE: frozenset({S.RUNNING, S.SETTLING, S.VERIFYING, S.UNDOING, S.DRIFTED}) | UNDO_WAITS,
    S.UNDO_REQUESTED: frozenset({S.DONE}),
    S.UNDO_APPROVED: frozenset(),  # by `approve_undo` only
    S.UNDOING: frozenset({S.RUNNING, S.SETTLING, S.VERIFYING, S.DONE, S.UNDO_APPROVED, S.DRIFTED}),
    S.UNDONE: frozenset({S.UNDOING, S.DONE, S.DRIFTED}),
    S.REJECTED: BEFORE_APPLYING,
    S.EXPIRED: BEFORE_APPLYING,
    S.REFUSED: BEFORE_APPLYING | {S.RUNNING, S.SETTLING},
    # also what is recorded as never sent: AWS may accept a call late, and the record may have gone
    # back to before it was sent
    S.DRIFTED: frozenset(RunState) - {S.PREPARING, S.PROPOSED, S.DRIFTED},
}
"""For each state, the states it may be entered from. Setting fields of a run without changing its
state is always possible."""

TERMINAL_STATES = (S.REJECTED, S.EXPIRED, S.REFUSED, S.UNDONE)
"""States in which nothing of the run is in force, by the record, and it holds no target. A run
leaves them only when AWS accepts its calls late, or the record proves wrong (DRIFTED)."""

FINISHED_STATES = frozenset({*TERMINAL_STATES, S.DONE, S.DRIFTED})
"""States a run leaves only when a person asks for it."""

PLAN_FIELDS = frozenset(
    {"plan", "fingerprint", "basis", "objection", "may_break_glass", "expires_at"}
)
"""What an approver decides on; fixed once approval is requested."""
