"""Provisioned concurrency."""

from __future__ import annotations

import pytest

from bot.aws.client import AwsAccount
from bot.domain.errors import ReadFailed
from bot.domain.plan import Choice, Step
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.run import Answer
from tests.playbooks.actions.planning import PROVISIONED, Writer, blocked, lambda_step, plan_of
from tests.playbooks.actions.situations import by_hand, concurrency, surge_of_calls
from tests.sandbox.aws.plain_world import PlainWorld


def test_provisioned_concurrency_is_sized_by_the_peak(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world)
    plan = plan_of(PROVISIONED, aws, scope)
    assert plan.after == {"executions": 84}
    assert plan.number is not None
    assert plan.number.derived == "peak 70 executions at once × 1.2 = 84"
    assert (plan.number.value, plan.number.least, plan.number.most) == (84, 1, 830)
    assert plan.steps[0].params == {
        "FunctionName": "checkout",
        "Qualifier": "live",
        "ProvisionedConcurrentExecutions": 84,
    }
    assert plan.inverse is not None
    assert plan.inverse[0].operation == "delete_provisioned_concurrency_config"
    assert plan.usd_per_hour == pytest.approx(84 * 0.5 * 3600 * 0.0000033334, abs=1e-4)  # arm64
    assert any("the API calls checkout:live" in check.text for check in plan.checks)
    assert plan.others == (
        "other aliases of checkout get none of them: canary (serves 41)",
        "1 other function of the account draws on the same 950 unreserved executions "
        "and used at most 100 of them at once in 24 h",
    )


def test_executions_that_wait_for_their_init_are_no_measure(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    """20 executions serve 900 calls a minute; 1,485 came, and 512 ran, as each waited to start."""
    concurrency(world, peak=512.0)
    surge_of_calls(world, usual=900.0, surge=1485.0)
    plan = plan_of(PROVISIONED, aws, scope)
    assert plan.after == {"executions": 40}
    assert plan.number is not None
    assert plan.number.derived.startswith(
        "peak 33 executions × 1.2 = 40; usually 20 serve 900 calls a minute, and at most 1485 came"
    )


def test_never_more_than_what_ran(world: PlainWorld, aws: Aws, scope: Scope) -> None:
    concurrency(world, peak=25.0)
    surge_of_calls(world, usual=900.0, surge=9000.0)
    assert plan_of(PROVISIONED, aws, scope).after == {"executions": 30}


def test_provisioned_concurrency_stays_within_what_the_others_leave(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world, peak=900.0, others=50.0)
    plan = plan_of(PROVISIONED, aws, scope)
    assert plan.after == {"executions": 850}  # 1000 - 50 reserved - 100 that Lambda keeps
    assert plan.blocked_by == ()
    assert "1080 would fit the surge" in plan.warnings[0]


def test_what_the_others_use_is_not_taken_from_them(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world, others=780.0)  # 850 in use of 950: 1.2 x 780 leave 14
    plan = plan_of(PROVISIONED, aws, scope)
    assert plan.after == {"executions": 14}
    assert plan.blocked_by == ()
    chosen = PROVISIONED.plan(aws, scope, Choice(amount=84, by="U1"))
    assert chosen is not None
    assert "provisioning 84 leaves 866 of 950" in blocked(chosen)
    assert "they need 936 (780 at once at most" in blocked(chosen)


def test_a_number_that_a_person_chose_is_the_plans(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world)
    first = plan_of(PROVISIONED, aws, scope)
    chosen = PROVISIONED.plan(aws, scope, Choice(amount=50, by="U1"))
    assert chosen is not None
    assert chosen.after == {"executions": 50}
    assert chosen.choice == Choice(amount=50, by="U1")
    assert chosen.fingerprint != first.fingerprint
    again = PROVISIONED.replan(aws, scope, chosen)
    assert again is not None
    assert again.fingerprint == chosen.fingerprint


def test_the_alias_is_the_one_that_the_evidence_names(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world)
    named = Choice(target="lambda:checkout:canary/provisioned-concurrency")
    plan = PROVISIONED.plan(aws, scope, named)
    assert plan is not None
    assert plan.steps[0].params["Qualifier"] == "canary"
    assert "the API calls checkout:canary (it calls checkout:live)" in blocked(plan)
    assert PROVISIONED.plan(aws, scope, Choice(target="lambda:checkout:live/version")) is None


def test_within_a_reservation_nobody_else_is_affected(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world, others=780.0)
    by_hand(account, lambda_step("put_function_concurrency", ReservedConcurrentExecutions=90))
    plan = plan_of(PROVISIONED, aws, scope)
    assert plan.after == {"executions": 84}
    assert plan.blocked_by == ()
    assert any("no other function is affected" in check.text for check in plan.checks)


def test_an_old_value_is_what_the_inverse_puts_back(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    concurrency(world)
    where = {"Qualifier": "live", "ProvisionedConcurrentExecutions": 5}
    by_hand(account, lambda_step("put_provisioned_concurrency_config", **where))
    plan = plan_of(PROVISIONED, aws, scope)
    assert plan.before == {"executions": 5}
    assert plan.after == {"executions": 84}
    assert plan.number is not None
    assert plan.number.least == 6
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
    assert "of 84 allocated" in state.text
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
