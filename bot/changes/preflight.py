"""What is examined of every plan before a person sees it: may it be sent, and taken back? Does AWS
guard it against a change that somebody makes at the same moment?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Plan
from bot.domain.playbook_contract import Action

Denied = Callable[[], Sequence[str]]


def examined(plan: Plan, action: Action, denied: Denied) -> Plan:
    """The plan with these checks and warnings.

    A permission of the inverse that is missing blocks: the undo would fail when it is needed.

    Args:
        plan: as the action computed it.
        action: whose plan it is.
        denied: the IAM actions among the plan's that the write role may not send. Raises
            ReadFailed when nobody could say.
    """
    checks, warnings = list(plan.checks), list(plan.warnings)
    try:
        lacking = set(denied())
    except ReadFailed as fault:
        warnings.append(f"Whether AWS lets me undo this is not known. {fault.detail}")
    else:
        back = {step.permission for step in plan.inverse or ()}
        there = {step.permission for step in plan.steps} - back
        if missing := ", ".join(sorted(lacking & back)):
            text = f"the write role may undo it (IAM denies {missing})"
            checks.append(Check(text=text, holds=False))
        if missing := ", ".join(sorted(lacking & there)):
            text = f"the write role may make it (IAM denies {missing})"
            checks.append(Check(text=text, holds=False))
    calls = {step.permission for step in (*plan.steps, *(plan.inverse or ()))}
    if unguarded := sorted(calls - action.locked_by_aws.keys()):
        warnings.append(
            f"AWS has no lock for {', '.join(unguarded)}: what somebody sets in the same second "
            "is overwritten."
        )
    return plan.model_copy(update={"checks": tuple(checks), "warnings": tuple(warnings)})
