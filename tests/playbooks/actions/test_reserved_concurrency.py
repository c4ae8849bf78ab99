"""Reserved concurrency."""

from __future__ import annotations

import pytest

from bot.aws.client import AwsAccount
from bot.domain.errors import ReadFailed
from bot.domain.plan import Choice
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from tests.playbooks.actions.planning import RESERVED, blocked, lambda_step, plan_of
from tests.playbooks.actions.situations import by_hand, throttles
from tests.sandbox.aws.plain_world import PlainWorld

USED = "UnreservedConcurrentExecutions"


def test_the_reservation_is_raised_by_what_was_throttled(
    world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    throttles(world)
    plan = plan_of(RESERVED, aws, scope)
    assert plan.before == {"reserved": 50}
    assert plan.after == {"reserved": 90}  # 50 x 150 attempted / 100 admitted × 1.2
    assert plan.checks[0].text == (
        "reserving 40 more leaves 910 of 950 unreserved executions to the others: they need 120 "
        "(100 at once at most in 24 h, × 1.2; Lambda keeps 100)"
    )
    assert plan.number is not None
    assert plan.number.derived == (
        "50 reserved × 150 calls attempted in the worst minute / 100 admitted × 1.2 = 90"
    )
    assert (plan.number.least, plan.number.most) == (51, 880)
    assert "1 other function of the account draws on the same 950" in plan.others[0]


def reserve_for_checkout(account: AwsAccount, executions: int) -> None:
    by_hand(
        account, lambda_step("put_function_concurrency", ReservedConcurrentExecutions=executions)
    )


def test_it_is_raised_as_far_as_the_others_keep_what_they_use(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    throttles(world, others=700.0)
    reserve_for_checkout(account, 100)
    plan = plan_of(RESERVED, aws, scope)
    assert plan.after == {"reserved": 60}  # 50 + 850 - 1.2 x 700
    assert plan.blocked_by == ()
    assert "90 would fit the calls; 60 leave some throttled." in plan.warnings


def test_what_others_use_is_not_taken_from_them(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    throttles(world, others=850.0)  # of 950: 1.2 x 850 would not even fit
    plan = plan_of(RESERVED, aws, scope)
    assert "they need 1020 (850 at once at most" in blocked(plan)
    by_choice = RESERVED.plan(aws, scope, Choice(amount=51, by="U1"))
    assert by_choice is not None
    assert by_choice.blocked_by


def test_where_nothing_can_be_reserved_but_little_is_used_the_reservation_goes(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    throttles(world, others=20.0)
    reserve_for_checkout(account, 850)
    plan = plan_of(RESERVED, aws, scope)
    assert plan.after == {"reserved": None}
    assert plan.steps[0].operation == "delete_function_concurrency"
    assert plan.blocked_by == ()
    assert "leave 60 of 150 unreserved executions" in plan.checks[0].text
    assert "undone, it reserves 50 again and leaves 100" in plan.checks[1].text


def test_a_reservation_is_not_deleted_where_the_others_would_be_throttled(
    account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    throttles(world, others=90.0)
    reserve_for_checkout(account, 850)
    plan = plan_of(RESERVED, aws, scope)
    assert plan.after == {"reserved": 90}
    assert "leaves 60 of 100 unreserved executions" in blocked(plan)


def test_what_others_use_is_unknown_not_nothing(world: PlainWorld, aws: Aws, scope: Scope) -> None:
    throttles(world)
    world.data = {key: v for key, v in world.data.items() if key.name != USED}
    plan = plan_of(RESERVED, aws, scope)
    assert [check.holds for check in plan.blocked_by] == [None]


def test_nothing_throttled_nothing_to_raise(aws: Aws, scope: Scope) -> None:
    with pytest.raises(ReadFailed, match="no throttled call"):
        RESERVED.plan(aws, scope)
