"""Changes: deployments, versions, rollouts and CloudTrail events.

One probe a source, so that a missing permission leaves one gap and not all of them.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.plan import Choice
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.report import Change, GapReason

Changes = tuple[Change, ...]

LOOK_BACK = timedelta(minutes=60)  # before the window's start, as a rollout takes a while
MOST_LOOKUPS = 10  # LookupEvents: 2 a second, account-wide
MOST_DEPLOYMENTS = 25  # BatchGetDeployments takes 25

_API_DATE = re.compile(r"20\d{6}(v\d+)?$")  # UpdateAlias20150331, UpdateFunctionCode20150331v2


def looked_at(scope: Scope) -> tuple[datetime, datetime]:
    """The span in which changes are looked for, [start, end)."""
    return scope.window.start - LOOK_BACK, scope.window.end


def within(at: datetime, scope: Scope) -> bool:
    start, end = looked_at(scope)
    return start <= at < end


class CodeDeployProbe(Probe[Changes]):
    title: ClassVar[str] = "CodeDeploy deployments"
    permissions: ClassVar[tuple[str, ...]] = (
        "codedeploy:ListDeployments",
        "codedeploy:BatchGetDeployments",
    )

    def read(self, aws: Aws, scope: Scope) -> Changes | None:
        groups = scope.service.resources.codedeploy
        if not groups:
            return None
        start, end = looked_at(scope)
        found: list[Change] = []
        for group in groups:
            ids = [
                deployment
                for page in aws.pages(
                    "codedeploy",
                    "list_deployments",
                    applicationName=group.application,
                    deploymentGroupName=group.group,
                    createTimeRange={"start": start, "end": end},
                )
                for deployment in page.get("deployments", [])
            ]
            for first in range(0, len(ids), MOST_DEPLOYMENTS):
                answer = aws.read(
                    "codedeploy",
                    "batch_get_deployments",
                    deploymentIds=ids[first : first + MOST_DEPLOYMENTS],
                )
                found += [deployed(info) for info in answer.get("deploymentsInfo", [])]
        return tuple(change for change in found if within(change.at, scope))


def deployed(info: Mapping[str, Any]) -> Change:
    """A DeploymentInfo. `creator` says how it came about: user, autoscaling, codeDeployRollback."""
    description = info.get("description") or info["deploymentId"]
    until = info.get("completeTime")
    return Change(
        at=info["createTime"].astimezone(UTC),
        actor=str(info.get("creator", "unknown")),
        kind="deployment",
        resource=f"{info['applicationName']}/{info['deploymentGroupName']}",
        summary=f"CodeDeploy {description} ({info.get('status', 'unknown')})",
        choice=Choice(
            target=f"codedeploy:{info['applicationName']}:{info['deploymentGroupName']}/revision",
            suspect=info["deploymentId"],
            since=info["createTime"].astimezone(UTC),
        ),
        until=until.astimezone(UTC) if until else None,
    )


class RolloutsProbe(Probe[Changes]):
    title: ClassVar[str] = "ECS deployments"
    permissions: ClassVar[tuple[str, ...]] = ("ecs:DescribeServices",)

    def read(self, aws: Aws, scope: Scope) -> Changes | None:
        by_cluster: dict[str, list[str]] = {}
        for ecs in scope.service.resources.ecs:
            by_cluster.setdefault(ecs.cluster, []).append(ecs.service)
        if not by_cluster:
            return None
        found: list[Change] = []
        for cluster, services in by_cluster.items():
            for first in range(0, len(services), 10):  # DescribeServices takes 10
                answer = aws.read(
                    "ecs",
                    "describe_services",
                    cluster=cluster,
                    services=services[first : first + 10],
                )
                found += [change for each in described(answer) for change in rolled_out(each)]
        return tuple(change for change in found if within(change.at, scope))


def described(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The services of DescribeServices. Raises ReadFailed when ECS reports one as a failure."""
    failures = answer.get("failures", [])
    if failures:
        missing = ", ".join(
            f"{str(each.get('arn', '?')).rsplit('/', 1)[-1]} ({each.get('reason', 'unknown')})"
            for each in failures
        )
        raise ReadFailed(GapReason.NOT_FOUND, f"ECS does not describe {missing}")
    return list(answer.get("services", []))


def rolled_out(service: Mapping[str, Any]) -> list[Change]:
    """The service's primary deployment, as a change."""
    return [
        Change(
            at=deployment["createdAt"].astimezone(UTC),
            actor="unknown",
            kind="deployment",
            resource=service["serviceName"],
            summary=rollout_summary(deployment),
            choice=_of_rollout(service, deployment),
            until=(
                deployment["updatedAt"].astimezone(UTC)
                if deployment.get("rolloutState") == "COMPLETED" and deployment.get("updatedAt")
                else None
            ),
        )
        for deployment in service.get("deployments", [])
        if deployment.get("status") == "PRIMARY"
    ]


def _of_rollout(service: Mapping[str, Any], deployment: Mapping[str, Any]) -> Choice | None:
    cluster = str(service.get("clusterArn", "")).rsplit("/", 1)[-1]
    if not cluster:
        return None
    return Choice(
        target=f"ecs:{cluster}:{service['serviceName']}/task-definition",
        suspect=str(deployment.get("taskDefinition", "")).rsplit("/", 1)[-1] or None,
        since=deployment["createdAt"].astimezone(UTC),
    )


def rollout_summary(deployment: Mapping[str, Any]) -> str:
    task = str(deployment.get("taskDefinition", "")).rsplit("/", 1)[-1]
    state = str(deployment.get("rolloutState", deployment.get("status", "unknown")))
    failed = int(deployment.get("failedTasks", 0))
    lost = f", {failed} tasks failed" if failed else ""
    return f"ECS rollout of {task} ({state}{lost})"


class VersionsProbe(Probe[Changes]):
    """When the version that an alias serves was published; it cannot have served before."""

    title: ClassVar[str] = "versions of the functions"
    permissions: ClassVar[tuple[str, ...]] = ("lambda:GetAlias", "lambda:ListVersionsByFunction")

    def read(self, aws: Aws, scope: Scope) -> Changes | None:
        functions = [f for f in scope.service.resources.functions if f.alias]
        if not functions:
            return None
        found: list[Change] = []
        for function in functions:
            alias = aws.read("lambda", "get_alias", FunctionName=function.name, Name=function.alias)
            versions = [
                version
                for page in aws.pages(
                    "lambda", "list_versions_by_function", FunctionName=function.name
                )
                for version in page.get("Versions", [])
            ]
            found += published(function.name, alias, versions)
        return tuple(change for change in found if within(change.at, scope))


def published(
    function: str, alias: Mapping[str, Any], versions: list[dict[str, Any]]
) -> list[Change]:
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {})
    serving = {alias["FunctionVersion"], *weights}
    return [
        Change(
            at=datetime.fromisoformat(version["LastModified"]).astimezone(UTC),
            actor="unknown",
            kind="deployment",
            resource=function,
            summary=f"version {version['Version']}, which {alias['Name']} serves, was published"
            + (f" ({version['Description']})" if version.get("Description") else ""),
        )
        for version in versions
        if version["Version"] in serving and version["Version"] != "$LATEST"
    ]


class TrailProbe(Probe[Changes]):
    """CloudTrail, asked resource by resource. Events come about five minutes late."""

    title: ClassVar[str] = "CloudTrail events about the service's resources"
    permissions: ClassVar[tuple[str, ...]] = ("cloudtrail:LookupEvents",)

    def read(self, aws: Aws, scope: Scope) -> Changes | None:
        if not names_of(scope):
            return None
        events, _ = looked_up(aws, scope)
        found = [change for event in events if (change := changed(event)) is not None]
        return tuple(sorted(found, key=lambda change: change.at))


class TrailRestProbe(Probe[None]):
    """Fails when CloudTrail has more events than were read: the release may be among the rest.

    It sends the same look-ups as `TrailProbe`, which an investigation's snapshot sends once.
    """

    title: ClassVar[str] = "the rest of CloudTrail's events"
    permissions: ClassVar[tuple[str, ...]] = TrailProbe.permissions

    def read(self, aws: Aws, scope: Scope) -> None:
        _, left = looked_up(aws, scope)
        if left:
            raise ReadFailed(
                GapReason.BUDGET,
                f"CloudTrail has more events about {', '.join(left)} than {MOST_LOOKUPS} look-ups "
                "give",
            )


def looked_up(aws: Aws, scope: Scope) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Events about the service's resources, the first page of each before the second of any; and
    the resources of which there is more than the look-ups gave. Raises ReadFailed."""
    start, end = looked_at(scope)
    waiting: deque[tuple[str, dict[str, str]]] = deque((name, {}) for name in names_of(scope))
    events: dict[str, dict[str, Any]] = {}
    for _ in range(MOST_LOOKUPS):
        if not waiting:
            break
        name, token = waiting.popleft()
        answer = aws.read(
            "cloudtrail",
            "lookup_events",
            LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": name}],
            StartTime=start,
            EndTime=end,
            MaxResults=50,
            **token,
        )
        events |= {event["EventId"]: event for event in answer.get("Events", [])}
        if following := answer.get("NextToken"):
            waiting.append((name, {"NextToken": following}))
    return list(events.values()), tuple(name for name, _ in waiting)


def names_of(scope: Scope) -> tuple[str, ...]:
    """Resource names to look up in CloudTrail, those that are deployed first."""
    resources = scope.service.resources
    names = (
        *(function.name for function in resources.functions),
        *(ecs.service for ecs in resources.ecs),
        *(f"{group.application}" for group in resources.codedeploy),
        *resources.security_groups,
        *(name for balancer in resources.load_balancers for name in balancer.target_groups),
        *(balancer.name for balancer in resources.load_balancers),
        *(api.id or api.name for api in resources.apis),
    )
    return tuple(dict.fromkeys(names))


def changed(event: Mapping[str, Any]) -> Change | None:
    """A change from a CloudTrail event; None when it only read, or failed."""
    details = json.loads(event.get("CloudTrailEvent") or "{}")
    if event.get("ReadOnly") == "true" or details.get("errorCode"):
        return None
    name = _API_DATE.sub("", event["EventName"])
    request = details.get("requestParameters") or {}
    resources = [each.get("ResourceName", "") for each in event.get("Resources", [])]
    return Change(
        at=event["EventTime"].astimezone(UTC),
        actor=str(event.get("Username") or "unknown"),
        kind=kind_of(name, request),
        resource=next((each for each in resources if each), ""),
        summary=summary_of(name, request),
        choice=choice_of(name, request, event["EventTime"].astimezone(UTC)),
    )


def choice_of(name: str, request: Mapping[str, Any], at: datetime) -> Choice | None:
    """What an action takes back of a change; None for changes that no action takes back."""
    if name == "UpdateAlias" and request.get("functionVersion"):
        function = str(request.get("functionName", "")).rpartition("function:")[2]
        function = function.partition(":")[0]
        return Choice(
            target=f"lambda:{function}:{request.get('name')}/version",
            suspect=str(request["functionVersion"]),
            since=at,
        )
    if name == "UpdateService" and request.get("taskDefinition") and request.get("cluster"):
        cluster, service, task = (
            str(request.get(key, "")).rpartition("/")[2]
            for key in ("cluster", "service", "taskDefinition")
        )
        target = f"ecs:{cluster}:{service}/task-definition"
        return Choice(target=target, suspect=task, since=at)
    return None


def kind_of(name: str, request: Mapping[str, Any]) -> str:
    if name == "UpdateAlias":
        return "alias"
    if name == "UpdateService":
        return "deployment" if "taskDefinition" in request else "scaling"
    if name in ("UpdateFunctionCode", "CreateDeployment"):
        return "deployment"
    if "SecurityGroup" in name:
        return "security-group"
    if "Concurrency" in name or "Scal" in name:
        return "scaling"
    return "configuration" if name.startswith(("Update", "Modify", "Put")) else "other"


def summary_of(name: str, request: Mapping[str, Any]) -> str:
    """The event's name and those of its parameters that say what was changed."""
    told = {
        "name": "alias {}",
        "functionVersion": "to version {}",
        "taskDefinition": "to {}",
        "desiredCount": "to {} tasks",
        "reservedConcurrentExecutions": "reserved {}",
        "provisionedConcurrentExecutions": "provisioned {}",
        "timeout": "timeout {} s",
        "memorySize": "memory {} MB",
        "groupId": "{}",
    }
    parts = [form.format(request[key]) for key, form in told.items() if request.get(key)]
    return " ".join((name, *parts))
