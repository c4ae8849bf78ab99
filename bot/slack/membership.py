"""Who sees what is said in a channel: everybody in a public one, its members in a private one."""

from __future__ import annotations

import logging
import time

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.faults import FAULTS

log = logging.getLogger(__name__)

REMEMBERED = 300.0  # seconds an answer is used; who leaves a channel sees it so much longer
PAGE = 200  # members in one reply (Slack recommends no more, conversations.members)


class SlackMembership:
    """Implements `bot.domain.slack_ports.Membership`."""

    def __init__(self, web: AsyncWebClient) -> None:
        self._web = web
        self._members: dict[str, tuple[float, frozenset[str] | None]] = {}

    async def sees(self, user: str, channel: str) -> bool:
        known = self._members.get(channel)
        if known is None or known[0] < time.monotonic():
            try:
                members = await self._read(channel)
            except FAULTS as fault:
                log.warning("who may see %s is not known: %s", channel, fault)
                return False
            known = (time.monotonic() + REMEMBERED, members)
            self._members[channel] = known
        return known[1] is None or user in known[1]

    async def _read(self, channel: str) -> frozenset[str] | None:
        """The members of a private channel; None for a public one."""
        about = (await self._web.conversations_info(channel=channel))["channel"]
        if about.get("is_channel") and not about.get("is_private"):
            return None
        members: set[str] = set()
        cursor: str | None = None
        while True:
            page = await self._web.conversations_members(channel=channel, limit=PAGE, cursor=cursor)
            members.update(page["members"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return frozenset(members)
