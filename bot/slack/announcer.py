"""What people see, brought to Slack: posts through the outbox, whispers and views directly."""

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
SLOTS = 10  # a second: a channel that has to wait is looked at again at the next of these
VIEW_TRIES = 12
VIEW_PAUSE = 0.25  # a modal may not be open yet when its content is ready


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
            thread_ts=thread_ts,
            thread_key=None if thread_ts else thread_key,
        )
        if await self._outbox.put(channel, key, content):
            # A key of its own: under a shared one this put could hide behind a flush that has
            # looked for the last time already.
            await self._queue.put("flush", channel, key=f"flush:{channel}:{uuid.uuid4().hex}")

    async def flush(self, channel: str) -> None:
        """A durable task: send what is due in a channel, and ask to come back for the rest."""
        done = await self._outbox.flush(channel, self._slack)
        await self._sent(channel, done)
        if done.next_in is not None:
            await self._again(channel, done.next_in)

    async def sweep(self) -> None:
        """Wake the channels that have something waiting: nothing put is ever left lying."""
        for channel in await self._outbox.pending():
            await self._again(channel, 0.0)

    async def _again(self, channel: str, seconds: float) -> None:
        """One flush a slot is enough. The slot is yet to begin, so a flush of that name that runs
        already began too early to have been asked for here."""
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
            log.warning("could not whisper to %s in %s: %s", user, channel, fault)

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

    async def _sent(self, channel: str, done: Flushed) -> None:
        """What follows from a flush: a card that is the root of its thread tells the incident."""
        for sent in done.sent:
            kind, _, about = sent.key.partition(":")
            if kind == "card":
                incident = await self._store.incident(about)
                if incident is not None and incident.thread_ts is None:
                    await self._store.change_incident(about, thread_ts=sent.ts)
        for refused in done.refused:
            log.error("Slack refused %s in %s: %s", refused.key, channel, refused.reason)
        for key in done.doubtful:
            log.warning("%s may stand twice in %s", key, channel)
        if done.revoked:
            log.critical("Slack refuses our token: %s; messages wait", done.revoked)
