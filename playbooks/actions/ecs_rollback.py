"""Roll an ECS service back to the task definition it ran before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Choice, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import EcsRef
from bot.domain.run import Answer, Verification
from playbooks.probes.action_reads import aims_elsewhere, named_by, tried
from playbooks.probes.ecs_rollouts import GOING_BACK, Rollouts, described, read_rollouts, short
from playbooks.probes.serving_now import healthy_targets, tasks_kept
from playbooks.probes.task_images import read_image_check, read_task_definition

_KIND = ("ecs", "task-definition")
_MOST_SERVICES = 20  # of a cluster, that are looked at for a target group they share


@dataclass(frozen=True, slots=True)
class _Service:
    """What DescribeServices says of one service."""

    ref: EcsRef
    arn: str
    task_definition: str
    controller: str
    deployments: tuple[dict[str, Any], ...]
    target_groups: frozenset[str] = frozenset()  # ARNs
    kept: str = ""  # how many tasks run, and how many of them a rollout keeps

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
        "ecs:DescribeTasks",
        "ecs:ListServiceDeployments",
        "ecs:ListServices",
        "ecs:ListTasks",
        "elasticloadbalancing:DescribeTargetHealth",
    )
    writes = ("ecs:StopServiceDeployment", "ecs:UpdateService", "iam:PassRole")
    implied_permissions = MappingProxyType({"ecs:UpdateService": ("iam:PassRole",)})

    def plan(self, aws: Aws, scope: Scope, choice: Choice | None = None) -> Plan | None:
        if aims_elsewhere(choice, *_KIND):
            return None
        refs = scope.service.resources.ecs
        if named := named_by(choice, *_KIND):
            refs = (EcsRef(cluster=named[0], service=named[1]),)
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
        return self._draft(aws, scope, latest, previous, rollouts, choice)

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        now = _read(aws, _target_of(plan))
        return self._draft(
            aws,
            scope,
            now,
            plan.after["task_definition"],
            read_rollouts(aws, now.ref, must=not now.under_way),
            plan.choice,
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
        self,
        aws: Aws,
        scope: Scope,
        now: _Service,
        previous: str,
        rollouts: Rollouts,
        choice: Choice | None,
    ) -> Plan | None:
        if now.task_definition == previous:
            return None
        with ThreadPoolExecutor(1, thread_name_prefix="ecs") as other:
            others = other.submit(lambda: tuple(_others(aws, now)))
            checks = tuple(_checks(aws, now, previous, rollouts))
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
            checks=(*_as_the_evidence_says(now, choice), *checks),
            warnings=tuple(warnings),
            settles_within=600,
            resources=tuple(dict.fromkeys((arn, now.arn))),
            others=others.result(),
            choice=choice,
        )


def _taken_back_too(besides: tuple[str, ...] | None) -> str:
    if besides is None:
        return "what the rollout changed beside the task definition could not be read"
    return (
        f"stopping the rollout takes back {', '.join(besides)} as well, and a task definition "
        "alone does not bring that again"
    )


def _as_the_evidence_says(now: _Service, choice: Choice | None) -> Iterator[Check]:
    """Whether the service still runs what the evidence names."""
    suspect = choice.suspect if choice else None
    if suspect is not None:
        yield Check(
            text=f"{now.ref.service} runs {suspect}, which the evidence names "
            f"(it runs {now.task_definition})",
            holds=now.task_definition == suspect,
        )


def _checks(aws: Aws, now: _Service, previous: str, rollouts: Rollouts) -> Iterator[Check]:
    yield Check(
        text=f"ECS itself rolls the service out (controller {now.controller})",
        holds=now.controller == "ECS",
    )
    back = tried(lambda: read_task_definition(aws, previous))
    if isinstance(back, ReadFailed):
        yield Check(text=f"{previous} is ACTIVE [{back}]", holds=None)
    else:
        yield Check(text=f"{previous} is ACTIVE", holds=back.status == "ACTIVE")
        if not now.under_way:  # a rollout that is stopped goes back to the image it resolved
            yield read_image_check(aws, now.ref, now.task_definition, back, rollouts)
    if not now.under_way and rollouts.started_anew:
        yield Check(
            text="the latest rollout changed the task definition (it was a forced deployment of "
            f"{now.task_definition}: no task definition leads back to what ran before)",
            holds=False,
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
        leads_to = rollouts.goes_back_to()
        yield Check(
            text=f"stopping the rollout goes back to {previous} ({leads_to or 'not known'})",
            holds=None if leads_to is None else leads_to == previous,
        )


def _others(aws: Aws, now: _Service) -> Iterator[str]:
    """What serves now, what the rollout keeps of it, and the other services of the cluster that
    share a target group with this one."""
    yield now.kept
    if not now.target_groups:
        return
    yield from healthy_targets(aws, now.target_groups)
    groups = ", ".join(sorted(_group_name(arn) for arn in now.target_groups))
    sharing = tried(lambda: _sharing(aws, now))
    if isinstance(sharing, ReadFailed):
        yield f"whether other services are in {groups} too could not be read [{sharing}]"
        return
    names, whole = sharing
    seen = "" if whole else f", of the {_MOST_SERVICES} services that were read"
    if names:
        yield f"{', '.join(names)} serve {groups} too, and stay as they are{seen}"
    else:
        yield f"no other service of {now.ref.cluster} serves {groups}{seen}"


def _sharing(aws: Aws, now: _Service) -> tuple[list[str], bool]:
    """Names of services in the same target groups, and whether all services were looked at."""
    answer = aws.read("ecs", "list_services", cluster=now.ref.cluster, maxResults=100)
    arns = [arn for arn in answer.get("serviceArns", []) if arn != now.arn]
    found = []
    for first in range(0, min(len(arns), _MOST_SERVICES), 10):  # DescribeServices takes 10
        some = arns[first : first + 10]
        described = aws.read("ecs", "describe_services", cluster=now.ref.cluster, services=some)
        found += [
            str(each["serviceName"])
            for each in described.get("services", [])
            if _groups_of(each) & now.target_groups
        ]
    return sorted(found), len(arns) <= _MOST_SERVICES and not answer.get("nextToken")


def _groups_of(service: dict[str, Any]) -> frozenset[str]:
    """ARNs of the target groups that a service's tasks are in."""
    return frozenset(
        each["targetGroupArn"]
        for each in service.get("loadBalancers", [])
        if each.get("targetGroupArn")
    )


def _group_name(arn: str) -> str:
    return arn.split(":targetgroup/", 1)[-1].split("/", 1)[0]


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
        target_groups=_groups_of(found),
        kept=tasks_kept(found),
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
