"""Which posts in a channel are about an alarm, whoever posted them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from handlers.envelopes import AlarmSeen
from handlers.json_access import Ignored, text_in
from handlers.slack.alarm_messages import alarm_in, app_id, is_forwarded

_POSTS = frozenset({"", "bot_message", "file_share", "thread_broadcast"})  # new posts
_SLACKBOT = "USLACKBOT"


def alarm_seen(
    message: Mapping[str, Any],
    team: str,
    channel: str,
    own_app: str,
    alarm_apps: Collection[str],
) -> AlarmSeen | Ignored | None:
    """The alarm that a message tells of, or why it tells of none.

    Only posts by other apps count, what somebody forwarded, and e-mails, which Slackbot posts; None
    for anything else.

    Args:
        message: as an event or a channel's history has it.
        team: the workspace.
        channel: id of the channel it is in.
        own_app: id of this app, whose own posts are not read. Bolt itself drops only those of its
            bot user.
        alarm_apps: ids of the apps that are known to post alarms.
    """
    if text_in(message.get("subtype")) not in _POSTS:
        return None
    slackbot = message.get("user") == _SLACKBOT
    if not (message.get("bot_id") or slackbot or is_forwarded(message)):
        return None
    poster = app_id(message)
    if poster and poster == own_app:
        return None
    alarm = alarm_in(message, alarm_apps)
    if isinstance(alarm, Ignored):
        return alarm
    person = "" if message.get("bot_id") or slackbot else text_in(message.get("user"))
    return AlarmSeen(
        team=team,
        channel=channel,
        ts=text_in(message.get("ts")),
        thread_ts=text_in(message.get("thread_ts")) or None,
        alarm=alarm,
        known_sender=poster in alarm_apps,
        forwarded_by=person or None,
    )
