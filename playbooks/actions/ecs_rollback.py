"""Roll an ECS service back to the task definition it ran before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.errors import ReadFailed
from bot.model import Answer, Check, GapReason, Plan, Step, Verification
from bot.playbook import Action, Observed, Scope
from bot.ports import Aws
from bot.service import EcsRef
from playbooks.actions.reading import check, if_known

_MOST_DESCRIBED = 20  # DescribeServiceDeployments and -Revisions take 20


@dataclass(frozen=True, slots=True)
class _Service:
    """What DescribeServices says of one service."""

    ref: EcsRef
    task_definition: str
    controller: str
    deployments: tuple[dict[str, Any], ...]

    @property
    def primary(self) -> dict[str, Any]:
        return next((each for each in self.deployments if each.get("status") == "PRIMARY"), {})

    @property
    def under_way(self) -> bool:
        return self.primary.get("rolloutState") == "IN_PROGRESS"

    @property
    def since(self) -> datetime | None:
        return self.primary.get("createdAt")


class RollbackEcs(Action):
    """StopServiceDeployment(ROLLBACK) while the rollout is under way, else UpdateService to the
    task definition before."""

    id = "rollback-ecs"
    title = "Roll back the ECS service"
    reads = (
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeServiceRevisions",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "ecs:ListServiceDeployments",
    )
    writes = ("ecs:StopServiceDeployment", "ecs:UpdateService", "iam:PassRole")

    def plan(self, aws: Aws, scope: Scope) -> Plan | None:
        refs = scope.service.resources.ecs
        if not refs:
            raise ReadFailed(
                GapReason.NOT_CONFIGURED,
                f"the catalogue names no ECS service of {scope.service.name}",
            )
        services = [_read(aws, ref) for ref in refs]
        latest = max(services, key=lambda each: each.since.timestamp() if each.since else 0.0)
        previous = _previous(aws, latest)
        if previous is None:
            raise ReadFailed(
                GapReason.NOT_FOUND, f"no task definition before {latest.task_definition} is known"
            )
        return self._draft(aws, scope, latest, previous)

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        return self._draft(aws, scope, _read(aws, _whose(plan)), plan.after["task_definition"])

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        return Observed({"task_definition": _read(aws, _whose(plan)).task_definition})

    def settled(self, aws: Aws, plan: Plan, results: tuple[dict[str, Any], ...]) -> Verification:
        primary = _read(aws, _whose(plan)).primary
        runs = _short(str(primary.get("taskDefinition", "")))
        state = primary.get("rolloutState", "IN_PROGRESS")
        tasks = f"{primary.get('runningCount', 0)} of {primary.get('desiredCount', 0)} tasks"
        if state == "FAILED":
            answer, text = Answer.NO, f"the rollout of {runs} failed: {_reason(primary)}"
        elif state == "COMPLETED" and runs == plan.after["task_definition"]:
            answer, text = Answer.YES, f"{tasks} run {runs}"
        else:
            answer, text = Answer.INCONCLUSIVE, f"{tasks} of the rollout of {runs} run"
        return Verification(answer=answer, text=text, at=aws.now())

    def _draft(self, aws: Aws, scope: Scope, now: _Service, previous: str) -> Plan | None:
        if now.task_definition == previous:
            return None
        running = _running_deployment(aws, now) if now.under_way else None
        step = _stop(running) if running else _update(now.ref, previous)
        warnings = [
            f"If {now.task_definition} migrated data or closed a security hole, {previous} has to "
            "cope with that data and opens the hole again."
        ]
        if running:
            warnings.append("A stopped rollout can't be continued; undoing starts it from anew.")
        return Plan(
            action=self.id,
            title=f"Roll {now.ref.service} back from {now.task_definition} to {previous}",
            service=scope.service.name,
            target=f"ecs:{now.ref.cluster}:{now.ref.service}/task-definition",
            before={"task_definition": now.task_definition},
            after={"task_definition": previous},
            steps=(step,),
            inverse=(_update(now.ref, now.task_definition),),
            checks=tuple(_checks(aws, now, previous, running)),
            warnings=tuple(warnings),
            settles_within=600,
        )


def _checks(aws: Aws, now: _Service, previous: str, running: str | None) -> Iterator[Check]:
    yield Check(
        text=f"ECS itself rolls the service out (controller {now.controller})",
        holds=now.controller == "ECS",
    )
    yield check(
        f"{previous} is ACTIVE",
        lambda: (
            aws.read("ecs", "describe_task_definition", taskDefinition=previous)["taskDefinition"][
                "status"
            ]
            == "ACTIVE"
        ),
    )
    yield Check(
        text=f"{previous} is older than {now.task_definition}",
        holds=_older(previous, now.task_definition),
    )
    if now.under_way:
        yield Check(
            text="the rollout under way can be named (ListServiceDeployments)",
            holds=True if running else None,
        )


def _previous(aws: Aws, now: _Service) -> str | None:
    """What the rollout under way replaces, else what an earlier one did. Raises ReadFailed."""
    replaced = [
        _short(each["taskDefinition"])
        for each in now.deployments
        if each.get("status") == "ACTIVE" and _short(each["taskDefinition"]) != now.task_definition
    ]
    if replaced:
        return replaced[0]
    older = (each for each in _history(aws, now.ref) if _older(each, now.task_definition))
    return next((each for each in older if each != now.task_definition), None)


def _history(aws: Aws, ref: EcsRef) -> list[str]:
    """Task definitions that rollouts replaced, newest first; ECS keeps 90 days of them."""
    listed = aws.read("ecs", "list_service_deployments", cluster=ref.cluster, service=ref.service)
    arns = [each["serviceDeploymentArn"] for each in listed.get("serviceDeployments", [])]
    if not arns:
        return []
    answer = aws.read(
        "ecs", "describe_service_deployments", serviceDeploymentArns=arns[:_MOST_DESCRIBED]
    )
    rollouts = sorted(
        answer.get("serviceDeployments", []), key=lambda each: each["createdAt"], reverse=True
    )
    sources = [
        source["arn"] for each in rollouts for source in each.get("sourceServiceRevisions", [])
    ]
    revisions = list(dict.fromkeys(sources))[:_MOST_DESCRIBED]
    if not revisions:
        return []
    found = aws.read("ecs", "describe_service_revisions", serviceRevisionArns=revisions)
    by_arn = {
        each["serviceRevisionArn"]: _short(each["taskDefinition"])
        for each in found.get("serviceRevisions", [])
    }
    return [by_arn[arn] for arn in revisions if arn in by_arn]


def _older(task_definition: str, than: str) -> bool:
    """A lower revision of the same family, or another family: nothing orders those."""
    family, _, revision = task_definition.rpartition(":")
    other, _, latest = than.rpartition(":")
    return family != other or int(revision) < int(latest)


def _running_deployment(aws: Aws, now: _Service) -> str | None:
    """The ARN StopServiceDeployment wants; None when it could not be read, which a check says."""
    answer = if_known(
        lambda: aws.read(
            "ecs",
            "list_service_deployments",
            cluster=now.ref.cluster,
            service=now.ref.service,
            status=["PENDING", "IN_PROGRESS"],
        )
    )
    found = (answer or {}).get("serviceDeployments", [])
    return str(found[0]["serviceDeploymentArn"]) if found else None


def _read(aws: Aws, ref: EcsRef) -> _Service:
    answer = aws.read("ecs", "describe_services", cluster=ref.cluster, services=[ref.service])
    if not answer.get("services"):
        raise ReadFailed(
            GapReason.NOT_FOUND, f"there is no ECS service {ref.service} in {ref.cluster}"
        )
    found = answer["services"][0]
    return _Service(
        ref=ref,
        task_definition=_short(found["taskDefinition"]),
        controller=found.get("deploymentController", {}).get("type", "ECS"),
        deployments=tuple(found.get("deployments", ())),
    )


def _short(task_definition: str) -> str:
    """ "checkout:41" of its ARN."""
    return task_definition.rsplit("/", 1)[-1]


def _reason(deployment: dict[str, Any]) -> str:
    return str(deployment.get("rolloutStateReason", "ECS gives no reason"))


def _stop(deployment: str) -> Step:
    return Step(
        service="ecs",
        operation="stop_service_deployment",
        params={"serviceDeploymentArn": deployment, "stopType": "ROLLBACK"},
    )


def _update(ref: EcsRef, task_definition: str) -> Step:
    return Step(
        service="ecs",
        operation="update_service",
        params={
            "cluster": ref.cluster,
            "service": ref.service,
            "taskDefinition": task_definition,
        },
    )


def _whose(plan: Plan) -> EcsRef:
    _, cluster, service = plan.target.split("/", 1)[0].split(":")
    return EcsRef(cluster=cluster, service=service)
