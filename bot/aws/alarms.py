"""Reads alarms from CloudWatch. A message about an alarm is only taken as a pointer to it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from bot.domain.alarm import Alarm, AlarmState
from bot.domain.alarm_description import from_description
from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import GapReason

PERMISSIONS = ("cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory")
MOST_CHILDREN = 100  # names of one DescribeAlarms (API reference, DescribeAlarms, AlarmNames)
MOST_LEVELS = 3  # composite alarms of composite alarms


def reread(aws: Aws, alarm: Alarm) -> Alarm:
    """The alarm as CloudWatch has it now, a composite alarm with its children.

    A child that can't be read is missing from `child_alarms`.

    Raises ReadFailed when the alarm can't be read, with NOT_FOUND when it does not exist.
    """
    found = _described(aws, (alarm.name,), alarm.region)
    if not found:
        detail = f"CloudWatch in {alarm.region} has no alarm {alarm.name!r}"
        raise ReadFailed(GapReason.NOT_FOUND, detail)
    return with_children(aws, found[0])


def with_children(aws: Aws, alarm: Alarm) -> Alarm:
    """The alarm with those of its children, and of theirs, that can be read."""
    return _with_children(aws, alarm, MOST_LEVELS)


def _with_children(aws: Aws, alarm: Alarm, levels: int) -> Alarm:
    if not alarm.children or not levels:
        return alarm
    try:
        children = _described(aws, alarm.children[:MOST_CHILDREN], alarm.region)
    except ReadFailed:
        return alarm
    read = tuple(_with_children(aws, child, levels - 1) for child in children)
    return alarm.model_copy(update={"child_alarms": read})


def _described(aws: Aws, names: tuple[str, ...], region: str) -> list[Alarm]:
    page = aws.read(
        "cloudwatch",
        "describe_alarms",
        region=region,
        AlarmNames=list(names),
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    return [
        from_description(entry, region)
        for entry in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ()))
    ]


def last_alarm_time(aws: Aws, alarm: Alarm) -> datetime | None:
    """When the alarm last changed to ALARM, from its history; None when that does not say.

    CloudWatch keeps the history for 30 days (API reference, DescribeAlarmHistory). Raises
    ReadFailed.
    """
    for page in aws.pages(
        "cloudwatch",
        "describe_alarm_history",
        region=alarm.region,
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


def list_all(aws: Aws, region: str) -> list[Alarm]:
    """All alarms of the account in a region, on metrics and composite. Raises ReadFailed."""
    pages = aws.pages(
        "cloudwatch",
        "describe_alarms",
        region=region,
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    return [
        from_description(entry, region)
        for page in pages
        for entry in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ()))
    ]


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
