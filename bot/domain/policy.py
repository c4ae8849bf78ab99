"""Who may request and approve which actions on services of which tier. Deny by default.

    policy:
      people:
        U024BE7LH: [responder]
        U0G9QF9C6: [commander]
      groups:                                 # Slack usergroups: whoever is in one has its roles
        S0614TZR7: [responder]
      roles:                                  # these are the defaults
        observer: {}
        responder: {request: ["*"]}
        commander: {request: ["*"], approve: ["*"]}

People are Slack user ids, groups usergroup ids. A role without `tiers` holds for every tier.
Actions are given as shell patterns ("rollback-*"). Nobody may approve their own request, whatever
their roles, but by break-glass, which no role has unless the file gives it: `bot.changes.guards`
checks that, and the store checks it again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field, PrivateAttr, field_validator, model_validator

from bot.domain.base import Frozen
from bot.domain.service import Service
from bot.domain.slack_ids import is_group, is_user, mention

Tier = Annotated[int, Field(ge=1, le=4)]

MOST_NAMED = 5  # people and groups in a sentence


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer no. A value, never an exception."""

    reason: str  # a sentence that can be shown to a person
    mentions: tuple[str, ...] = ()  # what of it is a mention: "<@U024BE7LH>", "<!subteam^S061>"


class Role(Frozen):
    """The actions that people with this role may request and approve, and on which tiers."""

    request: tuple[str, ...] = ()  # patterns of action ids
    approve: tuple[str, ...] = ()  # patterns of action ids
    break_glass: tuple[str, ...] = ()
    """Patterns of action ids: of these they may approve their own request, with a reason, when no
    second person is there. It is posted in the channel and stands in the audit log. Default: none.
    """
    tiers: frozenset[Tier] = frozenset({1, 2, 3, 4})

    def may_request(self, action: str, tier: int) -> bool:
        """Whether the role allows requesting the action on a service of this tier."""
        return tier in self.tiers and _matches(self.request, action)

    def may_approve(self, action: str, tier: int) -> bool:
        """Whether the role allows approving the action on a service of this tier."""
        return tier in self.tiers and _matches(self.approve, action)

    def may_break_glass(self, action: str, tier: int) -> bool:
        """Whether the role allows approving one's own request of the action, with a reason."""
        return tier in self.tiers and _matches(self.break_glass, action)


def _matches(patterns: Iterable[str], action: str) -> bool:
    return any(fnmatchcase(action, each) for each in patterns)


def standard_roles() -> dict[str, Role]:
    """The roles of a policy that defines none."""
    return {
        "observer": Role(),
        "responder": Role(request=("*",)),
        "commander": Role(request=("*",), approve=("*",)),
    }


class Policy(Frozen):
    """People and usergroups by Slack id, and their roles. An empty policy refuses everything.

    Raises ValueError for a role that is not defined, and for a person or a group that is not given
    by id: people can change their own display names.
    """

    people: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    roles: dict[str, Role] = Field(default_factory=standard_roles)
    _members: Mapping[str, frozenset[str]] = PrivateAttr(default_factory=dict)
    _fault: str | None = PrivateAttr(default=None)

    @field_validator("people")
    @classmethod
    def _people_by_id(cls, people: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        names = sorted(user for user in people if not is_user(user))
        if groups := [name for name in names if is_group(name)]:
            raise ValueError(f"{', '.join(groups)}: a usergroup stands under policy.groups")
        if names:
            raise ValueError(
                f"{', '.join(names)}: give a Slack user id like U024BE7LH, not a name "
                "(in Slack: profile, three dots, Copy member ID)"
            )
        return people

    @field_validator("groups")
    @classmethod
    def _groups_by_id(cls, groups: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        names = sorted(group for group in groups if not is_group(group))
        if names:
            raise ValueError(
                f"{', '.join(names)}: give a Slack usergroup id like S0614TZR7, not a handle "
                "(in Slack: the group's page, three dots, Copy group ID)"
            )
        return groups

    @model_validator(mode="after")
    def _known_roles(self) -> Policy:
        holders = (*self.people.values(), *self.groups.values())
        unknown = {role for held in holders for role in held} - set(self.roles)
        if unknown:
            known = ", ".join(sorted(self.roles))
            raise ValueError(
                f"no such role: {', '.join(sorted(unknown))}; use one of {known}, "
                "or define it under roles"
            )
        return self

    @classmethod
    def unreadable(cls, why: str) -> Policy:
        """The policy of a file that cannot be read: it lets nobody do anything, and says why."""
        policy = cls()
        policy._fault = why
        return policy

    @property
    def fault(self) -> str | None:
        """Why the policy could not be read; None for one that was."""
        return self._fault

    def with_members(self, members: Mapping[str, Collection[str]]) -> Policy:
        """The policy once it is known who is in its usergroups.

        Args:
            members: user ids by usergroup id. A group that is missing gives nobody a role.
        """
        policy = self.model_copy()
        policy._members = {group: frozenset(users) for group, users in members.items()}
        return policy

    def role_names(self, user: str) -> tuple[str, ...]:
        """The names of the user's roles, their own and those of their usergroups."""
        groups = (
            names for group, names in self.groups.items() if user in self._members.get(group, ())
        )
        held = (*self.people.get(user, ()), *(name for names in groups for name in names))
        return tuple(dict.fromkeys(held))

    def roles_of(self, user: str) -> Iterator[Role]:
        """The user's roles; none for a user who is not in the policy."""
        return (self.roles[name] for name in self.role_names(user))


def may_request(policy: Policy, user: str, action: str, service: Service) -> Refusal | None:
    """None when one of the user's roles allows requesting the action on this service."""
    if any(role.may_request(action, service.tier) for role in policy.roles_of(user)):
        return None
    return _refused(policy, user, requesters(policy, action, service), "ask for this", service)


def may_approve(policy: Policy, user: str, action: str, service: Service) -> Refusal | None:
    """None when one of the user's roles allows approving the action on this service.

    It does not check who made the request: `bot.changes.guards` does.
    """
    if any(role.may_approve(action, service.tier) for role in policy.roles_of(user)):
        return None
    return _refused(policy, user, approvers(policy, action, service), "approve this", service)


def may_break_glass(policy: Policy, user: str, action: str, service: Service) -> Refusal | None:
    """None when one of the user's roles allows approving their own request of the action."""
    if any(role.may_break_glass(action, service.tier) for role in policy.roles_of(user)):
        return None
    return own_request(policy, user, action, service)


def may_undo(policy: Policy, user: str, action: str, service: Service) -> Refusal | None:
    """None when the user may request or approve the action: undoing restores a known state."""
    if any(
        role.may_request(action, service.tier) or role.may_approve(action, service.tier)
        for role in policy.roles_of(user)
    ):
        return None
    able = dict.fromkeys(
        (*requesters(policy, action, service), *approvers(policy, action, service))
    )
    return _refused(policy, user, tuple(able), "undo this", service)


def own_request(policy: Policy, user: str, action: str, service: Service) -> Refusal:
    """What whoever approves their own request is told: who else may."""
    others = tuple(each for each in approvers(policy, action, service) if each != user)
    who, named = _who(others)
    if not who:
        return Refusal(
            "You asked for this, so a second person has to approve it. "
            f"The policy names nobody else who may on {service.name}."
        )
    return Refusal(f"You asked for this; a second person has to approve it: {who}.", named)


def approvers(policy: Policy, action: str, service: Service) -> tuple[str, ...]:
    """Ids of the people and the usergroups who may approve the action, to be mentioned when
    approval is requested; people first."""
    return _holders(policy, lambda role: role.may_approve(action, service.tier))


def requesters(policy: Policy, action: str, service: Service) -> tuple[str, ...]:
    """Ids of the people and the usergroups who may request the action."""
    return _holders(policy, lambda role: role.may_request(action, service.tier))


def _holders(policy: Policy, grants: Callable[[Role], bool]) -> tuple[str, ...]:
    return tuple(
        each
        for holders in (policy.people, policy.groups)
        for each in sorted(holders)
        if any(grants(policy.roles[name]) for name in holders[each])
    )


def _refused(
    policy: Policy, user: str, others: tuple[str, ...], what: str, service: Service
) -> Refusal:
    """The refusal said to this person: what they are here, and who may."""
    held = [_with_article(name) for name in policy.role_names(user)]
    you = f"You are {' and '.join(held)} here" if held else "You have no role here"
    who, named = _who(others)
    if not who:
        return Refusal(f"{you}; the policy lets nobody {what} on {service.name}.")
    return Refusal(f"{you}; {who} may {what}.", named)


def _who(users: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """ "@Ann", "@Ann or @Ben", "@Ann, @Ben or 7 others", with the mentions in it; "" for nobody."""
    named = tuple(mention(each) for each in users[:MOST_NAMED])
    rest = (f"{len(users) - len(named)} others",) if len(users) > len(named) else ()
    *before, last = (*named, *rest) or ("",)
    return (f"{', '.join(before)} or {last}" if before else last), named


def _with_article(role: str) -> str:
    return f"an {role}" if role[:1].lower() in tuple("aeiou") else f"a {role}"
