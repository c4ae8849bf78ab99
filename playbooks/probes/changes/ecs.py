"""Rollouts of ECS services."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change, GapReason
from playbooks.probes.changes.collected import Changes, Source, within


class EcsRollouts(Source):
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
        return Changes(tuple(change for change in found if within(change.at, scope)))


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
            until=(
                deployment["updatedAt"].astimezone(UTC)
                if deployment.get("rolloutState") == "COMPLETED" and deployment.get("updatedAt")
                else None
            ),
        )
        for deployment in service.get("deployments", [])
        if deployment.get("status") == "PRIMARY"
    ]


def rollout_summary(deployment: Mapping[str, Any]) -> str:
    task = str(deployment.get("taskDefinition", "")).rsplit("/", 1)[-1]
    state = str(deployment.get("rolloutState", deployment.get("status", "unknown")))
    failed = int(deployment.get("failedTasks", 0))
    lost = f", {failed} tasks failed" if failed else ""
    return f"ECS rollout of {task} ({state}{lost})"
