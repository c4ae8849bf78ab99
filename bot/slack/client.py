"""Slack's Web API as the outbox needs it: one attempt a call, and what came of it told apart.

slack_sdk repeats a call whose connection broke, which posts twice when Slack had taken the first.
Here nothing is repeated: whatever leaves it open whether Slack took a call is SlackUnclear.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import ConfigError, SlackFailed
from bot.slack.outbox import Message, SlackBusy, SlackUnclear

EVENT_TYPE = "incident_helper"
TIMEOUT = 10  # seconds a call may take; less than the outbox's lease
PAGE = 200  # messages of a page of history

UNCLEAR = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
"""Errors of Slack's own that may come after a message was taken (Slack, chat.postMessage)."""


def web_client(token: str, base_url: str = AsyncWebClient.BASE_URL) -> AsyncWebClient:
    """slack_sdk's client without its retries."""
    return AsyncWebClient(token=token, base_url=base_url, timeout=TIMEOUT, retry_handlers=[])


class SlackClient:
    """`bot.slack.outbox.Slack` on slack_sdk. Raises ConfigError for a client that repeats calls."""

    def __init__(self, web: AsyncWebClient) -> None:
        if web.retry_handlers:
            raise ConfigError("a Slack client that retries posts twice: use web_client()")
        self._web = web
        self._ourselves: frozenset[str] | None = None

    async def post(self, channel: str, message: Message, *, key: str, thread_ts: str | None) -> str:
        """chat.postMessage; the message's ts."""
        answer = await self._call(
            "chat.postMessage",
            json={
                "channel": channel,
                **_content(message, key),
                **({"thread_ts": thread_ts} if thread_ts else {}),
                "unfurl_links": False,
                "unfurl_media": False,
            },
        )
        return str(answer["ts"])

    async def update(self, channel: str, ts: str, message: Message, *, key: str) -> None:
        """chat.update."""
        await self._call(
            "chat.update", json={"channel": channel, "ts": ts, **_content(message, key)}
        )

    async def find(
        self, channel: str, key: str, *, thread_ts: str | None, since: datetime
    ) -> str | None:
        """The ts of our message with that key, posted after `since`; metadata of others is not
        believed."""
        ourselves = await self._who_we_are()
        async for message in self._messages(channel, thread_ts, since):
            metadata = message.get("metadata") or {}
            if (
                metadata.get("event_type") == EVENT_TYPE
                and (metadata.get("event_payload") or {}).get("key") == key
                and ourselves & {message.get("user"), message.get("bot_id")}
            ):
                return str(message["ts"])
        return None

    async def _messages(
        self, channel: str, thread_ts: str | None, since: datetime
    ) -> AsyncIterator[Mapping[str, Any]]:
        """All pages: a message that is not on the first may be on the next."""
        method = "conversations.replies" if thread_ts else "conversations.history"
        params: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{since.timestamp():.6f}",
            "limit": PAGE,
            "include_all_metadata": 1,
            **({"ts": thread_ts} if thread_ts else {}),
        }
        while True:
            try:
                answer = await self._call(method, params=params)
            except SlackFailed as refused:
                if refused.error == "thread_not_found":
                    return
                raise
            for message in answer.get("messages") or ():
                yield message
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            params["cursor"] = cursor

    async def _who_we_are(self) -> frozenset[str]:
        if self._ourselves is None:
            answer = await self._call("auth.test")
            self._ourselves = frozenset(
                str(answer[name]) for name in ("user_id", "bot_id") if answer.get(name)
            )
        return self._ourselves

    async def _call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        try:
            answer = await self._web.api_call(method, **arguments)
        except aiohttp.ClientConnectorError as error:
            raise SlackBusy(f"{method}: {error}") from error  # no connection, nothing sent
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise SlackUnclear(f"{method}: {type(error).__name__}: {error}") from error
        except SlackApiError as error:
            raise _told_apart(method, error) from error
        except AttributeError as error:  # slack_sdk takes text/plain for JSON: a proxy answered
            raise SlackUnclear(f"{method}: an answer that is not JSON") from error
        if not isinstance(answer.data, dict):
            raise SlackUnclear(f"{method}: an answer that is not JSON")
        return answer.data


def _content(message: Message, key: str) -> dict[str, Any]:
    return {
        "text": message.text,
        "blocks": message.blocks,
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key}},
    }


def _told_apart(method: str, error: SlackApiError) -> SlackBusy | SlackUnclear | SlackFailed:
    response = error.response
    status: int = getattr(response, "status_code", 0) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return SlackBusy(f"{method}: rate limit", _retry_after(response.headers))
    if status >= 500 or code in UNCLEAR or (code is None and status == 200):
        return SlackUnclear(f"{method}: {code or status}")
    return SlackFailed(method, code or f"http_{status}")


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds; headers come in any case. One second when Slack did not say."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            try:
                return max(float(value), 0.0)
            except ValueError:
                break
    return 1.0
