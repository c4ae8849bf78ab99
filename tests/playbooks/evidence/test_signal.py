"""The alarm's threshold, as a share or a count."""

from __future__ import annotations

import pytest

from bot.aws.alarms import from_description
from bot.domain.alarm import Alarm
from playbooks.five_xx import SIGNAL
from tests.playbooks.samples import ALARM


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (None, 20.0)),
        ({"period": 300}, (None, 4.0)),
        ({"statistic": "Average", "threshold": 0.05}, (0.05, None)),
        ({"statistic": "p99"}, (None, None)),
        ({"metric": "Latency"}, (None, None)),
        ({"threshold": None}, (None, None)),
        ({"namespace": "AWS/ApplicationELB", "metric": "HTTPCode_ELB_504_Count"}, (None, 20.0)),
    ],
)
def test_thresholds_are_read_by_statistic_and_period(
    changes: dict[str, object], expected: tuple[float | None, float | None]
) -> None:
    assert SIGNAL.threshold(Alarm.model_validate(ALARM.model_dump() | changes)) == expected


MATH = {
    "AlarmName": "checkout-5xx-rate",
    "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:checkout-5xx-rate",
    "StateValue": "ALARM",
    "Threshold": 5.0,
    "Metrics": [
        {"Id": "rate", "Expression": "100*m2/m1", "ReturnData": True},
        {
            "Id": "m2",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/ApiGateway",
                    "MetricName": "5XXError",
                    "Dimensions": [{"Name": "ApiName", "Value": "checkout-api"}],
                },
                "Period": 60,
                "Stat": "Sum",
            },
        },
    ],
}


def test_the_threshold_of_an_expression_is_not_a_count() -> None:
    alarm = from_description(MATH, "us-east-1")
    assert (alarm.metric, alarm.dimensions) == ("5XXError", {"ApiName": "checkout-api"})
    assert (alarm.threshold, SIGNAL.threshold(alarm)) == (None, (None, None))
    one = from_description(MATH | {"Metrics": MATH["Metrics"][1:]}, "us-east-1")  # type: ignore[index]
    assert one.threshold == 5.0
