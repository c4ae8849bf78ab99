"""Reserved concurrency."""

from __future__ import annotations

import pytest

from bot.aws.client import AwsAccount
from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from tests.playbooks.actions.planning import RESERVED, lambda_step, plan_of
from tests.playbooks.actions.situations import by_hand, throttles
from tests.sandbox.aws.plain_world import PlainWorld


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
