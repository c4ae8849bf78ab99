"""CodeDeploy's deployments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change
from playbooks.probes.changes.collected import Changes, Source, looked_at, within

MOST_DEPLOYMENTS = 25  # BatchGetDeployments takes 25


class CodeDeploy(Source):
    title: ClassVar[str] = "CodeDeploy"
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
        return Changes(tuple(change for change in found if within(change.at, scope)))


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
        until=until.astimezone(UTC) if until else None,
    )
