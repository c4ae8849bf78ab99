"""What people ask: where and who, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where in Slack somebody asked or clicked, and who."""

    channel: str
    user: str
    thread_ts: str | None = None
    response_url: str | None = None  # answers whoever used a command or a button there
    mention: str | None = None
    """Timestamp of the post that mentioned the bot: it is answered for all, in its thread."""

    @property
    def answer_in(self) -> str | None:
        """The thread of the answer."""
        return self.thread_ts or self.mention


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for an alarm to be looked at. `seed` is the key of the request."""

    user: str
    seed: str
