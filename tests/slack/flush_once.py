"""A flusher as a process of its own, to be killed: redis URL, namespace, Slack URL, channel."""

from __future__ import annotations

import asyncio
import sys

from bot.slack.client import SlackClient, web_client
from bot.slack.outbox import Outbox
from bot.state.store import connect


async def main(url: str, namespace: str, slack_url: str, channel: str) -> None:
    outbox = Outbox(connect(url), namespace, lease=0.3)
    await outbox.flush(channel, SlackClient(web_client("xoxb-test", slack_url)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
