"""Reads alarms from CloudWatch. A message about an alarm is only taken as a pointer to it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from bot.domain.alarm import Alarm, AlarmState
from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import GapReason

PERMISSIONS = ("cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory")


def reread(aws: Aws, alarm: Alarm) -> Alarm:
    """The alarm as CloudWatch has it now.

    Raises ReadFailed when it can't be read, with NOT_FOUND when it does not exist.
    """
    page = aws.read(
        "cloudwatch",
        "describe_alarms",
        AlarmNames=[alarm.name],
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    found = [*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())]
    if not found:
        detail = f"CloudWatch in {aws.region} has no alarm {alarm.name!r}"
        raise ReadFailed(GapReason.NOT_FOUND, detail)
    return from_description(found[0], aws.region)


def last_alarm_time(aws: Aws, alarm: Alarm) -> datetime | None:
    """When the alarm last changed to ALARM, from its history; None when that does not say.

    CloudWatch keeps the history for 30 days (API reference, DescribeAlarmHistory). Raises
    ReadFailed.
    """
    for page in aws.pages(
        "cloudwatch",
        "describe_alarm_history",
        AlarmName=alarm.name,
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        HistoryItemType="StateUpdate",
        ScanBy="TimestampDescending",
    ):
        for item in page.get("AlarmHistoryItems", ()):
            if _new_state(item) == AlarmState.ALARM:
                moment: datetime = item["Timestamp"]
                return moment
    return None


def _new_state(item: dict[str, Any]) -> str | None:
    try:
        state = json.loads(item.get("HistoryData", ""))["newState"]["stateValue"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(state)


def from_description(entry: dict[str, Any], region: str) -> Alarm:
    """The alarm in one entry of DescribeAlarms' reply.

    Of metric math the first metric is taken: its dimensions say which service it is about. The
    threshold is left out then, because it is the expression's and not that metric's.
    """
    queries = entry.get("Metrics", ())
    is_math = any("Expression" in query for query in queries)
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
    metric = stats[0]["Metric"] if stats else entry
    changed = entry.get("StateTransitionedTimestamp") or entry.get("StateUpdatedTimestamp")
    return Alarm(
        name=entry["AlarmName"],
        arn=entry["AlarmArn"],
        region=region,
        account=entry["AlarmArn"].split(":")[4],
        state=AlarmState(entry["StateValue"]),
        reason=entry.get("StateReason", ""),
        changed_at=changed,
        namespace=metric.get("Namespace"),
        metric=metric.get("MetricName"),
        dimensions={pair["Name"]: pair["Value"] for pair in metric.get("Dimensions", ())},
        statistic=(stats[0]["Stat"] if stats else None)
        or entry.get("Statistic")
        or entry.get("ExtendedStatistic"),
        period=entry.get("Period") or (stats[0]["Period"] if stats else None),
        threshold=None if is_math else entry.get("Threshold"),
    )


def list_firing(aws: Aws) -> list[Alarm]:
    """The metric alarms of the account and region in state ALARM, the latest change first.

    Raises ReadFailed.
    """
    found = [
        from_description(entry, aws.region)
        for page in aws.pages("cloudwatch", "describe_alarms", StateValue="ALARM")
        for entry in page.get("MetricAlarms", ())
    ]
    return sorted(found, key=lambda alarm: str(alarm.changed_at), reverse=True)
