"""Short words for the tests of the outbox."""

from __future__ import annotations

import asyncio

from bot.slack.client import SlackClient
from bot.slack.outbox import Flushed, Message, Outbox


def text(words: str, **where: str) -> Message:
    return Message(text=words, **where)


async def drain(outbox: Outbox, client: SlackClient, channel: str = "C1") -> Flushed:
    """Flush until nothing waits, or for long; everything that happened."""
    done = Flushed()
    for _ in range(200):
        flushed = await outbox.flush(channel, client)
        done.sent += flushed.sent
        done.refused += flushed.refused
        done.closed += flushed.closed
        done.doubtful += flushed.doubtful
        if flushed.next_in is None or flushed.next_in > 30:
            return done
        await asyncio.sleep(min(flushed.next_in, 0.1))
    raise AssertionError(f"the outbox does not come to an end: {done}")
