"""The guards: pure functions that say why a change may not take its next step.

A guard gets a `Request`, all that is known at this moment, and returns a `Refusal`, or None to let
the request pass. What is unknown is refused. `first_refusal` asks a list of guards in order; the
lists are `BEGIN`, `REQUEST`, `APPROVE`, `BREAK_GLASS`, `REJECT`, `APPLY` and `UNDO`, each for the
step of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.changes.forbidden import forbidden
from bot.domain.change_wording import undo_by_hand
from bot.domain.objection import Objection
from bot.domain.people import Directory, Standing
from bot.domain.plan import Plan, Step
from bot.domain.policy import (
    Policy,
    Refusal,
    may_approve,
    may_break_glass,
    may_request,
    may_undo,
    own_request,
)
from bot.domain.run import Run, RunState
from bot.domain.service import Service


@dataclass(frozen=True, slots=True)
class Request:
    """A change about to take its next step, with all that the guards need to know."""

    run: Run
    plan: Plan | None  # as planned at this moment; None: there is nothing to change any more
    service: Service
    policy: Policy  # with the members of its usergroups
    now: datetime  # Redis time
    directory: Directory = field(
        default_factory=Directory
    )  # what Slack says of the people concerned
    actor: str | None = None  # who pressed the button, when somebody did
    holder: str | None = None  # id of another run that holds the target
    audit_fault: str | None = None  # what is wrong with the audit chain
    permissions: frozenset[str] = frozenset()  # IAM actions that the action declares it may call
    objection: Objection | None = None  # what the newest report says against the action
    reason: str = ""  # typed by whoever approves their own request


Guard = Callable[[Request], Refusal | None]


def first_refusal(guards: Iterable[Guard], request: Request) -> Refusal | None:
    """The first guard's refusal; None when all of them let the request pass."""
    return next((refusal for guard in guards if (refusal := guard(request))), None)


# --- the record ---------------------------------------------------------------------------------


def audit_is_whole(request: Request) -> Refusal | None:
    """The audit chain has no fault. While it has one, no change is approved or applied."""
    if request.audit_fault:
        return Refusal(
            f"Changes are frozen: {request.audit_fault} `incident audit` shows the record."
        )
    return None


def in_state(*states: RunState) -> Guard:
    """The run is in one of these states."""

    def guard(request: Request) -> Refusal | None:
        if request.run.state in states:
            return None
        note = f": {request.run.note}" if request.run.note else ""
        return Refusal(f"This change is {request.run.state.value} already{note}.")

    return guard


# --- the evidence -------------------------------------------------------------------------------


def refutation_was_shown(request: Request) -> Refusal | None:
    """Nobody asks for or approves what the evidence refutes without having been shown that."""
    now, shown = request.objection, request.run.objection
    if now is None or not now.refuted or (shown is not None and shown.refuted):
        return None
    return Refusal(
        f"The findings have changed since this plan was shown. {now.text} "
        "Open the action again from the card to see what speaks against it."
    )


def refutes_nothing(request: Request) -> Refusal | None:
    """The evidence does not refute the action, shown or not: break-glass is not for that."""
    now, shown = request.objection, request.run.objection
    refuted = next((each for each in (now, shown) if each is not None and each.refuted), None)
    if refuted is None:
        return None
    return Refusal(f"{refuted.text} A second person has to approve what the evidence refutes.")


# --- people -------------------------------------------------------------------------------------

LEAST_REASON = 20  # characters of the reason for approving one's own request


def policy_is_readable(request: Request) -> Refusal | None:
    """The catalogue file with the policy can be read: while it can't, nobody may do anything."""
    fault = request.policy.fault
    return Refusal(f"Changes are refused: {fault}") if fault else None


def policy_is_readable_to_undo(request: Request) -> Refusal | None:
    """The same, with the commands to undo it by hand."""
    refusal = policy_is_readable(request)
    return Refusal(f"{refusal.reason}{undo_by_hand(request.run)}") if refusal else None


def actor_may_request(request: Request) -> Refusal | None:
    """Whoever pressed the button opened the preview and may request this action on the service."""
    if request.actor is None:
        return Refusal("The request does not say who asks for this change.")
    if request.actor != request.run.requested_by:
        return Refusal("Somebody else opened this preview; open your own from the card.")
    return said_to(request, request.actor, may_request)


def requester_may_request(request: Request) -> Refusal | None:
    """The requester still may request it: roles are read again when the change is applied."""
    return said_of(request, request.run.requested_by, may_request, "ask for this")


def actor_may_approve(request: Request) -> Refusal | None:
    """Whoever pressed the button may approve this action and is not the requester."""
    if request.actor is None:
        return Refusal("The request does not say who approves this change.")
    if request.actor == request.run.requested_by:
        return own_request(request.policy, request.actor, request.run.action, request.service)
    return said_to(request, request.actor, may_approve)


def may_reject(request: Request) -> Refusal | None:
    """Whoever pressed the button may approve this action."""
    if request.actor is None:
        return Refusal("The request does not say who rejects this change.")
    return said_to(request, request.actor, may_approve)


def actor_may_break_glass(request: Request) -> Refusal | None:
    """Whoever pressed the button asked for this change, and their role lets them approve it alone,
    with a reason."""
    actor = request.actor
    if actor is None or actor != request.run.requested_by:
        return Refusal("Only whoever asked for a change can approve it alone.")
    if refusal := said_to(request, actor, may_break_glass):
        return refusal
    if len(" ".join(request.reason.split())) < LEAST_REASON:
        return Refusal(f"Say why in at least {LEAST_REASON} characters: others will read it.")
    return None


def approver_may_approve(request: Request) -> Refusal | None:
    """The approver still may approve it, and is not the requester; or is, by break-glass."""
    run = request.run
    if run.approved_by is None:
        return Refusal("Nobody has approved this change.")
    if not run.break_glass:
        if run.approved_by == run.requested_by:
            return Refusal("A second person has to approve this change.")
        return said_of(request, run.approved_by, may_approve, "approve this")
    if run.approved_by != run.requested_by:
        return Refusal("Only whoever asked for a change can approve it alone.")
    return refutes_nothing(request) or said_of(
        request, run.approved_by, may_break_glass, "approve this alone"
    )


def actor_may_undo(request: Request) -> Refusal | None:
    """Whoever may request or approve the action may undo it: undoing restores a known state."""
    if request.actor is None:
        return Refusal("The request does not say who undoes this change.")
    refusal = said_to(request, request.actor, may_undo)
    unknown = request.directory.account(request.actor).standing is Standing.UNKNOWN
    if refusal and unknown:
        return Refusal(f"{refusal.reason}{undo_by_hand(request.run)}")
    return refusal


Rule = Callable[[Policy, str, str, Service], Refusal | None]


def said_to(request: Request, user: str, rule: Rule) -> Refusal | None:
    """Why this person may not do it, said to them: by their account, then by the policy."""
    if barred := request.directory.account(user).barred:
        return Refusal(barred)
    refusal = rule(request.policy, user, request.run.action, request.service)
    if refusal is None:
        return None
    return Refusal(refusal.reason + request.directory.unread_groups, refusal.mentions)


def said_of(request: Request, user: str, rule: Rule, what: str) -> Refusal | None:
    """Why somebody may not do it any more, said to others."""
    if barred := request.directory.account(user).barred_since:
        return Refusal(barred)
    if rule(request.policy, user, request.run.action, request.service) is None:
        return None
    lost = f"<@{user}> may not {what} on {request.service.name} any more."
    return Refusal(lost + request.directory.unread_groups)


# --- time and the world -------------------------------------------------------------------------


def not_expired(request: Request) -> Refusal | None:
    """The request has not expired, by the store's clock."""
    expires = request.run.expires_at
    if expires is None:
        return Refusal("The request has no expiry time; ask for the change again.")
    if request.now >= expires:
        return Refusal(f"The request expired at {expires:%H:%M:%S} UTC; ask for the change again.")
    return None


def something_to_do(request: Request) -> Refusal | None:
    """There still is something to change."""
    if request.plan is None:
        return Refusal("There is nothing to change any more: the resource already is as planned.")
    return None


def same_as_approved(request: Request) -> Refusal | None:
    """The plan computed now has the same fingerprint as the one shown and approved."""
    plan, approved = request.plan, request.run.plan
    if plan is None or approved is None or request.run.fingerprint is None:
        return Refusal("No approved plan is on record; ask for the change again.")
    if plan.fingerprint == request.run.fingerprint:
        return None
    what = difference(approved.before, plan.before) or "the API calls are different"
    return Refusal(
        f"{plan.target} changed since the plan was made ({what}). Nothing was sent; ask again to "
        "see the new plan."
    )


def checks_hold(request: Request) -> Refusal | None:
    """Every precondition holds. One that could not be checked counts as not holding."""
    blocked = request.plan.blocked_by if request.plan else ()
    if not blocked:
        return None
    texts = "; ".join(
        check.text if check.holds is False else f"{check.text} (could not be checked)"
        for check in blocked
    )
    return Refusal(f"A precondition does not hold: {texts}.")


def target_is_free(request: Request) -> Refusal | None:
    """No other change of the same resource is pending."""
    if request.holder is None:
        return None
    target = request.plan.target if request.plan else "the resource"
    return Refusal(
        f"Another change of {target} is pending ({request.holder}); wait until it has ended."
    )


def can_be_undone(request: Request) -> Refusal | None:
    """The plan has an inverse."""
    if request.plan is not None and request.plan.inverse is None:
        return Refusal(f"This change cannot be undone: {request.plan.irreversible}")
    return None


# --- forbidden, whoever approved ----------------------------------------------------------------


def no_forbidden_calls(request: Request) -> Refusal | None:
    """No call, forward or inverse, is one that is refused whoever approved it."""
    found = next(filter(None, map(forbidden, _every_step(request))), None)
    return Refusal(found) if found else None


def only_declared_calls(request: Request) -> Refusal | None:
    """The plan has only calls that its action declares; the write role allows no others."""
    for step in _every_step(request):
        if step.permission not in request.permissions:
            return Refusal(f"The action does not declare {step.permission}; nothing was sent.")
    return None


def _every_step(request: Request) -> tuple[Step, ...]:
    if request.plan is None:
        return ()
    return request.plan.steps + (request.plan.inverse or ())


_PLAN_IS_SOUND: tuple[Guard, ...] = (
    something_to_do,
    checks_hold,
    no_forbidden_calls,
    only_declared_calls,
)

BEGIN: tuple[Guard, ...] = (policy_is_readable, actor_may_request)
REQUEST: tuple[Guard, ...] = (
    policy_is_readable,
    audit_is_whole,
    in_state(RunState.PROPOSED),
    actor_may_request,
    refutation_was_shown,
    *_PLAN_IS_SOUND,
    target_is_free,
)
APPROVE: tuple[Guard, ...] = (
    policy_is_readable,
    audit_is_whole,
    in_state(RunState.REQUESTED),
    actor_may_approve,
    requester_may_request,
    refutation_was_shown,
    not_expired,
)
BREAK_GLASS: tuple[Guard, ...] = (
    policy_is_readable,
    audit_is_whole,
    in_state(RunState.REQUESTED),
    actor_may_break_glass,
    refutes_nothing,
    not_expired,
)
REJECT: tuple[Guard, ...] = (policy_is_readable, may_reject)
STILL_ALLOWED: tuple[Guard, ...] = (  # what has to be asked of others before a change is sent
    in_state(RunState.APPROVED),
    policy_is_readable,
    requester_may_request,
    approver_may_approve,
)
APPLY: tuple[Guard, ...] = (
    audit_is_whole,
    *STILL_ALLOWED,
    not_expired,
    something_to_do,
    same_as_approved,
    checks_hold,
    no_forbidden_calls,
    only_declared_calls,
    target_is_free,
)
UNDO: tuple[Guard, ...] = (  # a fault in the audit chain does not stop an undo
    policy_is_readable_to_undo,
    in_state(RunState.SETTLING, RunState.VERIFYING, RunState.DONE, RunState.UNDO_APPROVED),
    actor_may_undo,
    can_be_undone,
    no_forbidden_calls,
    only_declared_calls,
    target_is_free,
)


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between two states, as text: "version: 41 -> 42"."""
    keys = sorted(before.keys() | now.keys())
    return ", ".join(
        f"{key}: {_as_text(before.get(key))} -> {_as_text(now.get(key))}"
        for key in keys
        if before.get(key) != now.get(key)
    )


def _as_text(value: object) -> str:
    if value is None or value == {}:
        return "none"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
