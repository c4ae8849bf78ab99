"""Provisioned concurrency."""

from __future__ import annotations

import pytest

from bot.aws.client import AwsAccount
from bot.domain.errors import ReadFailed
from bot.domain.plan import Step
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.run import Answer
from tests.playbooks.actions.planning import PROVISIONED, Writer, blocked, lambda_step, plan_of
from tests.playbooks.actions.situations import by_hand, concurrency
from tests.sandbox.aws.plain_world import PlainWorld


def test_provisioned_concurrency_is_sized_by_the_surge(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world)
    plan = plan_of(PROVISIONED, aws, scope)
    assert plan.after == {"executions": 60}  # (70 at the peak - 20 as a rule) x 1.2
    assert plan.steps[0].params == {
        "FunctionName": "checkout",
        "Qualifier": "live",
        "ProvisionedConcurrentExecutions": 60,
    }
    assert plan.inverse is not None
    assert plan.inverse[0].operation == "delete_provisioned_concurrency_config"
    assert plan.usd_per_hour == pytest.approx(60 * 0.5 * 3600 * 0.0000041667, abs=1e-4)
    assert any("the API calls checkout:live" in check.text for check in plan.checks)


def test_provisioned_concurrency_stays_within_the_account(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world, peak=1000.0)
    plan = plan_of(PROVISIONED, aws, scope)
    assert plan.after == {"executions": 850}  # 1000 - 50 reserved - 100 that stay free
    assert plan.blocked_by == ()
    assert "1176 would fit the surge" in plan.warnings[0]


def test_an_old_value_is_what_the_inverse_puts_back(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world)
    where = {"Qualifier": "live", "ProvisionedConcurrentExecutions": 5}
    by_hand(account, lambda_step("put_provisioned_concurrency_config", **where))
    plan = plan_of(PROVISIONED, aws, scope)
    assert plan.before == {"executions": 5}
    assert plan.after == {"executions": 66}  # 15 of the usual 20 ran on demand
    assert plan.inverse is not None
    assert plan.inverse[0].params["ProvisionedConcurrentExecutions"] == 5


def test_while_it_is_allocated_it_is_not_in_force(
    world: PlainWorld, aws: Aws, scope: Scope, writer: Writer
) -> None:
    concurrency(world)
    plan = plan_of(PROVISIONED, aws, scope)
    result = writer(PROVISIONED).write(plan.steps[0])
    world.wait(10)
    state = PROVISIONED.settled(aws, plan, (result,))
    assert state.answer is Answer.INCONCLUSIVE
    assert "of 60 allocated" in state.text
    world.wait(100)
    assert PROVISIONED.settled(aws, plan, (result,)).answer is Answer.YES


def test_an_alias_with_weights_or_a_rival_on_its_version_blocks(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world)
    weights = {"AdditionalVersionWeights": {"41": 0.1}}
    rival = {"Qualifier": "42", "ProvisionedConcurrentExecutions": 1}
    by_hand(
        account,
        lambda_step("put_provisioned_concurrency_config", **rival),
        lambda_step("update_alias", Name="live", RoutingConfig=weights),
    )
    said = blocked(plan_of(PROVISIONED, aws, scope))
    assert "no routing weights" in said
    assert "no other alias" in said


def test_without_a_figure_there_is_no_plan(aws: Aws, scope: Scope) -> None:
    with pytest.raises(ReadFailed, match="no ConcurrentExecutions of checkout"):
        PROVISIONED.plan(aws, scope)


def test_where_autoscaling_owns_it_its_minimum_is_raised(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope, writer: Writer
) -> None:
    concurrency(world)
    bounds = {"MinCapacity": 2, "MaxCapacity": 10}
    target = {
        "ServiceNamespace": "lambda",
        "ResourceId": "function:checkout:live",
        "ScalableDimension": "lambda:function:ProvisionedConcurrency",
    }
    register = Step(
        service="application-autoscaling",
        operation="register_scalable_target",
        params={**target, **bounds},
    )
    by_hand(account, register)
    plan = plan_of(PROVISIONED, aws, scope)
    assert plan.before == {"minimum": 2, "maximum": 10}
    wanted = plan.after["minimum"]
    assert plan.after == {"minimum": wanted, "maximum": wanted}
    assert plan.inverse == (register,)
    assert any("until your scaling policy scales in" in text for text in plan.warnings)
    writer(PROVISIONED).write(plan.steps[0])
    assert PROVISIONED.observe(aws, plan).state == plan.after
    writer(PROVISIONED).write(plan.inverse[0])
    assert PROVISIONED.observe(aws, plan).state == plan.before
