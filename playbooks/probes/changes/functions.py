"""When the code that a function serves was published: it cannot have served before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.plan import Choice
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change, GapReason
from bot.domain.resources import FunctionRef
from playbooks.probes.changes.actors import UNKNOWN
from playbooks.probes.changes.collected import Found, Source, within

LATEST = "$LATEST"


class FunctionVersions(Source):
    """The versions that serve, by the function's configuration; those of an alias's routing too.

    CloudTrail says who moved an alias, but minutes later, and not to a role that may not ask it.
    """

    title: ClassVar[str] = "function versions"
    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:ListAliases",
        "lambda:GetFunctionConfiguration",
    )

    def read(self, aws: Aws, scope: Scope) -> Found | None:
        functions = scope.service.resources.functions
        if not functions:
            return None
        return self.each(
            functions,
            lambda function: [
                change for change in served(aws, function) if within(change.at, scope)
            ],
        )


def served(aws: Aws, function: FunctionRef) -> list[Change]:
    """The versions that the function's alias serves; without an alias, $LATEST. Raises
    ReadFailed.

    All aliases are listed, and not this one read, because actions list them too.
    """
    if function.alias is None:
        settings = aws.read("lambda", "get_function_configuration", FunctionName=function.name)
        return [published(function, settings)]
    pages = aws.pages("lambda", "list_aliases", FunctionName=function.name)
    aliases = {each["Name"]: each for page in pages for each in page.get("Aliases", [])}
    if function.alias not in aliases:
        detail = f"{function.name} has no alias {function.alias}"
        raise ReadFailed(GapReason.NOT_FOUND, detail)
    routing = aliases[function.alias].get("RoutingConfig") or {}
    weights = routing.get("AdditionalVersionWeights") or {}
    qualifiers = (function.alias, *weights)
    return [
        published(
            function,
            aws.read(
                "lambda",
                "get_function_configuration",
                FunctionName=function.name,
                Qualifier=qualifier,
            ),
        )
        for qualifier in qualifiers
    ]


def published(function: FunctionRef, settings: Mapping[str, Any]) -> Change:
    """A FunctionConfiguration's last modification. That of a version is its publishing."""
    version = str(settings.get("Version", LATEST))
    described = f" ({settings['Description']})" if settings.get("Description") else ""
    if version == LATEST:
        summary = f"code or configuration of {function.name} ($LATEST) was last changed"
    else:
        serves = f"which {function.alias} serves, " if function.alias else ""
        summary = f"version {version}, {serves}was published{described}"
    return Change(
        at=datetime.fromisoformat(settings["LastModified"]).astimezone(UTC),
        actor=UNKNOWN,
        kind="deployment",
        resource=function.name,
        summary=summary,
        source="Lambda",
        touches=(f"{function.name}:{function.alias or version}",),
        choice=_choice(function, version),
    )


def _choice(function: FunctionRef, version: str) -> Choice | None:
    """What an action takes back: the alias from this version."""
    if function.alias is None or version == LATEST:
        return None
    return Choice(target=f"lambda:{function.name}:{function.alias}/version", suspect=version)
