"""What could not be read blocks."""

from __future__ import annotations

from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from sandbox.world.api import Fault
from tests.playbooks.actions.planning import PROVISIONED, blocked, plan_of
from tests.playbooks.actions.situations import concurrency
from tests.sandbox.aws.plain_world import PlainWorld


def test_what_could_not_be_read_blocks_and_says_why(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world)
    world.active_faults += [
        Fault("apigateway:GetResources", "deny"),
        Fault("lambda:GetAccountSettings", "deny"),
        Fault("application-autoscaling:*", "deny"),
    ]
    plan = plan_of(PROVISIONED, aws, scope)
    assert len(plan.blocked_by) == 3
    assert all(check.holds is None for check in plan.blocked_by)
    assert "lambda:GetAccountSettings" in blocked(plan)
