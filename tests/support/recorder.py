"""What the use cases are given in tests: a store in memory, and what they asked for, on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.domain.ports import Aws, AwsWriter
from bot.domain.run import Run
from bot.domain.service import Service
from bot.domain.slack_ports import Message


@dataclass
class Recorder:
    """Implements `bot.domain.slack_ports.Announcer` and `Queue`."""

    posts: list[tuple[str, str, str]] = field(default_factory=list)  # channel, key, text
    whispers: list[tuple[str, str, str]] = field(default_factory=list)  # channel, user, text
    tasks: list[tuple[str, str]] = field(default_factory=list)  # kind, about
    busy: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)  # channels where the bot is no member
    withdrawn: list[str] = field(default_factory=list)

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
        self.posts.append((channel, key, message.text))

    async def posted(self, channel: str, key: str) -> str | None:
        return None

    async def ephemeral(
        self,
        channel: str,
        user: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        response_url: str | None = None,
    ) -> None:
        self.whispers.append((channel, user, message.text))

    async def can_post(self, channel: str) -> bool:
        return channel not in self.foreign

    async def withdraw(self, channel: str, key: str, reason: str) -> bool:
        self.withdrawn.append(key)
        return True

    async def reopen(self, channel: str) -> None:
        raise AssertionError("nobody invites the bot here")

    async def view(self, external_id: str, view: dict[str, Any]) -> None:
        raise AssertionError("no view is open here")

    async def link(self, channel: str, key: str) -> str | None:
        return None

    async def home(self, user: str, view: dict[str, Any]) -> None:
        raise AssertionError("nobody looks at the Home tab here")

    async def put(self, kind: str, about: str, *, key: str, after: float = 0.0) -> None:
        self.tasks.append((kind, about))

    async def waiting(self, kind: str) -> set[str]:
        return self.busy


@dataclass
class Given:
    """Implements `bot.domain.ports.Accounts` with one reader for all."""

    aws: Aws

    def reader(self, service: Service) -> Aws:
        return self.aws

    def writer(self, service: Service, run: Run) -> AwsWriter:
        raise AssertionError("nothing is written here")
