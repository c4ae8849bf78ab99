"""Rollouts of ECS services.

With ECS's own controller, by its service deployments, which keep what failed and what was rolled
back (ECS developer guide, "View service history"); DescribeServices alone shows after a circuit
breaker's rollback only the old task definition. With CODE_DEPLOY and EXTERNAL, by the task sets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.plan import Choice
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change, GapReason
from bot.domain.resources import EcsRef
from playbooks.probes.changes.actors import UNKNOWN
from playbooks.probes.changes.collected import Found, Source, within
from playbooks.probes.ecs_rollouts import Rollout, Rollouts, read_rollouts, short

ROLLED_BACK = "ROLLBACK"  # begins the states of a rollout that ECS took back


class EcsRollouts(Source):
    """What was rolled out to the service's ECS services, and back."""

    title: ClassVar[str] = "ECS deployments"
    permissions: ClassVar[tuple[str, ...]] = (
        "ecs:DescribeServices",
        "ecs:ListServiceDeployments",
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeServiceRevisions",
    )

    def read(self, aws: Aws, scope: Scope) -> Found | None:
        services = scope.service.resources.ecs
        if not services:
            return None
        shortened: dict[str, ReadFailed] = {}

        def read(ref: EcsRef) -> list[Change]:
            changes, failure = rolled_out(aws, ref)
            if failure is not None:
                shortened[failure.detail] = failure
            return [change for change in changes if within(change.at, scope)]

        found = self.each(services, read)
        partly = tuple(self.unread(failure) for failure in shortened.values())
        return replace(found, unread=found.unread + partly)


def rolled_out(aws: Aws, ref: EcsRef) -> tuple[list[Change], ReadFailed | None]:
    """The service's rollouts; and, where its history could not be read, why: they are then what
    DescribeServices shows. Raises ReadFailed when that could not be read either."""
    answer = aws.read("ecs", "describe_services", cluster=ref.cluster, services=[ref.service])
    (service,) = described(answer)[:1] or (None,)
    if service is None:
        raise ReadFailed(GapReason.NOT_FOUND, f"ECS does not describe {ref.service}")
    controller = (service.get("deploymentController") or {}).get("type", "ECS")
    if controller != "ECS":
        return [task_set(service, each) for each in service.get("taskSets", [])], None
    try:
        rollouts = read_rollouts(aws, ref, must=True)
    except ReadFailed as failure:
        return [shown(service, each) for each in service.get("deployments", [])], failure
    return [
        change.model_copy(update={"choice": _choice(ref.cluster, ref.service, change, runs)})
        for each in rollouts.all
        for runs in (rollouts.runs((each.get("targetServiceRevision") or {}).get("arn")),)
        for change in told(ref.service, each, rollouts)
    ], None


def _choice(cluster: str, service: str, change: Change, runs: str | None) -> Choice | None:
    """What an action takes back of a rollout; None of a way back, and of an unknown revision."""
    if change.reverts or runs is None:
        return None
    target = f"ecs:{cluster}:{service}/task-definition"
    return Choice(target=target, suspect=runs, since=change.at)


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


def told(service: str, rollout: Rollout, rollouts: Rollouts) -> Iterator[Change]:
    """A ServiceDeployment: the rollout, and, where ECS took it back, the way back."""
    target = rollouts.runs((rollout.get("targetServiceRevision") or {}).get("arn"))
    sources = [
        runs
        for each in rollout.get("sourceServiceRevisions") or []
        if (runs := rollouts.runs(each.get("arn"))) and runs != target
    ]
    from_itself = not sources and bool(rollout.get("sourceServiceRevisions")) and target
    status = str(rollout.get("status", UNKNOWN))
    back = rollout.get("rollback") or {} if status.startswith(ROLLED_BACK) else {}
    begun = rollout.get("startedAt") or rollout["createdAt"]
    finished = rollout.get("finishedAt")
    what = f"ECS rollout of {target or 'a task definition'}{' anew' if from_itself else ''}"
    breaker = (rollout.get("deploymentCircuitBreaker") or {}).get("status") == "TRIGGERED"
    failed = ", circuit breaker" if breaker else ""
    goes_back = bool(target and sources) and all(_older(target, each) for each in sources)
    end = (back.get("startedAt") or finished) if back else finished
    yield _rollout(
        service, begun, end, f"{what} ({status}{failed}){_from(sources)}", reverts=goes_back
    )
    if back.get("startedAt"):
        to = rollouts.runs(back.get("serviceRevisionArn")) or "what ran before"
        summary = f"ECS rolled {target or 'it'} back to {to}: {back.get('reason', status)}"
        yield _rollout(service, back["startedAt"], finished, summary, reverts=True)


def _from(sources: list[str]) -> str:
    return f" from {', '.join(sources)}" if sources else ""


def _older(one: str | None, other: str) -> bool:
    """Whether the first is an earlier revision of the same family."""
    numbers = [re.fullmatch(r"(.+):(\d+)", str(each)) for each in (one, other)]
    first, second = numbers
    return bool(first and second and first[1] == second[1] and int(first[2]) < int(second[2]))


def _rollout(
    service: str, at: datetime, until: datetime | None, summary: str, *, reverts: bool = False
) -> Change:
    return Change(
        at=at.astimezone(UTC),
        actor=UNKNOWN,
        kind="deployment",
        resource=service,
        summary=summary,
        until=until.astimezone(UTC) if until else None,
        source="ECS",
        touches=(service,),
        reverts=reverts,
    )


def shown(service: Mapping[str, Any], deployment: Mapping[str, Any]) -> Change:
    """A deployment as DescribeServices shows it: those in force, under way, and just failed."""
    ended = deployment.get("rolloutState") == "COMPLETED"
    return _rollout(
        service["serviceName"],
        deployment["createdAt"],
        deployment.get("updatedAt") if ended else None,
        rollout_summary(deployment),
    )


def rollout_summary(deployment: Mapping[str, Any]) -> str:
    state = str(deployment.get("rolloutState", deployment.get("status", "unknown")))
    failed = int(deployment.get("failedTasks", 0))
    lost = f", {failed} tasks failed" if failed else ""
    return f"ECS rollout of {short(str(deployment.get('taskDefinition', '')))} ({state}{lost})"


def task_set(service: Mapping[str, Any], each: Mapping[str, Any]) -> Change:
    """A task set that CodeDeploy or another controller made (API reference, "TaskSet")."""
    steady = each.get("stabilityStatus") == "STEADY_STATE"
    by = str(each.get("startedBy") or "")
    change = _rollout(
        service["serviceName"],
        each["createdAt"],
        each.get("stabilityStatusAt") if steady else None,
        f"ECS task set of {short(str(each.get('taskDefinition', '')))} "
        f"({each.get('status', 'unknown')}, {each.get('stabilityStatus', 'unknown')})",
    )
    return change.model_copy(
        update={"actor": "AWS (codedeploy)" if "CODE_DEPLOY" in by else by or UNKNOWN}
    )
