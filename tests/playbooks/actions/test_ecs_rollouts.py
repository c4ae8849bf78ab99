"""Which revision a rollout of ECS leads back to, from ECS's own words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.errors import ReadFailed
from bot.domain.plan import Choice, Plan
from bot.domain.playbook_contract import Scope
from bot.domain.report import GapReason, Window
from bot.domain.resources import EcsRef, Resources
from bot.domain.service import Service
from playbooks.actions import ACTIONS
from tests.playbooks.aws_stub import Answers

NOW = datetime(2026, 3, 14, 3, 20, tzinfo=UTC)
ECS = ACTIONS["rollback-ecs"]
SERVICE = Service(name="web", resources=Resources(ecs=(EcsRef(cluster="main", service="web"),)))
SCOPE = Scope(SERVICE, None, Window.around(NOW - timedelta(minutes=5), NOW))


def arn(revision: int) -> str:
    return f"arn:aws:ecs:us-east-1:123456789012:service-revision/main/web/{revision}"


def task_definition(revision: int) -> str:
    return f"arn:aws:ecs:us-east-1:123456789012:task-definition/web:{revision}"


def rollout(to: int, status: str, minutes: int, *sources: int, back: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {
        "serviceDeploymentArn": f"arn:aws:ecs:us-east-1:123456789012:service-deployment/{to}",
        "status": status,
        "createdAt": NOW - timedelta(minutes=minutes),
        "targetServiceRevision": {"arn": arn(to)},
        "sourceServiceRevisions": [{"arn": arn(each)} for each in sources],
    }
    return found | ({"rollback": {"serviceRevisionArn": arn(back)}} if back else {})


def ecs(
    *rollouts: dict[str, Any],
    under_way: bool,
    definitions: tuple[dict[str, Any], dict[str, Any]] | None = None,
    digest_before: str | None = None,
    running_digest: str | None = None,
    **besides: Any,
) -> Answers:
    """web:9 is what the service is on; its revision also has `besides`. `definitions`: of the task
    definition before, and of web:9."""
    definitions = definitions or (of_image("web:7"), of_image("web:9"))
    container = {"name": "web", "imageDigest": running_digest}
    running = {"taskDefinitionArn": task_definition(9), "containers": [container]}
    state = "IN_PROGRESS" if under_way else "COMPLETED"
    deployments = [
        {"status": "PRIMARY", "taskDefinition": task_definition(9), "rolloutState": state},
        {"status": "ACTIVE", "taskDefinition": task_definition(8), "rolloutState": "IN_PROGRESS"},
        {"status": "ACTIVE", "taskDefinition": task_definition(7), "rolloutState": "COMPLETED"},
    ]
    revisions = [
        {
            "serviceRevisionArn": arn(each),
            "taskDefinition": task_definition(each),
            "launchType": "FARGATE",
            **(besides if each == 9 else {}),
            **(digest_of(digest_before) if each < 9 and digest_before else {}),
        }
        for each in (6, 7, 8, 9)
    ]
    service = {
        "serviceArn": "arn:aws:ecs:us-east-1:123456789012:service/main/web",
        "taskDefinition": task_definition(9),
        "deployments": deployments if under_way else deployments[:1],
    }
    return Answers(
        describe_services={"services": [service]},
        list_service_deployments={"serviceDeployments": list(rollouts)},
        describe_service_deployments={"serviceDeployments": list(rollouts)},
        describe_service_revisions={"serviceRevisions": revisions},
        describe_task_definition=[{"taskDefinition": each} for each in definitions],
        list_tasks={"taskArns": ["task-1"]},
        describe_tasks={"tasks": [running]},
    )


def of_image(image: str, **settings: object) -> dict[str, Any]:
    """A task definition with one container."""
    container = {"name": "web", "image": image, **settings}
    return {"status": "ACTIVE", "containerDefinitions": [container]}


def digest_of(letter: str) -> dict[str, Any]:
    """What a service revision says of its image."""
    return {"containerImages": [{"containerName": "web", "imageDigest": f"sha256:{letter}"}]}


def planned(aws: Answers) -> Plan:
    plan = ECS.plan(aws, SCOPE)
    assert plan is not None
    return plan


STACKED = (
    rollout(9, "IN_PROGRESS", 2, 7, 8),
    rollout(8, "STOPPED", 6, 7),
    rollout(7, "SUCCESSFUL", 900, 6),
)


def test_a_rollout_on_top_of_another_goes_back_to_the_one_that_came_through() -> None:
    plan = planned(ecs(*STACKED, under_way=True))
    assert plan.after == {"task_definition": "web:7"}
    assert plan.steps[0].operation == "stop_service_deployment"
    assert plan.blocked_by == ()


def test_what_ecs_itself_says_goes_before() -> None:
    aws = ecs(rollout(9, "IN_PROGRESS", 2, 7, 8, back=6), *STACKED[1:], under_way=True)
    assert planned(aws).after == {"task_definition": "web:6"}


def test_where_nothing_came_through_the_target_is_not_known_and_blocks() -> None:
    plan = planned(ecs(STACKED[0], STACKED[1], under_way=True))
    assert plan.after == {"task_definition": "web:7"}
    assert [check.text for check in plan.blocked_by] == [
        "stopping the rollout goes back to web:7 (not known)"
    ]


def test_a_plan_for_another_target_than_ecs_would_take_is_blocked() -> None:
    plan = planned(ecs(*STACKED, under_way=True))
    elsewhere = plan.model_copy(update={"after": {"task_definition": "web:8"}})
    again = ECS.replan(ecs(*STACKED, under_way=True), SCOPE, elsewhere)
    assert again is not None
    assert [check.holds for check in again.blocked_by] == [False]


def test_a_rollout_that_never_came_through_is_not_what_was_before() -> None:
    done = (rollout(9, "SUCCESSFUL", 2, 7), *STACKED[1:])
    plan = planned(ecs(*done, under_way=False))
    assert plan.after == {"task_definition": "web:7"}
    assert plan.steps[0].operation == "update_service"
    assert plan.resources == ("arn:aws:ecs:us-east-1:123456789012:service/main/web",)


def test_what_a_rollout_changed_besides_is_said() -> None:
    network = {"awsvpcConfiguration": {"subnets": ["subnet-2"]}}
    running = planned(ecs(*STACKED, under_way=True, networkConfiguration=network))
    assert running.inverse is None
    assert "takes back network as well" in (running.irreversible or "")
    done = (rollout(9, "SUCCESSFUL", 2, 7), *STACKED[1:])
    ended = planned(ecs(*done, under_way=False, networkConfiguration=network))
    assert ended.inverse is not None
    assert any("also changed network" in text for text in ended.warnings)


@pytest.mark.parametrize(
    ("status", "changing"), [("ROLLBACK_REQUESTED", True), ("IN_PROGRESS", False)]
)
def test_a_stop_that_is_under_way_is_not_taken_for_no_stop(status: str, changing: bool) -> None:
    plan = planned(ecs(*STACKED, under_way=True))
    seen = ECS.observe(ecs(rollout(9, status, 2, 7, 8), under_way=True), plan)
    assert seen.state == plan.before
    assert seen.changing is changing


def test_rollouts_that_may_not_be_listed_block_a_stop() -> None:
    aws = ecs(*STACKED, under_way=True)
    denied = ReadFailed(GapReason.DENIED, "ecs:ListServiceDeployments: no")
    aws._replies["list_service_deployments"] = [denied]
    plan = planned(aws)
    assert plan.after == {"task_definition": "web:7"}
    assert {check.holds for check in plan.blocked_by} == {None}
    assert len(plan.blocked_by) == 2


DONE = (rollout(9, "SUCCESSFUL", 2, 7), rollout(7, "SUCCESSFUL", 900, 6))
SAME_TAG = (of_image("repo/web:latest"), of_image("repo/web:latest"))


def of_images(**told: Any) -> tuple[bool | None, str]:
    """What the plan says about the images."""
    plan = planned(ecs(*DONE, under_way=False, **told))
    (said,) = [
        each for each in plan.checks if "runs another image" in each.text or "differs" in each.text
    ]
    return said.holds, said.text


def test_another_tag_is_another_image() -> None:
    assert of_images() == (True, "web:7 runs another image than web:9 (web:7, not web:9)")


def test_a_tag_whose_image_was_replaced_is_not_rolled_back() -> None:
    holds, text = of_images(definitions=SAME_TAG, digest_before="a", **digest_of("b"))
    assert holds is False
    assert "would pull the new one again" in text


def test_running_tasks_tell_the_digest_where_the_revision_does_not() -> None:
    told = {"definitions": SAME_TAG, "digest_before": "a"}
    assert of_images(**told, running_digest="sha256:b")[0] is False
    assert of_images(**told)[0] is None


def test_a_tag_whose_digests_are_not_known_is_unknown() -> None:
    holds, text = of_images(definitions=SAME_TAG)
    assert holds is None
    assert "is not known" in text


def test_the_same_image_with_other_settings_can_be_rolled_back() -> None:
    settings = (of_image("repo/web:latest", environment=[]), of_image("repo/web:latest", cpu=1))
    told = {"digest_before": "a", **digest_of("a")}
    assert of_images(definitions=settings, **told) == (
        True,
        "web:7 differs from web:9 (same image; what differs is cpu, environment)",
    )
    holds, text = of_images(definitions=SAME_TAG, **told)
    assert holds is False
    assert "what differs is nothing" in text


def test_two_tags_of_one_image_are_the_same_image() -> None:
    two = (of_image("repo/web:7"), of_image("repo/web:9"))
    assert of_images(definitions=two, digest_before="a", **digest_of("a"))[0] is False
    assert of_images(definitions=two, digest_before="a", **digest_of("b"))[0] is True


def test_an_image_named_by_its_digest_needs_no_more() -> None:
    pinned = of_image("repo/web@sha256:a")
    assert of_images(definitions=(pinned, pinned))[0] is False
    assert of_images(definitions=(pinned, of_image("repo/web@sha256:b")))[0] is True


def test_a_forced_deployment_is_not_taken_back_by_an_older_task_definition() -> None:
    forced = (rollout(9, "SUCCESSFUL", 2, 9), rollout(9, "SUCCESSFUL", 700, 7), STACKED[2])
    plan = planned(ecs(*forced, under_way=False))
    assert any("forced deployment of web:9" in each.text for each in plan.blocked_by)
    assert not planned(ecs(*DONE, under_way=False)).blocked_by


def test_a_service_that_runs_something_else_than_the_evidence_names_blocks() -> None:
    target = "ecs:main:web/task-definition"
    for suspect, blocked in (("web:9", 0), ("web:8", 1)):
        choice = Choice(target=target, suspect=suspect)
        plan = ECS.plan(ecs(*DONE, under_way=False), SCOPE, choice)
        assert plan is not None
        assert len(plan.blocked_by) == blocked
    assert ECS.plan(ecs(*DONE, under_way=False), SCOPE, Choice(target="x:y/z")) is None
