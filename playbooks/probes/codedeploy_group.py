"""The deployments of a CodeDeploy group and their revisions, as an action needs them."""

from __future__ import annotations

from typing import Any

from bot.domain.plan import canonical
from bot.domain.ports import Aws
from bot.domain.resources import CodeDeployRef
from playbooks.probes.action_reads import CODEDEPLOY_UNDER_WAY

_COUNTING = (*CODEDEPLOY_UNDER_WAY, "Succeeded")  # deployments that serve, or are about to
_MOST = 25  # BatchGetDeployments takes 25

Deployment = dict[str, Any]
"""A DeploymentInfo."""


def read_deployments(aws: Aws, ref: CodeDeployRef) -> list[Deployment]:
    """The group's latest deployments that succeeded or are under way, newest first."""
    answer = aws.read(
        "codedeploy",
        "list_deployments",
        applicationName=ref.application,
        deploymentGroupName=ref.group,
        includeOnlyStatuses=list(_COUNTING),
    )
    ids = answer.get("deployments", [])[:_MOST]
    if not ids:
        return []
    infos = aws.read("codedeploy", "batch_get_deployments", deploymentIds=ids)["deploymentsInfo"]
    return sorted(infos, key=lambda info: info["createTime"], reverse=True)


def read_deployment(aws: Aws, identity: str) -> Deployment:
    """One deployment by its id."""
    answer = aws.read("codedeploy", "batch_get_deployments", deploymentIds=[identity])
    found: Deployment = answer["deploymentsInfo"][0]
    return found


def revision_before(deployments: list[Deployment]) -> dict[str, Any] | None:
    """What CodeDeploy itself calls the previous revision, else that of an earlier deployment."""
    latest = deployments[0]
    own = canonical(latest.get("revision") or {})
    named = latest.get("previousRevision")
    candidates = [named, *(each.get("revision") for each in deployments[1:])]
    return next((each for each in candidates if each and canonical(each) != own), None)


def revision_name(revision: dict[str, Any]) -> str:
    """What people call a revision: its file, its commit, else what kind of thing it is."""
    if place := revision.get("s3Location"):
        return str(place.get("key", "")).rsplit("/", 1)[-1]
    if commit := revision.get("gitHubLocation"):
        return str(commit.get("commitId", ""))[:7]
    return f"an {revision.get('revisionType', 'unnamed revision')}"
