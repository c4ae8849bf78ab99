"""Deployments, versions and CloudTrail."""

from __future__ import annotations

import json

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.report import GapReason
from bot.domain.resources import FunctionRef, Resources
from bot.domain.service import Service
from playbooks.probes.changes import codedeploy, ecs, functions, trail
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import AT
from tests.playbooks.samples import scope


def event(
    name: str, request: dict[str, object] | None = None, error: str | None = None
) -> dict[str, object]:
    return {
        "EventId": "e1",
        "EventName": name,
        "ReadOnly": "false",
        "EventTime": AT,
        "EventSource": "lambda.amazonaws.com",
        "Username": "mara",
        "Resources": [{"ResourceType": "AWS::Lambda::Function", "ResourceName": "checkout"}],
        "CloudTrailEvent": json.dumps({"requestParameters": request, "errorCode": error}),
    }


@pytest.mark.parametrize(
    ("name", "request_parameters", "kind", "summary"),
    [
        (
            "UpdateAlias20150331",
            {"name": "PROD", "functionVersion": "42"},
            "alias",
            "UpdateAlias alias PROD to version 42",
        ),
        ("UpdateFunctionCode20150331v2", {}, "deployment", "UpdateFunctionCode"),
        (
            "UpdateFunctionConfiguration20150331v2",
            {"timeout": 10},
            "configuration",
            "UpdateFunctionConfiguration timeout 10 s",
        ),
        (
            "PutFunctionConcurrency20171031",
            {"reservedConcurrentExecutions": 5},
            "scaling",
            "PutFunctionConcurrency reserved 5",
        ),
        ("UpdateService", {"desiredCount": 4}, "scaling", "UpdateService to 4 tasks"),
        (
            "UpdateService",
            {"taskDefinition": "shop:42"},
            "deployment",
            "UpdateService to shop:42",
        ),
        (
            "RevokeSecurityGroupIngress",
            {"groupId": "sg-1"},
            "security-group",
            "RevokeSecurityGroupIngress sg-1",
        ),
    ],
)
def test_trail_events(
    name: str, request_parameters: dict[str, object], kind: str, summary: str
) -> None:
    found = trail.changed(event(name, request_parameters))
    assert found is not None
    assert (found.kind, found.summary, found.actor, found.at) == (kind, summary, "mara", AT)


def test_what_failed_or_only_read_changed_nothing() -> None:
    assert trail.changed(event("UpdateAlias20150331", error="AccessDenied")) is None
    assert trail.changed(event("GetAlias20150331") | {"ReadOnly": "true"}) is None


def with_functions(number: int) -> Scope:
    functions = tuple(FunctionRef(name=f"f{i}") for i in range(number))
    return scope(service=Service(name="s", resources=Resources(functions=functions)))


def test_at_most_ten_look_ups_and_what_is_left_is_said() -> None:
    aws = Answers(lookup_events={"Events": []})
    found = trail.CloudTrail().read(aws, with_functions(12))
    assert found is not None
    assert found.known == ()
    assert len(aws.sent) == 10
    (unread,) = found.unread
    assert "more events about f10, f11" in unread.detail
    assert unread.reason is GapReason.BUDGET


def test_the_second_page_of_a_busy_resource_is_read() -> None:
    moved = event("UpdateAlias20150331", {"name": "PROD", "functionVersion": "42"})
    first = {"Events": [event("GetAlias20150331") | {"ReadOnly": "true"}], "NextToken": "more"}
    aws = Answers(lookup_events=[first, {"Events": [moved | {"EventId": "e2"}]}])
    found = trail.CloudTrail().read(aws, with_functions(1))
    assert found is not None
    assert [change.kind for change in found.known] == ["alias"]
    assert [sent.get("NextToken") for _, sent in aws.sent] == [None, "more"]


def test_a_deployment_has_an_end() -> None:
    found = codedeploy.deployed(
        {
            "applicationName": "basket",
            "deploymentGroupName": "prod",
            "deploymentId": "d-ABC",
            "status": "Succeeded",
            "createTime": AT,
            "completeTime": AT.replace(minute=9),
            "creator": "user",
        }
    )
    assert (found.at, found.until) == (AT, AT.replace(minute=9))
    assert found.summary == "CodeDeploy d-ABC (Succeeded)"


def test_only_the_primary_deployment_is_a_change() -> None:
    (found,) = ecs.rolled_out(
        {
            "serviceName": "shop",
            "deployments": [
                {
                    "status": "PRIMARY",
                    "taskDefinition": "arn:aws:ecs:us-east-1:1:task-definition/shop:42",
                    "rolloutState": "IN_PROGRESS",
                    "failedTasks": 3,
                    "createdAt": AT,
                    "updatedAt": AT,
                },
                {"status": "ACTIVE", "createdAt": AT.replace(hour=1)},
            ],
        }
    )
    assert found.summary == "ECS rollout of shop:42 (IN_PROGRESS, 3 tasks failed)"
    assert found.until is None


def test_only_versions_the_alias_serves_count() -> None:
    alias = {
        "Name": "PROD",
        "FunctionVersion": "42",
        "RoutingConfig": {"AdditionalVersionWeights": {"43": 0.1}},
    }
    versions = [
        {"Version": number, "LastModified": "2026-03-14T03:07:00.000+0000"}
        for number in ("$LATEST", "41", "42", "43")
    ]
    found = functions.published("checkout", alias, versions)
    assert [change.summary.split(",")[0] for change in found] == ["version 42", "version 43"]
    assert found[0].at == AT


def test_an_ecs_service_that_is_not_there_is_a_failed_read() -> None:
    answer = {
        "services": [],
        "failures": [{"arn": "arn:aws:ecs:us-east-1:1:service/main/shop", "reason": "MISSING"}],
    }
    with pytest.raises(ReadFailed, match=r"does not describe shop \(MISSING\)") as failed:
        ecs.described(answer)
    assert failed.value.reason is GapReason.NOT_FOUND
