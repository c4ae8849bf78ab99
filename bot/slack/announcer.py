"""Shows messages in Slack: posts through the outbox, ephemeral messages and modals directly."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.ports import Message as Rendered
from bot.domain.ports import Queue, Store
from bot.slack.outbox import Flushed, Message, Outbox, Slack

log = logging.getLogger(__name__)

_FAULTS = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)
SLOTS = 10  # in a second; a flush that has to wait runs again at the beginning of a slot
VIEW_TRIES = 12  # a modal may not be open yet when its content is ready
MOST_LINKS = 1_000  # permalinks kept in memory
VIEW_PAUSE = 0.25  # seconds between two tries


class SlackAnnouncer:
    """Implements `bot.domain.ports.Announcer`."""

    def __init__(
        self, outbox: Outbox, slack: Slack, web: AsyncWebClient, queue: Queue, store: Store
    ) -> None:
        self._outbox = outbox
        self._slack = slack
        self._web = web
        self._queue = queue
        self._store = store
        self._links: dict[tuple[str, str], str] = {}  # permalinks by channel and timestamp

    async def post(
        self,
        channel: str,
        key: str,
        message: Rendered,
        *,
        thread_ts: str | None = None,
        thread_key: str | None = None,
    ) -> None:
        content = Message(
            text=message.text,
            blocks=message.blocks,
            kept=message.kept,
            thread_ts=thread_ts,
            thread_key=None if thread_ts else thread_key,
        )
        if await self._outbox.put(channel, key, content):
            # A unique task key. With a shared one the queue would drop this task while a flush
            # runs, and that flush may already have read the outbox for the last time.
            await self._queue.put("flush", channel, key=f"flush:{channel}:{uuid.uuid4().hex}")

    async def flush(self, channel: str) -> None:
        """Send what is due in a channel, and schedule the next flush if messages remain.

        It is a durable task.
        """
        done = await self._outbox.flush(channel, self._slack)
        await self._handle_result(channel, done)
        if done.next_in is not None:
            await self._schedule_flush(channel, done.next_in)

    async def sweep(self) -> None:
        """Schedule a flush for every channel with unsent messages, in case a task was lost."""
        for channel in await self._outbox.pending():
            await self._schedule_flush(channel, 0.0)

    async def _schedule_flush(self, channel: str, seconds: float) -> None:
        """Flush the channel in so many seconds, at most once in a slot.

        The slot lies in the future, so its task key can't be that of a flush that runs now.
        """
        now = time.time()
        slot = int((now + seconds) * SLOTS) + 1
        key = f"flush:{channel}:at:{slot}"
        await self._queue.put("flush", channel, key=key, after=slot / SLOTS - now)

    async def ephemeral(
        self, channel: str, user: str, message: Rendered, *, thread_ts: str | None = None
    ) -> None:
        try:
            await self._web.chat_postEphemeral(
                channel=channel,
                user=user,
                text=message.text,
                blocks=message.blocks,
                thread_ts=thread_ts,
            )
        except _FAULTS as fault:
            log.warning("the message to %s in %s could not be shown: %s", user, channel, fault)

    async def view(self, external_id: str, view: dict[str, Any]) -> None:
        for _ in range(VIEW_TRIES):
            try:
                await self._web.views_update(external_id=external_id, view=view)
            except SlackApiError as refused:
                if refused.response["error"] != "not_found":
                    log.warning("the modal could not be shown: %s", refused)
                    return
                await asyncio.sleep(VIEW_PAUSE)
            except _FAULTS as fault:
                log.warning("the modal could not be shown: %s", fault)
                return
            else:
                return
        log.info("the modal %s was closed before it was filled", external_id)

    async def link(self, channel: str, key: str) -> str | None:
        known = await self._outbox.status(channel, key)
        if known is None or known.ts is None:
            return None
        place = (channel, known.ts)
        if place not in self._links:
            try:
                found = await self._web.chat_getPermalink(channel=channel, message_ts=known.ts)
            except _FAULTS as fault:
                log.warning("no permalink of %s in %s: %s", key, channel, fault)
                return None
            if len(self._links) >= MOST_LINKS:
                self._links.clear()
            self._links[place] = str(found["permalink"])
        return self._links[place]

    async def home(self, user: str, view: dict[str, Any]) -> None:
        try:
            await self._web.views_publish(user_id=user, view=view)
        except _FAULTS as fault:
            log.warning("the Home tab of %s could not be published: %s", user, fault)

    async def _handle_result(self, channel: str, done: Flushed) -> None:
        """Store the thread of an incident whose card was posted; log what went wrong."""
        for sent in done.sent:
            kind, _, incident_id = sent.key.partition(":")
            if kind == "card":
                incident = await self._store.incident(incident_id)
                if incident is not None and incident.thread_ts is None:
                    await self._store.change_incident(incident_id, thread_ts=sent.ts)
        for refused in done.refused:
            log.error("Slack refused %s in %s: %s", refused.key, channel, refused.reason)
        for key in done.doubtful:
            log.warning("%s may have been posted twice in %s", key, channel)
        if done.revoked:
            log.critical(
                "SLACK_BOT_TOKEN is refused (%s): set a valid one; messages wait", done.revoked
            )
