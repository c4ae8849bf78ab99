"""Reads what was posted in channels: for the time in which no events came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import SlackFailed
from bot.slack.faults import FAULTS

PAGE = 200  # messages, and channels, in one page
MOST_PAGES = 5
_FINAL = frozenset(
    {"channel_not_found", "is_archived", "missing_scope", "no_permission", "not_in_channel"}
)


class History:
    """Implements `handlers.slack.missed_posts.History`.

    Raises SlackFailed when it could not be read now and may be later.
    """

    def __init__(self, web: AsyncWebClient) -> None:
        self._web = web
        self._own: tuple[str, frozenset[str]] | None = None

    async def own(self) -> tuple[str, frozenset[str]]:
        """The workspace of the token, and the ids under which the bot posts (auth.test)."""
        if self._own is None:
            answer = await self._call("auth.test", {})
            ids = (answer.get("user_id"), answer.get("bot_id"))
            self._own = str(answer.get("team_id") or ""), frozenset(map(str, filter(None, ids)))
        return self._own

    async def channels(self) -> frozenset[str]:
        """Ids of the channels that the bot is a member of (users.conversations)."""
        found = await self._pages(
            "users.conversations",
            {"types": "public_channel,private_channel", "exclude_archived": "true"},
            "channels",
        )
        return frozenset(str(each.get("id")) for each in found)

    async def posts(self, channel: str, oldest: float, latest: float) -> list[Mapping[str, Any]]:
        """The posts of a channel between two times, the oldest first, at most `MOST_PAGES` pages
        of the newest (conversations.history). None of a channel that the bot may not read."""
        span = {"channel": channel, "oldest": f"{oldest:.6f}", "latest": f"{latest:.6f}"}
        try:
            found = await self._pages("conversations.history", span, "messages")
        except SlackFailed as refused:
            if refused.error in _FINAL:
                return []
            raise
        return sorted(found, key=lambda each: str(each.get("ts")))

    async def _pages(
        self, method: str, params: Mapping[str, Any], field: str
    ) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        asked = {**params, "limit": PAGE}
        for _ in range(MOST_PAGES):
            answer = await self._call(method, asked)
            found += answer.get(field) or ()
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
            asked["cursor"] = cursor
        return found

    async def _call(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer = await self._web.api_call(method, params=dict(params))
        except SlackApiError as error:
            data = getattr(error.response, "data", None)
            code = data.get("error") if isinstance(data, dict) else None
            raise SlackFailed(method, str(code)) from error
        except (*FAULTS, AttributeError) as fault:
            raise SlackFailed(method, type(fault).__name__) from fault
        return answer.data if isinstance(answer.data, dict) else {}
