"""How far a post about an alarm is trusted whose sender is not known to post alarms. Pure.

Deploy bots, weekly reports and people link alarms, too. A state in their words is not enough:
CloudWatch has to say the same, and that the alarm went off minutes ago.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.alarm import Alarm, AlarmState

LATELY = timedelta(minutes=15)
"""An app posts an alarm within a few minutes; an e-mail may take some more."""


class Trust(StrEnum):
    """What becomes of such a post; the value is for the log."""

    ENOUGH = "it counts as an alarm's post"
    ASK = "a person is asked"
    NONE = "CloudWatch does not confirm it"


def trust(said: Alarm, known: Alarm | None, now: datetime, *, forwarded: bool) -> Trust:
    """How far a post is trusted.

    Args:
        said: the alarm with the state that the post tells.
        known: the alarm as CloudWatch has it; None: it could not be read.
        now: AWS's time.
        forwarded: whether a person forwarded it. Who forwards an alarm of some hours ago is asked
            about it; an app that links one is not.
    """
    if known is None:
        return Trust.ASK if said.state is AlarmState.ALARM else Trust.NONE
    if known.state is not said.state:
        return Trust.NONE
    went_off = said.state is AlarmState.ALARM
    if went_off and known.changed_at is not None and now - known.changed_at > LATELY:
        return Trust.ASK if forwarded else Trust.NONE
    return Trust.ENOUGH
