"""Since when does it burn, and is it over? One detector for both, on the edge's 5XX.

A minute is bad when its share of 5XX is above three times the 95th percentile of the quiet minutes
and reaches the alarm's threshold. The onset is the first bad minute of which two of three are bad
(minutes without requests are not counted); it is over when the latest minutes are calm again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.alarm import Alarm
from bot.domain.contract import Scope
from bot.domain.report import Gap
from bot.domain.run import Answer, Verification
from playbooks.probes.edge import Edge
from playbooks.probes.metrics import MINUTE, Line

BAD_TIMES_USUAL = 3.0
CALM_TIMES_USUAL = 1.5
FLOOR = 0.01  # of requests; stands in for a threshold that is not known
SEPARATE = timedelta(minutes=10)  # calm for so long, and what comes next is another incident
ENOUGH_QUIET = 10  # minutes of baseline needed to split it
LATEST, CALM_OF_LATEST, CALM_AT_LAST = 5, 3, 2  # minutes
STALE = timedelta(minutes=5)  # metrics come up to that late; after it, there were no requests
BEFORE_ALARM = timedelta(minutes=5)  # looked at when the onset is not known

ALARM_METRICS = {
    "AWS/ApiGateway": frozenset({"5XXError", "5xx"}),
    "AWS/ApplicationELB": frozenset(
        {
            "HTTPCode_ELB_5XX_Count",
            "HTTPCode_ELB_500_Count",
            "HTTPCode_ELB_502_Count",
            "HTTPCode_ELB_503_Count",
            "HTTPCode_ELB_504_Count",
            "HTTPCode_Target_5XX_Count",
        }
    ),
}


@dataclass(frozen=True, slots=True)
class Detector:
    """`usual`: 95th percentile of the quiet minutes' 5XX share, None without any. The alarm's
    threshold is a share of requests or a count a minute, or neither when it is not known."""

    usual: float | None
    alarm_share: float | None = None
    alarm_count: float | None = None

    def bad(self, share: float, errors: float) -> bool:
        if share <= BAD_TIMES_USUAL * (self.usual or 0.0):
            return False
        return self._alarming(share, errors)

    def calm(self, share: float, errors: float) -> bool:
        """Near the usual, or below what the alarm is set to. A count says nothing of how many
        requests there were: few errors among fewer requests are calm only as a small share."""
        if share <= CALM_TIMES_USUAL * (self.usual or 0.0):
            return True
        if self.alarm_count is not None and share >= FLOOR:
            return False
        return not self._alarming(share, errors)

    def _alarming(self, share: float, errors: float) -> bool:
        if self.alarm_count is not None:
            return errors > 0 and errors >= self.alarm_count
        return share > 0 and share >= (FLOOR if self.alarm_share is None else self.alarm_share)


def detector(edge: Edge, scope: Scope) -> Detector:
    quiet = edge.rate.between(scope.window.baseline_start, scope.window.baseline_end)
    share, count = threshold(scope.alarm)
    return Detector(usual_of(quiet), share, count)


def usual_of(quiet: Line) -> float | None:
    """The 95th percentile, by the quieter reckoning of all minutes and their first half: a slow
    alarm lets the incident reach into the end of the baseline."""
    whole = quiet.quantile(0.95)
    if whole is None or len(quiet.points) < 2 * ENOUGH_QUIET:
        return whole
    minutes = sorted(quiet.points)
    early = quiet.between(minutes[0], minutes[len(minutes) // 2]).quantile(0.95)
    return whole if early is None else min(whole, early)


def threshold(alarm: Alarm | None) -> tuple[float | None, float | None]:
    """The alarm's threshold as (share of requests, count a minute); None where it is neither.

    API Gateway's 5XXError is 0 or 1 a request, so its Average is the share.
    """
    if (
        alarm is None
        or alarm.threshold is None
        or alarm.metric not in ALARM_METRICS.get(alarm.namespace or "", frozenset())
    ):
        return None, None
    if alarm.statistic == "Sum":
        return None, alarm.threshold * 60 / (alarm.period or 60)
    if alarm.statistic == "Average" and alarm.namespace == "AWS/ApiGateway":
        return alarm.threshold, None
    return None, None


@dataclass(frozen=True, slots=True)
class Burn:
    """The minutes it burns, [start, end), and the quiet ones it is compared with.

    `onset` is None when no bad minute is known; then the minutes around the alarm stand in.
    `share`: 5XX of all requests while it burns.
    """

    onset: datetime | None
    start: datetime
    end: datetime
    quiet_start: datetime
    quiet_end: datetime
    share: float | None = None
    errors: float | None = None
    usual: float | None = None

    def during(self, line: Line) -> Line:
        return line.between(self.start, self.end)

    def before(self, line: Line) -> Line:
        return line.between(self.quiet_start, self.quiet_end)

    def times(self, line: Line) -> float | None:
        """How many times its typical quiet minute a line is while it burns."""
        now, then = self.during(line).typical(), self.before(line).typical()
        return now / then if now is not None and then else None

    def explains(self, share: float | None) -> float | None:
        """How much of the 5XX a share of the requests makes up: 1.0 is all of them."""
        return min(1.0, share / self.share) if share is not None and self.share else None


def burn(edge: Edge | Gap | None, scope: Scope) -> Burn:
    window = scope.window
    around_alarm = Burn(
        onset=None,
        start=window.began - BEFORE_ALARM,
        end=window.end,
        quiet_start=window.baseline_start,
        quiet_end=window.baseline_end,
    )
    if edge is None or isinstance(edge, Gap):
        return around_alarm
    known = detector(edge, scope)
    bad = bad_minutes(edge, known, scope) or bad_minutes(edge, Detector(known.usual), scope)
    if not bad:
        return around_alarm
    began, last = bad[0], bad[-1]
    end = last + MINUTE
    errors = edge.errors.between(began, end).total()
    requests = edge.requests.between(began, end).total()
    return Burn(
        onset=began,
        start=began,
        end=end,
        quiet_start=window.baseline_start,
        quiet_end=min(window.baseline_end, began - 2 * MINUTE),
        share=min(1.0, errors / requests) if requests else None,
        errors=errors,
        usual=known.usual,
    )


def bad_minutes(edge: Edge, detector: Detector, scope: Scope) -> list[datetime]:
    """The bad minutes of the incident the alarm is about: those around it, oldest first."""
    rate = edge.rate.between(scope.window.start, scope.window.end)
    minutes = sorted(rate.points)
    flags = [detector.bad(rate.points[at], edge.errors.points.get(at, 0.0)) for at in minutes]
    runs: list[list[datetime]] = []
    for at, confirmed in zip(minutes, two_of_three(flags), strict=True):
        if not confirmed:
            continue
        if runs and at - runs[-1][-1] <= SEPARATE:
            runs[-1].append(at)
        else:
            runs.append([at])
    started = [run for run in runs if run[0] <= scope.window.began + MINUTE]
    chosen = started[-1] if started else runs[0] if runs else []
    if not chosen:
        return []
    # A run's last bad minute has no bad one after it: it belongs to the run all the same.
    return [
        at
        for at, flag in zip(minutes, flags, strict=True)
        if flag and chosen[0] <= at <= chosen[-1] + 2 * MINUTE
    ]


def two_of_three(flags: Sequence[bool]) -> list[bool]:
    """Bad, and of it and the next two at least two are; at the very end what there is suffices."""
    return [
        flag and sum(flags[i : i + 3]) >= min(2, len(flags[i : i + 3]))
        for i, flag in enumerate(flags)
    ]


def recovery(edge: Edge | Gap | None, scope: Scope, since: datetime, now: datetime) -> Verification:
    """Is it over since `since`? From complete minutes that had requests, and the latest five."""
    if edge is None:
        return Verification(
            answer=Answer.INCONCLUSIVE, text="no API or load balancer to measure at", at=now
        )
    if isinstance(edge, Gap):
        return Verification(
            answer=Answer.INCONCLUSIVE, text=f"5XX could not be read: {edge.detail}", at=now
        )
    rate = edge.rate.between(next_minute(since), scope.window.end)
    minutes = sorted(rate.points)[-LATEST:]
    if not minutes or scope.window.end - minutes[-1] > STALE + MINUTE:
        return Verification(
            answer=Answer.INCONCLUSIVE,
            text=f"no requests counted at {edge.name} in the latest minutes since then",
            at=now,
        )
    known = detector(edge, scope)
    calm = [known.calm(rate.points[at], edge.errors.points.get(at, 0.0)) for at in minutes]
    errors = sum(edge.errors.points.get(at, 0.0) for at in minutes)
    requests = sum(edge.requests.points[at] for at in minutes)
    usual = f"{known.usual:.2%}" if known.usual is not None else "not known"
    text = (
        f"5XX {errors / requests:.2%} of {requests:,.0f} requests in the latest {len(minutes)} "
        f"complete minute{'s' if len(minutes) > 1 else ''} (usual: {usual}); "
        f"{sum(calm)} of {len(minutes)} calm"
    )
    if sum(calm) >= CALM_OF_LATEST and all(calm[-CALM_AT_LAST:]):
        answer = Answer.YES
    elif len(minutes) >= LATEST and (sum(calm) < CALM_OF_LATEST or not any(calm[-CALM_AT_LAST:])):
        answer = Answer.NO
    else:
        answer = Answer.INCONCLUSIVE
    return Verification(answer=answer, text=text, at=now)


def next_minute(at: datetime) -> datetime:
    """The first whole minute not before `at`."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + MINUTE
