"""CloudWatch: statistics, metric math and alarms."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import metric_math
from sandbox.aws.account import Options
from sandbox.aws.errors import AwsError
from sandbox.aws.server import AwsServer
from sandbox.world.api import MetricId, Minute, Transition
from tests.sandbox.aws.conftest import Client
from tests.sandbox.aws.plain_world import NOW, PlainWorld

FUNCTION = (("FunctionName", "checkout"),)
ERRORS = MetricId("AWS/Lambda", "Errors", FUNCTION)
DURATION = MetricId("AWS/Lambda", "Duration", FUNCTION)
HOUR = {"StartTime": NOW - timedelta(hours=1), "EndTime": NOW}


def stat(metric: MetricId, name: str = "Sum", period: int = 60, **more: Any) -> dict[str, Any]:
    dimensions = [{"Name": key, "Value": value} for key, value in metric.dimensions]
    shown = {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": dimensions,
    }
    return {"Id": "m", "MetricStat": {"Metric": shown, "Period": period, "Stat": name}, **more}


@pytest.fixture
def cloudwatch(client: Client) -> Any:
    return client("cloudwatch")


def values(cloudwatch: Any, *queries: dict[str, Any], **params: Any) -> dict[str, list[float]]:
    reply = cloudwatch.get_metric_data(MetricDataQueries=list(queries), **HOUR, **params)
    return {item["Id"]: item["Values"] for item in reply["MetricDataResults"]}


def test_newest_comes_first(cloudwatch: Any, world: PlainWorld) -> None:
    world.publish(ERRORS, 1, 2, 3)
    assert values(cloudwatch, stat(ERRORS)) == {"m": [3.0, 2.0, 1.0]}
    ascending = values(cloudwatch, stat(ERRORS), ScanBy="TimestampAscending")
    assert ascending == {"m": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sum", 490.0),
        ("SampleCount", 100.0),
        ("Average", 4.9),
        ("Minimum", 1.0),
        ("Maximum", 40.0),
        ("p50", 1.0),
        ("p90", 1.0),
        ("p95", 40.0),
        ("p99.9", 40.0),
    ],
)
def test_statistics_weigh_their_samples(
    cloudwatch: Any, world: PlainWorld, name: str, value: float
) -> None:
    minute = NOW.replace(minute=10, second=0)
    world.data[DURATION] = [Minute(minute, (1.0, 40.0), (90.0, 10.0), "Milliseconds")]
    assert values(cloudwatch, stat(DURATION, name)) == {"m": [value]}


def test_longer_periods_are_aligned(cloudwatch: Any, world: PlainWorld) -> None:
    world.publish(ERRORS, *range(1, 15))  # 03:00 to 03:13
    reply = cloudwatch.get_metric_data(
        MetricDataQueries=[stat(ERRORS, period=300)], ScanBy="TimestampAscending", **HOUR
    )
    (result,) = reply["MetricDataResults"]
    assert result["Values"] == [1 + 2 + 3 + 4 + 5, 6 + 7 + 8 + 9 + 10, 11 + 12 + 13 + 14]
    assert result["Timestamps"][0] == datetime(2026, 3, 14, 3, 0, tzinfo=UTC)


def test_dimensions_match_exactly(cloudwatch: Any, world: PlainWorld) -> None:
    world.publish(ERRORS, 1)
    assert values(cloudwatch, stat(MetricId("AWS/Lambda", "Errors"))) == {"m": []}
    more = (("FunctionName", "checkout"), ("Resource", "checkout:live"))
    assert values(cloudwatch, stat(MetricId("AWS/Lambda", "Errors", more))) == {"m": []}


@pytest.mark.parametrize(
    ("query", "what"),
    [
        (stat(ERRORS, "tm99"), "tm99 is not supported"),
        (stat(ERRORS, "IQM"), "IQM is not supported"),
        (stat(ERRORS, period=30), "multiple of 60"),
        ({"Id": "e", "Expression": "SELECT SUM(Errors) FROM x"}, "SELECT is not supported"),
        ({"Id": "e", "Expression": "SEARCH('{AWS/Lambda}', 'Sum')"}, "SEARCH is not supported"),
        ({"Id": "e", "Expression": "1 + 1"}, "must return a time series"),
        ({"Id": "e", "Expression": "nothing * 2"}, "neither a metric id"),
        ({"Id": "e", "Expression": "e * 2"}, "refers to itself"),
        ({"Id": "e"}, "either MetricStat or Expression"),
    ],
)
def test_what_is_not_evaluated_is_refused(
    cloudwatch: Any, query: dict[str, Any], what: str
) -> None:
    with pytest.raises(ClientError, match=what) as caught:
        values(cloudwatch, query)
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_math_over_metrics(cloudwatch: Any, world: PlainWorld) -> None:
    invocations = MetricId("AWS/Lambda", "Invocations", FUNCTION)
    world.publish(ERRORS, 1, 2, 5)
    world.publish(invocations, 10, 0, 50)
    found = values(
        cloudwatch,
        {**stat(ERRORS), "Id": "errors", "ReturnData": False},
        {**stat(invocations), "Id": "calls", "ReturnData": False},
        {"Id": "rate", "Expression": "100 * errors / calls"},
        {"Id": "twice", "Expression": "rate * 2"},
    )
    assert found == {"rate": [10.0, 10.0], "twice": [20.0, 20.0]}


MINUTES = [datetime(2026, 3, 14, 3, minute, tzinfo=UTC) for minute in range(4)]
GAP = {MINUTES[0]: 2.0, MINUTES[3]: 8.0}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", [2, 8]),
        ("-a + 10", [8, 2]),
        ("(a + 1) * 2 ^ 2", [12, 36]),
        ("FILL(a, 0)", [2, 0, 0, 8]),
        ("FILL(a, REPEAT)", [2, 2, 2, 8]),
        ("FILL(a, LINEAR)", [2, 4, 6, 8]),
        ("IF(a > 5, 1, 0)", [0, 1]),
        ("IF(a > 5, a)", [8]),
        ("a > 1 && a < 5", [1, 0]),
        ("SUM([a, b])", [3, 1, 1, 9]),
        ("SUM(METRICS())", [3, 1, 1, 9]),
        ("MAX([a, b]) - MIN([a, b])", [1, 0, 0, 7]),
        ("a / SUM(a)", [0.2, 0.8]),
        ("RATE(b * 60)", [0, 0, 0]),
        ("a / (b - 1)", []),
    ],
)
def test_expressions(expression: str, expected: list[float]) -> None:
    series = {"a": GAP, "b": dict.fromkeys(MINUTES, 1.0)}
    (found,) = metric_math.evaluate("e", expression, series, series, MINUTES)
    assert [found[time] for time in sorted(found)] == pytest.approx(expected)


@pytest.mark.parametrize(
    "expression", ["a +", "a b", "(a", "PERIOD(a)", "a ~ 2", "[1]", "FILL(a, x)", "1 / 0 + a", ""]
)
def test_malformed_expressions_name_the_query(expression: str) -> None:
    with pytest.raises(AwsError, match="Error in expression 'e'"):
        metric_math.evaluate("e", expression, {"a": GAP}, {"a": GAP}, MINUTES)


def test_datapoints_are_paged(cloudwatch: Any, world: PlainWorld) -> None:
    world.publish(ERRORS, *range(10))
    world.publish(DURATION, *range(10))
    queries = [stat(ERRORS), {**stat(DURATION), "Id": "n"}]
    pages = list(
        cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, MaxDatapoints=7, **HOUR
        )
    )
    assert len(pages) == 3
    found: dict[str, list[float]] = {}
    for page in pages:
        for item in page["MetricDataResults"]:
            found.setdefault(item["Id"], []).extend(item["Values"])
    assert found == {"m": [*range(9, -1, -1)], "n": [*range(9, -1, -1)]}
    assert pages[0]["MetricDataResults"][0]["StatusCode"] == "PartialData"


ALARM = {
    "AlarmName": "checkout-5xx",
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": [{"Name": "FunctionName", "Value": "checkout"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 5.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
}
WENT = NOW - timedelta(minutes=2)


def test_alarms_of_the_account_have_the_worlds_states(world: PlainWorld) -> None:
    data = json.dumps({"version": "1.0", "recentDatapoints": [7.0]})
    world.transitions["checkout-5xx"] = [
        Transition(NOW - timedelta(hours=2), "OK", "fine", ""),
        Transition(WENT, "ALARM", "Threshold Crossed: 2 out of the last 3 datapoints", data),
    ]
    options = Options(alarms=[ALARM], warm=False)
    with AwsServer(world, world.resources, options=options) as server:
        import boto3

        cloudwatch = boto3.client(
            "cloudwatch",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="alice",
            aws_secret_access_key="secret",
        )
        (alarm,) = cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]
        assert cloudwatch.describe_alarms(StateValue="OK")["MetricAlarms"] == []
        assert cloudwatch.describe_alarms(AlarmNamePrefix="other")["MetricAlarms"] == []
        history = cloudwatch.describe_alarm_history(AlarmName="checkout-5xx")["AlarmHistoryItems"]
    assert alarm["StateTransitionedTimestamp"] == WENT
    assert alarm["StateReasonData"] == data
    assert alarm["AlarmArn"] == "arn:aws:cloudwatch:us-east-1:123456789012:alarm:checkout-5xx"
    assert (alarm["Threshold"], alarm["DatapointsToAlarm"]) == (5.0, 2)
    assert [item["HistorySummary"] for item in history] == [
        "Alarm updated from OK to ALARM",
        "Alarm updated from INSUFFICIENT_DATA to OK",
    ]
    assert json.loads(history[0]["HistoryData"])["newState"]["stateReasonData"]["recentDatapoints"]
    assert world.events == []


def test_alarms_of_callers(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(**ALARM)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["checkout-5xx"])["MetricAlarms"]
    assert alarm["StateValue"] == "INSUFFICIENT_DATA"
    cloudwatch.set_alarm_state(
        AlarmName="checkout-5xx", StateValue="ALARM", StateReason="trying it out"
    )
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert (alarm["StateValue"], alarm["StateReason"]) == ("ALARM", "trying it out")
    with pytest.raises(ClientError, match="does not exist"):
        cloudwatch.set_alarm_state(AlarmName="none", StateValue="OK", StateReason="x")
