"""Whether an alarm's own values are abnormal: guilty and innocent, from plain values."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.alarm import Alarm, AlarmState
from playbooks.evidence.alarm_values import AlarmFinding, measured, passes
from playbooks.probes.alarm_metric import AlarmMetricValues
from playbooks.probes.metrics import MINUTE, TimeSeries
from tests.playbooks.samples import BEGAN, minute, scope, series


def alarm(**more: Any) -> Alarm:
    given: dict[str, Any] = {
        "name": "payments-age",
        "region": "us-east-1",
        "namespace": "AWS/SQS",
        "metric": "ApproximateAgeOfOldestMessage",
        "dimensions": {"QueueName": "payments"},
        "statistic": "Maximum",
        "period": 60,
        "threshold": 300,
        "comparison": "GreaterThanThreshold",
        "evaluation_periods": 3,
        "changed_at": BEGAN,
    }
    return Alarm.model_validate(given | more)


def found(values: TimeSeries, *, compared: bool = True, **more: Any) -> AlarmFinding:
    title = "SQS ApproximateAgeOfOldestMessage of payments"
    watched = AlarmMetricValues(alarm(**more), title, values, MINUTE, compared)
    return measured(watched, scope(watched.alarm))


def test_values_above_the_threshold_are_abnormal_since_the_first() -> None:
    seen = found(series(12, 5000))
    assert seen.abnormal is True
    assert seen.onset == minute(-3)
    assert seen.over is False
    assert "5,000 (threshold 300, usual 12, 416.7x its usual), since 03:07 UTC" in seen.text


def test_values_below_it_are_normal_once_the_alarm_is_ok() -> None:
    seen = found(series(12, 14), state=AlarmState.OK)
    assert (seen.abnormal, seen.onset) == (False, None)


def test_no_value_that_passes_is_not_known_to_be_normal_while_it_is_in_alarm() -> None:
    assert found(series(12, 14)).abnormal is None


@pytest.mark.parametrize("values", [TimeSeries(), series(12, None)])
def test_missing_values_are_not_known_to_be_normal(values: TimeSeries) -> None:
    assert found(values, state=AlarmState.OK).abnormal is None


def test_what_was_always_so_is_said() -> None:
    seen = found(series(400, 400))
    assert seen.abnormal is True
    assert seen.onset is None
    assert "since before" in seen.text


def test_it_is_over_when_as_many_values_as_the_alarm_looks_at_are_good_again() -> None:
    back = {minute(m): 12.0 for m in range(5, 12)}
    values = TimeSeries(dict(series(12, 5000).points) | back)
    seen = found(values, state=AlarmState.OK)
    assert (seen.abnormal, seen.over) == (True, True)
    assert seen.end == minute(5)


def test_it_is_not_over_when_it_came_back() -> None:
    back = {minute(m): 12.0 for m in range(-1, 25)}
    again = {minute(m): 5000.0 for m in range(25, 30)}
    values = TimeSeries(dict(series(12, 5000).points) | back | again)
    watched = AlarmMetricValues(alarm(), "age", values, MINUTE, True)
    assert measured(watched, scope(watched.alarm, now=35)).over is False


def test_silence_after_bad_values_is_no_end() -> None:
    values = TimeSeries({at: v for at, v in series(12, 5000).points.items() if at < minute(2)})
    assert found(values).over is None
    assert found(values, missing_data="notBreaching").over is True


def test_a_low_newest_value_is_no_sign_yet() -> None:
    low = {"comparison": "LessThanThreshold", "threshold": 5, "state": AlarmState.OK}
    late = TimeSeries(dict(series(100, 100).points) | {minute(11): 1.0})
    assert found(late, **low).abnormal is False
    assert found(series(100, 1), **low).abnormal is True


def test_without_a_threshold_three_times_the_usual_is_abnormal_and_nothing_is_normal() -> None:
    assert found(series(10, 90), compared=False).abnormal is True
    assert found(series(10, 11), compared=False, state=AlarmState.OK).abnormal is None
    assert found(series(0, 1), compared=False, state=AlarmState.OK).abnormal is None


@pytest.mark.parametrize(
    ("comparison", "passing"),
    [
        ("GreaterThanThreshold", [False, False, True]),
        ("GreaterThanOrEqualToThreshold", [False, True, True]),
        ("LessThanThreshold", [True, False, False]),
        ("LessThanOrEqualToThreshold", [True, True, False]),
    ],
)
def test_the_alarms_own_comparison_counts(comparison: str, passing: list[bool]) -> None:
    known = alarm(comparison=comparison)
    assert [passes(value, known) for value in (299, 300, 301)] == passing
