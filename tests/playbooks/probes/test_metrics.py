"""GetMetricData and time series."""

from __future__ import annotations

import pytest

from bot.domain.errors import ReadFailed
from playbooks.probes.metrics import (
    UNSETTLED_FOR_RECOVERY,
    AnyMetric,
    Metric,
    TimeSeries,
    query,
    read_series,
    series_of,
    settled_until,
    weighted_median,
)
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import AT, Published, result
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


ERRORS = Metric("AWS/Lambda", "Errors", "Sum", {"FunctionName": "f"})


def test_one_call_for_all_metrics_and_what_is_silent_is_empty() -> None:
    aws = Published({"Invocations": {0: 4.0}})
    of_function = {"FunctionName": "f"}
    found = read_series(
        aws,
        scope().window,
        {
            "calls": Metric("AWS/Lambda", "Invocations", "Sum", of_function),
            "durations": Metric("AWS/Lambda", "Duration", "p99", of_function),
        },
    )
    assert (found["durations"], found["calls"].total()) == (TimeSeries(), 4.0)
    ((name, sent),) = aws.sent
    assert name == "cloudwatch.get_metric_data"
    assert (sent["StartTime"], sent["EndTime"]) == (minute(-120), minute(12))
    assert {each["MetricStat"]["Period"] for each in sent["MetricDataQueries"]} == {60}


def test_a_missing_count_is_zero_beside_its_companion_and_else_unknown() -> None:
    aws = Published({"Invocations Sum f": {0: 10.0, 1: 10.0}, "Errors Sum f": {1: 3.0}})
    found = read_series(aws, scope().window, {"errors": ERRORS})["errors"]
    assert found.points == {minute(0): 0.0, minute(1): 3.0}
    silent = read_series(Published({}), scope().window, {"errors": ERRORS})["errors"]
    assert silent == TimeSeries()


def test_what_comes_every_five_minutes_stays_true_in_between() -> None:
    table = {"TableName": "orders"}
    capacity = Metric("AWS/DynamoDB", "ProvisionedReadCapacityUnits", "Average", table)
    aws = Published({"ProvisionedReadCapacityUnits": {0: 100.0, 5: 200.0}})
    found = read_series(aws, scope(now=30).window, {"capacity": capacity})["capacity"]
    assert [found.points[minute(at)] for at in range(6)] == [100.0] * 5 + [200.0]
    # period and delay together: after that nothing is known
    assert minute(11) in found.points
    assert minute(12) not in found.points


def test_carried_values_do_not_reach_beyond_the_window() -> None:
    table = {"TableName": "orders"}
    capacity = Metric("AWS/DynamoDB", "ProvisionedReadCapacityUnits", "Average", table)
    aws = Published({"ProvisionedReadCapacityUnits": {10: 100.0}})
    found = read_series(aws, scope(now=12).window, {"capacity": capacity})["capacity"]
    assert sorted(found.points) == [minute(10), minute(11)]


@pytest.mark.parametrize(
    ("metric", "published", "expected"),
    [
        (Metric("AWS/RDS", "ReadLatency", "Average", {"DBInstanceIdentifier": "d"}), 0.004, 4.0),
        (
            Metric("AWS/RDS", "DatabaseConnectionsBorrowLatency", "Average", {"ProxyName": "p"}),
            2000.0,
            2.0,
        ),
        (Metric("AWS/Lambda", "Duration", "Average", {"FunctionName": "f"}), 180.0, 180.0),
    ],
)
def test_all_durations_are_in_milliseconds(
    metric: Metric, published: float, expected: float
) -> None:
    aws = Published({metric.name: {0: published}})
    found = read_series(aws, scope().window, {"it": metric})["it"]
    assert found.points[minute(0)] == pytest.approx(expected)


def test_a_percentile_of_few_measurements_says_so() -> None:
    latency = Metric("AWS/Lambda", "Duration", "p99", {"FunctionName": "f"})
    for count, enough in ((400.0, False), (500.0, True)):
        aws = Published(
            {"Duration p99": {0: 9.0, 1: 9.0}, "Duration SampleCount": {0: count, 1: count}}
        )
        found = read_series(aws, scope().window, {"p99": latency})["p99"]
        assert found.points == {minute(0): 9.0, minute(1): 9.0}
        assert found.enough_samples(0.99) is enough
    assert TimeSeries({minute(0): 9.0}).enough_samples(0.99) is None


def test_the_newest_minutes_are_no_data_yet() -> None:
    window = scope(now=12).window
    found = TimeSeries({minute(at): 1.0 for at in range(12)})
    assert max(found.settled(window).points) == minute(9)
    assert max(found.settled(window, UNSETTLED_FOR_RECOVERY).points) == minute(8)
    assert settled_until(window) == minute(10)
    assert not TimeSeries().settled(window)


def test_probes_ask_for_nothing_that_is_not_published() -> None:
    by_balancer = {"LoadBalancer": "app/shop/1"}
    with pytest.raises(ValueError, match=r"by LoadBalancer: it is published by .*TargetGroup"):
        Metric("AWS/ApplicationELB", "HealthyHostCount", "Minimum", by_balancer)
    with pytest.raises(ValueError, match="there is no such metric"):
        Metric("AWS/Lambda", "Error", "Sum", {"FunctionName": "f"})
    with pytest.raises(ValueError, match="p99 means nothing"):
        Metric("AWS/Lambda", "Errors", "p99", {"FunctionName": "f"})
    # an alarm may watch anything
    watched = AnyMetric("Shop", "Orders", "Sum", {"Stage": "prod"}, account="111122223333")
    found = read_series(Published({"Orders": {0: 5.0}}), scope().window, {"orders": watched})
    assert found["orders"].total() == 5.0
    assert query("m0", watched)["AccountId"] == "111122223333"


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
    aws = Answers(get_metric_data={"MetricDataResults": [result("m0", 1.0)]})
    with pytest.raises(ReadFailed, match="left 1 of 2 metrics unanswered, Invocations first"):
        read_series(aws, scope().window, {"errors": ERRORS})
