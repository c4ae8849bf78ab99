"""Next steps at tasks, targets and the load balancer in front of them."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import Scope
from bot.domain.report import Advice
from bot.domain.resources import EcsRef
from playbooks.evidence.commands import (
    TABLE,
    TEXT,
    aws,
    balancer_arn,
    balancer_attributes,
    with_output,
)
from playbooks.probes.front_door import balancer_of


def service_events(scope: Scope) -> Iterator[Advice]:
    """What ECS wrote of the service lately."""
    for ecs in scope.service.resources.ecs[:1]:
        command = _services(scope, ecs, "services[0].events[:15].[createdAt,message]", *TABLE)
        yield Advice(text=f"Read the latest events of ECS service {ecs.service}", command=command)


def stop_reasons(scope: Scope) -> Iterator[Advice]:
    """Why tasks stopped; ECS shows them for about an hour."""
    for ecs in scope.service.resources.ecs[:1]:
        region, cluster = scope.service.region, ("--cluster", ecs.cluster)
        listed = aws(
            region,
            *("ecs", "list-tasks", *cluster, "--service-name", ecs.service),
            *("--desired-status", "STOPPED", "--query", "taskArns[:100]"),
            *TEXT,
        )
        query = "tasks[].[stoppedAt,stoppedReason,containers[].[name,exitCode,reason]]"
        described = aws(region, "ecs", "describe-tasks", *cluster, "--query", query)
        yield Advice(
            text=f"See why tasks of {ecs.service} stopped (exit code 137: killed)",
            command=f"{described} --tasks $({listed})",
        )


def task_network(scope: Scope) -> Iterator[Advice]:
    """Subnets and security groups of the tasks."""
    for ecs in scope.service.resources.ecs[:1]:
        command = _services(scope, ecs, "services[0].networkConfiguration")
        text = f"See the subnets and security groups of the tasks of {ecs.service}"
        yield Advice(text=text, command=command)


def scaling_activities(scope: Scope) -> Iterator[Advice]:
    """What scaling policies did to the tasks."""
    for ecs in scope.service.resources.ecs[:1]:
        command = aws(
            scope.service.region,
            *("application-autoscaling", "describe-scaling-activities"),
            *("--service-namespace", "ecs"),
            *("--resource-id", f"service/{ecs.cluster}/{ecs.service}", "--max-items", "10"),
        )
        text = f"See what scaling policies did to {ecs.service}, and why"
        yield Advice(text=text, command=command)


def _services(scope: Scope, ecs: EcsRef, query: str, *more: str) -> str:
    words = ("ecs", "describe-services", "--cluster", ecs.cluster, "--services", ecs.service)
    return aws(scope.service.region, *words, "--query", query, *more)


def task_definition(scope: Scope, ecs: EcsRef) -> str:
    """Prints the ARN of the task definition that a service runs."""
    return _services(scope, ecs, "services[0].taskDefinition", *TEXT)


def target_groups(scope: Scope) -> Iterator[Advice]:
    """Protocol, port and health check of the balancer's target groups."""
    if (balancer := balancer_of(scope)) is not None:
        region = scope.service.region
        columns = (
            "TargetGroupName,Protocol,Port,HealthCheckProtocol,HealthCheckPath,HealthCheckPort"
        )
        query = ("--query", f"TargetGroups[].[{columns}]", *TABLE)
        command = aws(region, "elbv2", "describe-target-groups", *query)
        yield Advice(
            text="See protocol, port and health check of the target groups",
            command=with_output(command, "--load-balancer-arn", balancer_arn(region, balancer)),
        )


def target_health(scope: Scope, lost: str | None = None) -> Iterator[Advice]:
    """State and reason of every target of the group that lost all of them, else of the first."""
    if (balancer := balancer_of(scope)) is None:
        return
    region = scope.service.region
    query = ("--query", "TargetGroups[0].TargetGroupArn", *TEXT)
    group = aws(region, "elbv2", "describe-target-groups", *query)
    names = (lost,) if lost else balancer.target_groups
    if names:
        words = ("elbv2", "describe-target-groups", "--names", names[0])
        group = aws(region, *words, *query)
    else:
        group = with_output(group, "--load-balancer-arn", balancer_arn(region, balancer))
    columns = "[Target.Id,Target.AvailabilityZone,TargetHealth.[State,Reason,Description]]"
    command = aws(
        region,
        *("elbv2", "describe-target-health"),
        *("--query", f"TargetHealthDescriptions[].{columns}"),
    )
    of_group = f" of {lost}" if lost else ""
    yield Advice(
        text=f"See the state of every target{of_group}, and why it is unhealthy",
        command=with_output(command, "--target-group-arn", group),
    )


def idle_timeout(scope: Scope) -> Iterator[Advice]:
    """The balancer's idle timeout."""
    if (balancer := balancer_of(scope)) is not None:
        yield Advice(
            text="The targets' keep-alive has to be longer than the load balancer's idle timeout",
            command=balancer_attributes(scope.service.region, balancer, "idle_timeout"),
        )


def balancer_log(scope: Scope) -> Advice:
    """Where the balancer's access log is."""
    balancer = balancer_of(scope)
    text = (
        "Find the load balancer's access log; elb_status_code and target_status_code in it say who "
        "answered"
    )
    if balancer is None:
        return Advice(text=text)
    command = balancer_attributes(scope.service.region, balancer, "access_logs")
    return Advice(text=text, command=command)
