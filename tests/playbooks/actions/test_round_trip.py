"""Every action, on an account over HTTP: planned, applied, in force, undone, as it was before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.aws.client import AwsAccount
from bot.changes.guards import Request, no_forbidden_calls, only_declared_calls
from bot.domain.errors import WriteRefused
from bot.domain.plan import Step, canonical
from bot.domain.playbook_contract import Action, Scope
from bot.domain.policy import Policy
from bot.domain.ports import Aws, AwsWriter
from bot.domain.run import Answer, Run, RunState
from playbooks.actions import ACTIONS
from sandbox.aws.server import AwsServer
from tests.playbooks.actions.situations import (
    alias_moves,
    bad_zone,
    concurrency,
    deployed,
    ecs_rollout,
    hasty_checks,
    throttles,
)
from tests.sandbox.aws.plain_world import PlainWorld

ELSEWHERE = Step(
    service="lambda",
    operation="update_alias",
    params={"FunctionName": "mailer", "Name": "live", "FunctionVersion": "1"},
)
"""A call no plan here makes."""

PREPARED: dict[str, Callable[[PlainWorld, AwsAccount], None]] = {
    "enable-provisioned-concurrency": lambda world, _: concurrency(world),
    "rollback-alias": lambda world, _: alias_moves(world, "41", "42"),
    "rollback-codedeploy": deployed,
    "rollback-ecs": lambda world, _: ecs_rollout(world),
    "raise-reserved-concurrency": lambda world, _: throttles(world),
    "shift-zone": lambda world, _: bad_zone(world),
    "health-check-settings": lambda world, _: hasty_checks(world),
}


def test_every_action_is_played_here() -> None:
    assert PREPARED.keys() == ACTIONS.keys()


@pytest.mark.parametrize("action", ACTIONS.values(), ids=list(ACTIONS))
def test_what_an_action_says_of_itself(action: Action) -> None:
    assert ACTIONS[action.id] is action
    assert len(action.id) <= 75  # Slack: a button's text and a select option's value
    assert len(action.title) <= 75
    assert action.reads
    assert action.writes
    assert list(action.reads) == sorted(action.reads)
    assert list(action.writes) == sorted(action.writes)
    assert (type(action).__doc__ or "").strip()


@pytest.mark.parametrize("action", ACTIONS.values(), ids=list(ACTIONS))
def test_forward_and_back(
    action: Action,
    server: AwsServer,
    world: PlainWorld,
    account: AwsAccount,
    aws: Aws,
    scope: Scope,
    narrowed: Callable[..., AwsWriter],
) -> None:
    PREPARED[action.id](world, account)
    server.account.advance()
    before = len(server.ledger.writes())
    plan = action.plan(aws, scope)
    assert plan is not None
    assert plan.blocked_by == ()
    assert len(plan.title) <= 75
    assert plan.inverse is not None
    run = Run(
        id="r", incident="i", action=action.id, state=RunState.APPROVED, requested_by="U0ASKS"
    )
    request = Request(
        run=run,
        plan=plan,
        service=scope.service,
        policy=Policy(),
        now=aws.now(),
        permissions=frozenset(action.writes),
    )
    assert only_declared_calls(request) is None
    assert no_forbidden_calls(request) is None
    assert canonical(action.observe(aws, plan).state) == canonical(plan.before)
    assert plan.before.keys() == plan.after.keys()

    again = action.replan(aws, scope, plan)
    assert again is not None
    assert again.fingerprint == plan.fingerprint
    assert again.blocked_by == ()

    hand = narrowed(action, plan, plan.steps)
    results = tuple(hand.write(step) for step in plan.steps)
    with pytest.raises(WriteRefused, match="session policy"):
        hand.write(ELSEWHERE)
    world.wait(1)
    seen = action.observe(aws, plan)
    assert canonical(seen.state) == canonical(plan.after)
    assert action.replan(aws, scope, plan) is None
    world.wait(plan.settles_within)
    server.account.advance()
    assert action.settled(aws, plan, results).answer is Answer.YES
    assert action.settled(aws, plan, ()).answer is Answer.YES  # the answers may be lost

    seen = action.observe(aws, plan)
    assert action.ownership_conflict(plan, seen, results) is None
    assert action.ownership_conflict(plan, seen, ()) is None
    back = narrowed(action, plan, plan.inverse)
    for step in action.undo_steps(plan, seen):
        back.write(step)
    world.wait(1)
    assert canonical(action.observe(aws, plan).state) == canonical(plan.before)
    assert len(server.ledger.writes()) == before + 2
