"""The records of a workspace: messages, files, canvases and changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.people import App

JSON = dict[str, Any]


class SlackError(Exception):
    """A refusal in Slack's words: ``code`` is the `error` of the reply, ``messages`` explain it."""

    def __init__(self, code: str, messages: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.messages = list(messages)
        self.extra = extra


@dataclass(slots=True)
class Message:
    """One message. ``only_for`` names the sole reader of an ephemeral one."""

    ts: str
    channel: str
    text: str = ""
    user: str | None = None
    app: App | None = None
    username: str | None = None
    icon_emoji: str | None = None
    subtype: str | None = None
    blocks: list[JSON] = field(default_factory=list)
    attachments: list[JSON] = field(default_factory=list)
    metadata: JSON | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    files: list[str] = field(default_factory=list)
    only_for: str | None = None
    client_msg_id: str | None = None
    edited: JSON | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    replies: list[str] = field(default_factory=list)

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def author(self) -> str:
        """Whoever is shown as the author; used to group messages."""
        return self.username or self.user or (self.app.id if self.app else "")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened. ``kind`` is one of posted, edited, deleted, reacted, unreacted,
    joined, channel, modal, home, notice, read."""

    kind: str
    channel: str = ""
    message: Message | None = None
    before: JSON | None = None
    user: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class File:
    """An upload; it has no channel until `files.completeUploadExternal`."""

    id: str
    name: str
    size: int
    app_id: str
    content: bytes = b""
    title: str = ""
    uploaded: bool = False
    shared: bool = False
    user: str = ""  # the bot user of the app
    created: int = 0
    shares: dict[str, str] = field(default_factory=dict)  # ts of the message, by channel


@dataclass(slots=True)
class Canvas:
    """A canvas: its title and its markdown sections."""

    id: str
    title: str
    markdown: str
    channel: str | None = None
