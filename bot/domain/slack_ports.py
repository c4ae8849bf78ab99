"""Protocols for what the program uses of Slack: what it shows there, and what it asks.

The room `bot.slack` implements them; tests put plain objects in their place.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.domain.people import Directory


class Message(Protocol):
    """A rendered Slack message."""

    @property
    def text(self) -> str:
        """Plain text, shown in notifications in place of the blocks."""
        ...

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Block Kit blocks."""
        ...

    @property
    def kept(self) -> frozenset[str]:
        """E-mail addresses and names in it that are evidence, and not redacted."""
        ...


@dataclass(frozen=True, slots=True)
class OwnPost:
    """A message that the bot itself posted."""

    channel: str
    ts: str
    thread_ts: str | None  # of the message it replies to
    key: str  # under which it was posted


class OwnPosts(Protocol):
    """Finds what the bot itself posted: Slack keeps it whatever happens to the store."""

    async def own_posts(self, since: datetime) -> Sequence[OwnPost]:
        """The bot's posts since then, in the channels it is a member of and in their threads.

        Raises IncidentHelperError when Slack does not tell.
        """
        ...


class Announcer(Protocol):
    """Shows things in Slack. Posts survive a crash and an outage of Slack; the rest does not."""

    async def post(
        self,
        channel: str,
        key: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        thread_key: str | None = None,
        interim: bool = False,
    ) -> None:
        """Show the message under a stable key: posted the first time, edited afterwards.

        `thread_ts` puts it in a thread; `thread_key` in the thread of the message with that key.
        An `interim` version will soon be replaced, and is left out when Slack is busy.
        """
        ...

    async def ephemeral(
        self,
        channel: str,
        user: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        response_url: str | None = None,
    ) -> None:
        """Show a message to one person only; lost when Slack is down.

        `response_url` came with the command or click that is answered, and works everywhere.
        """
        ...

    async def can_post(self, channel: str) -> bool:
        """Whether the bot is a member of the channel; True also when Slack does not say."""
        ...

    async def withdraw(self, channel: str, key: str, reason: str) -> bool:
        """Give up a message that was never posted; False when it has been posted."""
        ...

    async def reopen(self, channel: str) -> None:
        """The bot was invited to the channel: send at once what waits for it."""
        ...

    async def view(self, external_id: str, view: dict[str, Any]) -> None:
        """Replace the content of an open modal; lost when Slack is down or the modal is closed."""
        ...

    async def link(self, channel: str, key: str) -> str | None:
        """The permalink of the message with this key; None while it is not posted, and when Slack
        does not answer."""
        ...

    async def home(self, user: str, view: dict[str, Any]) -> None:
        """Show a person the Home tab; lost when Slack is down."""
        ...


class Membership(Protocol):
    """Who may see what is said in a channel."""

    async def sees(self, user: str, channel: str) -> bool:
        """Whether the channel is public, or the person a member of it. False when Slack does not
        answer."""
        ...


class People(Protocol):
    """Looks people up in Slack. Nothing is remembered: who may act is asked when they act."""

    async def look_up(self, users: Collection[str], groups: Collection[str] = ()) -> Directory:
        """The accounts of some people, and who is in some usergroups. Raises nothing: what Slack
        did not answer is unknown in what is returned."""
        ...
