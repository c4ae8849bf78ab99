"""The alarm in an entry of DescribeAlarms."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.alarm import Alarm, AlarmState
from bot.domain.alarm_description import from_description

ARN = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:shop"
ENTRY: dict[str, Any] = {"AlarmName": "shop", "AlarmArn": ARN, "StateValue": "ALARM"}


def stat(id: str, name: str, **other: Any) -> dict[str, Any]:
    metric = {
        "Namespace": "AWS/ApplicationELB",
        "MetricName": name,
        "Dimensions": [{"Name": "LoadBalancer", "Value": "app/shop/50dc6c495c0c9188"}],
    }
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    return {"Id": id, "MetricStat": stat, "ReturnData": False, **other}


RATE = {
    **ENTRY,
    "Threshold": 10.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "TreatMissingData": "notBreaching",
    "Metrics": [
        {"Id": "e1", "Expression": "m2/m1*100", "ReturnData": True},
        stat("m1", "RequestCount"),
        stat("m2", "HTTPCode_ELB_5XX_Count", AccountId="444455556666"),
    ],
}


def test_of_a_rate_all_metrics_are_kept_and_it_is_about_the_numerator() -> None:
    alarm = from_description(RATE)
    assert (alarm.region, alarm.account, alarm.state) == (
        "eu-west-1",
        "111122223333",
        AlarmState.ALARM,
    )
    assert [each.id for each in alarm.metrics] == ["e1", "m1", "m2"]
    assert [each.name for each in alarm.about] == ["HTTPCode_ELB_5XX_Count"]
    assert alarm.about[0].account == "444455556666"
    assert (alarm.metric, alarm.statistic, alarm.period) == ("HTTPCode_ELB_5XX_Count", "Sum", 60)
    assert alarm.dimensions == {"LoadBalancer": "app/shop/50dc6c495c0c9188"}
    assert (alarm.threshold, alarm.compared_with) == (None, 10.0)
    assert (alarm.comparison, alarm.missing_data) == ("GreaterThanThreshold", "notBreaching")
    assert (alarm.evaluation_periods, alarm.datapoints_to_alarm) == (3, 2)


def test_requests_beside_errors_are_a_condition() -> None:
    guarded = {"Id": "e1", "Expression": "IF(m1 > 10 AND m2 > 5, 1, 0)", "ReturnData": True}
    entry = {**RATE, "Metrics": [guarded, *RATE["Metrics"][1:]]}
    assert [each.name for each in from_description(entry).about] == ["HTTPCode_ELB_5XX_Count"]
    alone = {**RATE, "Metrics": [stat("m1", "RequestCount", ReturnData=True)]}
    assert [each.name for each in from_description(alone).about] == ["RequestCount"]


def test_a_percentile_of_one_metric() -> None:
    entry = {
        **ENTRY,
        "Namespace": "AWS/ApiGateway",
        "MetricName": "Latency",
        "ExtendedStatistic": "p95",
        "Dimensions": [],
        "Period": 60,
        "Threshold": 3000.0,
    }
    alarm = from_description(entry)
    assert (alarm.metric, alarm.statistic, alarm.threshold) == ("Latency", "p95", 3000.0)
    assert [each.name for each in alarm.metrics] == ["Latency"]


def test_an_anomaly_is_about_the_metric_and_not_the_band() -> None:
    band = {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m2, 2)", "ReturnData": True}
    entry = {**ENTRY, "ThresholdMetricId": "ad1"}
    plain = {**entry, "Metrics": [band, stat("m2", "HTTPCode_ELB_5XX_Count", ReturnData=True)]}
    rate = {"Id": "m2", "Expression": "m3/m1", "ReturnData": True}
    math = [band, rate, stat("m1", "RequestCount"), stat("m3", "HTTPCode_ELB_5XX_Count")]
    for one in (plain, {**entry, "Metrics": math}):
        alarm = from_description(one)
        assert [each.name for each in alarm.about] == ["HTTPCode_ELB_5XX_Count"]
        assert (alarm.metric, alarm.threshold) == ("HTTPCode_ELB_5XX_Count", None)


def test_a_query() -> None:
    query = 'SELECT MAX(Errors) FROM SCHEMA("AWS/Lambda", FunctionName) GROUP BY FunctionName'
    entry = {**ENTRY, "Threshold": 5, "Metrics": [{"Id": "q1", "Expression": query, "Period": 60}]}
    alarm = from_description(entry)
    assert (alarm.namespace, alarm.metric, alarm.statistic) == ("AWS/Lambda", "Errors", "Maximum")
    assert (alarm.period, alarm.threshold, alarm.metrics[0].expression) == (60, 5.0, query)


def test_a_composite_alarm_has_those_that_triggered_it_first() -> None:
    because = f'{{"triggeringAlarms": [{{"arn": "{ARN}-b", "state": {{"value": "ALARM"}}}}]}}'
    rule = 'ALARM("shop-a") OR ALARM("shop-b") AND NOT ALARM("maintenance")'
    alarm = from_description({**ENTRY, "AlarmRule": rule, "StateReasonData": because})
    assert (alarm.children, alarm.triggering) == (("shop-b", "shop-a"), ("shop-b",))
    assert alarm.suspects == ("shop-b",)
    assert alarm.is_composite
    assert not alarm.about


def test_the_sovereign_cloud() -> None:
    arn = "arn:aws-eusc:cloudwatch:eusc-de-east-1:111122223333:alarm:shop"
    assert from_description({**ENTRY, "AlarmArn": arn}).region == "eusc-de-east-1"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({}, "no AlarmName"),
        ({"AlarmName": "a", "StateValue": "BURNING"}, "StateValue"),
        ({"AlarmName": "a", "StateValue": "OK"}, "no AlarmArn"),
    ],
)
def test_what_is_no_entry(entry: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        from_description(entry)


def test_it_is_stored_and_read_back() -> None:
    alarm = from_description(RATE)
    assert Alarm.model_validate_json(alarm.model_dump_json()) == alarm


def test_one_metric_may_be_given_flat() -> None:
    flat = Alarm(name="a", region="eu-west-1", namespace="N", metric="M", threshold=3.0)
    assert [(each.namespace, each.name) for each in flat.about] == [("N", "M")]
    assert flat.compared_with == 3.0
