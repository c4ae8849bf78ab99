"""A CloudWatch alarm."""

from __future__ import annotations

import re
from enum import StrEnum

from pydantic import AwareDatetime, Field

from bot.domain.base import Frozen

REGION = re.compile(r"(?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-[a-z]+)+-\d{1,2}")
"""The id of an AWS region: "us-east-1"."""


class AlarmState(StrEnum):
    """CloudWatch's names for the states of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Alarm(Frozen):
    """A CloudWatch alarm, from a message (name and region only) or from DescribeAlarms (all)."""

    name: str
    region: str
    account: str | None = None
    arn: str | None = None
    state: AlarmState = AlarmState.ALARM
    reason: str = ""
    changed_at: AwareDatetime | None = None  # StateTransitionedTimestamp
    namespace: str | None = None
    metric: str | None = None  # of metric math: the first metric in the expression
    dimensions: dict[str, str] = Field(default_factory=dict)
    statistic: str | None = None
    period: int | None = None  # seconds
    threshold: float | None = None  # None for metric math: it is the expression's
    children: tuple[str, ...] = ()  # names of a composite alarm's children

    @property
    def key(self) -> str:
        """Account, region and name: the same for every message about this alarm."""
        return f"{self.account or '-'}:{self.region}:{self.name}"
