"""The same value set again by somebody since is not this program's to undo."""

from __future__ import annotations

import pytest

from bot.aws.client import AwsAccount
from bot.domain.plan import canonical
from bot.domain.playbook_contract import Action, Scope
from bot.domain.ports import Aws
from playbooks.actions.alias_rollback import RollbackAlias
from playbooks.actions.provisioned_concurrency import EnableProvisionedConcurrency
from sandbox.aws.server import AwsServer
from tests.playbooks.actions.situations import by_hand
from tests.playbooks.actions.test_round_trip import PREPARED
from tests.sandbox.aws.plain_world import PlainWorld


@pytest.mark.parametrize("action", [RollbackAlias(), EnableProvisionedConcurrency()])
def test_the_same_value_set_again_is_noticed(
    action: Action,
    aws: Aws,
    scope: Scope,
    world: PlainWorld,
    server: AwsServer,
    account: AwsAccount,
) -> None:
    PREPARED[action.id](world, account)
    server.account.advance()
    plan = action.plan(aws, scope)
    assert plan is not None
    hand = account.writer("us-east-1", session_name="U1.CHG-1", steps=plan.steps)
    results = tuple(hand.write(step) for step in plan.steps)
    world.wait(1)
    seen = action.observe(aws, plan)
    assert action.ownership_conflict(plan, seen, results) is None
    world.wait(60)
    again = [
        step.model_copy(
            update={"params": {k: v for k, v in step.params.items() if k != "RevisionId"}}
        )
        for step in plan.steps
    ]
    by_hand(account, *again)
    world.wait(1)
    seen = action.observe(aws, plan)
    assert canonical(seen.state) == canonical(plan.after)
    conflict = action.ownership_conflict(plan, seen, results)
    assert conflict is not None
    assert "to the same value since" in conflict
