"""Versions of Lambda functions, and the aliases that serve them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change
from playbooks.probes.changes.collected import Changes, Source, within


class FunctionVersions(Source):
    """When the version that an alias serves was published; it cannot have served before."""

    title: ClassVar[str] = "function versions"
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
        return Changes(tuple(change for change in found if within(change.at, scope)))


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
