"""API Gateway: when the stage was last changed, and its deployment.

It costs no call where the access log is read, as that asks the stage too, and tells of a deployment
to a role that may not read CloudTrail.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change
from bot.domain.resources import ApiRef
from playbooks.probes.changes.actors import UNKNOWN
from playbooks.probes.changes.collected import Found, Source, within
from playbooks.probes.front_door import find_api


class ApiStages(Source):
    """The last change of each API's stage."""

    title: ClassVar[str] = "API Gateway stages"
    permissions: ClassVar[tuple[str, ...]] = ("apigateway:GET",)

    def read(self, aws: Aws, scope: Scope) -> Found | None:
        apis = scope.service.resources.apis
        if not apis:
            return None
        return self.each(apis, lambda api: last_changed(aws, scope, api))


def last_changed(aws: Aws, scope: Scope, api: ApiRef) -> list[Change]:
    """The stage's last change, if it is of the span; by its deployment, if that is. Raises
    ReadFailed."""
    identity = find_api(aws, api)
    if api.kind == "rest":
        stage = aws.read("apigateway", "get_stage", restApiId=identity, stageName=api.stage)
        at, deployment = stage.get("lastUpdatedDate"), stage.get("deploymentId")
    else:
        stage = aws.read("apigatewayv2", "get_stage", ApiId=identity, StageName=api.stage)
        at, deployment = stage.get("LastUpdatedDate"), stage.get("DeploymentId")
    if at is None or not within(at.astimezone(UTC), scope):
        return []
    changed = Change(
        at=at.astimezone(UTC),
        actor=UNKNOWN,
        kind="configuration",
        resource=api.name,
        summary=f"stage {api.stage} of {api.name} was last changed",
        source="API Gateway",
        touches=(api.name,),
    )
    made = _deployment(aws, api, identity, deployment) if deployment else None
    if made is None or not within(made["at"], scope):
        return [changed]
    described = f" ({made['description']})" if made["description"] else ""
    summary = f"deployment {deployment} of {api.name} to stage {api.stage}{described}"
    return [changed.model_copy(update={"at": made["at"], "kind": "deployment", "summary": summary})]


def _deployment(aws: Aws, api: ApiRef, identity: str, deployment: str) -> Mapping[str, Any] | None:
    """When a deployment was made, and its description; None when it is not known."""
    try:
        if api.kind == "rest":
            found = aws.read(
                "apigateway", "get_deployment", restApiId=identity, deploymentId=deployment
            )
            at, description = found.get("createdDate"), found.get("description")
        else:
            found = aws.read(
                "apigatewayv2", "get_deployment", ApiId=identity, DeploymentId=deployment
            )
            at, description = found.get("CreatedDate"), found.get("Description")
    except ReadFailed:
        return None  # the stage's change is told as it is
    return {"at": at.astimezone(UTC), "description": description} if at else None
