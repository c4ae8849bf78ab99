"""Roll an ECS service back to the task definition it ran before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import EcsRef
from bot.domain.run import Answer, Verification
from playbooks.probes.action_reads import check
from playbooks.probes.ecs_rollouts import GOING_BACK, Rollouts, described, read_rollouts, short


@dataclass(frozen=True, slots=True)
class _Service:
    """What DescribeServices says of one service."""

    ref: EcsRef
    arn: str
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
    implied_permissions = MappingProxyType({"ecs:UpdateService": ("iam:PassRole",)})

    def plan(self, aws: Aws, scope: Scope) -> Plan | None:
        refs = scope.service.resources.ecs
        if not refs:
            raise ReadFailed(
                GapReason.NOT_CONFIGURED,
                f"the catalogue names no ECS service of {scope.service.name}",
            )
        services = [_read(aws, ref) for ref in refs]
        latest = max(services, key=lambda each: each.since.timestamp() if each.since else 0.0)
        rollouts = read_rollouts(aws, latest.ref, must=not latest.under_way)
        previous = _previous(latest, rollouts)
        if previous is None:
            raise ReadFailed(
                GapReason.NOT_FOUND, f"no task definition before {latest.task_definition} is known"
            )
        return self._draft(aws, scope, latest, previous, rollouts)

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        now = _read(aws, _target_of(plan))
        return self._draft(
            aws,
            scope,
            now,
            plan.after["task_definition"],
            read_rollouts(aws, now.ref, must=not now.under_way),
        )

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        state = {"task_definition": _read(aws, _target_of(plan)).task_definition}
        stopped = plan.steps[0].params.get("serviceDeploymentArn")
        if stopped is None or state == plan.after:
            return Observed(state)
        statuses = {each.get("status") for each in described(aws, [stopped])}
        return Observed(state, changing=bool(statuses & GOING_BACK))

    def settled(self, aws: Aws, plan: Plan, results: tuple[dict[str, Any], ...]) -> Verification:
        primary = _read(aws, _target_of(plan)).primary
        runs = short(str(primary.get("taskDefinition", "")))
        state = primary.get("rolloutState", "IN_PROGRESS")
        tasks = f"{primary.get('runningCount', 0)} of {primary.get('desiredCount', 0)} tasks"
        if state == "FAILED":
            answer, text = Answer.NO, f"the rollout of {runs} failed: {_reason(primary)}"
        elif state == "COMPLETED" and runs == plan.after["task_definition"]:
            answer, text = Answer.YES, f"{tasks} run {runs}"
        else:
            answer, text = Answer.INCONCLUSIVE, f"{tasks} of the rollout of {runs} run"
        return Verification(answer=answer, text=text, at=aws.now())

    def _draft(
        self, aws: Aws, scope: Scope, now: _Service, previous: str, rollouts: Rollouts
    ) -> Plan | None:
        if now.task_definition == previous:
            return None
        running = rollouts.under_way if now.under_way else None
        besides = rollouts.other_differences(now.task_definition, previous)
        inverse: tuple[Step, ...] | None = (_update(now.ref, now.task_definition),)
        irreversible = None
        warnings = [
            f"If {now.task_definition} migrated data or closed a security hole, {previous} has to "
            "cope with that data and opens the hole again."
        ]
        if running:
            step, arn = _stop(running["serviceDeploymentArn"]), running["serviceDeploymentArn"]
            if besides is None or besides:
                inverse, irreversible = None, _taken_back_too(besides)
            else:
                warnings.append("A stopped rollout can't be continued; undoing starts it anew.")
        else:
            step, arn = _update(now.ref, previous), now.arn
            if besides:
                warnings.append(
                    f"The rollout also changed {', '.join(besides)}: that stays as it is now."
                )
        return Plan(
            action=self.id,
            title=f"Roll {now.ref.service} back from {now.task_definition} to {previous}",
            service=scope.service.name,
            target=f"ecs:{now.ref.cluster}:{now.ref.service}/task-definition",
            before={"task_definition": now.task_definition},
            after={"task_definition": previous},
            steps=(step,),
            inverse=inverse,
            irreversible=irreversible,
            checks=tuple(_checks(aws, now, previous, rollouts)),
            warnings=tuple(warnings),
            settles_within=600,
            resources=tuple(dict.fromkeys((arn, now.arn))),
        )


def _taken_back_too(besides: tuple[str, ...] | None) -> str:
    if besides is None:
        return "what the rollout changed beside the task definition could not be read"
    return (
        f"stopping the rollout takes back {', '.join(besides)} as well, and a task definition "
        "alone does not bring that again"
    )


def _checks(aws: Aws, now: _Service, previous: str, rollouts: Rollouts) -> Iterator[Check]:
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
            holds=True if rollouts.under_way else None,
        )
        back = rollouts.goes_back_to()
        yield Check(
            text=f"stopping the rollout goes back to {previous} ({back or 'not known'})",
            holds=None if back is None else back == previous,
        )


def _previous(now: _Service, rollouts: Rollouts) -> str | None:
    """What stopping the rollout under way goes back to, else what was rolled out before."""
    if not now.under_way:
        older = (each for each in rollouts.succeeded() if _older(each, now.task_definition))
        return next((each for each in older if each != now.task_definition), None)
    if back := rollouts.goes_back_to():
        return back
    whole = [each for each in now.deployments if each.get("rolloutState") == "COMPLETED"]
    return short(whole[0]["taskDefinition"]) if len(whole) == 1 else None


def _older(task_definition: str, than: str) -> bool:
    """A lower revision of the same family, or another family: nothing orders those."""
    family, _, revision = task_definition.rpartition(":")
    other, _, latest = than.rpartition(":")
    return family != other or int(revision) < int(latest)


def _read(aws: Aws, ref: EcsRef) -> _Service:
    answer = aws.read("ecs", "describe_services", cluster=ref.cluster, services=[ref.service])
    if not answer.get("services"):
        raise ReadFailed(
            GapReason.NOT_FOUND, f"there is no ECS service {ref.service} in {ref.cluster}"
        )
    found = answer["services"][0]
    return _Service(
        ref=ref,
        arn=found["serviceArn"],
        task_definition=short(found["taskDefinition"]),
        controller=found.get("deploymentController", {}).get("type", "ECS"),
        deployments=tuple(found.get("deployments", ())),
    )


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


def _target_of(plan: Plan) -> EcsRef:
    _, cluster, service = plan.target.split("/", 1)[0].split(":")
    return EcsRef(cluster=cluster, service=service)
