"""`incident triage`: an alarm that is not there, and the times that `--at` takes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from bot.__main__ import _time
from bot.app.triage_command import KEPT, check_alarm, moment
from bot.domain.alarm import Alarm
from bot.domain.errors import ConfigError, ReadFailed
from bot.domain.report import GapReason
from tests.playbooks.aws_stub import Answers

NOW = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
NOPE = Alarm(name="nope", region="us-east-1")


def described(*names: str) -> dict[str, Any]:
    return {
        "MetricAlarms": [
            {"AlarmName": name, "StateValue": "OK", "MetricName": "5XXError"} for name in names
        ]
    }


def test_an_alarm_that_is_not_there_is_refused_with_those_that_are() -> None:
    aws = Answers(describe_alarms=[described(), described("checkout-5xx", "orders-5xx")])
    with pytest.raises(ConfigError, match=r"no alarm 'nope'; it has: checkout-5xx, orders-5xx"):
        check_alarm(aws, NOPE)


def test_near_names_are_suggested() -> None:
    aws = Answers(describe_alarms=[described(), described("checkout-5xx", "orders-cpu")])
    typed = NOPE.model_copy(update={"name": "checkout5xx"})
    with pytest.raises(ConfigError, match=r"did you mean checkout-5xx\?"):
        check_alarm(aws, typed)


def test_an_alarm_that_cannot_be_read_is_left_to_the_investigation() -> None:
    aws = Answers(describe_alarms=ReadFailed(GapReason.DENIED, "no access"))
    check_alarm(aws, NOPE)


def test_a_time_of_day_is_its_latest_occurrence() -> None:
    assert moment(time(3, 12, tzinfo=UTC), NOW) == NOW.replace(minute=12)
    assert moment(time(10, 0), NOW) == datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    assert moment(NOW - timedelta(days=2), NOW) == NOW - timedelta(days=2)


def test_a_time_that_cannot_be_investigated_is_refused() -> None:
    with pytest.raises(ConfigError, match="is yet to come"):
        moment(NOW + timedelta(minutes=1), NOW)
    with pytest.raises(ConfigError, match="15 days ago"):
        moment(NOW - KEPT - timedelta(minutes=1), NOW)


def test_what_is_typed_for_a_time() -> None:
    assert _time("10:00Z") == time(10, 0, tzinfo=UTC)
    assert _time("10:00") == time(10, 0, tzinfo=UTC)
    assert _time("2026-11-23T03:12Z") == datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
    assert _time(None) is None
    with pytest.raises(ConfigError, match="is not a time"):
        _time("lunch")
