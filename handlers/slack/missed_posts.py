"""What was posted while the bot was away: looked up in the channels' history when it is back.

Slack sends an event again for about five minutes; what was posted in a longer outage never comes.
For each channel there is a time until which its posts have been seen. While events come in, it goes
on; after a gap, the posts since then are read first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from bot.domain.errors import SlackFailed
from bot.domain.ports import Store
from bot.incidents.catch_up import CatchUp, Missed
from handlers.envelopes import AlarmSeen
from handlers.json_access import dict_in, text_in
from handlers.slack.alarm_posts import alarm_seen

log = logging.getLogger(__name__)

GAP = 30.0  # seconds without a look after which posts may have been missed
LATEST = 10.0  # seconds: of younger posts the events are still on their way
MARGIN = 60.0  # seconds before the gap that are read, too
FARTHEST = 86_400.0  # seconds; what was missed before is history
LISTED = 600.0  # seconds for which the list of channels is good
REMEMBERED = 86_400  # seconds a post counts as handled, as in `handlers.dispatch`


class History(Protocol):
    """Reads Slack; `bot.slack.history` implements it."""

    async def own(self) -> tuple[str, frozenset[str]]:
        """The workspace, and the ids under which the bot posts."""
        ...

    async def channels(self) -> frozenset[str]:
        """The channels the bot is in."""
        ...

    async def posts(self, channel: str, oldest: float, latest: float) -> list[Mapping[str, Any]]:
        """The posts between two times, the oldest first."""
        ...


class Marks(Protocol):
    """Until when each channel's posts have been seen; `bot.state.posts_seen` implements it."""

    async def all(self) -> dict[str, float]:
        """Seconds since 1970 by channel."""
        ...

    async def set(self, times: Mapping[str, float]) -> None:
        """Set those of some channels."""
        ...


@dataclass(slots=True)
class MissedPosts:
    """Body of the periodic task "follow".

    `connected` says whether events come in now; `known` are channels that are followed even when
    Slack does not list them.
    """

    store: Store
    history: History
    marks: Marks
    catch_up: CatchUp
    connected: Callable[[], bool]
    alarm_apps: Collection[str]
    known: frozenset[str] = frozenset()
    _listed: frozenset[str] = field(default=frozenset(), init=False)
    _list_again: float = field(default=0.0, init=False)
    _looking: bool = field(default=False, init=False)
    _back: float | None = field(default=None, init=False)  # the first look since events come in

    async def follow(self, _: str) -> None:
        """Read what was missed since the last look, if that was too long ago; note the time.

        A look that takes longer than the pause between two is the only one in this process. After
        an outage the same posts are looked for until those of its last seconds are old enough.
        """
        if not self.connected():
            self._back = None
            return
        if self._looking:
            return
        self._looking = True
        try:
            await self._follow()
        finally:
            self._looking = False

    async def _follow(self) -> None:
        now = (await self.store.now()).timestamp()
        self._back = self._back or now
        until = now - LATEST
        marks = await self.marks.all()
        channels = self.known | marks.keys() | await self._channels()
        since = {channel: max(marks.get(channel, until), until - FARTHEST) for channel in channels}
        away = {channel: at for channel, at in since.items() if until - at > GAP}
        await self.marks.set(dict.fromkeys(channels - away.keys(), until))
        read: dict[str, float] = {}
        for channel, at in sorted(away.items()):
            try:
                posts = await self.history.posts(channel, at - MARGIN, until)
                missed = await self._missed(channel, posts)
            except SlackFailed as failed:  # the next look is the next attempt
                log.warning("posts of %s since %.0f are not read: %s", channel, at, failed)
                continue
            since_then = datetime.fromtimestamp(at, UTC)
            if await self.catch_up.tell(channel, missed, since_then, self._handled):
                read[channel] = until if until >= self._back else at
        if away:
            await self.catch_up.look_for_unposted(until - min(away.values()) + MARGIN)
        await self.marks.set(read)  # last: until then a look that was cut short begins anew

    async def _handled(self, post: Missed) -> None:
        await self.store.first_time(f"handled:{post.key}", REMEMBERED)

    async def _missed(self, channel: str, posts: list[Mapping[str, Any]]) -> list[Missed]:
        """The alarms' posts that were not handled yet."""
        team, own = await self.history.own()
        missed = []
        for post in posts:
            if own & {post.get("user"), post.get("bot_id")}:
                continue
            if _home(post) not in ("", team):
                continue  # of another organisation, in a channel that is shared with it
            seen = alarm_seen(post, team, channel, "", self.alarm_apps)
            if isinstance(seen, AlarmSeen) and not await self.store.was_seen(f"handled:{seen.key}"):
                missed.append(
                    Missed(
                        seen.key,
                        seen.alarm,
                        seen.ts,
                        seen.thread_ts,
                        known_sender=seen.known_sender,
                        forwarded=seen.forwarded_by is not None,
                    )
                )
        return missed

    async def _channels(self) -> frozenset[str]:
        """The channels the bot is in, as last listed when they can't be listed now."""
        if time.monotonic() >= self._list_again:
            try:
                self._listed = await self.history.channels()
            except SlackFailed as failed:
                log.warning("the bot's channels are not listed: %s", failed)
            self._list_again = time.monotonic() + LISTED
        return self._listed


def _home(post: Mapping[str, Any]) -> str:
    """The workspace of whoever posted; empty when the post does not say."""
    profile = dict_in(post.get("bot_profile"))
    names = (post.get("user_team"), post.get("team"), profile.get("team_id"))
    return next((text_in(each) for each in names if each), "")
