"""What each action finds, chooses, checks and warns of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.aws.client import AwsAccount
from bot.domain.change_wording import undo_command
from bot.domain.contract import Action, Scope
from bot.domain.errors import ReadFailed, WriteRefused
from bot.domain.plan import Plan, Step
from bot.domain.ports import Aws, AwsWriter
from bot.domain.resources import FunctionRef, Resources
from bot.domain.run import Answer, Run, RunState
from playbooks.actions import ACTIONS
from sandbox.aws.server import AwsServer
from sandbox.world.api import Fault, TrailEvent
from tests.actions.situations import (
    alias_moves,
    bad_zone,
    by_hand,
    concurrency,
    deployed,
    deployment,
    ecs_rollout,
    throttles,
)
from tests.sandbox_aws.plain_world import PlainWorld

Writer = Callable[[Action], AwsWriter]

PROVISIONED = ACTIONS["enable-provisioned-concurrency"]
ALIAS = ACTIONS["rollback-alias"]
CODEDEPLOY = ACTIONS["rollback-codedeploy"]
ECS = ACTIONS["rollback-ecs"]
RESERVED = ACTIONS["raise-reserved-concurrency"]
ZONE = ACTIONS["shift-zone"]


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


# --- provisioned concurrency ----------------------------------------------------------------------


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


# --- alias ----------------------------------------------------------------------------------------


def test_the_version_served_before_is_what_the_trail_says(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    alias_moves(world, "40", "42")
    plan = plan_of(ALIAS, aws, scope)
    assert plan.after["version"] == "40"
    assert plan.blocked_by == ()
    assert "checkout:live served version 40 before (set at " in plan.checks[0].text
    assert any("3f9c2ab retry payments" in text for text in plan.warnings)
    assert plan.steps[0].params["RevisionId"]


def test_without_a_trail_the_version_published_before_is_a_guess_and_blocks(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    alias_moves(world, "42")  # what it served before that, nobody knows
    plan = plan_of(ALIAS, aws, scope)
    assert plan.after["version"] == "41"
    assert [check.holds for check in plan.blocked_by] == [None]
    assert "CloudTrail does not show it" in blocked(plan)
    world.active_faults.append(Fault("cloudtrail:LookupEvents", "deny"))
    again = ALIAS.replan(aws, scope, plan)
    assert again is not None
    assert "CloudTrail could not be read" in blocked(again)


def test_the_trail_is_read_on_behind_what_others_did_to_the_function(
    server: AwsServer, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    alias_moves(world, "41", "42")
    touched = (("AWS::Lambda::Function", "checkout"),)
    for second in range(120):
        at = world.now() - timedelta(seconds=second)
        world.record(TrailEvent(at, "lambda.amazonaws.com", "GetFunction", "ci", touched, {}))
    plan = plan_of(ALIAS, aws, scope)
    assert plan.blocked_by == ()
    asked = server.ledger.reads("cloudtrail:LookupEvents")
    assert len(asked) == 3


def test_an_alias_nobody_calls_is_not_rolled_back(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    alias_moves(world, "41", "42")
    bare = Resources(functions=(FunctionRef(name="checkout", alias="live"),))
    alone = replace(scope, service=scope.service.model_copy(update={"resources": bare}))
    assert "checkout:live is called (0 times)" in blocked(plan_of(ALIAS, aws, alone))


def test_an_alias_moved_after_the_plan_is_refused_by_its_revision(
    account: AwsAccount, aws: Aws, scope: Scope, writer: Writer
) -> None:
    plan = plan_of(ALIAS, aws, scope)
    by_hand(account, lambda_step("update_alias", Name="live", FunctionVersion="40"))
    with pytest.raises(WriteRefused, match="PreconditionFailed"):
        writer(ALIAS).write(plan.steps[0])
    again = ALIAS.replan(aws, scope, plan)
    assert again is None or again.fingerprint != plan.fingerprint


def test_weights_are_taken_away_and_put_back(account: AwsAccount, aws: Aws, scope: Scope) -> None:
    weights = {"AdditionalVersionWeights": {"41": 0.25}}
    by_hand(account, lambda_step("update_alias", Name="live", RoutingConfig=weights))
    plan = plan_of(ALIAS, aws, scope)
    assert plan.before == {"version": "42", "weights": {"41": 0.25}}
    assert plan.after["weights"] == {}
    assert plan.inverse is not None
    assert plan.inverse[0].params["RoutingConfig"] == weights


def test_a_codedeploy_deployment_under_way_blocks_the_alias(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    deployment(world)
    assert "no deployment under way" in blocked(plan_of(ALIAS, aws, scope))


def test_provisioned_concurrency_on_the_alias_is_warned_of(
    account: AwsAccount, aws: Aws, scope: Scope
) -> None:
    where = {"Qualifier": "live", "ProvisionedConcurrentExecutions": 5}
    by_hand(account, lambda_step("put_provisioned_concurrency_config", **where))
    plan = plan_of(ALIAS, aws, scope)
    assert any("5 provisioned executions are allocated anew" in text for text in plan.warnings)


# --- deployments ----------------------------------------------------------------------------------


def test_a_deployment_under_way_is_stopped_and_that_is_final(
    server: AwsServer, world: PlainWorld, aws: Aws, scope: Scope, writer: Writer
) -> None:
    deployment(world)
    plan = plan_of(CODEDEPLOY, aws, scope)
    assert plan.steps[0].operation == "stop_deployment"
    assert plan.steps[0].params["autoRollbackEnabled"] is True
    assert plan.inverse is None
    assert plan.irreversible
    seen = CODEDEPLOY.observe(aws, plan)
    assert (seen.state, seen.changing) == (plan.before, True)
    result = writer(CODEDEPLOY).write(plan.steps[0])
    assert CODEDEPLOY.observe(aws, plan).state == plan.after
    assert CODEDEPLOY.settled(aws, plan, (result,)).answer is Answer.INCONCLUSIVE
    world.wait(120)
    server.account.advance()
    assert CODEDEPLOY.settled(aws, plan, (result,)).answer is Answer.YES


def test_a_finished_deployment_is_named_by_its_file(
    server: AwsServer, account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    deployed(world, account)
    server.account.advance()
    plan = plan_of(CODEDEPLOY, aws, scope)
    assert plan.title == "Deploy mailer-1 in place of mailer-2"
    assert plan.steps[0].params["revision"] == plan.after["revision"]


def test_a_rollback_is_not_rolled_back(
    server: AwsServer, world: PlainWorld, aws: Aws, scope: Scope, writer: Writer
) -> None:
    deployment(world)
    writer(CODEDEPLOY).write(plan_of(CODEDEPLOY, aws, scope).steps[0])
    world.wait(10)
    server.account.advance()
    assert "is not a rollback itself" in blocked(plan_of(CODEDEPLOY, aws, scope))


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


# --- reserved concurrency -------------------------------------------------------------------------


def test_the_reservation_is_raised_by_what_was_throttled(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    throttles(world)
    plan = plan_of(RESERVED, aws, scope)
    assert plan.before == {"reserved": 50}
    assert plan.after == {"reserved": 90}  # 50 x 150 attempted / 100 admitted x 1.2
    assert "910 of 950 unreserved executions stay" in plan.checks[0].text


def test_where_the_account_cannot_spare_it_the_reservation_goes(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    throttles(world)
    by_hand(account, lambda_step("put_function_concurrency", ReservedConcurrentExecutions=840))
    plan = plan_of(RESERVED, aws, scope)
    assert plan.after == {"reserved": None}
    assert plan.steps[0].operation == "delete_function_concurrency"
    assert plan.blocked_by == ()


def test_nothing_throttled_nothing_to_raise(aws: Aws, scope: Scope) -> None:
    with pytest.raises(ReadFailed, match="no throttled call"):
        RESERVED.plan(aws, scope)


# --- zone -----------------------------------------------------------------------------------------


def test_the_zone_with_the_errors_is_shifted_away_from(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    bad_zone(world)
    plan = plan_of(ZONE, aws, scope)
    assert "us-east-1a" in plan.title
    assert plan.steps[0].params["expiresIn"] == "2h"
    texts = " ".join(check.text for check in plan.checks)
    assert "90% of the 5XX are in us-east-1a" in texts
    assert "web-tasks 8 of 12" in texts


def test_errors_everywhere_are_no_zones_fault(world: PlainWorld, aws: Aws, scope: Scope) -> None:
    bad_zone(world, share=0.5)
    assert "50% of the 5XX" in blocked(plan_of(ZONE, aws, scope))


def test_too_few_healthy_targets_elsewhere_block(world: PlainWorld, aws: Aws, scope: Scope) -> None:
    bad_zone(world)
    world.health["web-tasks"] = world.health["web-tasks"][:5]  # four of them in the bad zone
    assert "web-tasks 1 of 5" in blocked(plan_of(ZONE, aws, scope))


def test_somebody_elses_shift_is_not_cancelled(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope, writer: Writer
) -> None:
    bad_zone(world)
    plan = plan_of(ZONE, aws, scope)
    ours = writer(ZONE).write(plan.steps[0])
    first = ZONE.observe(aws, plan)
    assert ZONE.ownership_conflict(plan, first, (ours,)) is None
    assert ZONE.ownership_conflict(plan, first, ()) is None  # the answer was lost
    theirs = plan.steps[0].params | {"comment": "game day"}
    by_hand(
        account,
        *ZONE.undo_steps(plan, first),
        plan.steps[0].model_copy(update={"params": theirs}),
    )
    seen = ZONE.observe(aws, plan)
    assert seen.state == plan.after
    for results in ((ours,), ()):
        said = ZONE.ownership_conflict(plan, seen, results)
        assert said is not None
        assert "game day" in said


def test_a_shift_that_expired_is_as_before(
    server: AwsServer, world: PlainWorld, aws: Aws, scope: Scope, writer: Writer
) -> None:
    bad_zone(world)
    plan = plan_of(ZONE, aws, scope)
    writer(ZONE).write(plan.steps[0])
    seen = ZONE.observe(aws, plan)
    (cancel,) = ZONE.undo_steps(plan, seen)
    assert cancel.params == {"zonalShiftId": seen.lock}
    run = Run(id="r", incident="i", action="a", state=RunState.DONE, requested_by="U1", plan=plan)
    by_hand_unheard = undo_command(run)
    assert "look it up first" in by_hand_unheard
    assert "(" not in by_hand_unheard
    heard = run.model_copy(update={"results": ({"zonalShiftId": "6ebc9a01"},)})
    assert undo_command(heard).endswith("""'{"zonalShiftId": "6ebc9a01"}'""")
    world.wait(timedelta(hours=2, minutes=1).total_seconds())
    server.account.advance()
    assert ZONE.observe(aws, plan).state == plan.before
