"""What IAM says that a role may not do, from plain answers of SimulatePrincipalPolicy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.aws.permissions import denied_actions

ROLE = "arn:aws:iam::123456789012:role/write"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/search-tg/6f"
BALANCER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/search/5e"


class Iam:
    """Answers as IAM does: one decision for each action, with one for each resource in it."""

    def __init__(self, *results: dict[str, Any]) -> None:
        self.results = results

    def pages(self, service: str, operation: str, /, **params: Any) -> Iterator[dict[str, Any]]:
        yield {"EvaluationResults": list(self.results)}


def result(action: str, *by_resource: str) -> dict[str, Any]:
    return {
        "EvalActionName": action,
        "EvalDecision": by_resource[0],
        "ResourceSpecificResults": [
            {"EvalResourceName": name, "EvalResourceDecision": decision}
            for name, decision in zip((GROUP, BALANCER), by_resource, strict=False)
        ],
    }


@pytest.mark.parametrize(
    ("decisions", "denied"),
    [
        (("allowed", "allowed"), []),
        (("implicitDeny", "allowed"), []),  # a target group's call, on the resource it is made on
        (("implicitDeny", "implicitDeny"), ["elasticloadbalancing:ModifyTargetGroup"]),
        (("explicitDeny", "implicitDeny"), ["elasticloadbalancing:ModifyTargetGroup"]),
    ],
)
def test_allowed_for_one_of_the_resources_is_allowed(
    decisions: tuple[str, ...], denied: list[str]
) -> None:
    action = "elasticloadbalancing:ModifyTargetGroup"
    iam = Iam(result(action, *decisions))
    assert denied_actions(iam, ROLE, {action}, [GROUP, BALANCER]) == denied  # type: ignore[arg-type]


def test_an_action_without_an_answer_is_denied() -> None:
    asked = {"lambda:UpdateAlias", "lambda:GetAlias"}
    iam = Iam(result("lambda:GetAlias", "allowed"))
    assert denied_actions(iam, ROLE, asked) == ["lambda:UpdateAlias"]  # type: ignore[arg-type]
