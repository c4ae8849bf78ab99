"""What a rollback goes back to, where the log streams say what was served before."""

from __future__ import annotations

import pytest

from bot.aws.client import AwsAccount
from bot.domain.plan import Choice, Plan
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from sandbox.world.api import Fault
from tests.playbooks.actions.planning import ALIAS, blocked, lambda_step
from tests.playbooks.actions.situations import alias_moves, by_hand
from tests.sandbox.aws.plain_world import PlainWorld


def choice(previous: str | None, suspect: str = "42", world: PlainWorld | None = None) -> Choice:
    return Choice(
        target="lambda:checkout:live/version",
        suspect=suspect,
        since=world.now() if world else None,
        previous=previous,
    )


def planned(aws: Aws, scope: Scope, named: Choice) -> Plan:
    plan = ALIAS.plan(aws, scope, named)
    assert plan is not None
    return plan


@pytest.mark.parametrize("previous", ["40", "41"])
def test_what_the_log_streams_say_was_served_proves_what_it_goes_back_to(
    world: PlainWorld, aws: Aws, scope: Scope, previous: str
) -> None:
    plan = planned(aws, scope, choice(previous, world=world))
    assert plan.after["version"] == previous
    assert plan.blocked_by == ()
    until = f"{world.now():%H:%M} UTC"
    told = f"version {previous} of checkout served before, by its log streams, until {until}"
    assert told in [check.text for check in plan.checks]


def test_it_proves_it_as_well_where_cloudtrail_cannot_be_read(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    world.active_faults.append(Fault("cloudtrail:LookupEvents", "deny"))
    plan = planned(aws, scope, choice("41"))
    assert (plan.after["version"], plan.blocked_by) == ("41", ())
    assert "version 41 of checkout served before, by its log streams" in [
        check.text for check in plan.checks
    ]


def test_without_either_the_version_before_is_a_guess_and_blocks(aws: Aws, scope: Scope) -> None:
    plan = planned(aws, scope, choice(None))
    assert plan.after["version"] == "41"
    assert [check.holds for check in plan.blocked_by] == [None]


def test_what_cloudtrail_says_comes_before_what_the_log_streams_say(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    alias_moves(world, "40", "42")
    plan = planned(aws, scope, choice("41"))
    assert plan.after["version"] == "40"
    assert plan.blocked_by == ()
    assert "checkout:live served version 40 before (set at " in str(plan.checks)
    assert "log streams" not in str(plan.checks)


def test_the_plan_holds_when_it_is_made_again(aws: Aws, scope: Scope) -> None:
    plan = planned(aws, scope, choice("40"))
    again = ALIAS.replan(aws, scope, plan)
    assert again is not None
    assert (again.fingerprint, again.blocked_by) == (plan.fingerprint, ())


def test_evidence_does_not_prove_what_somebody_has_moved_since(
    account: AwsAccount, aws: Aws, scope: Scope
) -> None:
    plan = planned(aws, scope, choice("40"))
    by_hand(account, lambda_step("update_alias", Name="live", FunctionVersion="41"))
    again = ALIAS.replan(aws, scope, plan)
    assert again is not None
    assert "checkout:live serves version 42, which the evidence names" in blocked(again)


def test_the_log_streams_lead_nowhere_forward(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    """42 was served before 41, as after a rollback."""
    by_hand(account, lambda_step("update_alias", Name="live", FunctionVersion="41"))
    world.active_faults.append(Fault("cloudtrail:LookupEvents", "deny"))
    plan = planned(aws, scope, choice("42", suspect="41"))
    assert "going forward undoes a rollback" in blocked(plan)


def test_a_suspect_with_a_part_of_the_traffic_loses_it_whatever_served_before(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    weights = {"AdditionalVersionWeights": {"42": 0.1}}
    move = lambda_step("update_alias", Name="live", FunctionVersion="41", RoutingConfig=weights)
    by_hand(account, move)
    plan = planned(aws, scope, choice("40"))
    assert plan.after == {"version": "41", "weights": {}}
    assert "serves version 41 already, to a part" in str(plan.checks)
