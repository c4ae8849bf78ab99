"""What an investigation found.

Times are timezone-aware UTC by AWS's clock (the `Date` of its replies), so a host with a wrong
clock does not look for the incident in the wrong minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, Field

from bot.domain.alarm import Alarm
from bot.domain.base import Frozen
from bot.domain.resources import Resources


class Window(Frozen):
    """The minutes looked at, and the quiet minutes they are compared with."""

    began: AwareDatetime  # the alarm's change of state, or the time asked about
    start: AwareDatetime
    end: AwareDatetime
    baseline_start: AwareDatetime
    baseline_end: AwareDatetime

    @classmethod
    def around(cls, began: datetime, now: datetime) -> Self:
        """[began-60m, now] against [began-120m, began-15m], in whole minutes.

        What began over 4 hours ago is looked at for the latest 4 hours only: the minutes cost.
        """
        began = began.replace(second=0, microsecond=0)
        end = max(now.replace(second=0, microsecond=0), began + timedelta(minutes=1))
        return cls(
            began=began,
            start=max(began - timedelta(minutes=60), end - timedelta(hours=4)),
            end=end,
            baseline_start=began - timedelta(minutes=120),
            baseline_end=began - timedelta(minutes=15),
        )


class ClueKind(StrEnum):
    NECESSARY = "necessary"  # false: the cause is refuted
    DECISIVE = "decisive"  # +3
    SUPPORTING = "supporting"  # +1
    CONTRADICTING = "contradicting"  # -2


class Clue(Frozen):
    """One sentence with its figure, and whether it holds; None when it could not be checked."""

    kind: ClueKind
    holds: bool | None
    text: str
    figures: dict[str, float] = Field(default_factory=dict)


class CauseStatus(StrEnum):
    SUPPORTED = "supported"
    POSSIBLE = "possible"
    REFUTED = "refuted"
    UNTESTED = "untested"


class Cause(Frozen):
    """A hypothesis weighed. `missing` names the probes it needed and did not get."""

    id: str
    title: str
    status: CauseStatus
    score: int
    clues: tuple[Clue, ...] = ()
    missing: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()  # ids of actions that fit, most fitting first


class GapReason(StrEnum):
    DENIED = "access-denied"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    NOT_FOUND = "not-found"
    NOT_CONFIGURED = "not-configured"
    BUDGET = "budget"
    PENDING = "pending"  # only in a report that is not complete yet
    ERROR = "error"


class Gap(Frozen):
    """A read that failed or could not be made: what it was for stays unknown."""

    probe: str
    reason: GapReason
    detail: str
    permission: str | None = None  # the IAM action that is missing, when that is why


class Change(Frozen):
    """Something somebody changed around the onset. `lag`: seconds from change to onset."""

    at: AwareDatetime
    actor: str
    kind: str  # deployment, alias, configuration, scaling, security-group, other
    resource: str
    summary: str
    until: AwareDatetime | None = None  # a rollout's end
    lag: float | None = None


class BreakdownRow(Frozen):
    """One row of a breakdown: an answer code, how often, of all errors and of all requests."""

    code: str
    count: float
    of_errors: float
    of_requests: float | None


class Series(Frozen):
    """A line of the chart: one value a minute; None where nothing was published."""

    name: str
    points: tuple[tuple[AwareDatetime, float | None], ...]


class Link(Frozen):
    title: str
    url: str


class Cost(Frozen):
    """What the investigation itself cost."""

    calls: int = 0
    metrics: int = 0  # metrics requested of GetMetricData
    log_bytes: int = 0  # scanned by Logs Insights
    usd: float = 0.0
    seconds: float = 0.0


class Verdict(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    INCONCLUSIVE = "inconclusive"


class Overview(Frozen):
    """What a playbook shows of the incident besides its causes."""

    headline: str  # "5XX: 8.4 % of requests, 504 mostly"
    onset: AwareDatetime | None = None
    breakdown: tuple[BreakdownRow, ...] = ()
    changes: tuple[Change, ...] = ()
    chart_title: str = ""
    chart: tuple[Series, ...] = ()
    links: tuple[Link, ...] = ()


class Offer(Frozen):
    """An action that fits the cause found. `fits` is None when its plan could not be computed."""

    action: str
    title: str
    fits: bool | None = True
    why: str = ""  # when fits is None: what could not be read


class Report(Frozen):
    """What an investigation found so far; `complete` when every probe has answered or failed."""

    playbook: str
    service: str
    resources: Resources | None = None  # what the service was found to be made of
    alarm: Alarm | None
    window: Window
    overview: Overview
    verdict: Verdict
    causes: tuple[Cause, ...]  # best first
    gaps: tuple[Gap, ...]
    actions: tuple[Offer, ...] = ()
    next_test: str | None = None  # when inconclusive: what would tell most
    cost: Cost = Cost()
    complete: bool = False
    made_at: AwareDatetime

    @property
    def cause(self) -> Cause | None:
        """The cause the verdict is about; None when inconclusive."""
        return None if self.verdict is Verdict.INCONCLUSIVE or not self.causes else self.causes[0]
