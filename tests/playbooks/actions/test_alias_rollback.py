"""An alias back to its version before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.aws.client import AwsAccount
from bot.domain.errors import WriteRefused
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.resources import FunctionRef, Resources
from sandbox.aws.server import AwsServer
from sandbox.world.api import Fault, TrailEvent
from tests.playbooks.actions.planning import ALIAS, Writer, blocked, lambda_step, plan_of
from tests.playbooks.actions.situations import alias_moves, by_hand, deployment
from tests.sandbox.aws.plain_world import PlainWorld


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
