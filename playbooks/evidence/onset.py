"""Since when are errors abnormal, and is it over? One detector for both.

A minute is bad when the front door's share of errors is above three times the 95th percentile of
the baseline and reaches the alarm's threshold. The onset is the first bad minute of which two of
three are bad; minutes without requests are not counted. It is over when the latest minutes are
normal again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.playbook_contract import Scope
from bot.domain.report import Gap, SignalState
from bot.domain.run import Answer, Verification
from playbooks.evidence.signal import Signal
from playbooks.evidence.wording import percent
from playbooks.probes.edge import Edge
from playbooks.probes.metrics import (
    MINUTE,
    UNSETTLED_FOR_RECOVERY,
    TimeSeries,
    ratio,
    settled_until,
)

BAD_TIMES_USUAL = 3.0
BURST = 0.05  # of requests: so many errors are an incident even if for one minute only
BURST_ERRORS = 10  # fewer say nothing about a share
NORMAL_TIMES_USUAL = 1.5
FLOOR = 0.01  # of requests; stands in for a threshold that is not known
SEPARATE = timedelta(minutes=10)  # without a bad minute for so long, the next is another incident
ENOUGH_BASELINE = 10  # minutes of baseline in each half, to compare the halves
LATEST, NORMAL_OF_LATEST, NORMAL_AT_LAST = 5, 3, 2  # minutes
STALE = timedelta(minutes=5)  # metrics come up to that late; after it, there were no requests
BEFORE_ALARM = timedelta(minutes=5)  # looked at when the onset is not known


@dataclass(frozen=True, slots=True)
class Detector:
    """Tells bad minutes from normal ones.

    `usual`: 95th percentile of the baseline's share of errors; None without a baseline. The alarm's
    threshold is a share of requests or a count a minute, or neither when it is not known.
    """

    usual: float | None
    alarm_share: float | None = None
    alarm_count: float | None = None

    def bad(self, share: float, errors: float) -> bool:
        """Whether a minute is far above the usual and reaches the alarm's threshold."""
        if share <= BAD_TIMES_USUAL * (self.usual or 0.0):
            return False
        return self._alarming(share, errors)

    def normal(self, share: float, errors: float) -> bool:
        """Whether a minute is near the usual, or below the alarm's threshold.

        A threshold that is a count does not depend on traffic: few errors among few requests are
        normal only as a small share.
        """
        if share <= NORMAL_TIMES_USUAL * (self.usual or 0.0):
            return True
        if self.alarm_count is not None and share >= FLOOR:
            return False
        return not self._alarming(share, errors)

    def _alarming(self, share: float, errors: float) -> bool:
        if self.alarm_count is not None:
            return errors > 0 and errors >= self.alarm_count
        return share > 0 and share >= (FLOOR if self.alarm_share is None else self.alarm_share)


def detector(edge: Edge, scope: Scope, signal: Signal) -> Detector:
    """The detector for a front door: its usual from the baseline, its threshold from the alarm."""
    baseline = edge.rate.between(scope.window.baseline_start, scope.window.baseline_end)
    share, count = signal.threshold(scope.alarm)
    return Detector(usual_of(baseline), share, count)


def usual_of(baseline: TimeSeries) -> float | None:
    """The 95th percentile of the whole baseline or of its first half, whichever is lower.

    The first half is asked because a slow alarm lets the incident reach into the baseline's end.
    """
    whole = baseline.quantile(0.95)
    if whole is None or len(baseline.points) < 2 * ENOUGH_BASELINE:
        return whole
    minutes = sorted(baseline.points)
    early = baseline.between(minutes[0], minutes[len(minutes) // 2]).quantile(0.95)
    return whole if early is None else min(whole, early)


@dataclass(frozen=True, slots=True)
class AnomalyWindow:
    """The minutes in which errors are abnormal, [start, end), and the baseline to compare with.

    `label`: what sentences call the errors. `onset`: the first bad minute; None when none is known,
    and then the minutes around the alarm stand in. `share`: errors of all requests in these
    minutes; `errors`: their number; `usual`: the detector's usual share.
    """

    label: str
    onset: datetime | None
    start: datetime
    end: datetime
    baseline_start: datetime
    baseline_end: datetime
    share: float | None = None
    errors: float | None = None
    usual: float | None = None

    def during(self, series: TimeSeries) -> TimeSeries:
        """The part of a series in the anomaly."""
        return series.between(self.start, self.end)

    def baseline(self, series: TimeSeries) -> TimeSeries:
        """The part of a series in the baseline."""
        return series.between(self.baseline_start, self.baseline_end)

    def times_usual(self, series: TimeSeries) -> float | None:
        """The median minute of the anomaly as a multiple of the baseline's."""
        return ratio(self.during(series).typical(), self.baseline(series).typical())

    def explains(self, share: float | None) -> float | None:
        """How much of the errors a share of the requests makes up: 1.0 is all of them."""
        return min(1.0, share / self.share) if share is not None and self.share else None


def anomaly_window(edge: Edge | Gap | None, scope: Scope, signal: Signal) -> AnomalyWindow:
    """The anomaly the alarm is about; the minutes around the alarm when no bad minute is known."""
    window = scope.window
    around_alarm = AnomalyWindow(
        label=signal.label,
        onset=None,
        start=window.began - BEFORE_ALARM,
        end=window.end,
        baseline_start=window.baseline_start,
        baseline_end=window.baseline_end,
    )
    if edge is None or isinstance(edge, Gap):
        return around_alarm
    known = detector(edge, scope, signal)
    bad = bad_minutes(edge, known, scope) or bad_minutes(edge, Detector(known.usual), scope)
    if not bad:
        return around_alarm
    began, last = bad[0], bad[-1]
    end = last + MINUTE
    errors = edge.errors.between(began, end).total()
    requests = edge.requests.between(began, end).total()
    return AnomalyWindow(
        label=signal.label,
        onset=began,
        start=began,
        end=end,
        baseline_start=window.baseline_start,
        baseline_end=min(window.baseline_end, began - 2 * MINUTE),
        share=min(1.0, errors / requests) if requests else None,
        errors=errors,
        usual=known.usual,
    )


def bad_minutes(edge: Edge, detector: Detector, scope: Scope) -> list[datetime]:
    """The bad minutes of the incident the alarm is about: those around it, oldest first."""
    rate = edge.rate.between(scope.window.start, scope.window.end)
    minutes = sorted(rate.points)
    flags = [detector.bad(rate.points[at], edge.errors.points.get(at, 0.0)) for at in minutes]
    bursts = [
        flag and rate.points[at] >= BURST and edge.errors.points.get(at, 0.0) >= BURST_ERRORS
        for at, flag in zip(minutes, flags, strict=True)
    ]
    chosen = [each or burst for each, burst in zip(two_of_three(flags), bursts, strict=True)]
    return bad_of_the_incident(minutes, flags, chosen, scope)


def bad_of_the_incident(
    minutes: Sequence[datetime],
    flags: Sequence[bool],
    confirmed: Sequence[bool],
    scope: Scope,
    reach: int = 3,
) -> list[datetime]:
    """The bad minutes that belong to the alarm's incident, oldest first.

    `flags`: which minutes are bad; `confirmed`: which of them others confirm, among the next
    `reach`. Confirmed minutes that are near each other are one incident: the latest that began
    before the alarm.
    """
    runs: list[list[datetime]] = []
    for at, sure in zip(minutes, confirmed, strict=True):
        if not sure:
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
    last = chosen[-1] + (reach - 1) * MINUTE
    return [at for at, flag in zip(minutes, flags, strict=True) if flag and chosen[0] <= at <= last]


def signal_state(edge: Edge, scope: Scope, signal: Signal, anomaly: AnomalyWindow) -> SignalState:
    """Whether errors are abnormal around the alarm, and whether they are normal again.

    Not known without requests to measure them by. Over when the minutes since the anomaly had
    requests and were normal.
    """
    window = scope.window
    known = detector(edge, scope, signal)
    usual = f"usual: {percent(known.usual)}" if known.usual is not None else "usual: not known"
    if anomaly.onset is not None:
        until = settled_until(window, UNSETTLED_FOR_RECOVERY)
        later = edge.rate.between(anomaly.end, until).points
        normal = [
            known.normal(share, edge.errors.points.get(at, 0.0)) for at, share in later.items()
        ]
        over = window.end - anomaly.end > STALE and bool(normal) and all(normal)
        text = f"{signal.label} on {percent(anomaly.share)} of requests"
        since = f"since {anomaly.onset:%H:%M} UTC"
        ended = f", normal again since {anomaly.end:%H:%M} UTC" if over else ""
        return SignalState(
            abnormal=True,
            over=over,
            text=f"{text} {since} ({usual}){ended}",
            label=signal.label,
            was=percent(anomaly.share),
            now=latest_share(edge, scope, anomaly.onset),
        )
    around = edge.requests.between(anomaly.start, window.end)
    requests = around.total()
    if not requests:
        return SignalState(abnormal=None, text=f"no requests counted at {edge.name}")
    share = edge.errors.between(anomaly.start, window.end).total() / requests
    text = f"{signal.label} on {percent(share)} of {requests:,.0f} requests ({usual})"
    if known.usual is None:
        return SignalState(abnormal=None, text=text)
    return SignalState(abnormal=False, over=False, text=text)


def latest_share(edge: Edge, scope: Scope, onset: datetime) -> str | None:
    """ "0.3 %": errors as a share of the requests of the latest five settled minutes since the
    onset; None without requests."""
    until = settled_until(scope.window)
    requests = edge.requests.between(max(onset, until - LATEST * MINUTE), until)
    if not requests.total():
        return None
    errors = sum(edge.errors.points.get(at, 0.0) for at in requests.points)
    return percent(min(1.0, errors / requests.total()))


def two_of_three(flags: Sequence[bool]) -> list[bool]:
    """Which minutes are bad and, with the next two, one of at least two bad ones.

    At the very end fewer minutes follow: there one or two bad ones are enough.
    """
    return [
        flag and sum(flags[i : i + 3]) >= min(2, len(flags[i : i + 3]))
        for i, flag in enumerate(flags)
    ]


def recovery(
    edge: Edge | Gap | None, scope: Scope, since: datetime, now: datetime, signal: Signal
) -> Verification:
    """Whether errors are normal again since `since`: by the latest five minutes that had requests
    and whose points are final. Newer minutes can say no, as errors are only added to a minute, but
    not yes. Without such minutes the answer is inconclusive; `now` dates it."""
    if edge is None:
        return Verification(
            answer=Answer.INCONCLUSIVE, text="no API or load balancer to measure at", at=now
        )
    if isinstance(edge, Gap):
        text = f"{signal.label} could not be read: {edge.detail}"
        return Verification(answer=Answer.INCONCLUSIVE, text=text, at=now)
    rate = edge.rate.between(next_minute(since), scope.window.end)
    known = detector(edge, scope, signal)
    until = settled_until(scope.window, UNSETTLED_FOR_RECOVERY)
    minutes = [
        at
        for at in sorted(rate.points)
        if at < until or not known.normal(rate.points[at], edge.errors.points.get(at, 0.0))
    ][-LATEST:]
    if not minutes or scope.window.end - minutes[-1] > STALE + MINUTE:
        return Verification(
            answer=Answer.INCONCLUSIVE,
            text=_nothing_counted(edge, scope, since),
            at=now,
        )
    normal = [known.normal(rate.points[at], edge.errors.points.get(at, 0.0)) for at in minutes]
    errors = sum(edge.errors.points.get(at, 0.0) for at in minutes)
    requests = sum(edge.requests.points[at] for at in minutes)
    usual = percent(known.usual) if known.usual is not None else "not known"
    text = (
        f"{signal.label} {percent(errors / requests)} of {requests:,.0f} requests "
        f"(usual: {usual}); "
        f"{normal_minutes(normal)}"
    )
    if sum(normal) >= NORMAL_OF_LATEST and all(normal[-NORMAL_AT_LAST:]):
        answer = Answer.YES
    elif len(minutes) >= LATEST and (
        sum(normal) < NORMAL_OF_LATEST or not any(normal[-NORMAL_AT_LAST:])
    ):
        answer = Answer.NO
    else:
        answer = Answer.INCONCLUSIVE
    mixed = answer is Answer.INCONCLUSIVE and len(minutes) >= LATEST
    return Verification(answer=answer, text=text, at=now, mixed=mixed)


def _nothing_counted(edge: Edge, scope: Scope, since: datetime) -> str:
    """Too early to have a full minute, or no requests where there should be some."""
    if scope.window.end - since <= STALE + MINUTE:
        return "waiting for the first full minute"
    return f"no requests counted at {edge.name} in the latest minutes"


def normal_minutes(normal: Sequence[bool]) -> str:
    """ "normal in the last 3 minutes", "normal in 2 of the last 5 minutes"."""
    minutes = "minute" if len(normal) == 1 else f"{len(normal)} minutes"
    if all(normal):
        return f"normal in the last {minutes}"
    if len(normal) == 1:
        return "not normal in the last minute"
    return f"normal in {sum(normal)} of the last {minutes}"


def next_minute(at: datetime) -> datetime:
    """The first whole minute not before `at`."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + MINUTE
