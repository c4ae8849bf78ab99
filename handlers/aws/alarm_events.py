"""Reads the alarm from CloudWatch's messages, by SNS or EventBridge. Pure; raises nothing.

Shapes: SNS puts `Region` as a display name and dimensions as a list, EventBridge the region's id
and dimensions as a map; metric math has `Metrics`, a composite alarm has a rule and no metric at
all. Sources: CloudWatch user guide, "Alarm events and EventBridge"; SNS messages as they were sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bot.domain.alarm import REGION, Alarm, AlarmState
from handlers.json_access import Ignored, dict_in, list_in, number_in, text_in, whole_in

_ARN = re.compile(r"arn:aws[a-z-]*:cloudwatch:([a-z0-9-]+):(\d{12}|\d+):alarm:(.+)", re.DOTALL)
_ACCOUNT = re.compile(r"\d{12}")
_IN_RULE = re.compile(r"""ALARM\(\s*["']?(.+?)["']?\s*\)""")
_INSIGHTS = re.compile(r"SELECT\s+(\w+)\((\w+)\)\s+FROM\s+(?:SCHEMA\()?\s*\"([^\"]+)\"", re.I)
EVENTS = frozenset({"CloudWatch Alarm State Change", "CloudWatch Alarm Contributor State Change"})

# SNS has the display name of the region. Source: AWS General Reference, regional endpoints.
REGION_NAMES = {
    "US East (N. Virginia)": "us-east-1",
    "US East (Ohio)": "us-east-2",
    "US West (N. California)": "us-west-1",
    "US West (Oregon)": "us-west-2",
    "Africa (Cape Town)": "af-south-1",
    "Asia Pacific (Hong Kong)": "ap-east-1",
    "Asia Pacific (Hyderabad)": "ap-south-2",
    "Asia Pacific (Jakarta)": "ap-southeast-3",
    "Asia Pacific (Malaysia)": "ap-southeast-5",
    "Asia Pacific (Melbourne)": "ap-southeast-4",
    "Asia Pacific (Mumbai)": "ap-south-1",
    "Asia Pacific (Osaka)": "ap-northeast-3",
    "Asia Pacific (Seoul)": "ap-northeast-2",
    "Asia Pacific (Singapore)": "ap-southeast-1",
    "Asia Pacific (Sydney)": "ap-southeast-2",
    "Asia Pacific (Thailand)": "ap-southeast-7",
    "Asia Pacific (Tokyo)": "ap-northeast-1",
    "Canada (Central)": "ca-central-1",
    "Canada West (Calgary)": "ca-west-1",
    "Europe (Frankfurt)": "eu-central-1",
    "Europe (Ireland)": "eu-west-1",
    "Europe (London)": "eu-west-2",
    "Europe (Milan)": "eu-south-1",
    "Europe (Paris)": "eu-west-3",
    "Europe (Spain)": "eu-south-2",
    "Europe (Stockholm)": "eu-north-1",
    "Europe (Zurich)": "eu-central-2",
    "EU (Frankfurt)": "eu-central-1",
    "EU (Ireland)": "eu-west-1",
    "EU (London)": "eu-west-2",
    "EU (Milan)": "eu-south-1",
    "EU (Paris)": "eu-west-3",
    "EU (Stockholm)": "eu-north-1",
    "Israel (Tel Aviv)": "il-central-1",
    "Mexico (Central)": "mx-central-1",
    "Middle East (Bahrain)": "me-south-1",
    "Middle East (UAE)": "me-central-1",
    "South America (Sao Paulo)": "sa-east-1",
    "South America (São Paulo)": "sa-east-1",
    "AWS GovCloud (US-East)": "us-gov-east-1",
    "AWS GovCloud (US-West)": "us-gov-west-1",
    "China (Beijing)": "cn-north-1",
    "China (Ningxia)": "cn-northwest-1",
}


def alarm_of(payload: object) -> Alarm | Ignored:
    """The alarm in an EventBridge event, an SNS notification or the message inside one."""
    event = _decoded(payload)
    if text_in(event.get("detail-type")) in EVENTS:
        return from_eventbridge(event)
    if "Message" in event:
        event = _decoded(event.get("Message"))
    if text_in(event.get("detail-type")) in EVENTS:  # an EventBridge rule with an SNS target
        return from_eventbridge(event)
    return from_sns(event)


def from_sns(message: object) -> Alarm | Ignored:
    """The alarm in the message CloudWatch publishes to an SNS topic."""
    alarm = dict_in(message)
    name = text_in(alarm.get("AlarmName"))
    state = _state(alarm.get("NewStateValue"))
    arn = _ARN.fullmatch(text_in(alarm.get("AlarmArn")))
    region = arn[1] if arn else REGION_NAMES.get(text_in(alarm.get("Region")).strip(), "")
    if not name or state is None:
        return Ignored("not a CloudWatch alarm: no name or no state in it")
    if not REGION.fullmatch(region):
        return Ignored(f"the alarm's region is not known: {text_in(alarm.get('Region'))[:80]!r}")
    account = text_in(alarm.get("AWSAccountId"))
    trigger = dict_in(alarm.get("Trigger"))
    return Alarm(
        name=name,
        region=region,
        account=account if _ACCOUNT.fullmatch(account) else None,
        arn=arn[0] if arn else None,
        state=state,
        reason=text_in(alarm.get("NewStateReason")),
        changed_at=_time(alarm.get("StateChangeTime")),
        threshold=None
        if _is_metric_math(trigger.get("Metrics"))
        else number_in(trigger.get("Threshold")),
        children=_children(alarm.get("TriggeringChildren"), "Arn", alarm.get("AlarmRule")),
        **(_sns_metric_math(trigger) or _sns_metric(trigger)),
    )


def from_eventbridge(event: object) -> Alarm | Ignored:
    """The alarm in an alarm (or contributor) state change event."""
    envelope = dict_in(event)
    detail = dict_in(envelope.get("detail"))
    state_change = dict_in(detail.get("state"))
    configuration = dict_in(detail.get("configuration"))
    name, region = text_in(detail.get("alarmName")), text_in(envelope.get("region"))
    state = _state(state_change.get("value"))
    if not name or state is None or not REGION.fullmatch(region):
        return Ignored("not an alarm state change: no name, state or region in it")
    account = text_in(envelope.get("account"))
    reason_data = _decoded(state_change.get("reasonData"))
    metrics = list_in(configuration.get("metrics"))
    metric = _event_metric(metrics)
    contributor = dict_in(dict_in(detail.get("alarmContributor")).get("attributes"))
    metric["dimensions"] = {**metric.get("dimensions", {}), **_texts(contributor)}
    return Alarm(
        name=name,
        region=region,
        account=account if _ACCOUNT.fullmatch(account) else None,
        arn=next(filter(_ARN.fullmatch, map(text_in, list_in(envelope.get("resources")))), None),
        state=state,
        reason=text_in(state_change.get("reason")),
        changed_at=_time(state_change.get("timestamp")),
        threshold=None if _is_metric_math(metrics) else number_in(reason_data.get("threshold")),
        children=_children(
            reason_data.get("triggeringAlarms"), "arn", configuration.get("alarmRule")
        ),
        **metric,
    )


def _sns_metric(trigger: dict[str, Any]) -> dict[str, Any]:
    statistic = text_in(trigger.get("Statistic")) or text_in(trigger.get("ExtendedStatistic"))
    return {
        "namespace": text_in(trigger.get("Namespace")) or None,
        "metric": text_in(trigger.get("MetricName")) or None,
        "dimensions": _pairs(trigger.get("Dimensions")),
        "statistic": statistic.title() if statistic.isalpha() else statistic or None,
        "period": whole_in(trigger.get("Period")),
    }


def _is_metric_math(entries: object) -> bool:
    """Whether the alarm is on an expression: its threshold is then not one of the metric."""
    entries = map(dict_in, list_in(entries))
    return any(entry.get("Expression") or entry.get("expression") for entry in entries)


def _sns_metric_math(trigger: dict[str, Any]) -> dict[str, Any] | None:
    """The first metric in metric math or an anomaly band; None for an alarm on a plain metric."""
    for entry in map(dict_in, list_in(trigger.get("Metrics"))):
        stat = dict_in(entry.get("MetricStat"))
        metric = dict_in(stat.get("Metric"))
        if metric:
            return {
                "namespace": text_in(metric.get("Namespace")) or None,
                "metric": text_in(metric.get("MetricName")) or None,
                "dimensions": _pairs(metric.get("Dimensions")),
                "statistic": text_in(stat.get("Stat")) or None,
                "period": whole_in(stat.get("Period")),
            }
    return None


def _event_metric(entries: list[Any]) -> dict[str, Any]:
    for entry in map(dict_in, entries):
        stat = dict_in(entry.get("metricStat"))
        metric = dict_in(stat.get("metric"))
        if metric:
            return {
                "namespace": text_in(metric.get("namespace")) or None,
                "metric": text_in(metric.get("name")) or None,
                "dimensions": _texts(dict_in(metric.get("dimensions"))),
                "statistic": text_in(stat.get("stat")) or None,
                "period": whole_in(stat.get("period")),
            }
        if query := _INSIGHTS.search(text_in(entry.get("expression"))):
            return {
                "namespace": query[3],
                "metric": query[2],
                "statistic": query[1],
                "period": whole_in(entry.get("period")),
            }
    return {}


def _children(triggering: object, key: str, rule: object) -> tuple[str, ...]:
    """Names of the alarms that triggered a composite alarm; if not given, those in its rule."""
    arns = [text_in(dict_in(child).get(key)) for child in list_in(triggering)]
    return _names(arns) or _names(_IN_RULE.findall(text_in(rule)))


def _names(arns: Iterable[str]) -> tuple[str, ...]:
    names = (match[3] if (match := _ARN.fullmatch(arn)) else arn for arn in arns)
    return tuple(dict.fromkeys(name for name in names if name))


def _pairs(dimensions: object) -> dict[str, str]:
    """[{"name": …, "value": …}] as a dict; some senders write the keys with capitals."""
    pairs = (
        {key.lower(): value for key, value in dict_in(each).items()} for each in list_in(dimensions)
    )
    return {
        text_in(pair.get("name")): text_in(pair.get("value")) for pair in pairs if pair.get("name")
    }


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {text_in(key): text_in(value) for key, value in values.items() if text_in(value)}


def _state(value: object) -> AlarmState | None:
    return AlarmState.__members__.get(text_in(value))


def _time(value: object) -> datetime | None:
    """CloudWatch writes "2022-07-22T15:57:45.394+0000"."""
    try:
        at = datetime.fromisoformat(text_in(value))
    except ValueError:
        return None
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _decoded(value: object) -> dict[str, Any]:
    """A JSON object, given as text or already parsed; empty for anything else."""
    if not isinstance(value, str | bytes):
        return dict_in(value)
    try:
        return dict_in(json.loads(value))
    except (ValueError, RecursionError):
        return {}
