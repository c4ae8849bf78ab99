"""CodeDeploy back to the revision before."""

from __future__ import annotations

import pytest

from bot.aws.client import AwsAccount
from bot.domain.plan import Choice, Step
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.run import Answer
from sandbox.aws.server import AwsServer
from tests.playbooks.actions.planning import CODEDEPLOY, Writer, blocked, plan_of
from tests.playbooks.actions.situations import app_spec, by_hand, deployed, deployment
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


@pytest.mark.parametrize(
    "spelt", [{}, {"CurrentVersion": "currentversion", "TargetVersion": "targetversion"}]
)
def test_a_functions_rollback_is_an_appspec_made_anew(
    spelt: dict[str, str],
    server: AwsServer,
    account: AwsAccount,
    world: PlainWorld,
    aws: Aws,
    scope: Scope,
) -> None:
    deployed(world, account, **spelt)
    server.account.advance()
    plan = plan_of(CODEDEPLOY, aws, scope)
    assert plan.title == "Deploy version 1 on mailer:live in place of 2"
    assert plan.blocked_by == ()
    assert (plan.before, plan.after) == ({"version": "2"}, {"version": "1"})
    assert plan.steps[0].params["revision"] == app_spec("2", "1", **spelt)
    assert plan.inverse is not None
    assert plan.inverse[0].params["revision"] == app_spec("1", "2", **spelt)


def test_the_revision_before_as_it_was_is_refused(
    server: AwsServer, account: AwsAccount, world: PlainWorld, aws: Aws
) -> None:
    """Its AppSpec says that the alias serves version 0 of then."""
    deployed(world, account)
    server.account.advance()
    where = {"applicationName": "mailer", "deploymentGroupName": "prod"}
    step = Step(
        service="codedeploy",
        operation="create_deployment",
        params={**where, "revision": app_spec("1", "2")},
    )
    by_hand(account, step)
    latest = aws.read("codedeploy", "list_deployments", **where)["deployments"][:1]
    (info,) = aws.read("codedeploy", "batch_get_deployments", deploymentIds=latest)[
        "deploymentsInfo"
    ]
    assert info["status"] == "Failed"
    assert (
        "not the version that the alias live points to (2)" in info["errorInformation"]["message"]
    )


def test_an_alias_moved_since_the_deployment_blocks(
    server: AwsServer, account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    deployed(world, account)
    server.account.advance()
    params = {"FunctionName": "mailer", "Name": "live", "FunctionVersion": "1"}
    by_hand(account, Step(service="lambda", operation="update_alias", params=params))
    assert CODEDEPLOY.plan(aws, scope) is None  # it serves the version before already
    params["FunctionVersion"] = "$LATEST"
    by_hand(account, Step(service="lambda", operation="update_alias", params=params))
    assert "serves version 2, to which" in blocked(plan_of(CODEDEPLOY, aws, scope))


def test_another_deployment_than_the_evidence_names_blocks(
    server: AwsServer, account: AwsAccount, world: PlainWorld, aws: Aws, scope: Scope
) -> None:
    deployed(world, account)
    server.account.advance()
    latest = aws.read(
        "codedeploy", "list_deployments", applicationName="mailer", deploymentGroupName="prod"
    )["deployments"][0]
    target = "codedeploy:mailer:prod/revision"
    plan = CODEDEPLOY.plan(aws, scope, Choice(target=target, suspect=latest))
    assert plan is not None
    assert plan.blocked_by == ()
    other = CODEDEPLOY.plan(aws, scope, Choice(target=target, suspect="d-OTHER"))
    assert other is not None
    assert "d-OTHER, which the evidence names" in blocked(other)
    assert CODEDEPLOY.plan(aws, scope, Choice(target="ecs:main:web/task-definition")) is None


def test_a_rollback_is_not_rolled_back(
    server: AwsServer, world: PlainWorld, aws: Aws, scope: Scope, writer: Writer
) -> None:
    deployment(world)
    writer(CODEDEPLOY).write(plan_of(CODEDEPLOY, aws, scope).steps[0])
    world.wait(10)
    server.account.advance()
    assert "is not a rollback itself" in blocked(plan_of(CODEDEPLOY, aws, scope))
