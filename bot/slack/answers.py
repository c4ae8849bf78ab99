"""What only one person sees: an answer to a command or a click, by the way that works.

A response URL works everywhere, also where the bot is no member: five times within half an hour
(Slack, "Handling user interaction"). Then chat.postEphemeral, which needs the bot and the person in
the channel, then a direct message.
"""

from __future__ import annotations

import logging
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.domain.slack_ports import Message
from bot.slack import fallback
from bot.slack.faults import FAULTS
from bot.slack.refusals import Refusal, refusal_of
from bot.slack.response_urls import ResponseUrls
from bot.telemetry import metrics

log = logging.getLogger(__name__)

TIMEOUT = 10  # seconds


class Answers:
    """Shows a message to one person.

    Args:
        web: the client of the Web API; its `base_url` is where a sandbox answers.
    """

    def __init__(self, web: AsyncWebClient) -> None:
        self._web = web
        self._urls = ResponseUrls(web.base_url)

    async def show(
        self,
        channel: str,
        user: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        response_url: str | None = None,
    ) -> bool:
        """Show it by the first way that works; False when none did, which is logged."""
        if response_url and await self._by_url(response_url, message, thread_ts):
            return True
        where = {"thread_ts": thread_ts} if thread_ts else {}
        refused = await self._post("chat.postEphemeral", message, channel, user=user, **where)
        if refused is None:
            return True
        directly = await self._post("chat.postMessage", message, user)
        if directly is None:
            return True
        log.error(
            "the answer to %s in %s could not be shown: %s, %s", user, channel, refused, directly
        )
        metrics.SLACK_GIVEN_UP.labels("answer", directly).inc()
        return False

    async def _by_url(self, url: str, message: Message, thread_ts: str | None) -> bool:
        if not self._urls.allows(url):
            log.error("an answer was to go to a URL that is not Slack's")
            return False
        client = AsyncWebhookClient(url, timeout=TIMEOUT)
        for text, blocks in _forms(message):
            body: dict[str, Any] = {
                "response_type": "ephemeral",
                "replace_original": False,
                "text": text,
                "blocks": blocks,
            }
            if thread_ts:
                body["thread_ts"] = thread_ts
            try:
                answer = await client.send_dict(body)
            except FAULTS as fault:
                log.warning("an answer was not taken: %s", type(fault).__name__)
                return False
            if answer.status_code == 200:
                return True
            code = answer.body.strip()[:40] or str(answer.status_code)
            metrics.SLACK_REFUSED.labels("response_url", code).inc()
            if "block" not in answer.body and "invalid" not in answer.body:
                return False  # used up, or too old
        return False

    async def _post(self, method: str, message: Message, channel: str, **where: str) -> str | None:
        """Call a method, without blocks if Slack refuses them; None when it took the message, else
        what was wrong."""
        wrong = ""
        for text, blocks in _forms(message):
            body = {"channel": channel, "text": text, "blocks": blocks, **where}
            try:
                await self._web.api_call(method, json=body)
            except SlackApiError as error:
                wrong = str(error.response.get("error") or "unknown")
                metrics.SLACK_REFUSED.labels(method, wrong).inc()
                if refusal_of(wrong) is not Refusal.BLOCKS:
                    return wrong
            except FAULTS as fault:
                return type(fault).__name__
            else:
                return None
        return wrong


def _forms(message: Message) -> list[tuple[str, list[dict[str, Any]]]]:
    """The message as it is, then its words only."""
    whole = (message.text, message.blocks)
    bare = fallback.without(message.text, message.blocks, {fallback.BARE})
    return [whole, bare] if message.blocks else [whole]
