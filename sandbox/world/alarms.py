"""CloudWatch alarms, evaluated on the simulated metrics, with the reasons CloudWatch writes.

Source of the rules: CloudWatch user guide, "Evaluating an alarm" (M out of N datapoints, treatment
of missing data). The reason texts follow recorded alarm notifications.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.world import names
from sandbox.world.api import MetricId, Transition
from sandbox.world.inventory import Inventory
from sandbox.world.kinds import Resource
from sandbox.world.metrics import Sample, statistic
from sandbox.world.schema import Alarm, Metric

Samples = Callable[[MetricId, int], "Sample | None"]
"""What a metric had in a minute (its index), or None."""

_PHRASES = {
    ">": "greater than the threshold",
    ">=": "greater than or equal to the threshold",
    "<": "less than the threshold",
    "<=": "less than or equal to the threshold",
}


@dataclass(frozen=True, slots=True)
class AlarmPost:
    """An alarm changed its state: what a notification about it says."""

    time: datetime
    alarm: Alarm
    arn: str
    metric: MetricId
    region: str
    account: str
    state: str
    previous: str
    reason: str


class Watch:
    """One alarm, evaluated minute by minute."""

    def __init__(
        self, alarm: Alarm, inventory: Inventory, clock: Callable[[int], datetime]
    ) -> None:
        self.alarm = alarm
        self.metric = metric_id(alarm.metric, inventory)
        self.state = "INSUFFICIENT_DATA"
        self.history: list[Transition] = []
        self.posts: list[AlarmPost] = []
        self._inventory = inventory
        self._clock = clock
        # Alarms are evaluated once a minute, each at its own second.
        self.delay = 4.0 + int(names.digest(alarm.name, length=4), 16) % 200 / 10.0

    def restart(self) -> None:
        """Forget everything: evaluation begins anew."""
        self.state = "INSUFFICIENT_DATA"
        self.history.clear()
        self.posts.clear()

    def evaluate(self, minute: int, samples: Samples) -> None:
        """Evaluate at the end of `minute` (exclusive): the periods complete by then."""
        length = int(self.alarm.period // 60)
        last = minute // length * length
        starts = [last - length * (n + 1) for n in range(self.alarm.evaluation_periods)]
        points = [self._point(start, length, samples) for start in starts]
        verdict = self._verdict(points)
        if verdict is None or verdict == self.state:
            return
        at = self._clock(minute) + timedelta(seconds=self.delay)
        reason = self._reason(verdict, starts, points)
        self._record(at, verdict, reason, starts, points)

    def _point(self, start: int, length: int, samples: Samples) -> float | None:
        values: list[float] = []
        weights: list[float] = []
        for minute in range(start, start + length):
            if sample := samples(self.metric, minute):
                values.extend(sample[0])
                weights.extend(sample[1])
        return statistic(self.alarm.statistic, values, weights)

    def _verdict(self, points: Sequence[float | None]) -> str | None:
        """The state the datapoints call for; None to keep the present one."""
        missing = {"notBreaching": False, "breaching": True}.get(self.alarm.missing)
        judged = [missing if point is None else self._breaches(point) for point in points]
        known = [one for one in judged if one is not None]
        if not known:
            return None if self.alarm.missing == "ignore" else "INSUFFICIENT_DATA"
        wanted = self.alarm.datapoints_to_alarm or self.alarm.evaluation_periods
        return "ALARM" if sum(known) >= min(wanted, len(judged)) else "OK"

    def _breaches(self, value: float) -> bool:
        threshold = self.alarm.threshold
        return {
            ">": value > threshold,
            ">=": value >= threshold,
            "<": value < threshold,
            "<=": value <= threshold,
        }[self.alarm.comparison]

    def _reason(self, state: str, starts: Sequence[int], points: Sequence[float | None]) -> str:
        wanted = self.alarm.datapoints_to_alarm or self.alarm.evaluation_periods
        alarmed = state == "ALARM"
        shown = [
            (start, point)
            for start, point in zip(starts, points, strict=True)
            if point is not None and self._breaches(point) == alarmed
        ]
        if state == "INSUFFICIENT_DATA" or not shown:
            return (
                f"Threshold Crossed: no datapoints were received for {len(points)} period"
                f"{'s' if len(points) > 1 else ''} and {len(points)} missing datapoint"
                f"{'s were' if len(points) > 1 else ' was'} treated as "
                f"[{self.alarm.missing[0].upper()}{self.alarm.missing[1:]}]."
            )
        needed = wanted if alarmed else self.alarm.evaluation_periods - wanted + 1
        listed = ", ".join(
            f"{point} ({self._clock(start):%d/%m/%y %H:%M:%S})" for start, point in shown
        )
        was = "was" if len(shown) == 1 else "were"
        phrase = _PHRASES[self.alarm.comparison]
        return (
            f"Threshold Crossed: {len(shown)} out of the last {len(points)} datapoints [{listed}] "
            f"{was} {'' if alarmed else 'not '}{phrase} ({float(self.alarm.threshold)}) "
            f"(minimum {needed} datapoint{'s' if needed > 1 else ''} for "
            f"{self.state} -> {state} transition)."
        )

    def _record(
        self,
        at: datetime,
        state: str,
        reason: str,
        starts: Sequence[int],
        points: Sequence[float | None],
    ) -> None:
        data = {
            "version": "1.0",
            "queryDate": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000",
            "startDate": f"{self._clock(starts[-1]):%Y-%m-%dT%H:%M:%S}.000+0000",
            "statistic": self.alarm.statistic,
            "period": int(self.alarm.period),
            "recentDatapoints": [point for point in reversed(points) if point is not None],
            "threshold": self.alarm.threshold,
        }
        created = not self.history
        self.history.append(Transition(at, state, reason, json.dumps(data)))
        previous, self.state = self.state, state
        if created:  # from INSUFFICIENT_DATA to OK when the alarm is young: nobody posts that
            return
        self.posts.append(
            AlarmPost(
                time=at,
                alarm=self.alarm,
                arn=names.alarm_arn(self._inventory, self.alarm.name),
                metric=self.metric,
                region=self._inventory.region,
                account=self._inventory.account,
                state=state,
                previous=previous,
                reason=reason,
            )
        )


def metric_id(metric: Metric, inventory: Inventory) -> MetricId:
    """The metric an alarm watches; without dimensions, that of the first resource that has it."""
    if metric.dimensions is not None:
        return MetricId(metric.namespace, metric.name, tuple(sorted(metric.dimensions.items())))
    if metric.target_group is not None:
        of_group = (
            each.group_dimensions(metric.target_group) for each in inventory.every(Resource)
        )
        return MetricId(
            metric.namespace, metric.name, next((dims for dims in of_group if dims), ())
        )
    own = (each.alarm_dimensions(metric.namespace) for each in inventory.every(Resource))
    found = next((dims for dims in own if dims is not None), ())
    return MetricId(metric.namespace, metric.name, found)
