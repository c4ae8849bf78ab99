"""ECS back to the task definition before."""

from __future__ import annotations

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.run import Answer
from sandbox.aws.server import AwsServer
from tests.playbooks.actions.planning import ECS, Writer, plan_of
from tests.playbooks.actions.situations import ecs_rollout
from tests.sandbox.aws.plain_world import PlainWorld


def test_a_rollout_under_way_is_stopped_with_rollback(
    server: AwsServer, world: PlainWorld, aws: Aws, scope: Scope, writer: Writer
) -> None:
    ecs_rollout(world, minutes=0.5, through=False)
    plan = plan_of(ECS, aws, scope)
    assert plan.steps[0].operation == "stop_service_deployment"
    assert (plan.before["task_definition"], plan.after["task_definition"]) == ("web:8", "web:7")
    assert plan.blocked_by == ()
    writer(ECS).write(plan.steps[0])
    world.wait(300)
    server.account.advance()
    seen = ECS.observe(aws, plan)
    assert (seen.state, seen.changing) == (plan.after, False)
    assert ECS.settled(aws, plan, ()).answer is Answer.YES


def test_the_first_rollout_has_nothing_before_it(aws: Aws, scope: Scope) -> None:
    with pytest.raises(ReadFailed, match="no task definition before web:7"):
        ECS.plan(aws, scope)
