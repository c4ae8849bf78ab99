"""The guards: pure functions that say why a change may not take its next step.

A guard gets a `Request`, all that is known at this moment, and returns a `Refusal`, or None to let
the request pass. What is unknown is refused. `first_refusal` asks a list of guards in order; the
lists are `REQUEST`, `APPROVE`, `APPLY` and `UNDO`, each for the step of that name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.objection import Objection
from bot.domain.plan import Plan, Step
from bot.domain.policy import Policy, Refusal, may_approve, may_request
from bot.domain.run import Run, RunState
from bot.domain.service import Service


@dataclass(frozen=True, slots=True)
class Request:
    """A change about to take its next step, with all that the guards need to know."""

    run: Run
    plan: Plan | None  # as planned at this moment; None: there is nothing to change any more
    service: Service
    policy: Policy
    now: datetime  # Redis time
    actor: str | None = None  # who pressed the button, when somebody did
    holder: str | None = None  # id of another run that holds the target
    audit_fault: str | None = None  # what is wrong with the audit chain
    permissions: frozenset[str] = frozenset()  # IAM actions that the action declares it may call
    objection: Objection | None = None  # what the newest report says against the action


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


# --- people -------------------------------------------------------------------------------------


def actor_may_request(request: Request) -> Refusal | None:
    """Whoever pressed the button opened the preview and may request this action on the service."""
    if request.actor is None:
        return Refusal("The request does not say who asks for this change.")
    if request.actor != request.run.requested_by:
        return Refusal("Somebody else opened this preview; open your own from the card.")
    return may_request(request.policy, request.actor, request.run.action, request.service)


def requester_may_request(request: Request) -> Refusal | None:
    """The requester still may request it: roles are read again when the change is applied."""
    run = request.run
    return may_request(request.policy, run.requested_by, run.action, request.service)


def actor_may_approve(request: Request) -> Refusal | None:
    """Whoever pressed the button may approve this action and is not the requester."""
    if request.actor is None:
        return Refusal("The request does not say who approves this change.")
    return _approval(request, request.actor)


def approver_may_approve(request: Request) -> Refusal | None:
    """The approver still may approve it and is not the requester."""
    if request.run.approved_by is None:
        return Refusal("Nobody has approved this change.")
    return _approval(request, request.run.approved_by)


def actor_may_undo(request: Request) -> Refusal | None:
    """Whoever may request or approve the action may undo it: undoing restores a known state."""
    if request.actor is None:
        return Refusal("The request does not say who undoes this change.")
    who_and_what = (request.policy, request.actor, request.run.action, request.service)
    refusal = may_request(*who_and_what)
    return refusal and may_approve(*who_and_what) and refusal


def _approval(request: Request, approver: str) -> Refusal | None:
    if approver == request.run.requested_by:
        return Refusal(f"<@{approver}> asked for this change: a second person has to approve it.")
    return may_approve(request.policy, approver, request.run.action, request.service)


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

NEVER_SERVICES = frozenset({"iam", "kms", "organizations", "sts", "account", "cloudtrail"})
ADMIN_PORTS = {22: "SSH", 3389: "Remote Desktop"}
# Every other call that deletes or terminates destroys something that no inverse call restores.
REVERSIBLE_DELETES = frozenset(
    {"delete_provisioned_concurrency_config", "delete_function_concurrency"}
)
_DESTROYING = ("delete_", "terminate_", "purge_", "schedule_key_deletion")
_MIN_PREFIX = {4: 8, 6: 16}  # by IP version; a shorter prefix counts as the internet


def no_forbidden_calls(request: Request) -> Refusal | None:
    """No call, forward or inverse, is one that is refused whoever approved it."""
    for step in _every_step(request):
        if step.service in NEVER_SERVICES:
            return Refusal(
                f"{step.permission} is never sent: it changes access rights, keys or the audit log."
            )
        if step.operation.startswith(_DESTROYING) and step.operation not in REVERSIBLE_DELETES:
            return Refusal(f"{step.permission} is never sent: it destroys something.")
        opened = next(_opened_to_all(step), None)
        if opened:
            return Refusal(f"{step.permission} is never sent with {opened}.")
    return None


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


def _opened_to_all(step: Step) -> Iterator[str]:
    """Admin ports the step would open to the internet, as text."""
    if step.operation.startswith("revoke_"):
        return
    for rule in _mappings(step.params):
        ports = [f"{port} ({name})" for port, name in ADMIN_PORTS.items() if _covers(rule, port)]
        for network in filter(_is_internet, _networks(rule)) if ports else ():
            yield f"port {' and '.join(ports)} open to {network}"


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    """Every mapping in a step's parameters, at any depth."""
    if isinstance(value, Mapping):
        yield value
        for each in value.values():
            yield from _mappings(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _mappings(each)


def _covers(rule: Mapping[str, Any], port: int) -> bool:
    """Whether a security group rule (IpPermission, SecurityGroupRuleRequest) includes the port."""
    protocol = str(rule.get("IpProtocol", ""))
    if not protocol:
        return False
    if protocol == "-1":
        return True
    first, last = rule.get("FromPort", -1), rule.get("ToPort", 65535)
    return protocol in {"tcp", "6", "udp", "17"} and (first == -1 or first <= port <= last)


def _networks(rule: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(rule[key]) for key in ("CidrIp", "CidrIpv4", "CidrIpv6") if rule.get(key))
    for key, cidr in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")):
        yield from (str(each[cidr]) for each in rule.get(key, ()) if each.get(cidr))


def _is_internet(network: str) -> bool:
    """Whether a network includes a large part of the internet; true for text that is no network."""
    try:
        parsed = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return True
    return parsed.prefixlen < _MIN_PREFIX[parsed.version]


# --- the lists ----------------------------------------------------------------------------------

_PLAN_IS_SOUND: tuple[Guard, ...] = (
    something_to_do,
    checks_hold,
    no_forbidden_calls,
    only_declared_calls,
)

REQUEST: tuple[Guard, ...] = (
    audit_is_whole,
    in_state(RunState.PROPOSED),
    actor_may_request,
    refutation_was_shown,
    *_PLAN_IS_SOUND,
    target_is_free,
)
APPROVE: tuple[Guard, ...] = (
    audit_is_whole,
    in_state(RunState.REQUESTED),
    actor_may_approve,
    refutation_was_shown,
    not_expired,
)
APPLY: tuple[Guard, ...] = (
    audit_is_whole,
    in_state(RunState.APPROVED),
    requester_may_request,
    approver_may_approve,
    not_expired,
    something_to_do,
    same_as_approved,
    checks_hold,
    no_forbidden_calls,
    only_declared_calls,
    target_is_free,
)
UNDO: tuple[Guard, ...] = (  # a fault in the audit chain does not stop an undo
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
