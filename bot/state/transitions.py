"""Which states a guarded change may enter, and from where."""

from __future__ import annotations

from bot.domain.run import RunState

S = RunState

BEFORE_REQUEST = frozenset({S.PREPARING, S.PROPOSED})
"""Approval has not been requested yet: plan and expiry may still be set."""

INITIAL_STATES = BEFORE_REQUEST | {S.REQUESTED}
"""States a run may be created in."""

BEFORE_APPLYING = INITIAL_STATES | {S.APPROVED}

ALLOWED_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    S.PREPARING: frozenset(),
    S.PROPOSED: frozenset({S.PREPARING}),
    S.REQUESTED: BEFORE_REQUEST,
    S.APPROVED: frozenset(),  # by `approve` only
    S.RUNNING: frozenset({S.APPROVED}),
    S.SETTLING: frozenset({S.RUNNING}),
    S.VERIFYING: frozenset({S.RUNNING, S.SETTLING}),
    S.DONE: frozenset({S.RUNNING, S.SETTLING, S.VERIFYING, S.UNDOING, S.DRIFTED}),
    S.UNDOING: frozenset({S.RUNNING, S.SETTLING, S.VERIFYING, S.DONE, S.DRIFTED}),
    S.UNDONE: frozenset({S.UNDOING, S.DRIFTED}),
    S.REJECTED: BEFORE_APPLYING,
    S.EXPIRED: BEFORE_APPLYING,
    S.REFUSED: BEFORE_APPLYING | {S.RUNNING, S.SETTLING},
    S.DRIFTED: frozenset({S.RUNNING, S.SETTLING, S.VERIFYING, S.DONE, S.UNDOING}),
}
"""For each state, the states it may be entered from. Setting fields of a run without changing its
state is always possible."""

TERMINAL_STATES = (S.REJECTED, S.EXPIRED, S.REFUSED, S.UNDONE)
"""States without a way out: nothing of the run is in force, and it holds no target."""

FINISHED_STATES = frozenset({*TERMINAL_STATES, S.DONE, S.DRIFTED})
"""States a run leaves only when a person asks for it."""

PLAN_FIELDS = frozenset(
    {"plan", "fingerprint", "basis", "objection", "may_break_glass", "expires_at"}
)
"""What an approver decides on; fixed once approval is requested."""
