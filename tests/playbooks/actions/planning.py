"""The actions by name, and helpers for their plans."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.plan import Plan, Step
from bot.domain.playbook_contract import Action, Scope
from bot.domain.ports import Aws, AwsWriter
from playbooks.actions import ACTIONS

Writer = Callable[[Action], AwsWriter]


PROVISIONED = ACTIONS["enable-provisioned-concurrency"]


ALIAS = ACTIONS["rollback-alias"]


CODEDEPLOY = ACTIONS["rollback-codedeploy"]


ECS = ACTIONS["rollback-ecs"]


RESERVED = ACTIONS["raise-reserved-concurrency"]


ZONE = ACTIONS["shift-zone"]


HEALTH_CHECK = ACTIONS["health-check-settings"]


def plan_of(action: Action, aws: Aws, scope: Scope) -> Plan:
    plan = action.plan(aws, scope)
    assert plan is not None
    return plan


def blocked(plan: Plan) -> str:
    return "; ".join(check.text for check in plan.blocked_by)


def lambda_step(operation: str, **params: object) -> Step:
    return Step(
        service="lambda", operation=operation, params={"FunctionName": "checkout", **params}
    )
