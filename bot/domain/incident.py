"""An incident, the Slack thread it lives in, and its timeline."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime

from bot.domain.alarm import Alarm
from bot.domain.base import Frozen


class Severity(StrEnum):
    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"


class IncidentState(StrEnum):
    OPEN = "open"
    RECOVERED = "recovered"  # the alarm went back to OK
    CLOSED = "closed"


class Incident(Frozen):
    """One incident and the Slack thread it lives in."""

    id: str
    playbook: str
    service: str
    severity: Severity
    state: IncidentState = IncidentState.OPEN
    alarm: Alarm | None = None
    channel: str
    thread_ts: str | None = None  # the post the card hangs under; None until the outbox sent it
    opened_by: str | None = None  # user id; None when an alarm opened it
    opened_at: AwareDatetime  # AWS time
    since: AwareDatetime | None = None  # when it began, as somebody said who asked; AWS time
    recovered_at: AwareDatetime | None = None


class TimelineEntry(Frozen):
    """What happened, when, by whom; `ref` names the plan or report it came from."""

    at: AwareDatetime
    kind: str  # alarm, triage, finding, plan, approval, change, verification, undo, recovery, note
    text: str
    actor: str | None = None  # Slack user id, or None for the bot
    ref: str | None = None
