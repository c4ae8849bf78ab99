"""Re-reads an alarm from CloudWatch: a message is only a pointer to it."""

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
    """The alarm as CloudWatch has it now. Raises ReadFailed when it can't be read or is gone."""
    page = aws.read(
        "cloudwatch",
        "describe_alarms",
        AlarmNames=[alarm.name],
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    found = [*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())]
    if not found:
        detail = f"CloudWatch in {aws.region} knows no alarm {alarm.name!r}"
        raise ReadFailed(GapReason.NOT_FOUND, detail)
    return described(found[0], aws.region)


def went_off(aws: Aws, alarm: Alarm) -> datetime | None:
    """When it last went into ALARM, by its history (kept for 30 days). Raises ReadFailed."""
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


def described(found: dict[str, Any], region: str) -> Alarm:
    """An entry of DescribeAlarms' reply as an alarm.

    Metric math takes its first real metric, which tells whose alarm it is; its threshold is the
    expression's and says nothing of that metric, so it is left out.
    """
    math = any("Expression" in entry for entry in found.get("Metrics", ()))
    stats = [entry["MetricStat"] for entry in found.get("Metrics", ()) if "MetricStat" in entry]
    metric = stats[0]["Metric"] if stats else found
    changed = found.get("StateTransitionedTimestamp") or found.get("StateUpdatedTimestamp")
    return Alarm(
        name=found["AlarmName"],
        arn=found["AlarmArn"],
        region=region,
        account=found["AlarmArn"].split(":")[4],
        state=AlarmState(found["StateValue"]),
        reason=found.get("StateReason", ""),
        changed_at=changed,
        namespace=metric.get("Namespace"),
        metric=metric.get("MetricName"),
        dimensions={pair["Name"]: pair["Value"] for pair in metric.get("Dimensions", ())},
        statistic=(stats[0]["Stat"] if stats else None)
        or found.get("Statistic")
        or found.get("ExtendedStatistic"),
        period=found.get("Period") or (stats[0]["Period"] if stats else None),
        threshold=None if math else found.get("Threshold"),
    )


def firing(aws: Aws) -> list[Alarm]:
    """Every alarm of the account and region in ALARM state, the latest first. Raises ReadFailed."""
    found = [
        described(entry, aws.region)
        for page in aws.pages("cloudwatch", "describe_alarms", StateValue="ALARM")
        for entry in page.get("MetricAlarms", ())
    ]
    return sorted(found, key=lambda alarm: str(alarm.changed_at), reverse=True)
