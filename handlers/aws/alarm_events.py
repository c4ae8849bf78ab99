"""Reads the alarm from CloudWatch's messages, by SNS or EventBridge. Pure; raises nothing.

Shapes: SNS puts `Region` as a display name and dimensions as a list, EventBridge the region's id
and dimensions as a map; metric math has `Metrics`, a composite alarm has a rule and no metric at
all; Lambda and SQS put messages into `Records`. Sources: CloudWatch user guide, "Alarm events and
EventBridge"; SNS messages as they were sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.domain.alarm import ALARM_ARN, REGION, Alarm, AlarmMetric, AlarmState
from bot.domain.alarm_description import composite, conditions, dimensions_in, metrics_in, moment
from handlers.json_access import Ignored, decoded, dict_in, list_in, number_in, text_in
from handlers.region_names import region_of

_ACCOUNT = re.compile(r"\d{12}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):(\d{12}):[^:]+(?::.*)?")
EVENTS = frozenset({"CloudWatch Alarm State Change", "CloudWatch Alarm Contributor State Change"})
_DEEPEST = 4  # SQS in Lambda's Records, SNS in SQS, EventBridge in SNS


def alarms_of(payload: object) -> list[Alarm | Ignored]:
    """The alarms in a payload, one for each message of a batch (`Records` of Lambda or SQS)."""
    return list(_alarms(decoded(payload), "", 0))


def alarm_of(payload: object) -> Alarm | Ignored:
    """The alarm in an EventBridge event, an SNS notification or the message inside one.

    Of a batch it is the first alarm.
    """
    found = alarms_of(payload)
    first = found[0] if found else Ignored("an empty batch")
    return next((each for each in found if isinstance(each, Alarm)), first)


def _alarms(event: dict[str, Any], topic: str, depth: int) -> Iterator[Alarm | Ignored]:
    """`topic` is the ARN of the SNS topic the event came by, or of the subscription."""
    topic = text_in(event.get("TopicArn")) or text_in(event.get("EventSubscriptionArn")) or topic
    records = list_in(event.get("Records"))
    inner = next((event[key] for key in ("Sns", "Message", "body") if key in event), None)
    if depth > _DEEPEST:
        yield Ignored("wrapped too deep")
    elif text_in(event.get("detail-type")) in EVENTS:
        yield from_eventbridge(event)
    elif records:
        for record in records:
            yield from _alarms(dict_in(record), topic, depth + 1)
    elif inner is not None:
        yield from _alarms(decoded(inner), topic, depth + 1)
    else:
        yield from_sns(event, topic)


def from_sns(message: object, topic: str = "") -> Alarm | Ignored:
    """The alarm in the message CloudWatch publishes to an SNS topic.

    Args:
        message: the message.
        topic: the topic's ARN. An alarm publishes to topics of its own region and account
            (CloudWatch user guide, "Notifying users on alarm changes"), so it says where an
            alarm without ARN is.
    """
    alarm = dict_in(message)
    name = text_in(alarm.get("AlarmName"))
    state = _state(alarm.get("NewStateValue"))
    arn = ALARM_ARN.fullmatch(text_in(alarm.get("AlarmArn")))
    sent_by = _TOPIC.fullmatch(topic)
    told = text_in(alarm.get("Region"))
    region = (arn[1] if arn else "") or region_of(told) or (sent_by[1] if sent_by else "")
    if not name or state is None:
        return Ignored("not a CloudWatch alarm: no name or no state in it")
    if not REGION.fullmatch(region):
        return Ignored(f"the alarm's region is not known: {told[:80]!r}")
    account = text_in(alarm.get("AWSAccountId"))
    return Alarm(
        name=name,
        region=region,
        account=account if _ACCOUNT.fullmatch(account) else (sent_by[2] if sent_by else None),
        arn=arn[0] if arn else None,
        state=state,
        reason=text_in(alarm.get("NewStateReason")),
        changed_at=moment(alarm.get("StateChangeTime")),
        **conditions(dict_in(alarm.get("Trigger"))),
        **composite(alarm.get("TriggeringChildren"), alarm.get("AlarmRule")),
    )


def from_eventbridge(event: object) -> Alarm | Ignored:
    """The alarm in an alarm (or contributor) state change event."""
    envelope = dict_in(event)
    detail = dict_in(envelope.get("detail"))
    change = dict_in(detail.get("state"))
    configuration = dict_in(detail.get("configuration"))
    name, region = text_in(detail.get("alarmName")), text_in(envelope.get("region"))
    state = _state(change.get("value"))
    if not name or state is None or not REGION.fullmatch(region):
        return Ignored("not an alarm state change: no name, state or region in it")
    account = text_in(envelope.get("account"))
    because = decoded(change.get("reasonData"))
    contributor = dimensions_in(dict_in(detail.get("alarmContributor")).get("attributes"))
    resources = map(text_in, list_in(envelope.get("resources")))
    return Alarm(
        name=name,
        region=region,
        account=account if _ACCOUNT.fullmatch(account) else None,
        arn=next(filter(ALARM_ARN.fullmatch, resources), None),
        state=state,
        reason=text_in(change.get("reason")),
        changed_at=moment(change.get("timestamp")),
        metrics=_metrics(configuration, contributor),
        compared_with=number_in(because.get("threshold")),
        **composite(because.get("triggeringAlarms"), configuration.get("alarmRule")),
    )


def _metrics(configuration: dict[str, Any], contributor: dict[str, str]) -> tuple[AlarmMetric, ...]:
    """The alarm's metrics. A contributor is the group of a query that crossed the threshold."""
    return tuple(
        each.model_copy(update={"dimensions": {**each.dimensions, **contributor}})
        if each.name and each.expression
        else each
        for each in metrics_in(configuration.get("metrics"))
    )


def _state(value: object) -> AlarmState | None:
    return AlarmState.__members__.get(text_in(value))
