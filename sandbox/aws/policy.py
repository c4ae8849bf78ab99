"""A small part of IAM: does a policy document allow an action on a resource?

Effect, Action, NotAction and Resource with wildcards; conditions are taken as met (IAM User Guide,
"Policy evaluation logic": an explicit deny wins, nothing said is a deny).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

Decision = Literal["allowed", "explicitDeny", "implicitDeny"]


def matches(pattern: str, action: str) -> bool:
    """Whether an IAM pattern such as "logs:*" covers an action; case does not count."""
    return fnmatchcase(action.lower(), pattern.lower())


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    but: bool = False  # NotAction: every action except these

    def covers(self, action: str, resource: str) -> bool:
        """Whether the statement speaks of this action on this resource ("*": any)."""
        named = any(matches(pattern, action) for pattern in self.actions)
        where = resource == "*" or any(fnmatchcase(resource, part) for part in self.resources)
        return named is not self.but and where


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document."""

    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: str | Mapping[str, Any]) -> Policy:
        """Read a policy document. Raises ValueError when it is none."""
        content = json.loads(document) if isinstance(document, str) else document
        if not isinstance(content, Mapping) or "Statement" not in content:
            raise ValueError("a policy document has a Statement")
        statements = content["Statement"]
        if isinstance(statements, Mapping):
            statements = [statements]
        return cls(tuple(_statement(item) for item in statements))

    def decide(self, action: str, resource: str = "*") -> Decision:
        """What the policy says about an action on a resource."""
        spoken = [item for item in self.statements if item.covers(action, resource)]
        if any(not item.allow for item in spoken):
            return "explicitDeny"
        return "allowed" if spoken else "implicitDeny"


def _statement(item: Mapping[str, Any]) -> Statement:
    but = "NotAction" in item
    return Statement(
        allow=item["Effect"] == "Allow",
        actions=_many(item["NotAction" if but else "Action"]),
        resources=_many(item.get("Resource", "*")),
        but=but,
    )


def _many(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
