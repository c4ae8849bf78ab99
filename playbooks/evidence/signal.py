"""What an incident type measures as going wrong, and what its sentences call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.alarm import Alarm
from bot.domain.playbook_contract import AlarmRule


@dataclass(frozen=True, slots=True)
class Signal:
    """The errors of an incident type.

    `label`: the plural noun that sentences call them by. `alarm_metrics`: by namespace, the metrics
    whose alarms are about these errors; the thresholds of other alarms are not used.
    """

    label: str
    alarm_metrics: Mapping[str, frozenset[str]]

    def alarm_rules(self) -> tuple[AlarmRule, ...]:
        """The alarms an incident type with this signal answers."""
        return tuple(AlarmRule(namespace, names) for namespace, names in self.alarm_metrics.items())

    def threshold(self, alarm: Alarm | None) -> tuple[float | None, float | None]:
        """The alarm's threshold as (share of requests, errors a minute); None where it is neither.

        API Gateway's error metrics are 0 or 1 a request, so their Average is the share (API
        Gateway developer guide, "API Gateway metrics").
        """
        if (
            alarm is None
            or alarm.threshold is None
            or alarm.metric not in self.alarm_metrics.get(alarm.namespace or "", frozenset())
        ):
            return None, None
        if alarm.statistic == "Sum":
            return None, alarm.threshold * 60 / (alarm.period or 60)
        if alarm.statistic == "Average" and alarm.namespace == "AWS/ApiGateway":
            return alarm.threshold, None
        return None, None
