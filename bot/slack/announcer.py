"""Shows messages in Slack: posts through the outbox, answers to one person and modals directly."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.ports import Queue, Store
from bot.domain.slack_ports import Message as Rendered
from bot.slack import fallback
from bot.slack.answers import Answers
from bot.slack.faults import FAULTS
from bot.slack.message import Message, Slack
from bot.slack.outbox import Flushed, Outbox, Put, Refused, Sent
from bot.slack.refusals import Refusal, refusal_of, said
from bot.telemetry import metrics

log = logging.getLogger(__name__)

SLOTS = 10  # in a second; a flush that has to wait runs again at the beginning of a slot
KEEP = 1.5  # seconds to the next write for which a flush waits itself, without a task of its own
LONGEST = 20.0  # seconds that one flush task lasts
HELD = 5.0  # seconds of a lease; one that is longer is that of a flusher whose call is under way
VIEW_TRIES = 12  # a modal may not be open yet when its content is ready
MOST_LINKS = 1_000  # permalinks kept in memory
VIEW_PAUSE = 0.25  # seconds between two tries
MEMBER = 600.0  # seconds for which it is remembered that the bot is a member of a channel


class SlackAnnouncer:
    """Implements `bot.domain.slack_ports.Announcer`."""

    def __init__(
        self, outbox: Outbox, slack: Slack, web: AsyncWebClient, queue: Queue, store: Store
    ) -> None:
        self._outbox = outbox
        self._slack = slack
        self._web = web
        self._queue = queue
        self._store = store
        self._answers = Answers(web)
        self._member_until: dict[str, float] = {}
        self._links: dict[tuple[str, str], str] = {}  # permalinks by channel and timestamp

    async def post(
        self,
        channel: str,
        key: str,
        message: Rendered,
        *,
        thread_ts: str | None = None,
        thread_key: str | None = None,
        interim: bool = False,
    ) -> None:
        content = Message(
            text=message.text,
            blocks=message.blocks,
            kept=message.kept,
            thread_ts=thread_ts,
            thread_key=None if thread_ts else thread_key,
        )
        answer = not key.startswith("card:")
        put = await self._outbox.put(channel, key, content, answer=answer, interim=interim)
        if put is Put.STORED:
            await self._flush_now(channel)

    async def flush(self, channel: str) -> None:
        """Send what is due in a channel, and schedule the next flush if messages remain.

        It is a durable task. While only the pace of the channel holds messages back it waits
        itself, and a put needs no task of its own.
        """
        owner, until = uuid.uuid4().hex, time.monotonic() + LONGEST
        while True:
            done = await self._outbox.flush(channel, self._slack, owner=owner, keep=KEEP)
            await self._handle_result(channel, done)
            if not done.kept or done.next_in is None or time.monotonic() > until:
                break
            await asyncio.sleep(done.next_in)
        if done.kept:
            await self._outbox.release(channel, owner)
        if done.next_in is not None and (not done.held or done.next_in > HELD):
            await self._schedule_flush(channel, done.next_in)

    async def sweep(self) -> None:
        """Schedule a flush for every channel with unsent messages, in case a task was lost."""
        for channel in await self._outbox.pending():
            await self._schedule_flush(channel, 0.0)
        for kind, seconds in (await self._outbox.ages()).items():
            metrics.OUTBOX_WAITING.labels(kind).set(seconds)

    async def ephemeral(
        self,
        channel: str,
        user: str,
        message: Rendered,
        *,
        thread_ts: str | None = None,
        response_url: str | None = None,
    ) -> None:
        await self._answers.show(
            channel, user, message, thread_ts=thread_ts, response_url=response_url
        )

    async def can_post(self, channel: str) -> bool:
        """Whether the bot is a member; True also when Slack does not say."""
        if self._member_until.get(channel, 0.0) > time.monotonic():
            return True
        try:
            answer = await self._web.conversations_info(channel=channel)
        except SlackApiError as refused:
            return refusal_of(str(refused.response.get("error"))) is not Refusal.CHANNEL
        except FAULTS:
            return True
        about = answer.get("channel") or {}
        member = bool(about.get("is_member") or about.get("is_im") or about.get("is_mpim"))
        if member and not about.get("is_archived"):
            self._member_until[channel] = time.monotonic() + MEMBER
            return True
        return not ("is_member" in about or about.get("is_archived"))

    async def withdraw(self, channel: str, key: str, reason: str) -> bool:
        """Give up a message that was never posted; False when it has been posted."""
        return await self._outbox.drop(channel, key, reason)

    async def reopen(self, channel: str) -> None:
        """The bot was invited: send at once what waits for the channel."""
        await self._outbox.reopen(channel)
        await self._flush_now(channel)

    async def view(self, external_id: str, view: dict[str, Any]) -> None:
        shown = view
        for _ in range(VIEW_TRIES):
            try:
                await self._web.views_update(external_id=external_id, view=shown)
            except SlackApiError as refused:
                code = str(refused.response.get("error"))
                if code == "not_found":
                    await asyncio.sleep(VIEW_PAUSE)
                    continue
                metrics.SLACK_REFUSED.labels("views.update", code).inc()
                refusal = refusal_of(code)
                if refusal is Refusal.BLOCKS and shown is view:
                    log.error("the modal is shown as text only: %s", refused)
                    shown = fallback.plain_view(view)
                elif refusal in (Refusal.BUSY, Refusal.UNCLEAR, Refusal.PASSING):
                    await asyncio.sleep(_seconds(refused))
                else:
                    log.error("the modal could not be shown: %s", refused)
                    return
            except FAULTS as fault:
                log.warning("the modal could not be shown yet: %s", fault)
                await asyncio.sleep(VIEW_PAUSE)
            else:
                return
        log.info("the modal %s was closed before it was filled", external_id)

    async def _flush_now(self, channel: str) -> None:
        # A unique task key. With a shared one the queue would drop this task while a flush
        # runs, and that flush may already have read the outbox for the last time.
        await self._queue.put("flush", channel, key=f"flush:{channel}:{uuid.uuid4().hex}")

    async def _schedule_flush(self, channel: str, seconds: float) -> None:
        """Flush the channel in so many seconds, at most once in a slot.

        The slot lies in the future, so its task key can't be that of a flush that runs now.
        """
        now = time.time()
        slot = int((now + seconds) * SLOTS) + 1
        key = f"flush:{channel}:at:{slot}"
        await self._queue.put("flush", channel, key=key, after=slot / SLOTS - now)

    async def link(self, channel: str, key: str) -> str | None:
        known = await self._outbox.status(channel, key)
        if known is None or known.ts is None:
            return None
        place = (channel, known.ts)
        if place not in self._links:
            try:
                found = await self._web.chat_getPermalink(channel=channel, message_ts=known.ts)
            except FAULTS as fault:
                log.warning("no permalink of %s in %s: %s", key, channel, fault)
                return None
            if len(self._links) >= MOST_LINKS:
                self._links.clear()
            self._links[place] = str(found["permalink"])
        return self._links[place]

    async def home(self, user: str, view: dict[str, Any]) -> None:
        try:
            await self._web.views_publish(user_id=user, view=view)
        except FAULTS as fault:
            log.warning("the Home tab of %s could not be published: %s", user, fault)

    async def _handle_result(self, channel: str, done: Flushed) -> None:
        """Store the thread of an incident whose card was posted; have people told what Slack
        refused; log what went wrong."""
        for sent in done.sent:
            await self._store_thread(sent)
        for refused in done.refused:
            log.error("Slack refused %s in %s: %s", refused.key, channel, said(refused.reason))
            await self._have_told(channel, refused, closed=False)
        for waits in done.closed:
            log.error("%s waits for %s: %s", waits.key, channel, said(waits.reason))
            self._member_until.pop(channel, None)
            await self._have_told(channel, waits, closed=True)
        for key in done.doubtful:
            log.warning("%s may have been posted twice in %s", key, channel)
        if done.revoked:
            log.critical(
                "SLACK_BOT_TOKEN is refused (%s): set a valid one; messages wait", done.revoked
            )

    async def _store_thread(self, sent: Sent) -> None:
        """The card is the thread's first message when nothing was there, or that was deleted."""
        kind, _, incident_id = sent.key.partition(":")
        incident = await self._store.incident(incident_id) if kind == "card" else None
        if incident is not None and incident.thread_ts in (None, sent.replaced):
            await self._store.change_incident(incident_id, thread_ts=sent.ts)

    async def _have_told(self, channel: str, refused: Refused, *, closed: bool) -> None:
        """A task of its own, so that telling survives a crash and delays no message."""
        metrics.SLACK_GIVEN_UP.labels(refused.key.partition(":")[0], refused.reason).inc()
        about = {
            "channel": channel,
            "key": refused.key,
            "why": said(refused.reason),
            "closed": closed,
        }
        key = f"refused:{channel}:{refused.key}:{refused.reason}"
        await self._queue.put("refused", json.dumps(about), key=key)


def _seconds(refused: SlackApiError) -> float:
    """How long to wait before a modal is updated again: as Slack says, at most three seconds."""
    headers = getattr(refused.response, "headers", None) or {}
    given = str(headers.get("Retry-After") or headers.get("retry-after") or "")
    return min(float(given), 3.0) if given.isdigit() else VIEW_PAUSE
