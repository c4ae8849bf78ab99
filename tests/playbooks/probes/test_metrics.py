"""GetMetricData and time series."""

from __future__ import annotations

import pytest

from bot.domain.errors import ReadFailed
from playbooks.probes.metrics import (
    Metric,
    TimeSeries,
    query,
    read_series,
    series_of,
    weighted_median,
)
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import AT, metric_answer, result
from tests.playbooks.samples import minute, scope


def test_pages_of_one_metric_are_joined() -> None:
    pages: list[dict[str, object]] = [
        {"MetricDataResults": [result("m0", 1.0, status="PartialData")], "NextToken": "x"},
        {"MetricDataResults": [{**result("m0", 2.0), "Timestamps": [AT.replace(minute=9)]}]},
    ]
    assert series_of(pages)["m0"].points == {AT.replace(minute=0): 1.0, AT.replace(minute=9): 2.0}


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_a_result_that_is_not_complete_is_no_result(status: str) -> None:
    with pytest.raises(ReadFailed, match=status):
        series_of([{"MetricDataResults": [result("m0", 1.0, status=status)]}])


def test_one_call_for_all_metrics_and_what_is_silent_is_empty() -> None:
    aws = Answers(get_metric_data={"MetricDataResults": [result("m1", 4.0), result("m0")]})
    found = read_series(
        aws, scope().window, {"a": Metric("N", "A", "Sum"), "b": Metric("N", "B", "p99")}
    )
    assert (found["a"], found["b"].total()) == (TimeSeries(), 4.0)
    ((name, sent),) = aws.sent
    assert name == "cloudwatch.get_metric_data"
    assert (sent["StartTime"], sent["EndTime"]) == (minute(-120), minute(12))
    assert [each["MetricStat"]["Period"] for each in sent["MetricDataQueries"]] == [60, 60]


def test_dimensions_are_exact() -> None:
    asked = query("m0", Metric("AWS/Lambda", "Errors", "Sum", {"FunctionName": "f"}))
    assert asked["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "FunctionName", "Value": "f"}]


def test_absence_is_zero_only_beside_data() -> None:
    present = TimeSeries({minute(0): 10.0, minute(1): 10.0})
    assert TimeSeries({minute(1): 3.0}).zero_where(present).points == {
        minute(0): 0.0,
        minute(1): 3.0,
    }
    assert not TimeSeries().zero_where(TimeSeries())


def test_a_share_needs_a_whole() -> None:
    errors, requests = (
        TimeSeries({minute(0): 1.0, minute(1): 1.0}),
        TimeSeries({minute(0): 4.0, minute(1): 0}),
    )
    assert errors.over(requests).points == {minute(0): 0.25}


def test_the_middle_is_weighted() -> None:
    assert weighted_median([(1.0, 1), (5.0, 10), (None, 99)]) == 5.0
    assert weighted_median([]) is None


def test_a_metric_that_is_left_out_of_the_answer_is_not_silent() -> None:
    aws = Answers(get_metric_data=metric_answer({0: (1, 1)}, 1))
    with pytest.raises(ReadFailed, match="left 1 of 2 metrics unanswered, B first"):
        read_series(
            aws, scope().window, {"a": Metric("N", "A", "Sum"), "b": Metric("N", "B", "p99")}
        )
