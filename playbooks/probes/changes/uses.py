"""What the service's resources use, so that a change of it is known to touch the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.resources import EcsRef, FunctionRef, LoadBalancerRef
from playbooks.probes import named_dependencies
from playbooks.probes.changes.collected import Found, Source
from playbooks.probes.changes.names import (
    Names,
    last_part,
    own_names,
    used_by_database,
    used_by_function,
    used_by_tasks,
)
from playbooks.probes.front_door import find_api, short_name
from playbooks.probes.log_groups import function_settings

PERMISSIONS = (
    "apigateway:GET",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "lambda:GetFunctionConfiguration",
    "rds:DescribeDBInstances",
)
MOST_ASKED = 5  # functions, and services: each costs a call that other probes often make too


class Uses(Source):
    """Names of what the service's resources use, which makes a change of it known as theirs."""

    title: ClassVar[str] = "what the service uses"
    permissions: ClassVar[tuple[str, ...]] = PERMISSIONS

    def read(self, aws: Aws, scope: Scope) -> Found | None:
        if not own_names(scope.service.resources):
            return None
        names, failures = read_names(aws, scope)
        return Found(names=names, unread=tuple(self.unread(failure) for failure in failures))


def read_names(aws: Aws, scope: Scope) -> tuple[Names, tuple[ReadFailed, ...]]:
    """The names of the service's resources and of what they use, and the reads that failed."""
    resources = scope.service.resources
    own, used = own_names(resources), dict[str, str]()
    failures: dict[str, ReadFailed] = {}

    def attempt(read: Callable[[], None]) -> None:
        try:
            read()
        except ReadFailed as failure:
            failures[failure.detail] = failure

    for api in resources.apis:
        if api.id is None:
            attempt(lambda api=api: own.update({find_api(aws, api): api.name}))  # type: ignore[misc]
    for balancer in resources.load_balancers:
        attempt(lambda each=balancer: _balancer(aws, each, own, used))  # type: ignore[misc]
    for function in resources.functions[:MOST_ASKED]:
        attempt(lambda each=function: used.update(_function(aws, each)))  # type: ignore[misc]
    for ecs in resources.ecs[:MOST_ASKED]:
        attempt(lambda each=ecs: used.update(_service(aws, each)))  # type: ignore[misc]
    for database in resources.databases[:MOST_ASKED]:
        attempt(lambda each=database: used.update(_database(aws, each)))  # type: ignore[misc]
    named, _ = named_dependencies.of_service(aws, resources)  # reads what was read above
    called = frozenset(named.names) - {*own, *used}
    return Names(own, used, scope.service.name, called), tuple(failures.values())


def _function(aws: Aws, function: FunctionRef) -> dict[str, str]:
    return used_by_function(function_settings(aws, function))


def _balancer(
    aws: Aws, balancer: LoadBalancerRef, own: dict[str, str], used: dict[str, str]
) -> None:
    answer = aws.read("elbv2", "describe_load_balancers", Names=[short_name(balancer.name)])
    for found in answer.get("LoadBalancers", []):
        used |= {group: group for group in found.get("SecurityGroups", [])}
        own[last_part(found["LoadBalancerArn"])] = short_name(balancer.name)
        used |= {
            zone["SubnetId"]: zone["SubnetId"]
            for zone in found.get("AvailabilityZones", [])
            if zone.get("SubnetId")
        }
        if balancer.target_groups:
            continue
        for page in aws.pages(
            "elbv2", "describe_target_groups", LoadBalancerArn=found["LoadBalancerArn"]
        ):
            groups = [group["TargetGroupName"] for group in page.get("TargetGroups", [])]
            own |= {group: group for group in groups}


def _service(aws: Aws, ecs: EcsRef) -> dict[str, str]:
    found: dict[str, str] = {}
    answer = aws.read("ecs", "describe_services", cluster=ecs.cluster, services=[ecs.service])
    for service in answer.get("services", []):
        network: dict[str, Any] = service.get("networkConfiguration") or {}
        vpc = network.get("awsvpcConfiguration") or {}
        found |= {name: name for name in (*vpc.get("securityGroups", ()), *vpc.get("subnets", ()))}
        if definition := service.get("taskDefinition"):
            described = aws.read("ecs", "describe_task_definition", taskDefinition=definition)
            found |= used_by_tasks(described.get("taskDefinition", {}))
    return found


def _database(aws: Aws, name: str) -> dict[str, str]:
    answer = aws.read("rds", "describe_db_instances", DBInstanceIdentifier=name)
    found: dict[str, str] = {}
    for instance in answer.get("DBInstances", []):
        found |= used_by_database(instance)
    return found
