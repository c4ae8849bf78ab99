"""CodeDeploy back to the revision before."""

from __future__ import annotations

from bot.aws.client import AwsAccount
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.run import Answer
from sandbox.aws.server import AwsServer
from tests.playbooks.actions.planning import CODEDEPLOY, Writer, blocked, plan_of
from tests.playbooks.actions.situations import deployed, deployment
from tests.sandbox.aws.plain_world import PlainWorld


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
