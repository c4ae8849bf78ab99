"""What is asked for an alarm's own metric, and what its answer means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.alarm import Alarm, AlarmMetric, AlarmState
from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from playbooks.probes.alarm_metric import AlarmMetricProbe, title_of
from tests.playbooks.aws_stub import Answers
from tests.playbooks.evidence.test_alarm_values import alarm
from tests.playbooks.probes.answers import result
from tests.playbooks.samples import SERVICE, scope

RATE = Alarm(
    name="shop-error-rate",
    region="us-east-1",
    account="123456789012",
    comparison="GreaterThanThreshold",
    compared_with=2,
    metrics=(
        AlarmMetric(id="rate", expression="100*failed/all"),
        AlarmMetric(id="failed", namespace="Shop", name="Failed", statistic="Sum", returned=False),
        AlarmMetric(id="all", namespace="Shop", name="All", statistic="Sum", returned=False),
    ),
)


def answering(*results: dict[str, Any]) -> Answers:
    return Answers(get_metric_data={"MetricDataResults": list(results)})


def asked(aws: Answers) -> list[dict[str, Any]]:
    ((_, params),) = aws.sent
    queries: list[dict[str, Any]] = params["MetricDataQueries"]
    return queries


def test_the_alarms_own_statistic_and_period_are_asked_for() -> None:
    aws = answering(result("m0", 5000.0))
    found = AlarmMetricProbe().read(aws, scope(alarm(period=300)))
    assert found is not None
    assert found.title == "SQS ApproximateAgeOfOldestMessage of payments"
    assert found.compared
    assert found.coverage.complete
    (query,) = asked(aws)
    assert (query["MetricStat"]["Stat"], query["MetricStat"]["Period"]) == ("Maximum", 300)


def test_of_math_cloudwatch_computes_the_expression() -> None:
    aws = answering(result("rate", 7.5))
    found = AlarmMetricProbe().read(aws, scope(RATE))
    assert found is not None
    assert found.compared
    assert list(found.values.points.values()) == [7.5]
    assert [(each["Id"], each["ReturnData"]) for each in asked(aws)] == [
        ("rate", True),
        ("failed", False),
        ("all", False),
    ]


def test_where_the_expression_is_refused_its_main_metric_is_read_and_said() -> None:
    class NoMath(Answers):
        def pages(self, *names: Any, **params: Any) -> Iterator[dict[str, Any]]:
            if any("Expression" in each for each in params["MetricDataQueries"]):
                raise ReadFailed(GapReason.ERROR, "ValidationError")
            yield {"MetricDataResults": [result("m0", 90.0)]}

    found = AlarmMetricProbe().read(NoMath(), scope(RATE))
    assert found is not None
    assert (found.title, found.compared) == ("Shop Failed", False)
    assert not found.coverage.complete


def test_of_a_composite_the_child_in_alarm_is_read() -> None:
    calm = alarm(name="calm", dimensions={"QueueName": "calm"}, state=AlarmState.OK)
    parent = Alarm(
        name="any", region="us-east-1", children=("calm", "loud"), child_alarms=(calm, alarm())
    )
    renamed = parent.model_copy(
        update={"child_alarms": (calm, alarm().model_copy(update={"name": "loud"}))}
    )
    found = AlarmMetricProbe().read(answering(result("m0", 1.0)), scope(renamed))
    assert found is not None
    assert found.alarm.name == "loud"


def test_silence_is_no_complete_answer() -> None:
    found = AlarmMetricProbe().read(answering(result("m0")), scope(alarm()))
    assert found is not None
    assert not found.coverage.complete


def test_a_band_is_not_compared_with() -> None:
    found = AlarmMetricProbe().read(
        answering(result("m0", 1.0)), scope(alarm(threshold=None, compared_with=None))
    )
    assert found is not None
    assert not found.compared


def test_what_cannot_be_read_is_no_value() -> None:
    composite = Alarm(name="any", region="us-east-1", children=("x",))
    with pytest.raises(ReadFailed, match="which metric any watches"):
        AlarmMetricProbe().read(Answers(), scope(composite))
    elsewhere = replace(
        scope(alarm(account="999900001111")),
        service=SERVICE.model_copy(update={"account": "123456789012"}),
    )
    with pytest.raises(ReadFailed, match="999900001111"):
        AlarmMetricProbe().read(Answers(), elsewhere)
    assert AlarmMetricProbe().read(Answers(), scope(None)) is None


def test_the_title_is_of_the_metric_and_its_resource() -> None:
    assert title_of(AlarmMetric(name="Age", dimensions={"B": "b", "A": "a"})) == "Age of a, b"
