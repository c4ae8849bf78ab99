"""CloudWatch's messages as AWS documents them and as they were sent, in every wrapper."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.domain.alarm import Alarm
from handlers.aws.alarm_events import alarm_of, alarms_of
from handlers.json_access import Ignored
from tests.support.alarm_files import alarm_message


def told(payload: object) -> Alarm:
    alarm = alarm_of(payload)
    assert isinstance(alarm, Alarm), alarm
    return alarm


@pytest.mark.parametrize(
    ("name", "region", "metrics", "about"),
    [
        ("sns_cloudwatch_metric_alarm", "ca-central-1", 1, ["ConcurrentExecutions"]),
        ("sns_cloudwatch_metric_math", "us-east-1", 2, ["CallCount"]),
        ("sns_cloudwatch_anomaly", "us-west-1", 2, ["CPUUtilization"]),
        ("sns_cloudwatch_composite", "us-east-1", 0, []),
        ("eventbridge_alarm_metric", "us-east-1", 1, ["CPUUtilization"]),
        ("eventbridge_alarm_metric_math", "us-east-1", 3, ["NetworkIn", "NetworkOut"]),
        ("eventbridge_alarm_composite", "us-east-1", 0, []),
        ("eventbridge_alarm_contributor_2025", "us-east-1", 1, ["ConsumedWriteCapacityUnits"]),
    ],
)
def test_every_shape(name: str, region: str, metrics: int, about: list[str]) -> None:
    alarm = told(alarm_message(name))
    assert (alarm.region, len(alarm.metrics)) == (region, metrics)
    assert [each.name for each in alarm.about] == about
    assert alarm.metric == (about[0] if about else None)


def test_conditions_and_children() -> None:
    plain = told(alarm_message("sns_cloudwatch_metric_alarm"))
    assert (plain.comparison, plain.threshold) == ("GreaterThanThreshold", 5.0)
    assert (plain.evaluation_periods, plain.datapoints_to_alarm) == (1, 1)
    assert (plain.missing_data, plain.statistic) == ("missing", "Sum")
    assert told(alarm_message("sns_cloudwatch_anomaly")).threshold_metric == "ad1"
    nodes = told(alarm_message("sns_cloudwatch_composite"))
    assert len(nodes.children) == 2
    assert nodes.suspects == nodes.triggering == nodes.children[:1]
    aggregated = told(alarm_message("eventbridge_alarm_composite"))
    assert aggregated.children == ("ServerCpuTooHigh", "TotalNetworkTrafficTooHigh")
    assert aggregated.suspects == ("ServerCpuTooHigh",)
    table = told(alarm_message("eventbridge_alarm_contributor_2025"))
    assert table.about[0].dimensions == {"TableName": "example-dynamodb-table-name"}


TOPIC = "arn:aws:sns:us-west-2:111122223333:alarms"
OLD = {"AlarmName": "shop-5xx", "NewStateValue": "ALARM", "Trigger": {}}


def notification(region: str, topic: str = TOPIC) -> dict[str, Any]:
    message = json.dumps({**OLD, "Region": region})
    return {"Type": "Notification", "TopicArn": topic, "Message": message}


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("US West - Oregon", "us-west-2"),
        ("US (Virginia)", "us-east-1"),
        ("EU - Ireland", "eu-west-1"),
        ("Europe (Ireland)", "eu-west-1"),
        ("Canada West (Calgary)", "ca-west-1"),
        ("South America (São Paulo)", "sa-east-1"),
        ("AWS GovCloud (US-West)", "us-gov-west-1"),
        ("eusc-de-east-1", "eusc-de-east-1"),
        ("Mars (Olympus)", "us-west-2"),
        ("", "us-west-2"),
    ],
)
def test_a_message_without_arn_is_where_it_says_or_where_its_topic_is(
    text: str, region: str
) -> None:
    alarm = told(notification(text))
    assert (alarm.region, alarm.account) == (region, "111122223333")


def test_a_topic_of_the_sovereign_cloud() -> None:
    topic = "arn:aws-eusc:sns:eusc-de-east-1:111122223333:alarms"
    assert told(notification("", topic)).region == "eusc-de-east-1"
    assert isinstance(alarm_of(notification("", "arn:aws:sns:nowhere")), Ignored)


def test_wrappers_of_lambda_and_sqs() -> None:
    sns = notification("US West - Oregon")
    alarm = told(sns)
    by_lambda = {"Records": [{"EventSource": "aws:sns", "Sns": sns}]}
    by_queue = {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(sns)}]}
    raw = {"Records": [{"eventSource": "aws:sqs", "body": sns["Message"]}]}
    assert told(by_lambda) == told(by_queue) == told(json.dumps(by_lambda)) == alarm
    assert told(raw).name == "shop-5xx"
    event = alarm_message("eventbridge_alarm_metric")
    queued = {"Records": [{"body": json.dumps(event)}]}
    assert told(queued) == told(event)


def test_a_batch_has_an_alarm_for_each_record() -> None:
    records = [{"body": notification(text)["Message"]} for text in ("EU (London)", "EU (Milan)")]
    found = alarms_of({"Records": [{"body": "hello"}, *records]})
    assert [getattr(each, "region", None) for each in found] == [None, "eu-west-2", "eu-south-1"]
    assert told({"Records": [{"body": "hello"}, *records]}).region == "eu-west-2"
    assert isinstance(alarm_of({"Records": []}), Ignored)


def test_endless_wrappers_are_ignored() -> None:
    payload: dict[str, Any] = {"Message": "x"}
    for _ in range(100):
        payload = {"Message": payload}
    assert isinstance(alarm_of(payload), Ignored)


def test_the_account_of_a_metric() -> None:
    message = alarm_message("sns_cloudwatch_metric_math")
    message["Trigger"]["Metrics"][1]["AccountId"] = "444455556666"
    assert told(message).about[0].account == "444455556666"
