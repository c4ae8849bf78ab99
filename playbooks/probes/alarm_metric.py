"""What an alarm compares with its threshold, as CloudWatch computes it: metric or expression."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from bot.domain.alarm import Alarm, AlarmMetric, AlarmState
from bot.domain.coverage import Coverage
from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from playbooks.probes.metrics import PERIOD, PERMISSION, TimeSeries, series_of


@dataclass(frozen=True, slots=True)
class AlarmMetricValues:
    """The values an alarm watches, one for each of its periods, in the alarm's own unit.

    `alarm`: the alarm on the metric; of a composite alarm one of its children. `compared`: whether
    these are the values that the alarm compares with its threshold; else they are of the metric
    its expression is mainly about. `unread`: sentences on what could not be read.
    """

    alarm: Alarm
    title: str  # "SQS ApproximateAgeOfOldestMessage of payments"
    values: TimeSeries
    period: timedelta
    compared: bool
    unread: tuple[str, ...] = ()

    @property
    def coverage(self) -> Coverage:
        """Complete when CloudWatch has values, and they are what the alarm compares."""
        silent = None if self.values else f"CloudWatch has no values of {self.title}"
        return Coverage.of(silent, *self.unread)


class AlarmMetricProbe(Probe[AlarmMetricValues]):
    title: ClassVar[str] = "the alarm's own metric"
    permissions: ClassVar[tuple[str, ...]] = (PERMISSION,)

    def read(self, aws: Aws, scope: Scope) -> AlarmMetricValues | None:
        if scope.alarm is None:
            return None
        alarm = on_a_metric(scope.alarm)
        if alarm is None:
            raise ReadFailed(
                GapReason.NOT_CONFIGURED, f"which metric {scope.alarm.name} watches is not known"
            )
        subject = alarm.about[0]
        title, period = title_of(subject), max(subject.period or PERIOD, PERIOD)
        unread = _finer_than_read(alarm)
        wanted, returned = queries(alarm, scope.service.account)
        try:
            values = _read(aws, scope, alarm, wanted, returned)
        except ReadFailed as failed:
            if not any("Expression" in each for each in wanted):
                raise
            unread.append(f"the alarm's expression could not be read: {failed.detail}")
            only = [_query(alarm, subject, scope.service.account, "m0")]
            values = _read(aws, scope, alarm, only, "m0")
            return AlarmMetricValues(
                alarm, title, values, timedelta(seconds=period), False, tuple(unread)
            )
        compared = alarm.threshold_metric is None and alarm.compared_with is not None
        if not compared:
            unread.append("its threshold is a band, which was not read")
        return AlarmMetricValues(
            alarm, title, values, timedelta(seconds=period), compared, tuple(unread)
        )


def on_a_metric(alarm: Alarm) -> Alarm | None:
    """The alarm itself; of a composite alarm a child that is read, one in ALARM before others.
    None when no metric is known."""
    known = [each for each in alarm.watched() if each.about]
    firing = [each for each in known if each.state is AlarmState.ALARM]
    return next(iter(firing or known), None)


def title_of(metric: AlarmMetric) -> str:
    """ "SQS ApproximateAgeOfOldestMessage of payments"."""
    namespace = (metric.namespace or "").removeprefix("AWS/")
    whose = ", ".join(value for _, value in sorted(metric.dimensions.items()))
    name = " ".join(each for each in (namespace, metric.name) if each)
    return f"{name} of {whose}" if whose else name


def queries(alarm: Alarm, account: str | None) -> tuple[list[dict[str, Any]], str]:
    """The alarm's own entries as MetricDataQueries, without the band of an alarm on an anomaly,
    and the id of the one that is compared. `account`: the one that is read."""
    entries = [each for each in alarm.metrics if each.id != alarm.threshold_metric]
    named = {each.id: each.id or "m0" for each in entries}
    returned = next((named[each.id] for each in entries if each.returned), named[entries[0].id])
    asked = [_query(alarm, each, account, named[each.id]) for each in entries]
    return [each | {"ReturnData": each["Id"] == returned} for each in asked], returned


def _query(alarm: Alarm, metric: AlarmMetric, account: str | None, identity: str) -> dict[str, Any]:
    """A MetricDataQuery of an entry. Raises ReadFailed for a metric of an account that is not
    read."""
    period = max(metric.period or PERIOD, PERIOD)
    if metric.expression:
        return {"Id": identity, "Expression": metric.expression, "Period": period}
    other = metric.account or alarm.account
    if None not in (other, account) and other != account:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED,
            f"the metric of {alarm.name} is in account {other}, and {account} is read",
        )
    dimensions = [
        {"Name": name, "Value": value} for name, value in sorted(metric.dimensions.items())
    ]
    return {
        "Id": identity,
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": dimensions,
            },
            "Period": period,
            "Stat": metric.statistic or "Average",
        },
    }


def _read(
    aws: Aws, scope: Scope, alarm: Alarm, wanted: Iterable[dict[str, Any]], returned: str
) -> TimeSeries:
    """Raises ReadFailed, also when CloudWatch leaves the query unanswered."""
    found = series_of(
        aws.pages(
            "cloudwatch",
            "get_metric_data",
            region=alarm.region,
            MetricDataQueries=list(wanted),
            StartTime=min(scope.window.baseline_start, scope.window.start),
            EndTime=scope.window.end,
            ScanBy="TimestampAscending",
        )
    )
    if returned not in found:
        raise ReadFailed(GapReason.ERROR, f"CloudWatch did not answer for {alarm.name}")
    return found[returned]


def _finer_than_read(alarm: Alarm) -> list[str]:
    finer = [each.period for each in alarm.metrics if each.period and each.period < PERIOD]
    if not finer:
        return []
    return [f"the alarm looks at every {min(finer)} s, and a value a minute was read"]
