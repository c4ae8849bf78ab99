"""Stopped tasks and their reasons; failed TLS with targets."""

from __future__ import annotations

import pytest

from bot.domain.resources import EcsRef, LoadBalancerRef, Resources
from bot.domain.service import Service
from playbooks.probes.stopped_tasks import StoppedTasks, StoppedTasksProbe, stopped
from playbooks.probes.target_tls import TargetTlsProbe
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import Published
from tests.playbooks.samples import minute, scope

SHOP = Service(name="shop", resources=Resources(ecs=(EcsRef(cluster="main", service="shop"),)))

EXITED, SCHEDULER = "EssentialContainerExited", "ServiceSchedulerInitiated"


def task(reason: str, code: int | None, container: str | None = None) -> dict[str, object]:
    return {
        "stoppedAt": minute(0),
        "stoppedReason": reason,
        "containers": [{"name": "shop", "exitCode": code, "reason": container}],
    }


def test_reasons_and_exit_codes() -> None:
    memory = "OutOfMemoryError: Container killed due to memory usage"
    aws = Answers(
        list_tasks=[{"taskArns": ["a", "b"]}, {"taskArns": ["c"]}],
        describe_tasks={
            "tasks": [
                task("Essential container in task exited", 137, memory),
                task("Scaling activity initiated by deployment ecs-svc/1", 137),
                task("Essential container in task exited", None),
                {"stoppedReason": "still stopping", "containers": []},
            ]
        },
    )
    found = StoppedTasksProbe().read(aws, scope(None, SHOP))
    assert isinstance(found, StoppedTasks)
    assert [each.out_of_memory for each in found.tasks] == [True, False, False]
    assert found.tasks[0].reason == f"Essential container in task exited; {memory}"
    assert [each.exits for each in found.tasks] == [(137,), (137,), ()]
    assert found.coverage.complete
    assert aws.sent[-1][1] == {"cluster": "main", "tasks": ["a", "b", "c"]}


def test_more_tasks_than_one_call_describes_are_a_part() -> None:
    many = [f"t{number}" for number in range(140)]
    aws = Answers(list_tasks={"taskArns": many}, describe_tasks={"tasks": []})
    found = StoppedTasksProbe().read(aws, scope(None, SHOP))
    assert found is not None
    assert found.coverage.missing == ("100 of 140 stopped tasks were read",)


def test_none_stopped() -> None:
    aws = Answers(list_tasks={"taskArns": []})
    assert StoppedTasksProbe().read(aws, scope(None, SHOP)) == StoppedTasks(())


def test_tls_with_targets() -> None:
    balancer = LoadBalancerRef(name="app/shop/123")
    service = Service(name="shop", resources=Resources(load_balancers=(balancer,)))
    failed = {"TargetTLSNegotiationErrorCount Sum app/shop/123": {0: 12}}
    aws = Published(failed)
    found = TargetTlsProbe().read(aws, scope(None, service))
    assert found is not None
    assert found.failed.points[minute(0)] == 12


@pytest.mark.parametrize(
    ("stop_code", "reason", "code", "crashed"),
    [
        (EXITED, "Essential container in task exited", 1, True),
        (EXITED, "Essential container in task exited", 139, True),
        (EXITED, "Essential container in task exited", 0, False),
        (EXITED, "OutOfMemoryError: Container killed due to memory usage", 137, False),
        (SCHEDULER, "Task failed ELB health checks in (target-group web)", 143, False),
        (SCHEDULER, "Task failed ELB health checks in (target-group web)", 1, False),
        (SCHEDULER, "Scaling activity initiated by deployment ecs-svc/1", 143, False),
        (SCHEDULER, "Scaling activity initiated by deployment ecs-svc/1", 137, False),
        (SCHEDULER, "Scaling activity initiated by deployment ecs-svc/1", 1, False),
        ("TaskFailedToStart", "CannotPullContainerError: not found", None, False),
        (None, "Essential container in task exited", 1, True),  # ECS told no code
        (None, "Essential container in task exited", 0, False),
    ],
)
def test_whether_a_task_ended_by_itself(
    stop_code: str | None, reason: str, code: int | None, crashed: bool
) -> None:
    described = task(reason, code) | {
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:42"
    }
    if stop_code:
        described["stopCode"] = stop_code
    (found,) = stopped("shop", {"tasks": [described]})
    assert (found.crashed, found.definition) == (crashed, "shop:42")
    assert found.code == (stop_code or "")


def test_a_task_of_which_no_definition_is_told() -> None:
    (found,) = stopped("shop", {"tasks": [task("it stopped", 1)]})
    assert found.definition == ""
