"""Since when is a level abnormal, and is it over? For signals that are no share of requests.

A minute is bad when its value is on the bad side of the limit (the alarm's threshold, else the
signal's floor); where no alarm sets the limit, it has to be worse than usual as well. The onset is
the first bad minute that the alarm's M of N confirms. It is over after `Signal.quiet` minutes
without a bad one: a level that goes up and down is not over each time it is down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.playbook_contract import Scope
from bot.domain.report import Gap, SignalState
from bot.domain.run import Answer, Verification
from playbooks.evidence.onset import (
    BEFORE_ALARM,
    LATEST,
    STALE,
    AnomalyWindow,
    bad_of_the_incident,
    next_minute,
    normal_minutes,
)
from playbooks.evidence.signal import Absent, Direction, Limit, Signal
from playbooks.probes.edge import Edge
from playbooks.probes.metrics import MINUTE, TimeSeries, settled_until


@dataclass(frozen=True, slots=True)
class Level:
    """A signal's values a minute. `at`: what it is measured at ("checkout-tg")."""

    signal: Signal
    values: TimeSeries
    at: str

    def filled(self, start: datetime, end: datetime) -> TimeSeries:
        """The values in [start, end); where a missing minute is normal, it is 0."""
        found = self.values.between(start, end)
        if self.signal.absent is Absent.UNKNOWN:
            return found
        minutes = int((end - start) / MINUTE)
        empty = {start + number * MINUTE: 0.0 for number in range(minutes)}
        return TimeSeries(empty | dict(found.points))

    def usual(self, scope: Scope) -> float | None:
        """The median minute of the baseline; None without a baseline."""
        window = scope.window
        return self.filled(window.baseline_start, window.baseline_end).typical()

    def bad(self, scope: Scope, value: float) -> bool:
        """Whether a value is bad."""
        limit = self.signal.limit(scope.alarm)
        usual = self.usual(scope)
        if limit.of_alarm or usual is None:
            return limit.reached(value)
        worse = Limit(usual, limit.direction, inclusive=False)
        return worse.reached(value) and (limit.direction is Direction.BELOW or limit.reached(value))


def anomaly_window(
    level: Level | Gap | None, edge: Edge | Gap | None, scope: Scope, label: str
) -> AnomalyWindow:
    """The anomaly the alarm is about; the minutes around the alarm when no bad minute is known.

    `label` is what the errors of requests are called, which the window counts in these minutes:
    there may be none.
    """
    window = scope.window
    bad = bad_minutes(level, scope) if isinstance(level, Level) else []
    start, end = window.began - BEFORE_ALARM, window.end
    if bad:
        start, end = bad[0], bad[-1] + MINUTE
    errors = requests = 0.0
    if isinstance(edge, Edge):
        errors = edge.errors.between(start, end).total()
        requests = edge.requests.between(start, end).total()
    return AnomalyWindow(
        label=label,
        onset=start if bad else None,
        start=start,
        end=end,
        baseline_start=window.baseline_start,
        baseline_end=min(window.baseline_end, start - 2 * MINUTE),
        share=min(1.0, errors / requests) if requests else None,
        errors=errors if requests else None,
    )


def bad_minutes(level: Level, scope: Scope) -> list[datetime]:
    """The bad minutes of the incident the alarm is about, oldest first."""
    found = level.filled(scope.window.start, scope.window.end)
    minutes = sorted(found.points)
    flags = [level.bad(scope, found.points[at]) for at in minutes]
    needed, of = level.signal.confirmed_by(scope.alarm)
    confirmed = [
        flag and sum(flags[i : i + of]) >= min(needed, len(flags[i : i + of]))
        for i, flag in enumerate(flags)
    ]
    return bad_of_the_incident(minutes, flags, confirmed, scope, reach=of)


def signal_state(level: Level, scope: Scope, anomaly: AnomalyWindow) -> SignalState:
    """Whether the level is abnormal around the alarm, and whether that is over."""
    window, label = scope.window, level.signal.label
    usual = level.usual(scope)
    said = f"usual: {usual:.0f}" if usual is not None else "usual: not known"
    now = level.filled(anomaly.start, window.end)
    if not now:
        return SignalState(abnormal=None, text=f"no {label} counted at {level.at}")
    above = level.signal.direction is Direction.ABOVE
    worst = now.peak() if above else now.lowest()
    text = f"{label} of {level.at}: {'up to' if above else 'down to'} {worst:.0f}"
    if anomaly.onset is None:
        return SignalState(abnormal=False, over=False, text=f"{text} ({said})")
    later = level.filled(anomaly.end, window.end)
    over = len(later.points) >= level.signal.quiet and window.end - anomaly.end > STALE
    until = f", normal again since {anomaly.end:%H:%M} UTC" if over else ""
    since = f"since {anomaly.onset:%H:%M} UTC"
    settled = settled_until(window)
    latest = level.filled(settled - LATEST * MINUTE, settled).typical()
    return SignalState(
        abnormal=True,
        over=over,
        text=f"{text} {since} ({said}){until}",
        label=label,
        was=None if worst is None else f"{worst:.0f}",
        now=None if latest is None else f"{latest:.0f}",
    )


def recovery(level: Level | Gap | None, scope: Scope, since: datetime) -> Verification:
    """Whether the level is normal again since `since`: after `Signal.quiet` minutes without a bad
    one. Without so many minutes the answer is inconclusive."""
    now = scope.window.end
    if not isinstance(level, Level):
        why = level.detail if isinstance(level, Gap) else "nothing to measure it at"
        return Verification(answer=Answer.INCONCLUSIVE, text=why, at=now)
    found = level.filled(next_minute(since), now)
    minutes = sorted(found.points)[-level.signal.quiet :]
    if not minutes or now - minutes[-1] > STALE + timedelta(minutes=1):
        text = f"no {level.signal.label} counted at {level.at} in the latest minutes since then"
        return Verification(answer=Answer.INCONCLUSIVE, text=text, at=now)
    normal = [not level.bad(scope, found.points[at]) for at in minutes]
    latest = found.points[minutes[-1]]
    text = f"{level.signal.label} of {level.at}: {latest:.0f}; {normal_minutes(normal)}"
    enough = len(minutes) >= level.signal.quiet
    answer = Answer.INCONCLUSIVE  # also while a bad minute just after the change is in sight
    if enough and all(normal):
        answer = Answer.YES
    elif enough and not all(normal[-LATEST:]):
        answer = Answer.NO
    mixed = answer is Answer.INCONCLUSIVE and enough
    return Verification(answer=answer, text=text, at=now, mixed=mixed)
