"""What all listeners do with what came in: save an envelope, open a modal, answer the person.

Slack waits 3 seconds for the acknowledgement, and a trigger id is valid for 3 seconds.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncRespond
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.render import notice
from bot.slack.faults import FAULTS
from handlers.envelopes import Envelope, Inbox, NotSaved
from handlers.json_access import dict_in, text_in

log = logging.getLogger(__name__)

SAVE_SECONDS = 1.5
OPEN_SECONDS = 1.0
TRY_AGAIN = "I could not save your request, so nothing will happen. Please try again."


@dataclass(frozen=True, slots=True)
class Saving:
    """Base of the listeners."""

    inbox: Inbox

    async def save(self, envelope: Envelope) -> bool:
        """Save the envelope; False when that failed, and the person has to be told."""
        try:
            async with asyncio.timeout(SAVE_SECONDS):
                await self.inbox.accept(envelope)
        except (NotSaved, TimeoutError) as fault:
            log.error("not saved: %s %s: %s", envelope.kind, envelope.key, fault)
            return False
        return True

    async def save_event(self, envelope: Envelope) -> BoltResponse | None:
        """Save the envelope of an event; 503 when that failed, so Slack sends it again."""
        return None if await self.save(envelope) else BoltResponse(status=503, body="")


async def open_modal(
    client: AsyncWebClient, body: dict[str, Any], view: dict[str, Any], respond: AsyncRespond
) -> None:
    """Open a modal for the person behind a payload; tell them when Slack does not open it."""
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await client.views_open(trigger_id=text_in(body.get("trigger_id")), view=view)
    except FAULTS as fault:
        log.warning("the modal could not be opened: %s", fault)
        await answer(respond, "Slack did not open the window. Please press it again.")


async def answer(respond: AsyncRespond, text: str) -> None:
    """Answer one person through the response URL; if that fails, Slack shows its own warning."""
    message = notice(text)
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await respond(
                text=message.text,
                blocks=message.blocks,
                response_type="ephemeral",
                replace_original=False,
            )
    except (*FAULTS, ValueError) as fault:
        log.warning("the person could not be answered: %s", fault)


def team_of(body: dict[str, Any]) -> str:
    """The workspace of an interaction."""
    user = dict_in(body.get("user"))
    return text_in(dict_in(body.get("team")).get("id")) or text_in(user.get("team_id"))


def user_of(body: dict[str, Any]) -> str:
    """The person behind an interaction."""
    return text_in(dict_in(body.get("user")).get("id"))
