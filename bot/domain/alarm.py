"""A CloudWatch alarm."""

from __future__ import annotations

import re
from enum import StrEnum

from pydantic import AwareDatetime, Field

from bot.domain.base import Frozen

REGION = re.compile(r"(?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-[a-z]+)+-\d{1,2}")
"""The id of an AWS region."""


class AlarmState(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Alarm(Frozen):
    """A CloudWatch alarm as a message told of it, later filled in by DescribeAlarms."""

    name: str
    region: str
    account: str | None = None
    arn: str | None = None
    state: AlarmState = AlarmState.ALARM
    reason: str = ""
    changed_at: AwareDatetime | None = None  # StateTransitionedTimestamp
    namespace: str | None = None
    metric: str | None = None
    dimensions: dict[str, str] = Field(default_factory=dict)
    statistic: str | None = None
    period: int | None = None  # seconds
    threshold: float | None = None
    children: tuple[str, ...] = ()  # names, for a composite alarm

    @property
    def key(self) -> str:
        """The same for every message about this alarm, whatever its path here."""
        return f"{self.account or '-'}:{self.region}:{self.name}"
