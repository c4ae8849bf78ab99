"""What Slack says of people at the moment they act, and whether they may act by that. Pure.

A person's account may be deactivated, become a guest's, or belong to another organisation long
after the policy named them. So people are looked up when they act; what Slack does not tell is
unknown, and whoever is unknown may not act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SLACKS_OWN = frozenset({"USLACKBOT", "USLACK"})
"""Accounts of Slack itself, which `users.info` does not call bots."""


class Standing(StrEnum):
    """What an account is, as far as it matters to acting."""

    MEMBER = "member"
    DEACTIVATED = "deactivated"
    GUEST = "guest"  # of one channel, or of some
    BOT = "bot"
    FOREIGN = "foreign"  # of another organisation, or a stranger
    UNKNOWN = "unknown"  # Slack gave no whole answer


_NOW = {
    Standing.DEACTIVATED: "your Slack account is deactivated",
    Standing.GUEST: "you are a guest in this workspace",
    Standing.BOT: "your account is a bot's",
    Standing.FOREIGN: "your account belongs to another organisation",
}
_THEN = {
    Standing.DEACTIVATED: "is deactivated in Slack",
    Standing.GUEST: "is a guest in this workspace",
    Standing.BOT: "is a bot",
    Standing.FOREIGN: "belongs to another organisation",
}


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account by `users.info`."""

    user: str  # Slack user id
    standing: Standing
    why: str = ""  # what failed, when it is unknown

    @property
    def barred(self) -> str | None:
        """Why this person may not act, said to them; None when they may."""
        if self.standing is Standing.MEMBER:
            return None
        if self.standing is Standing.UNKNOWN:
            return f"I could not look you up in Slack ({self.why}), so I let nothing happen."
        return f"You may not do this: {_NOW[self.standing]}."

    @property
    def sees_nothing(self) -> str | None:
        """Why no incident is shown to this person, said to them; None when they may see."""
        if self.standing is Standing.MEMBER:
            return None
        if self.standing is Standing.UNKNOWN:
            return f"I could not look you up in Slack: {self.why}. Press Refresh to ask again."
        return f"They are shown to members of this workspace; {_NOW[self.standing]}."

    @property
    def barred_since(self) -> str | None:
        """Why this person may not act, said to others; None when they may."""
        if self.standing is Standing.MEMBER:
            return None
        if self.standing is Standing.UNKNOWN:
            return f"<@{self.user}> could not be looked up in Slack ({self.why})."
        return f"<@{self.user}> {_THEN[self.standing]}."


@dataclass(frozen=True, slots=True)
class Directory:
    """What Slack answered about some people and usergroups.

    `transient` is set when a look-up failed in a way that may pass: a timeout, a rate limit, an
    error of Slack's, a token that is refused until it is replaced.
    """

    accounts: Mapping[str, Account] = field(default_factory=dict)  # by user id
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by usergroup id
    unread: Mapping[str, str] = field(default_factory=dict)  # why, by usergroup id
    transient: str | None = None

    def account(self, user: str) -> Account:
        """The person's account; unknown for somebody who was not looked up."""
        return self.accounts.get(user) or Account(user, Standing.UNKNOWN, "not asked")

    @property
    def unread_groups(self) -> str:
        """The usergroups whose members are not known, as a sentence to add; else empty."""
        if not self.unread:
            return ""
        why = "; ".join(f"{group}: {why}" for group, why in self.unread.items())
        return f" I could not read from Slack who is in a usergroup of the policy ({why})."
