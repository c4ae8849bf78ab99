"""`bot.domain.slack_ports.People` in memory: everybody is a member unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from bot.domain.people import Account, Directory, Standing


@dataclass
class Members:
    """`asked` has the users of each look-up."""

    standings: dict[str, Standing] = field(default_factory=dict)
    groups: dict[str, frozenset[str]] = field(default_factory=dict)
    failing: str | None = None  # why no look-up has an answer now
    passing: bool = True  # whether that may pass
    asked: list[frozenset[str]] = field(default_factory=list)

    async def look_up(self, users: Collection[str], groups: Collection[str] = ()) -> Directory:
        self.asked.append(frozenset(users))
        if self.failing:
            return Directory(
                accounts={user: Account(user, Standing.UNKNOWN, self.failing) for user in users},
                unread=dict.fromkeys(groups, self.failing),
                transient=self.failing if self.passing else None,
            )
        return Directory(
            accounts={
                user: Account(user, self.standings.get(user, Standing.MEMBER), "in a test")
                for user in users
            },
            members={group: self.groups[group] for group in groups if group in self.groups},
            unread={group: "no such group" for group in groups if group not in self.groups},
        )
