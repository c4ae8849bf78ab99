"""Deployments as CodeDeploy, ECS, Lambda, RDS and CloudFormation tell them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.plan import Choice
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef, EcsRef, FunctionRef
from playbooks.probes.changes import apis, codedeploy, databases, ecs, functions, stacks
from playbooks.probes.changes.collected import Source
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import AT
from tests.playbooks.probes.changes.records import NAMES, earlier, looked

SHOP = EcsRef(cluster="prod", service="shop")
TASK = "arn:aws:ecs:us-east-1:1:task-definition/"


def deployment(**more: Any) -> dict[str, Any]:
    return {
        "applicationName": "basket",
        "deploymentGroupName": "prod",
        "deploymentId": "d-ABC",
        "status": "Succeeded",
        "createTime": AT,
        "completeTime": AT.replace(minute=9),
        "creator": "user",
    } | more


def test_a_deployment_has_an_end() -> None:
    found = codedeploy.deployed(deployment())
    assert (found.at, found.until) == (AT, AT.replace(minute=9))
    assert found.summary == "CodeDeploy d-ABC (Succeeded)"
    assert not found.reverts


@pytest.mark.parametrize(
    "more",
    [
        {"creator": "codeDeployRollback"},
        {"rollbackInfo": {"rollbackTriggeringDeploymentId": "d-BAD"}},
        {"description": "Rollback of r61"},
        {"description": "revert: new prices"},
    ],
)
def test_a_deployment_that_goes_back_says_so(more: dict[str, Any]) -> None:
    assert codedeploy.deployed(deployment(**more)).reverts


@pytest.mark.parametrize(
    "more",
    [{"rollbackInfo": {"rollbackDeploymentId": "d-2"}}, {"description": "faster rollbacks page"}],
)
def test_one_that_was_taken_back_or_is_about_rollbacks_does_not(more: dict[str, Any]) -> None:
    assert not codedeploy.deployed(deployment(**more)).reverts


@pytest.mark.parametrize(
    "content",
    [
        '{"version": 0.0, "Resources": [{"f": {"Type": "AWS::Lambda::Function", "Properties": '
        '{"Name": "basket", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}}}]}',
        "Resources:\n  - f:\n      Properties:\n        name: basket\n        alias: live\n",
    ],
)
def test_the_alias_it_moves_is_in_the_app_spec(content: str) -> None:
    found = codedeploy.deployed(deployment(revision={"string": {"content": content}}))
    assert found.touches == ("basket/prod", "basket:live")


def test_an_automatic_deployment_names_aws() -> None:
    assert codedeploy.deployed(deployment(creator="autoscaling")).actor == "AWS (autoscaling)"


# --- ECS ----------------------------------------------------------------------------------------


def service(controller: str = "ECS", **more: Any) -> dict[str, Any]:
    return {
        "serviceName": "shop",
        "deploymentController": {"type": controller},
        "deployments": [
            {
                "status": "PRIMARY",
                "taskDefinition": TASK + "shop:42",
                "rolloutState": "IN_PROGRESS",
                "failedTasks": 3,
                "createdAt": AT,
                "updatedAt": AT,
            }
        ],
    } | more


def rollout(target: int, *sources: int, status: str = "SUCCESSFUL", **more: Any) -> dict[str, Any]:
    return {
        "createdAt": earlier(10),
        "startedAt": earlier(10),
        "finishedAt": earlier(2),
        "status": status,
        "targetServiceRevision": {"arn": f"r{target}"},
        "sourceServiceRevisions": [{"arn": f"r{each}"} for each in sources],
    } | more


def history(*rollouts: dict[str, Any], **more: Any) -> Answers:
    revisions = [
        {"serviceRevisionArn": f"r{number}", "taskDefinition": f"{TASK}shop:{number}"}
        for number in (41, 42)
    ]
    return Answers(
        **{
            "describe_services": {"services": [service()]},
            "list_service_deployments": {"serviceDeployments": [{"serviceDeploymentArn": "d"}]},
            "describe_service_deployments": {"serviceDeployments": list(rollouts)},
            "describe_service_revisions": {"serviceRevisions": revisions},
        }
        | more
    )


def test_a_rollout_says_from_where_it_leads() -> None:
    ((found,), failure) = ecs.rolled_out(history(rollout(42, 41)), SHOP)
    assert failure is None
    assert found.summary == "ECS rollout of shop:42 (SUCCESSFUL) from shop:41"
    assert (found.at, found.until, found.reverts) == (earlier(10), earlier(2), False)


def test_a_forced_deployment_of_the_same_tasks_is_a_deployment() -> None:
    ((found,), _) = ecs.rolled_out(history(rollout(42, 42)), SHOP)
    assert found.summary == "ECS rollout of shop:42 anew (SUCCESSFUL)"
    assert not found.reverts


def test_a_rollout_to_an_earlier_revision_goes_back() -> None:
    ((found,), _) = ecs.rolled_out(history(rollout(41, 42)), SHOP)
    assert found.reverts


def test_after_a_circuit_breaker_the_failed_rollout_is_the_change() -> None:
    failed = rollout(
        42,
        41,
        status="ROLLBACK_SUCCESSFUL",
        rollback={
            "reason": "Service deployment rolled back because the circuit breaker threshold was "
            "exceeded.",
            "startedAt": earlier(5),
            "serviceRevisionArn": "r41",
        },
        deploymentCircuitBreaker={"status": "TRIGGERED", "failureCount": 3, "threshold": 3},
    )
    ((first, back), _) = ecs.rolled_out(history(failed), SHOP)
    assert first.summary.startswith("ECS rollout of shop:42 (ROLLBACK_SUCCESSFUL, circuit breaker)")
    assert (first.at, first.until, first.reverts) == (earlier(10), earlier(5), False)
    assert "rolled shop:42 back to shop:41" in back.summary
    assert (back.at, back.until, back.reverts) == (earlier(5), earlier(2), True)


def test_without_its_history_what_is_shown_is_told_and_the_gap() -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "ecs:ListServiceDeployments")
    found = ecs.EcsRollouts().read(history(list_service_deployments=denied), looked())
    assert found is not None
    (change,) = found.changes
    assert change.summary == "ECS rollout of shop:42 (IN_PROGRESS, 3 tasks failed)"
    assert change.until is None
    assert [each.permission for each in found.unread] == ["ecs:ListServiceDeployments"]


@pytest.mark.parametrize(
    ("controller", "started", "actor"),
    [("CODE_DEPLOY", "CODE_DEPLOY", "AWS (codedeploy)"), ("EXTERNAL", "spinnaker", "spinnaker")],
)
def test_other_controllers_tell_by_their_task_sets(
    controller: str, started: str, actor: str
) -> None:
    sets = [
        {
            "status": "PRIMARY",
            "taskDefinition": TASK + "shop:42",
            "createdAt": earlier(9),
            "startedBy": started,
            "stabilityStatus": "STEADY_STATE",
            "stabilityStatusAt": earlier(4),
        }
    ]
    aws = Answers(describe_services={"services": [service(controller, taskSets=sets)]})
    ((found,), _) = ecs.rolled_out(aws, SHOP)
    assert found.summary == "ECS task set of shop:42 (PRIMARY, STEADY_STATE)"
    assert (found.actor, found.at, found.until) == (actor, earlier(9), earlier(4))


def test_an_ecs_service_that_is_not_there_is_a_failed_read() -> None:
    answer = {
        "services": [],
        "failures": [{"arn": "arn:aws:ecs:us-east-1:1:service/main/shop", "reason": "MISSING"}],
    }
    with pytest.raises(ReadFailed, match=r"does not describe shop \(MISSING\)") as failed:
        ecs.rolled_out(Answers(describe_services=answer), SHOP)
    assert failed.value.reason is GapReason.NOT_FOUND


# --- Lambda -------------------------------------------------------------------------------------


def settings(version: str) -> dict[str, Any]:
    return {"Version": version, "LastModified": "2026-03-14T03:07:00.000+0000"}


def test_the_versions_an_alias_serves_are_told() -> None:
    aws = Answers(
        list_aliases=[
            {"Aliases": [{"Name": "BETA", "FunctionVersion": "44"}]},
            {
                "Aliases": [
                    {
                        "Name": "PROD",
                        "FunctionVersion": "42",
                        "RoutingConfig": {"AdditionalVersionWeights": {"43": 0.1}},
                    }
                ]
            },
        ],
        get_function_configuration=[settings("42"), settings("43")],
    )
    found = functions.served(aws, FunctionRef(name="checkout", alias="PROD"))
    assert [each.summary.split(",")[0] for each in found] == ["version 42", "version 43"]
    assert {each.touches for each in found} == {("checkout:PROD",)}
    assert found[0].at == AT
    assert [each.choice for each in found] == [
        Choice(target="lambda:checkout:PROD/version", suspect=version) for version in ("42", "43")
    ]


@pytest.mark.parametrize(
    ("alias", "version"), [(None, "42"), (None, "$LATEST"), ("PROD", "$LATEST")]
)
def test_without_an_alias_or_a_version_there_is_nothing_to_take_back(
    alias: str | None, version: str
) -> None:
    found = functions.published(FunctionRef(name="checkout", alias=alias), settings(version))
    assert found.choice is None


def test_an_alias_that_is_not_there_serves_nothing_that_is_known() -> None:
    aws = Answers(list_aliases={"Aliases": []})
    with pytest.raises(ReadFailed, match="checkout has no alias PROD") as failed:
        functions.served(aws, FunctionRef(name="checkout", alias="PROD"))
    assert failed.value.reason is GapReason.NOT_FOUND


def test_a_function_without_an_alias_serves_its_latest_code() -> None:
    aws = Answers(get_function_configuration=settings("$LATEST"))
    (found,) = functions.served(aws, FunctionRef(name="checkout"))
    assert found.touches == ("checkout:$LATEST",)
    assert "code or configuration" in found.summary


# --- API Gateway --------------------------------------------------------------------------------

REST, HTTP = ApiRef(name="shop", id="a1"), ApiRef(name="shop", id="a1", kind="http")
KEYS = {
    "rest": ("lastUpdatedDate", "deploymentId", "createdDate", "description"),
    "http": ("LastUpdatedDate", "DeploymentId", "CreatedDate", "Description"),
}


@pytest.mark.parametrize("api", [REST, HTTP])
def test_the_deployment_of_a_stage_is_told(api: ApiRef) -> None:
    updated, deployment, created, description = KEYS[api.kind]
    aws = Answers(
        get_stage={updated: AT, deployment: "d1"},
        get_deployment={created: earlier(1), description: "r7"},
    )
    (found,) = apis.last_changed(aws, looked(), api)
    assert found.summary == "deployment d1 of shop to stage prod (r7)"
    assert (found.kind, found.at) == ("deployment", earlier(1))


@pytest.mark.parametrize("api", [REST, HTTP])
def test_a_stage_changed_since_its_deployment_is_a_configuration(api: ApiRef) -> None:
    updated, deployment, created, _ = KEYS[api.kind]
    aws = Answers(
        get_stage={updated: AT, deployment: "d1"}, get_deployment={created: earlier(9000)}
    )
    (found,) = apis.last_changed(aws, looked(), api)
    assert (found.kind, found.at) == ("configuration", AT)


def test_a_stage_nobody_changed_costs_one_call() -> None:
    aws = Answers(get_stage={"lastUpdatedDate": earlier(9000), "deploymentId": "d1"})
    assert apis.last_changed(aws, looked(), REST) == []
    assert len(aws.sent) == 1


# --- databases ----------------------------------------------------------------------------------


def rds(message: str, *categories: str, source: str = "orders-db") -> dict[str, Any]:
    return {
        "SourceIdentifier": source,
        "Message": message,
        "EventCategories": list(categories),
        "Date": AT,
    }


@pytest.mark.parametrize(
    "event",
    [
        rds("DB instance restarted", "availability"),
        rds("Multi-AZ instance failover completed", "failover"),
        rds("Finished updating DB parameter group", "configuration change"),
        rds("Completed failover to DB instance: orders-db", "failover", source="orders-cluster"),
    ],
)
def test_what_happened_to_a_database_is_a_change(event: dict[str, Any]) -> None:
    found = databases.happened(event, ("orders-db",))
    assert found is not None
    assert (found.kind, found.touches, found.actor) == ("database", ("orders-db",), "AWS (rds)")


@pytest.mark.parametrize(
    "event",
    [
        rds("Backing up DB instance", "backup"),
        rds("DB instance restarted", "availability", source="orders-db-2"),
        rds("Failover to DB instance: my-orders-db", "failover", source="other"),
    ],
)
def test_a_backup_or_another_database_is_none(event: dict[str, Any]) -> None:
    assert databases.happened(event, ("orders-db",)) is None


# --- CloudFormation -----------------------------------------------------------------------------


def stack(status: str, minutes: float, physical: str | None = None) -> dict[str, Any]:
    arn = "arn:aws:cloudformation:us-east-1:1:stack/web/1f"
    return {
        "StackName": "web",
        "Timestamp": earlier(minutes),
        "ResourceStatus": status,
        "PhysicalResourceId": physical or arn,
        "ResourceType": "AWS::Lambda::Function" if physical else "AWS::CloudFormation::Stack",
    }


def test_a_stacks_update_touches_what_it_changed() -> None:
    events = [
        stack("UPDATE_COMPLETE", 3),
        stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", 4),
        stack("UPDATE_COMPLETE", 5, "checkout"),
        stack("UPDATE_IN_PROGRESS", 6, "other"),
        stack("UPDATE_IN_PROGRESS", 7),
    ]
    (found,) = stacks.updates(events, NAMES)
    assert found.touches == ("checkout",)
    assert (found.at, found.until) == (earlier(7), earlier(3))
    assert found.summary == "CloudFormation web (UPDATE_COMPLETE)"
    assert not found.reverts


def test_a_stacks_rollback_goes_back_and_another_resource_is_not_told() -> None:
    events = [
        stack("UPDATE_IN_PROGRESS", 9),
        stack("UPDATE_FAILED", 8, "checkout"),
        stack("UPDATE_ROLLBACK_IN_PROGRESS", 7),
        stack("UPDATE_COMPLETE", 6, "checkout"),
        stack("UPDATE_ROLLBACK_COMPLETE", 5),
    ]
    first, back = stacks.updates(events, NAMES)
    assert (first.reverts, back.reverts) == (False, True)
    unrelated = [stack("UPDATE_IN_PROGRESS", 9), stack("UPDATE_COMPLETE", 8, "other")]
    assert stacks.updates(unrelated, NAMES) == []


def test_a_resource_of_no_stack_is_no_failure() -> None:
    none = ReadFailed(GapReason.ERROR, "ValidationError: Stack for checkout does not exist")
    assert stacks.stack_of(Answers(describe_stack_resources=none), "checkout") is None
    denied = ReadFailed(GapReason.DENIED, "no")
    with pytest.raises(ReadFailed):
        stacks.stack_of(Answers(describe_stack_resources=denied), "checkout")


@pytest.mark.parametrize(
    "source", [codedeploy.CodeDeploy(), ecs.EcsRollouts(), functions.FunctionVersions()]
)
def test_one_of_several_that_fails_is_told(source: Source) -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "x:Y")
    calls = ("list_deployments", "describe_services", "list_aliases")
    found = source.read(Answers(**dict.fromkeys(calls, denied)), looked())
    assert found is not None
    assert found.changes == ()
    assert [each.permission for each in found.unread] == ["x:Y"]
