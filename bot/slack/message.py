"""A message as the outbox stores it, and the calls of Slack that it needs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol, Self

from pydantic import Field, model_validator

from bot.domain.base import Frozen
from bot.domain.errors import IncidentHelperError


class Message(Frozen):
    """A message: Block Kit blocks, and the text that notifications show instead.

    It goes into the thread of another message of this outbox (`thread_key`) or of any message
    (`thread_ts`), or into the channel. Raises ValueError when both are given. `kept` is not
    redacted, and not stored.
    """

    text: str = Field(min_length=1)
    blocks: list[dict[str, Any]] = Field(default_factory=list)
    kept: frozenset[str] = Field(default=frozenset(), exclude=True)
    thread_key: str | None = None
    thread_ts: str | None = None

    @model_validator(mode="after")
    def _one_thread(self) -> Self:
        if self.thread_key and self.thread_ts:
            raise ValueError("a message is in one thread: give thread_key or thread_ts, not both")
        return self


class SlackBusy(IncidentHelperError):
    """Slack did not accept the call now and may later.

    `retry_after` is in seconds; None when Slack did not say.
    """

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(f"Slack did not accept it: {why}")
        self.retry_after = retry_after


class SlackUnclear(IncidentHelperError):
    """No clear answer came: Slack may or may not have accepted the call."""


class Slack(Protocol):
    """The three calls that the outbox makes. No call is repeated.

    They raise SlackFailed (see `bot.slack.refusals`), SlackBusy or SlackUnclear.
    """

    async def post(self, channel: str, message: Message, *, key: str, thread_ts: str | None) -> str:
        """Post a message with the key as metadata and return its ts."""
        ...

    async def update(self, channel: str, ts: str, message: Message, *, key: str) -> None:
        """Replace the content of the message with this ts."""
        ...

    async def find(
        self, channel: str, key: str, *, thread_ts: str | None, since: datetime
    ) -> str | None:
        """The ts of the bot's own message with this key, posted after `since`; None if absent."""
        ...
