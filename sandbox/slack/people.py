"""People, apps and channels of a workspace, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

AMAZON_Q_APP_ID = "A6L22LZNH"
"""Slack app id of Amazon Q Developer in chat applications (once AWS Chatbot)."""

DEFAULT_EVENTS = frozenset(
    {
        "message",
        "app_mention",
        "app_home_opened",
        "reaction_added",
        "reaction_removed",
        "member_joined_channel",
        "channel_created",
        "channel_archive",
        "file_shared",
    }
)
DEFAULT_SCOPES = (
    "app_mentions:read,bookmarks:write,canvases:write,channels:history,channels:join,"
    "channels:manage,channels:read,chat:write,commands,files:write,groups:history,groups:read,"
    "groups:write,im:history,im:write,pins:write,reactions:read,reactions:write,"
    "usergroups:read,users:read,users:read.email"
)


def initials_of(name: str) -> str:
    """Two letters to draw for a name that came without initials."""
    letters = [word[0] for word in name.split() if word[:1].isalnum()]
    return "".join(letters[:2]).upper() or "?"


@dataclass(frozen=True, slots=True)
class Person:
    """A human member, or the bot user of an app.

    ``color`` is the avatar's background, ``#rrggbb``.
    """

    id: str
    name: str
    title: str = ""
    handle: str = ""
    email: str = ""
    color: str = "#4a6fa5"
    initials: str = ""
    timezone: str = "Etc/UTC"
    app_id: str | None = None
    deleted: bool = False

    @property
    def username(self) -> str:
        return self.handle or self.name.lower().replace(" ", ".")

    @property
    def mail(self) -> str:
        return self.email or f"{self.username}@example.com"

    @property
    def avatar(self) -> str:
        return (self.initials or initials_of(self.name))[:3]


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command an app answers, with its leading slash."""

    name: str
    description: str = ""
    usage: str = ""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A shortcut of an app: ``global`` stands in the composer, ``message`` at a message."""

    callback_id: str
    name: str
    kind: str = "message"


@dataclass(frozen=True, slots=True)
class App:
    """An installed app.

    With ``request_url`` events, commands and clicks are POSTed there, signed with
    ``signing_secret``; without it they go through Socket Mode. An app with ``username`` posts
    the way integrations did before bot users: subtype ``bot_message`` and no user. Messages of
    one that does not ``names_itself`` have a bot id, but no app id and no profile, as recorded
    ones of old integrations have.
    """

    id: str
    name: str
    bot_token: str = ""
    app_token: str = ""
    signing_secret: str = ""
    request_url: str | None = None
    bot_user_id: str = ""
    bot_id: str = ""
    username: str | None = None
    color: str = "#2f6f5e"
    initials: str = ""
    description: str = ""
    commands: tuple[Command, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()
    events: frozenset[str] = DEFAULT_EVENTS
    scopes: str = DEFAULT_SCOPES
    verification_token: str = "verification-token"
    names_itself: bool = True

    @property
    def user_id(self) -> str:
        return self.bot_user_id or f"U{self.id[1:]}"

    @property
    def bot(self) -> str:
        return self.bot_id or f"B{self.id[1:]}"

    @property
    def person(self) -> Person:
        """The bot user through which the app is a member of channels."""
        return Person(
            id=self.user_id,
            name=self.name,
            title=self.description,
            handle=self.name.lower().replace(" ", "-"),
            color=self.color,
            initials=self.initials or initials_of(self.name),
            app_id=self.id,
        )


@dataclass(frozen=True, slots=True)
class ChannelSeed:
    """A channel as it is at the start. ``members`` are ids of people and bot users.

    Without ``members`` every person is in it, and no app.
    """

    id: str
    name: str
    topic: str = ""
    purpose: str = ""
    private: bool = False
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserGroup:
    """A user group such as ``@sre``; ``users`` are ids of people."""

    id: str
    handle: str
    name: str
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seed:
    """Everything a workspace holds before the first message."""

    people: tuple[Person, ...]
    channels: tuple[ChannelSeed, ...]
    apps: tuple[App, ...] = ()
    user_groups: tuple[UserGroup, ...] = ()
    team_id: str = "T0SANDBOX"
    team_name: str = "Sandbox"
    team_domain: str = "sandbox"


@dataclass(slots=True)
class Channel:
    """A conversation as it is now: public, private, or a direct message."""

    id: str
    name: str
    created: int
    creator: str
    kind: str = "channel"  # channel, group (private), im
    topic: str = ""
    purpose: str = ""
    archived: bool = False
    members: list[str] = field(default_factory=list)
    pins: list[str] = field(default_factory=list)
    bookmarks: list[dict[str, Any]] = field(default_factory=list)
    canvas_id: str | None = None

    @property
    def private(self) -> bool:
        return self.kind != "channel"


def amazon_q(**changes: Any) -> App:
    """The app Amazon Q Developer in chat applications; `changes` are other fields of `App`."""
    return App(
        **{
            "id": AMAZON_Q_APP_ID,
            "name": "Amazon Q Developer",
            "username": "Amazon Q",
            "bot_token": "xoxb-amazon-q",
            "color": "#5b3fb5",
            "initials": "Q",
            "description": "AWS notifications in chat",
            "events": frozenset[str](),
            **changes,
        }
    )
