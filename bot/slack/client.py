"""Slack's Web API for the outbox: one attempt for each call, and three kinds of failure.

slack_sdk repeats a call whose connection broke. That posts twice if Slack had accepted the first
call. Here nothing is repeated: a call that Slack may or may not have accepted raises SlackUnclear.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import ConfigError, SlackFailed
from bot.domain.slack_ports import OwnPost
from bot.slack.message import Message, SlackBusy, SlackUnclear
from bot.slack.refusals import Refusal, refusal_of

EVENT_TYPE = "incident_helper"
TIMEOUT = 10  # seconds for one call; less than the outbox's lease
PAGE = 200  # messages in one page of a channel's history


def web_client(token: str, base_url: str = AsyncWebClient.BASE_URL) -> AsyncWebClient:
    """slack_sdk's client without its retries. `base_url` ends with a slash."""
    return AsyncWebClient(token=token, base_url=base_url, timeout=TIMEOUT, retry_handlers=[])


class SlackClient:
    """Implements `bot.slack.message.Slack` on slack_sdk.

    Raises ConfigError for a client that repeats calls.
    """

    def __init__(self, web: AsyncWebClient) -> None:
        if web.retry_handlers:
            raise ConfigError(
                "this Slack client repeats calls, so it may post twice: use web_client()"
            )
        self._web = web
        self._own_ids: frozenset[str] | None = None

    async def post(self, channel: str, message: Message, *, key: str, thread_ts: str | None) -> str:
        """Post a message (chat.postMessage) and return its ts."""
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
        """Replace a message's content (chat.update)."""
        await self._call(
            "chat.update", json={"channel": channel, "ts": ts, **_content(message, key)}
        )

    async def find(
        self, channel: str, key: str, *, thread_ts: str | None, since: datetime
    ) -> str | None:
        """The ts of the bot's own message with this key, posted after `since`; None if absent.

        Only the bot's own messages count: others could carry the same metadata.
        """
        own_ids = await self._read_own_ids()
        async for message in self._messages(channel, thread_ts, since):
            metadata = message.get("metadata") or {}
            if (
                metadata.get("event_type") == EVENT_TYPE
                and (metadata.get("event_payload") or {}).get("key") == key
                and own_ids & {message.get("user"), message.get("bot_id")}
            ):
                return str(message["ts"])
        return None

    async def own_posts(self, since: datetime) -> list[OwnPost]:
        """Implements `bot.domain.slack_ports.OwnPosts`: threads that began since then are read."""
        own_ids = await self._read_own_ids()
        found = []
        for channel in await self._own_channels():
            threads = []
            async for message in self._messages(channel, None, since):
                found += _own(channel, message, own_ids)
                if own_ids & set(message.get("reply_users") or ()):
                    threads.append(str(message["ts"]))
            for thread in threads:
                async for message in self._messages(channel, thread, since):
                    if message.get("ts") != thread:
                        found += _own(channel, message, own_ids)
        return found

    async def _own_channels(self) -> list[str]:
        """Ids of the channels that the bot is a member of (users.conversations)."""
        params: dict[str, Any] = {
            "types": "public_channel,private_channel",
            "exclude_archived": "true",
            "limit": PAGE,
        }
        found: list[str] = []
        while True:
            answer = await self._call("users.conversations", params=params)
            found += (str(each["id"]) for each in answer.get("channels") or ())
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return found
            params["cursor"] = cursor

    async def _messages(
        self, channel: str, thread_ts: str | None, since: datetime
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The messages of a thread, or of the channel, on all pages."""
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

    async def _read_own_ids(self) -> frozenset[str]:
        if self._own_ids is None:
            answer = await self._call("auth.test")
            self._own_ids = frozenset(
                str(answer[name]) for name in ("user_id", "bot_id") if answer.get(name)
            )
        return self._own_ids

    async def _call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        try:
            answer = await self._web.api_call(method, **arguments)
        except aiohttp.ClientConnectorError as error:
            raise SlackBusy(f"{method}: {error}") from error  # no connection, nothing sent
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise SlackUnclear(f"{method}: {type(error).__name__}: {error}") from error
        except SlackApiError as error:
            raise _failure(method, error) from error
        except AttributeError as error:  # slack_sdk cannot read text/plain: a proxy answered
            raise SlackUnclear(f"{method}: the answer is not JSON") from error
        if not isinstance(answer.data, dict):
            raise SlackUnclear(f"{method}: the answer is not JSON")
        return answer.data


def _own(channel: str, message: Mapping[str, Any], own_ids: frozenset[str]) -> list[OwnPost]:
    """The message, if the bot posted it: others could carry the same metadata."""
    metadata = message.get("metadata") or {}
    key = (metadata.get("event_payload") or {}).get("key")
    if metadata.get("event_type") != EVENT_TYPE or not key:
        return []
    if not own_ids & {message.get("user"), message.get("bot_id")}:
        return []
    ts = str(message["ts"])
    thread = message.get("thread_ts")
    return [OwnPost(channel, ts, str(thread) if thread and thread != ts else None, str(key))]


def _content(message: Message, key: str) -> dict[str, Any]:
    return {
        "text": message.text,
        "blocks": message.blocks,
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key}},
    }


def _failure(method: str, error: SlackApiError) -> SlackBusy | SlackUnclear | SlackFailed:
    """The exception for an error reply, by its HTTP status and Slack's error code."""
    response = error.response
    status: int = getattr(response, "status_code", 0) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    if status == 429 or (code and refusal_of(code) is Refusal.BUSY):
        return SlackBusy(f"{method}: rate limit", _retry_after(response.headers))
    unclear = code and refusal_of(code) is Refusal.UNCLEAR
    if status >= 500 or unclear or (code is None and status == 200):
        return SlackUnclear(f"{method}: {code or status}")
    told = data.get("response_metadata") if isinstance(data, dict) else None
    messages = told.get("messages") if isinstance(told, dict) else None
    said = tuple(str(each) for each in messages) if isinstance(messages, list) else ()
    return SlackFailed(method, code or f"http_{status}", said)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait, from the Retry-After header in any case of letters; 1 if it is missing."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            try:
                return max(float(value), 0.0)
            except ValueError:
                break
    return 1.0
