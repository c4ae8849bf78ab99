"""An alias back to its version before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.aws.client import AwsAccount
from bot.domain.errors import WriteRefused
from bot.domain.plan import Choice
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


def test_what_others_read_of_the_function_does_not_hide_its_past(
    server: AwsServer, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    alias_moves(world, "41", "42")
    touched = (("AWS::Lambda::Function", "checkout"),)
    for second in range(400):
        at = world.now() - timedelta(seconds=second)
        world.record(TrailEvent(at, "lambda.amazonaws.com", "GetFunction", "ci", touched, {}))
    plan = plan_of(ALIAS, aws, scope)
    assert plan.blocked_by == ()
    asked = server.ledger.reads("cloudtrail:LookupEvents")
    assert len(asked) == 1  # by the event's name, so that reads are not among them


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


NAMED = Choice(target="lambda:checkout:live/version", suspect="42")


def test_the_version_that_the_evidence_names_is_rolled_back(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    alias_moves(world, "41", "42")
    plan = ALIAS.plan(aws, scope, NAMED)
    assert plan is not None
    assert plan.blocked_by == ()
    assert plan.after["version"] == "41"
    again = ALIAS.replan(aws, scope, plan)
    assert again is not None
    assert (again.fingerprint, again.blocked_by) == (plan.fingerprint, ())


def test_an_alias_that_serves_something_else_by_now_blocks_and_says_so(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    alias_moves(world, "40", "41", "42")
    plan = ALIAS.plan(aws, scope, NAMED.model_copy(update={"suspect": "41"}))
    assert plan is not None
    assert plan.after["version"] == "40"  # what was served before the suspect
    assert blocked(plan).startswith(
        "checkout:live serves version 41, which the evidence names (it serves 42)"
    )
    fitting = ALIAS.plan(aws, scope, NAMED)
    assert fitting is not None
    by_hand(account, lambda_step("update_alias", Name="live", FunctionVersion="40"))
    later = ALIAS.replan(aws, scope, fitting)
    assert later is not None
    assert later.fingerprint != fitting.fingerprint
    assert "it serves 40" in blocked(later)


def test_a_suspect_with_a_part_of_the_traffic_loses_it(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    alias_moves(world, "41")
    weights = {"AdditionalVersionWeights": {"42": 0.1}}
    move = lambda_step("update_alias", Name="live", FunctionVersion="41", RoutingConfig=weights)
    by_hand(account, move)
    bare = scope.service.resources.model_copy(update={"codedeploy": ()})
    alone = replace(scope, service=scope.service.model_copy(update={"resources": bare}))
    plan = ALIAS.plan(aws, alone, NAMED)
    assert plan is not None
    assert plan.after == {"version": "41", "weights": {}}
    assert plan.blocked_by == ()
    assert "from 41 and 10 % to 42 to 41" in plan.title


def test_a_suspect_that_was_itself_a_rollback_is_not_gone_forward_from(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    alias_moves(world, "42", "41")
    by_hand(account, lambda_step("update_alias", Name="live", FunctionVersion="41"))
    plan = ALIAS.plan(aws, scope, NAMED.model_copy(update={"suspect": "41"}))
    assert plan is not None
    assert "version 42 is older than 41: going forward undoes a rollback" in blocked(plan)


def test_evidence_about_something_else_is_not_this_actions(aws: Aws, scope: Scope) -> None:
    assert ALIAS.plan(aws, scope, Choice(target="codedeploy:mailer:prod/revision")) is None


def test_who_else_has_the_function_is_named(world: PlainWorld, aws: Aws, scope: Scope) -> None:
    alias_moves(world, "41", "42")
    others = plan_of(ALIAS, aws, scope).others
    assert others[0] == "other aliases of checkout stay as they are: canary (serves 41)"
