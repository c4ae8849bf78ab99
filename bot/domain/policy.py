"""Who may request and approve which actions on services of which tier. Deny by default.

    policy:
      people:
        U024BE7LH: [responder]
        U0G9QF9C6: [commander]
      roles:                                  # these are the defaults
        observer: {}
        responder: {request: ["*"]}
        commander: {request: ["*"], approve: ["*"]}

People are Slack user ids. A role without `tiers` holds for every tier. Actions are given as shell
patterns ("rollback-*"). Nobody may approve their own request, whatever their roles:
`bot.changes.guards` checks that, and the store checks it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from bot.domain.base import Frozen
from bot.domain.service import Service

Tier = Annotated[int, Field(ge=1, le=4)]

_USER = re.compile(r"[UW][A-Z0-9]{2,}")  # Slack user ids


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer no. A value, never an exception."""

    reason: str  # a sentence that can be shown to a person


class Role(Frozen):
    """The actions that people with this role may request and approve, and on which tiers."""

    request: tuple[str, ...] = ()  # patterns of action ids
    approve: tuple[str, ...] = ()  # patterns of action ids
    tiers: frozenset[Tier] = frozenset({1, 2, 3, 4})

    def may_request(self, action: str, tier: int) -> bool:
        """Whether the role allows requesting the action on a service of this tier."""
        return tier in self.tiers and any(fnmatchcase(action, each) for each in self.request)

    def may_approve(self, action: str, tier: int) -> bool:
        """Whether the role allows approving the action on a service of this tier."""
        return tier in self.tiers and any(fnmatchcase(action, each) for each in self.approve)


def standard_roles() -> dict[str, Role]:
    """The roles of a policy that defines none."""
    return {
        "observer": Role(),
        "responder": Role(request=("*",)),
        "commander": Role(request=("*",), approve=("*",)),
    }


class Policy(Frozen):
    """People by Slack user id, and their roles. An empty policy refuses everything.

    Raises ValueError for a role that is not defined, and for a person who is not given by user id:
    people can change their own display names.
    """

    people: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    roles: dict[str, Role] = Field(default_factory=standard_roles)

    @field_validator("people")
    @classmethod
    def _by_id(cls, people: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        names = sorted(user for user in people if not _USER.fullmatch(user))
        if names:
            raise ValueError(
                f"{', '.join(names)}: give a Slack user id like U024BE7LH, not a name "
                "(in Slack: profile, three dots, Copy member ID)"
            )
        return people

    @model_validator(mode="after")
    def _known_roles(self) -> Policy:
        unknown = {role for held in self.people.values() for role in held} - set(self.roles)
        if unknown:
            known = ", ".join(sorted(self.roles))
            raise ValueError(
                f"no such role: {', '.join(sorted(unknown))}; use one of {known}, "
                "or define it under roles"
            )
        return self

    def roles_of(self, user: str) -> Iterator[Role]:
        """The user's roles; none for a user who is not in the policy."""
        return (self.roles[name] for name in self.people.get(user, ()))


def may_request(policy: Policy, user: str, action: str, service: Service) -> Refusal | None:
    """None when one of the user's roles allows requesting the action on this service."""
    if any(role.may_request(action, service.tier) for role in policy.roles_of(user)):
        return None
    return Refusal(_refusal_text(policy, user, f"ask for {action}", service))


def may_approve(policy: Policy, user: str, action: str, service: Service) -> Refusal | None:
    """None when one of the user's roles allows approving the action on this service.

    It does not check who made the request: `bot.changes.guards` does.
    """
    if any(role.may_approve(action, service.tier) for role in policy.roles_of(user)):
        return None
    return Refusal(_refusal_text(policy, user, f"approve {action}", service))


def approvers(policy: Policy, action: str, service: Service) -> tuple[str, ...]:
    """The users who may approve the action, to be mentioned when approval is requested."""
    return tuple(
        sorted(user for user in policy.people if not may_approve(policy, user, action, service))
    )


def _refusal_text(policy: Policy, user: str, what: str, service: Service) -> str:
    roles = ", ".join(policy.people.get(user, ())) or "none"
    return (
        f"<@{user}> may not {what} on {service.name} (tier {service.tier}): roles held: {roles}. "
        "The catalogue's policy section says who may."
    )
