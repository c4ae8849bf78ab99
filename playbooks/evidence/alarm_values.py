"""Whether what an alarm watches is abnormal, by the alarm's own comparison, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.alarm import Alarm, AlarmState
from bot.domain.playbook_contract import Scope
from playbooks.evidence.onset import BAD_TIMES_USUAL, BEFORE_ALARM, SEPARATE, STALE, AnomalyWindow
from playbooks.evidence.wording import times
from playbooks.probes.alarm_metric import AlarmMetricValues
from playbooks.probes.metrics import MINUTE, TimeSeries, ratio, settled_until


@dataclass(frozen=True, slots=True)
class AlarmFinding:
    """What an alarm's values show. `start` to `end`: the time in which they are bad.

    `abnormal`: None when it is not known. `onset`: None when it is not known, too, because they
    were bad in the first minute that was read. `over`: whether the latest values are good again.
    """

    abnormal: bool | None
    over: bool | None
    onset: datetime | None
    start: datetime
    end: datetime
    text: str  # "SQS ApproximateAgeOfOldestMessage of payments 5,312 (threshold 300, usual 12)"


def measured(watched: AlarmMetricValues, scope: Scope) -> AlarmFinding:
    """What the alarm's values show around the time it went off.

    They are bad when they pass the alarm's threshold. Where that is not a number, or not what was
    read, when they are above three times the baseline's 95th percentile; then it is never said that
    they are good. That no value passes while CloudWatch has the alarm in ALARM is not known to be
    normal: what is missing or late may have brought it.
    """
    alarm, window = watched.alarm, scope.window
    usable = _usable(watched, scope)
    baseline = watched.values.between(window.baseline_start, window.baseline_end)
    bad = [at for at, value in sorted(usable.points.items()) if _bad(value, watched, baseline)]
    run = _around(bad, window.began, max(SEPARATE, watched.period * (_evaluated(alarm) + 1)))
    usual = _usual(baseline, run)
    around = usable.between(window.began - BEFORE_ALARM - watched.period, window.end)
    if not run:
        value = around.typical()
        text = _told(watched, value, usual)
        latest = max(around.points, default=None)
        recent = latest is not None and window.end - latest <= STALE + watched.period
        firing = alarm.state is AlarmState.ALARM
        certain = watched.compared and not watched.unread and recent and not firing
        return AlarmFinding(
            abnormal=False if certain else None,
            over=None,
            onset=None,
            start=window.began - BEFORE_ALARM,
            end=window.end,
            text=text,
        )
    enough = len(run) >= (alarm.datapoints_to_alarm or _evaluated(alarm))
    started_before = run[0] == min(usable.points)
    end = min(run[-1] + watched.period, window.end)
    over = _over(watched, usable, end, settled_until(window))
    text = _told(watched, usable.between(run[0], end).typical(), usual)
    since = "since before" if started_before else "since"
    text += f", {since} {run[0]:%H:%M} UTC" + (f" until {end:%H:%M} UTC" if over else "")
    return AlarmFinding(
        abnormal=True if enough or alarm.state is AlarmState.ALARM else None,
        over=over,
        onset=None if started_before else run[0],
        start=run[0],
        end=end,
        text=text,
    )


def window_of(finding: AlarmFinding | None, scope: Scope) -> AnomalyWindow:
    """The minutes in which other metrics are looked at, and their baseline: while the alarm's
    values are bad; where that is not known, from shortly before it began on."""
    window = scope.window
    start = window.began - 2 * BEFORE_ALARM if finding is None else finding.start
    start = max(start, window.start)
    end = finding.end if finding is not None and finding.over else window.end
    return AnomalyWindow(
        label="errors",
        onset=finding.onset if finding else None,
        start=start,
        end=max(end, start + MINUTE),
        baseline_start=window.baseline_start,
        baseline_end=min(window.baseline_end, start - 2 * MINUTE),
    )


def passes(value: float, alarm: Alarm) -> bool:
    """Whether a value passes the alarm's threshold, by its comparison."""
    limit = alarm.compared_with
    if limit is None:
        return False
    match alarm.comparison:
        case "GreaterThanOrEqualToThreshold":
            return value >= limit
        case "LessThanThreshold":
            return value < limit
        case "LessThanOrEqualToThreshold":
            return value <= limit
        case _:
            return value > limit


def figure(value: float | None) -> str:
    """ "5,312", "0.42", "unknown"."""
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _usable(watched: AlarmMetricValues, scope: Scope) -> TimeSeries:
    """Without the newest values where they may still rise: a low one is no sign yet."""
    if not (watched.alarm.comparison or "").startswith("Less"):
        return watched.values
    until = settled_until(scope.window) - watched.period + MINUTE
    return watched.values.between(min(watched.values.points, default=until), until)


def _bad(value: float, watched: AlarmMetricValues, baseline: TimeSeries) -> bool:
    if watched.compared:
        return passes(value, watched.alarm)
    usual = baseline.quantile(0.95)
    return usual is not None and usual > 0 and value > BAD_TIMES_USUAL * usual


def _around(bad: list[datetime], began: datetime, apart: timedelta) -> list[datetime]:
    """The bad values around the time the alarm went off: the latest run that began before."""
    runs: list[list[datetime]] = []
    for at in bad:
        if runs and at - runs[-1][-1] <= apart:
            runs[-1].append(at)
        else:
            runs.append([at])
    started = [run for run in runs if run[0] <= began + MINUTE and began - run[-1] <= 2 * apart]
    later = [run for run in runs if run[0] > began + MINUTE]
    return started[-1] if started else later[0] if later else []


def _usual(baseline: TimeSeries, run: list[datetime]) -> float | None:
    """The median of the baseline before the values were bad."""
    before = baseline.between(min(baseline.points), run[0]) if run and baseline else baseline
    return before.typical()


def _over(
    watched: AlarmMetricValues, usable: TimeSeries, end: datetime, late: datetime
) -> bool | None:
    """Whether the values since are good: as many as the alarm evaluates. Without any it is known
    only where the alarm takes what is missing as good."""
    if not watched.compared or watched.unread:
        return None
    length = watched.period * _evaluated(watched.alarm)
    if late - end < length:
        return False
    later = usable.between(end, late + MINUTE)
    if any(passes(value, watched.alarm) for value in later.points.values()):
        return False
    if not later:
        return True if watched.alarm.missing_data == "notBreaching" else None
    return True


def _evaluated(alarm: Alarm) -> int:
    return alarm.evaluation_periods or 1


def _told(watched: AlarmMetricValues, value: float | None, usual: float | None) -> str:
    alarm = watched.alarm
    known = [f"usual {figure(usual)}" if usual is not None else "usual not known"]
    if watched.compared:
        known.insert(0, f"threshold {figure(alarm.compared_with)}")
        if usual is not None and passes(usual, alarm):
            known.append("which passes the threshold, too")
    more = ratio(value, usual)
    if more is not None and more >= BAD_TIMES_USUAL:
        known.append(f"{times(more)} its usual")
    return f"{watched.title} {figure(value)} ({', '.join(known)})"
