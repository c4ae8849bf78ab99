"""What every Web API method shares: its arguments, its registration, cursors."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.slack.people import App, Channel
from sandbox.slack.records import JSON, SlackError
from sandbox.slack.site import Site
from sandbox.slack.workspace import Workspace

MAX_LIMIT = 999


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method, already authenticated."""

    site: Site
    app: App
    token: str
    args: Mapping[str, Any]

    @property
    def workspace(self) -> Workspace:
        return self.site.workspace

    def text(self, name: str, default: str = "") -> str:
        value = self.args.get(name)
        return default if value is None else str(value)

    def need(self, name: str) -> str:
        """A required argument.

        Raises:
            SlackError: ``invalid_arguments`` naming what is missing.
        """
        if value := self.text(name):
            return value
        raise SlackError("invalid_arguments", [f"missing required field: {name}"])

    def flag(self, name: str) -> bool:
        value = self.args.get(name)
        return value is True or str(value).lower() in ("true", "1")

    def data(self, name: str, error: str = "invalid_arguments") -> Any:
        """A JSON argument, sent as JSON or as a string of JSON.

        Raises:
            SlackError: ``error`` when the string is no JSON.
        """
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackError(error) from None

    def channel(self, name: str = "channel", *, member: bool = True) -> Channel:
        """The channel named by an argument; a private one is only found by its members.

        Raises:
            SlackError: ``channel_not_found``, ``not_in_channel``, ``is_archived``.
        """
        channel = self.workspace.channel(self.need(name))
        inside = self.app.user_id in channel.members
        if channel.private and not inside:
            raise SlackError("channel_not_found")
        if member and not inside:
            raise SlackError("not_in_channel")
        return channel

    def open_channel(self, name: str = "channel") -> Channel:
        """The same, for something that changes it."""
        channel = self.channel(name)
        if channel.archived:
            raise SlackError("is_archived")
        return channel

    def page(self, entries: Sequence[Any], default: int = 100) -> tuple[list[Any], JSON]:
        """The entries a cursor points at, and the `response_metadata` that leads on.

        Raises:
            SlackError: ``invalid_cursor``, ``invalid_limit``.
        """
        try:
            limit = int(self.text("limit") or default)
        except ValueError:
            raise SlackError("invalid_limit") from None
        if limit < 1:
            raise SlackError("invalid_limit")
        limit = min(limit, MAX_LIMIT)
        start = _start_of(self.text("cursor"))
        found = list(entries[start : start + limit])
        more = start + limit < len(entries)
        return found, {"next_cursor": _cursor(start + limit) if more else ""}


def _cursor(start: int) -> str:
    return base64.b64encode(f"next:{start}".encode()).decode()


def _start_of(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "next":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise SlackError("invalid_cursor")


Handler = Callable[[Call], JSON]


@dataclass(frozen=True, slots=True)
class Method:
    """A method: what it does, its rate tier, the scopes of which it needs one."""

    name: str
    run: Handler
    tier: int
    scopes: tuple[str, ...]
    app_level: bool = False


METHODS: dict[str, Method] = {}


def method(
    name: str, *scopes: str, tier: int = 3, app_level: bool = False
) -> Callable[[Handler], Handler]:
    """Register a Web API method."""

    def register(run: Handler) -> Handler:
        METHODS[name] = Method(name, run, tier, scopes, app_level)
        return run

    return register
