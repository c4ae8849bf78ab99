"""CodeDeploy's deployments: to Lambda, ECS and EC2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from bot.domain.plan import Choice
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change
from bot.domain.resources import CodeDeployRef
from playbooks.probes.changes.actors import UNKNOWN
from playbooks.probes.changes.collected import Found, Source, looked_at, within

MOST_DEPLOYMENTS = 25  # BatchGetDeployments takes 25

_ROLLBACK = "codeDeployRollback"
_BY_ITSELF = {"autoscaling": "AWS (autoscaling)", _ROLLBACK: "AWS (CodeDeploy rollback)"}
_GOES_BACK = re.compile(r"\b(roll(ed|ing)?[ -]?back|revert(s|ed|ing)?)\b", re.IGNORECASE)


class CodeDeploy(Source):
    """The deployments of the service's groups, each with its rollback."""

    title: ClassVar[str] = "CodeDeploy"
    permissions: ClassVar[tuple[str, ...]] = (
        "codedeploy:ListDeployments",
        "codedeploy:BatchGetDeployments",
    )

    def read(self, aws: Aws, scope: Scope) -> Found | None:
        groups = scope.service.resources.codedeploy
        if not groups:
            return None
        return self.each(
            groups,
            lambda group: [
                change
                for info in deployments(aws, scope, group)
                if within((change := deployed(info)).at, scope)
            ],
        )


def deployments(aws: Aws, scope: Scope, group: CodeDeployRef) -> list[Mapping[str, Any]]:
    """DeploymentInfos of a group in the span. Raises ReadFailed."""
    start, end = looked_at(scope)
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
    found: list[Mapping[str, Any]] = []
    for first in range(0, len(ids), MOST_DEPLOYMENTS):
        answer = aws.read(
            "codedeploy",
            "batch_get_deployments",
            deploymentIds=ids[first : first + MOST_DEPLOYMENTS],
        )
        found += answer.get("deploymentsInfo", [])
    return found


def deployed(info: Mapping[str, Any]) -> Change:
    """A DeploymentInfo. `creator` says how it came about: user, autoscaling, codeDeployRollback;
    who the user is, CloudTrail says."""
    description = str(info.get("description") or info["deploymentId"])
    creator = str(info.get("creator") or UNKNOWN)
    until = info.get("completeTime")
    back = creator == _ROLLBACK or bool(
        (info.get("rollbackInfo") or {}).get("rollbackTriggeringDeploymentId")
    )
    error = (info.get("errorInformation") or {}).get("code")
    state = ", ".join(each for each in (str(info.get("status", "unknown")), error) if each)
    name = f"{info['applicationName']}/{info['deploymentGroupName']}"
    return Change(
        at=info["createTime"].astimezone(UTC),
        actor=_BY_ITSELF.get(creator, creator),
        kind="deployment",
        resource=name,
        summary=f"CodeDeploy {description} ({state})",
        until=until.astimezone(UTC) if until else None,
        source="CodeDeploy",
        touches=(name, *targets_of(info)),
        choice=Choice(
            target=f"codedeploy:{info['applicationName']}:{info['deploymentGroupName']}/revision",
            suspect=str(info["deploymentId"]),
            since=info["createTime"].astimezone(UTC),
        ),
        reverts=back or _GOES_BACK.search(description) is not None,
    )


def targets_of(info: Mapping[str, Any]) -> tuple[str, ...]:
    """The function's alias that a revision's AppSpec names: "checkout:PROD". (CodeDeploy user
    guide, "AppSpec file"; its keys are written in either case.)"""
    revision = info.get("revision") or {}
    content = str(
        (revision.get("appSpecContent") or revision.get("string") or {}).get("content") or ""
    )
    names = dict(re.findall(r"[\"']?\b([Nn]ame|[Aa]lias)[\"']?\s*:\s*[\"']?([\w$-]+)", content))
    named = {key.lower(): value for key, value in names.items()}
    if "name" not in named or "alias" not in named:
        return ()
    return (f"{named['name']}:{named['alias']}",)
