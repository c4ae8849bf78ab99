"""What an incident type measures as going wrong, and what its sentences call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.alarm import Alarm
from bot.domain.playbook_contract import AlarmRule


class SignalKind(StrEnum):
    """What the values of a signal are."""

    RATIO = "ratio"  # errors as a share of requests
    RATE = "rate"  # events a minute
    GAUGE = "gauge"  # how much or how many there is
    BINARY = "binary"  # 1 or 0


class Direction(StrEnum):
    """Which side of the threshold is the bad one."""

    ABOVE = "above"
    BELOW = "below"


class Absent(StrEnum):
    """What a minute without a point means."""

    UNKNOWN = "unknown"
    NORMAL = "normal"  # nothing happened


LEVELS = frozenset({"Average", "Maximum", "Minimum"})
"""Statistics of a gauge that its threshold can be compared with minute by minute."""
TWO_OF_THREE = (2, 3)
MOST_MINUTES = 30  # of an alarm's evaluation that are looked at


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold and the side of it that is bad; `inclusive`: at the threshold it is bad, too.
    `of_alarm`: whether an alarm sets it, or it is the signal's own floor."""

    value: float
    direction: Direction
    inclusive: bool = True
    of_alarm: bool = False

    def reached(self, value: float) -> bool:
        """Whether a value is on the bad side."""
        if value == self.value:
            return self.inclusive
        return (value > self.value) is (self.direction is Direction.ABOVE)


@dataclass(frozen=True, slots=True)
class Signal:
    """What an incident type measures.

    `label`: the plural noun that sentences call it by. `alarm_metrics`: by namespace, the metrics
    whose alarms are about it; the thresholds of other alarms are not used. `floor`: the limit where
    no alarm sets one. `quiet`: minutes without a bad one after which it is over (not of ratios).
    """

    label: str
    alarm_metrics: Mapping[str, frozenset[str]]
    kind: SignalKind = SignalKind.RATIO
    direction: Direction = Direction.ABOVE
    floor: float = 0.01
    absent: Absent = Absent.UNKNOWN
    quiet: int = 10

    def alarm_rules(self) -> tuple[AlarmRule, ...]:
        """The alarms an incident type with this signal answers."""
        return tuple(AlarmRule(namespace, names) for namespace, names in self.alarm_metrics.items())

    def watched_by(self, alarm: Alarm | None) -> bool:
        """Whether an alarm is about this signal."""
        if alarm is None or alarm.metric is None:
            return False
        return alarm.metric in self.alarm_metrics.get(alarm.namespace or "", frozenset())

    def threshold(self, alarm: Alarm | None) -> tuple[float | None, float | None]:
        """Of a ratio, the alarm's threshold as (share of requests, errors a minute); None where it
        is neither.

        API Gateway's error metrics are 0 or 1 a request, so their Average is the share (API
        Gateway developer guide, "API Gateway metrics").
        """
        if alarm is None or alarm.threshold is None or not self.watched_by(alarm):
            return None, None
        if alarm.statistic == "Sum":
            return None, alarm.threshold * 60 / (alarm.period or 60)
        if alarm.statistic == "Average" and alarm.namespace == "AWS/ApiGateway":
            return alarm.threshold, None
        return None, None

    def limit(self, alarm: Alarm | None) -> Limit:
        """Of a rate, gauge or binary signal: the alarm's threshold, else the floor.

        A gauge's Sum adds up what several nodes say, and says nothing about one minute's level.
        """
        floor = Limit(self.floor, self.direction)
        if alarm is None or alarm.threshold is None or not self.watched_by(alarm):
            return floor
        value = alarm.threshold
        if self.kind is SignalKind.RATE and alarm.statistic == "Sum":
            value = value * 60 / (alarm.period or 60)
        elif alarm.statistic not in LEVELS:
            return floor
        comparison = alarm.comparison or ""
        side = Direction.BELOW if comparison.startswith("Less") else Direction.ABOVE
        if side is not self.direction:
            return floor
        return Limit(value, side, inclusive="OrEqual" in comparison, of_alarm=True)

    def confirmed_by(self, alarm: Alarm | None) -> tuple[int, int]:
        """How many bad minutes of how many make an onset: the alarm's M of N, else 2 of 3.

        A period of several minutes is bad by one bad minute of it.
        """
        if alarm is None or alarm.evaluation_periods is None or not self.watched_by(alarm):
            return TWO_OF_THREE
        needed = alarm.datapoints_to_alarm or alarm.evaluation_periods
        minutes = alarm.evaluation_periods * max(1, round((alarm.period or 60) / 60))
        minutes = min(minutes, MOST_MINUTES)
        return min(needed, minutes), minutes
