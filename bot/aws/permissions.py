"""What IAM allows a principal, by SimulatePrincipalPolicy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from bot.domain.ports import Aws

SIMULATED_AT_ONCE = 50  # actions in one SimulatePrincipalPolicy call


def denied_actions(
    aws: Aws, principal: str, actions: Collection[str], resources: Sequence[str] = ()
) -> list[str]:
    """The actions that IAM does not allow.

    Args:
        aws: who asks; needs iam:SimulatePrincipalPolicy.
        principal: ARN of a role, a user, or a session of a role.
        actions: IAM actions.
        resources: the ARNs they are asked for; empty: any ("*"). An action is allowed when it is
            for one of them: no call is made on all kinds of resource.

    Raises ReadFailed when IAM could not be asked.
    """
    ordered = sorted(actions)
    named: dict[str, Any] = {"ResourceArns": list(resources)} if resources else {}
    allowed: set[str] = set()
    for at in range(0, len(ordered), SIMULATED_AT_ONCE):
        pages = aws.pages(
            "iam",
            "simulate_principal_policy",
            PolicySourceArn=role_of(principal),
            ActionNames=ordered[at : at + SIMULATED_AT_ONCE],
            **named,
        )
        for page in pages:
            for result in page["EvaluationResults"]:
                decisions = [result, *result.get("ResourceSpecificResults", ())]
                if any(
                    "allowed" in (each.get("EvalDecision"), each.get("EvalResourceDecision"))
                    for each in decisions
                ):
                    allowed.add(str(result["EvalActionName"]))
    return [each for each in ordered if each not in allowed]


def role_of(arn: str) -> str:
    """The role's ARN for the ARN of an assumed-role session; any other ARN unchanged."""
    if ":assumed-role/" not in arn:
        return arn
    head, tail = arn.split(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{tail.split('/')[0]}"
