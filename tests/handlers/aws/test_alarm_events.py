"""CloudWatch's own messages in every shape, as AWS sent or documents them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alarm import Alarm
from handlers.aws.alarm_events import alarm_of
from handlers.json_access import Ignored

ARN = "arn:aws:cloudwatch:ca-central-1:017790921725:alarm:Test alarm"
SNS = {
    "AlarmName": "Test alarm",
    "AlarmDescription": None,
    "AWSAccountId": "017790921725",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed: 1 datapoint [6.0] was greater than the threshold (5.0).",
    "StateChangeTime": "2022-09-25T18:50:37.811+0000",
    "Region": "Canada (Central)",
    "AlarmArn": ARN,
    "OldStateValue": "INSUFFICIENT_DATA",
    "Trigger": {
        "MetricName": "5XXError",
        "Namespace": "AWS/ApiGateway",
        "StatisticType": "Statistic",
        "Statistic": "SUM",
        "Unit": None,
        "Dimensions": [{"value": "checkout", "name": "ApiName"}],
        "Period": 60,
        "Threshold": 5.0,
    },
}
MATHS = {
    "Period": 60,
    "Threshold": 0.02,
    "Metrics": [
        {"Expression": "m1/m2", "Id": "e1", "Label": "Rate", "ReturnData": True},
        {
            "Id": "m1",
            "MetricStat": {
                "Metric": {
                    "Dimensions": [
                        {"value": "app/web/1", "name": "LoadBalancer"},
                    ],
                    "MetricName": "HTTPCode_Target_5XX_Count",
                    "Namespace": "AWS/ApplicationELB",
                },
                "Period": 60,
                "Stat": "Sum",
            },
            "ReturnData": False,
        },
    ],
}
EVENT: dict[str, Any] = {
    "version": "0",
    "detail-type": "CloudWatch Alarm State Change",
    "source": "aws.cloudwatch",
    "account": "123456789012",
    "region": "us-east-1",
    "resources": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"],
    "detail": {
        "alarmName": "ServerCpuTooHigh",
        "configuration": {
            "metrics": [
                {
                    "id": "m1",
                    "metricStat": {
                        "metric": {
                            "dimensions": {"InstanceId": "i-12345678901234567"},
                            "name": "CPUUtilization",
                            "namespace": "AWS/EC2",
                        },
                        "period": 300,
                        "stat": "Average",
                    },
                    "returnData": True,
                }
            ]
        },
        "state": {
            "reason": "Threshold Crossed",
            "reasonData": '{"version":"1.0","period":300,"threshold":50.0}',
            "timestamp": "2019-10-02T17:04:40.989+0000",
            "value": "ALARM",
        },
    },
}


def told(payload: object) -> Alarm:
    alarm = alarm_of(payload)
    assert isinstance(alarm, Alarm), alarm
    return alarm


def event(**detail: Any) -> dict[str, Any]:
    return {**EVENT, "detail": {**EVENT["detail"], **detail}}


def test_sns_metric_alarm() -> None:
    alarm = told(SNS)
    assert (alarm.name, alarm.region, alarm.account) == (
        "Test alarm",
        "ca-central-1",
        "017790921725",
    )
    assert alarm.arn == ARN
    assert alarm.changed_at == datetime(2022, 9, 25, 18, 50, 37, 811000, UTC)
    assert (alarm.namespace, alarm.metric) == ("AWS/ApiGateway", "5XXError")
    assert alarm.dimensions == {"ApiName": "checkout"}
    assert (alarm.statistic, alarm.period, alarm.threshold) == ("Sum", 60, 5.0)


def test_sns_wraps_it_as_text_and_sqs_once_more() -> None:
    envelope = {"Type": "Notification", "Message": json.dumps(SNS), "Subject": "ALARM"}
    assert told(envelope) == told(json.dumps(envelope)) == told(SNS)
    assert told({"Message": json.dumps(EVENT)}) == told(EVENT)


def test_sns_metric_math_takes_the_first_real_metric() -> None:
    alarm = told({**SNS, "Trigger": MATHS})
    assert (alarm.namespace, alarm.metric) == ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count")
    assert (alarm.dimensions, alarm.statistic) == ({"LoadBalancer": "app/web/1"}, "Sum")
    assert (alarm.period, alarm.threshold) == (60, None), "0.02 is the expression's"


def test_sns_anomaly_has_no_threshold() -> None:
    band = {"Expression": "ANOMALY_DETECTION_BAND(m1, 12)", "Id": "ad1", "ReturnData": True}
    trigger = {"ThresholdMetricId": "ad1", "Metrics": [MATHS["Metrics"][1], band]}  # type: ignore[index]
    alarm = told({**SNS, "NewStateValue": "OK", "Trigger": trigger})
    assert (alarm.state, alarm.metric, alarm.threshold) == ("OK", "HTTPCode_Target_5XX_Count", None)


def test_sns_composite_has_children_and_no_metric() -> None:
    child = "arn:aws:cloudwatch:us-east-1:427809481713:alarm:node_failure"
    message = {
        **{key: value for key, value in SNS.items() if key != "Trigger"},
        "AlarmRule": f"ALARM({child}) OR ALARM(long_execution)",
        "TriggeringChildren": [{"Arn": child, "State": {"Value": "ALARM"}}],
    }
    alarm = told(message)
    assert (alarm.children, alarm.metric) == (("node_failure", "long_execution"), None)
    assert alarm.triggering == ("node_failure",)
    del message["TriggeringChildren"]
    assert told(message).children == ("node_failure", "long_execution")


def test_sns_without_an_arn_goes_by_the_name_of_the_region() -> None:
    old = {**SNS, "AlarmArn": "arn:aws:cloudwatch:[region Id]:[Account ID]:alarm:Test"}
    assert told({**old, "Region": "US East (N. Virginia)"}).region == "us-east-1"
    refused = alarm_of({**old, "Region": "Mars (Olympus)"})
    assert isinstance(refused, Ignored)
    assert "Mars (Olympus)" in refused.reason


def test_eventbridge_metric_alarm() -> None:
    alarm = told(EVENT)
    assert (alarm.name, alarm.region, alarm.account) == (
        "ServerCpuTooHigh",
        "us-east-1",
        "123456789012",
    )
    assert (alarm.namespace, alarm.metric, alarm.statistic) == (
        "AWS/EC2",
        "CPUUtilization",
        "Average",
    )
    assert alarm.dimensions == {"InstanceId": "i-12345678901234567"}
    assert (alarm.period, alarm.threshold) == (300, 50.0)
    assert alarm.changed_at == datetime(2019, 10, 2, 17, 4, 40, 989000, UTC)


def test_eventbridge_metric_math() -> None:
    maths = {"expression": "SUM(METRICS())", "id": "e1", "returnData": True}
    metrics = [maths, *EVENT["detail"]["configuration"]["metrics"]]
    assert told(event(configuration={"metrics": metrics})).metric == "CPUUtilization"


def test_eventbridge_composite() -> None:
    child = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"
    because = json.dumps({"triggeringAlarms": [{"arn": child, "state": {"value": "ALARM"}}]})
    alarm = told(
        event(
            alarmName="ServiceAggregatedAlarm",
            state={"value": "ALARM", "reasonData": because, "actionsSuppressedBy": "WaitPeriod"},
            configuration={"alarmRule": "ALARM(ServerCpuTooHigh) OR ALARM(Traffic)"},
        )
    )
    assert (alarm.children, alarm.metric) == (("ServerCpuTooHigh", "Traffic"), None)
    assert alarm.triggering == ("ServerCpuTooHigh",)


def test_eventbridge_contributor() -> None:
    query = (
        'SELECT AVG(ConsumedWriteCapacityUnits) FROM "AWS/DynamoDB" GROUP BY TableName '
        "ORDER BY MAX() DESC"
    )
    payload = event(
        alarmName="DynamoDBInsightsAlarm",
        alarmContributor={"id": "6d44", "attributes": {"TableName": "orders"}},
        configuration={"metrics": [{"id": "m1", "expression": query, "period": 60}]},
    )
    payload["detail-type"] = "CloudWatch Alarm Contributor State Change"
    alarm = told(payload)
    assert (alarm.namespace, alarm.metric) == ("AWS/DynamoDB", "ConsumedWriteCapacityUnits")
    assert (alarm.statistic, alarm.dimensions) == ("Average", {"TableName": "orders"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.sampled_from([SNS, EVENT, MATHS]), st.data())
def test_a_payload_with_anything_in_any_field_never_raises(
    payload: dict[str, Any], data: st.DataObject
) -> None:
    broken = json.loads(json.dumps(payload))
    holder = broken
    for _ in range(data.draw(st.integers(0, 4))):
        inner = [value for value in holder.values() if isinstance(value, dict) and value]
        holder = data.draw(st.sampled_from(inner)) if inner else holder
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(JSON)
    alarm = alarm_of(broken)
    assert isinstance(alarm, Alarm | Ignored)
    if isinstance(alarm, Alarm):
        assert alarm.model_dump_json()


@given(JSON | st.binary())
def test_anything_else_is_ignored(payload: object) -> None:
    assert isinstance(alarm_of(payload), Ignored)
