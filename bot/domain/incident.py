"""An incident and its timeline."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime

from bot.domain.alarm import Alarm
from bot.domain.base import Frozen
from bot.domain.report import Change


class Severity(StrEnum):
    """SEV1 is the most severe; see `Service.severity`."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"


class IncidentState(StrEnum):
    """Where an incident is in its life."""

    OPEN = "open"
    RECOVERED = "recovered"  # the alarm went back to OK
    CLOSED = "closed"


class Incident(Frozen):
    """One incident and its Slack thread."""

    id: str
    playbook: str  # the playbook's id
    service: str  # the service's name
    severity: Severity
    state: IncidentState = IncidentState.OPEN
    alarm: Alarm | None = None
    channel: str  # Slack channel id
    thread_ts: str | None = None  # the thread's first message; None until the outbox has sent it
    opened_by: str | None = None  # Slack user id; None when an alarm opened it
    opened_at: AwareDatetime  # AWS time
    since: AwareDatetime | None = None  # when it began, if a person said so; AWS time
    recovered_at: AwareDatetime | None = None
    unposted: str | None = None  # why its card could never be posted; it holds no place then
    previous: str | None = None  # id of the incident of this service and type that ended before it
    noticed: tuple[Change, ...] = ()  # made by others while it was open, oldest first


class TimelineEntry(Frozen):
    """One event of an incident."""

    at: AwareDatetime
    kind: str  # alarm, triage, finding, plan, approval, change, verification, undo, recovery, note
    text: str
    actor: str | None = None  # Slack user id, or None for the bot
    ref: str | None = None  # id of what it is about, such as a run
