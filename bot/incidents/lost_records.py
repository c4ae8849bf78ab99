"""Says in Slack which of the bot's own messages have lost their record.

When the store is lost, the cards stay in Slack: their buttons lead to nothing, and nobody would
know. Slack has the bot's messages with their keys, so what is missing can be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot import render
from bot.domain.ports import Store
from bot.domain.slack_ports import Announcer, OwnPost, OwnPosts

LOOK_BACK = timedelta(hours=24)

INCIDENT = (
    "My record of this incident is gone: its card stays as it is, and its buttons no longer work. "
    "To start anew: /incident triage in this channel."
)
CHANGE = (
    "My record of this change is gone: its buttons no longer work, and I do not know whether it "
    "was sent. Compare the resource with what is written above, and undo it by hand if you must."
)


@dataclass(frozen=True, slots=True)
class LostRecords:
    """Compares what Slack shows with what the store has."""

    store: Store
    announcer: Announcer
    posts: OwnPosts

    async def tell(self) -> Sequence[str]:
        """Say below each message of the last `LOOK_BACK` that its record is gone, once.

        Returns the ids of the changes without a record. Raises IncidentHelperError when Slack does
        not tell what was posted.
        """
        lost = []
        for post in await self.posts.own_posts(await self.store.now() - LOOK_BACK):
            kind, _, name = post.key.partition(":")
            if kind == "card" and await self.store.incident(name) is None:
                await self._say(post, INCIDENT)
            elif kind == "run" and await self.store.run(name) is None:
                await self._say(post, CHANGE)
                lost.append(name)
        return lost

    async def _say(self, post: OwnPost, text: str) -> None:
        thread = post.thread_ts or post.ts
        await self.announcer.post(
            post.channel, f"lost:{post.key}", render.notice(text), thread_ts=thread
        )
