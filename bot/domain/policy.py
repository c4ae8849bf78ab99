"""Who may do what: role x action x tier of the service, keyed on Slack user id; deny by default.

    policy:
      people:
        U024BE7LH: [responder]
        U0G9QF9C6: [commander]
      roles:                                  # these are the default
        observer: {}
        responder: {request: ["*"]}
        commander: {request: ["*"], approve: ["*"]}

A role that leaves `tiers` out holds for every tier. Patterns are file-name patterns ("rollback-*").
Nobody approves what they asked for themselves, whatever their roles: `bot.changes.guards` checks
that, and the store once more.
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
    """No, and why, in a sentence fit to be shown to a person. A value, never an exception."""

    reason: str


class Role(Frozen):
    """Which actions its holders may ask for and approve, on services of which tiers."""

    request: tuple[str, ...] = ()  # patterns of action ids
    approve: tuple[str, ...] = ()
    tiers: frozenset[Tier] = frozenset({1, 2, 3, 4})

    def requests(self, action: str, tier: int) -> bool:
        return tier in self.tiers and any(fnmatchcase(action, each) for each in self.request)

    def approves(self, action: str, tier: int) -> bool:
        return tier in self.tiers and any(fnmatchcase(action, each) for each in self.approve)


def standard_roles() -> dict[str, Role]:
    """The roles of a policy that defines none itself."""
    return {
        "observer": Role(),
        "responder": Role(request=("*",)),
        "commander": Role(request=("*",), approve=("*",)),
    }


class Policy(Frozen):
    """People by Slack user id and their roles. Empty, it refuses everybody everything.

    Raises ValueError for a role nobody defined and for a person who is not named by id: a display
    name can be changed by whoever bears it.
    """

    people: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    roles: dict[str, Role] = Field(default_factory=standard_roles)

    @field_validator("people")
    @classmethod
    def _by_id(cls, people: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        names = sorted(user for user in people if not _USER.fullmatch(user))
        if names:
            raise ValueError(
                f"{', '.join(names)}: people are named by Slack user id (U024BE7LH: in Slack, "
                "profile, three dots, Copy member ID), never by name"
            )
        return people

    @model_validator(mode="after")
    def _known_roles(self) -> Policy:
        unknown = {role for held in self.people.values() for role in held} - set(self.roles)
        if unknown:
            known = ", ".join(sorted(self.roles))
            raise ValueError(f"no such role: {', '.join(sorted(unknown))} (there are: {known})")
        return self

    def held(self, user: str) -> Iterator[Role]:
        """The user's roles; none for somebody the policy does not name."""
        return (self.roles[name] for name in self.people.get(user, ()))


def may_request(policy: Policy, user: str, action: str, service: Service) -> Refusal | None:
    """None when one of the user's roles lets them ask for the action on this service."""
    if any(role.requests(action, service.tier) for role in policy.held(user)):
        return None
    return Refusal(_no(policy, user, f"ask for {action}", service))


def may_approve(policy: Policy, user: str, action: str, service: Service) -> Refusal | None:
    """None when one of the user's roles lets them approve the action on this service."""
    if any(role.approves(action, service.tier) for role in policy.held(user)):
        return None
    return Refusal(_no(policy, user, f"approve {action}", service))


def approvers(policy: Policy, action: str, service: Service) -> tuple[str, ...]:
    """Who could approve the action: the people to be called when approval is wanted."""
    return tuple(
        sorted(user for user in policy.people if not may_approve(policy, user, action, service))
    )


def _no(policy: Policy, user: str, what: str, service: Service) -> str:
    roles = ", ".join(policy.people.get(user, ())) or "none"
    return (
        f"<@{user}> may not {what} on {service.name} (tier {service.tier}): roles held: {roles}. "
        "The catalogue's policy section says who may."
    )
