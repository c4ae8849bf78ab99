"""What is decided about a request beyond its ids: people of other workspaces of the organisation,
alarms of other organisations, and the reason somebody gives for approving alone."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from bot.domain.people import Standing
from bot.domain.slack_ports import People
from bot.render import LEAST_REASON, MOST_REASON, REASON
from bot.telemetry import metrics
from handlers.envelopes import AlarmOfOthers
from handlers.json_access import Ignored, dict_in, text_in

log = logging.getLogger(__name__)

SECONDS = 1.0  # for a look-up; Slack waits 3 for the acknowledgement
_POSTS = frozenset({"", "bot_message"})  # new posts of apps


async def is_of_organisation(people: People | None, user: str | None) -> bool:
    """Whether a person from another workspace is of the bot's organisation, by their account.

    Args:
        people: looks people up in Slack.
        user: Slack user id; None: nobody whose account would tell.
    """
    if people is None or user is None:
        return False
    try:
        async with asyncio.timeout(SECONDS):
            account = (await people.look_up({user})).account(user)
    except TimeoutError:
        return False
    return account.standing in (Standing.MEMBER, Standing.GUEST)


def alarm_of_others(body: dict[str, Any]) -> AlarmOfOthers | None:
    """The envelope for a post of another organisation's alarm app; None for an edit of one."""
    event = dict_in(body.get("event"))
    if text_in(event.get("subtype")) not in _POSTS:
        return None
    channel = text_in(event.get("channel"))
    log.warning("not followed: an alarm of another organisation in %s", channel)
    metrics.FOREIGN_ALARMS.inc()
    return AlarmOfOthers(team=text_in(body.get("team_id")), channel=channel)


def reason_typed(view: dict[str, Any]) -> str | Ignored:
    """The reason in the modal for approving alone; Ignored, with a sentence for the person, when
    it is too short or too long."""
    values = dict_in(dict_in(view.get("state")).get("values"))
    typed = text_in(dict_in(dict_in(values.get(REASON)).get(REASON)).get("value"))
    reason = " ".join(typed.split())
    if len(reason) < LEAST_REASON:
        return Ignored(f"At least {LEAST_REASON} characters: others will read why.")
    if len(reason) > MOST_REASON:
        return Ignored(f"At most {MOST_REASON} characters.")
    return reason
