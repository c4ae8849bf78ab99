"""An alarm as CloudWatch has it, read over HTTP: a message is only a pointer to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import boto3
import pytest

from bot.aws import alarms
from bot.aws.client import AwsAccount, Budget, Reader
from bot.aws.sessions import Roles
from bot.domain.alarm import Alarm, AlarmState
from bot.domain.alarm_description import from_description
from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from sandbox.aws.server import AwsServer
from sandbox.world.api import Transition
from tests.sandbox.aws.plain_world import NOW, PlainWorld

REGION = "us-east-1"
POINTER = Alarm(name="web-5xx", region=REGION)


@pytest.fixture
def reader(aws: AwsServer) -> Reader:
    cloudwatch = boto3.client("cloudwatch", region_name=REGION)
    metric: dict[str, Any] = {
        "Namespace": "AWS/ApplicationELB",
        "MetricName": "HTTPCode_ELB_5XX_Count",
        "Dimensions": [{"Name": "LoadBalancer", "Value": "app/web/1"}],
        "Period": 60,
    }
    watched: dict[str, Any] = {
        "EvaluationPeriods": 1,
        "Threshold": 25.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }
    for name in ("web-5xx", "web-slow"):
        cloudwatch.put_metric_alarm(AlarmName=name, Statistic="Sum", **metric, **watched)
    return AwsAccount(Roles()).reader(REGION, Budget())


def changes(world: PlainWorld, name: str, *states: str) -> None:
    """An alarm's states, one every ten minutes, the last one now."""
    first = NOW - timedelta(minutes=10 * (len(states) - 1))
    world.transitions[name] = [
        Transition(first + timedelta(minutes=10 * n), state, "because", "")
        for n, state in enumerate(states)
    ]


def test_a_pointer_becomes_the_alarm(world: PlainWorld, reader: Reader) -> None:
    changes(world, "web-5xx", "OK", "ALARM")
    alarm = alarms.reread(reader, POINTER)
    assert alarm.state is AlarmState.ALARM
    assert (alarm.namespace, alarm.metric) == ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count")
    assert alarm.dimensions == {"LoadBalancer": "app/web/1"}
    assert (alarm.statistic, alarm.period, alarm.threshold) == ("Sum", 60, 25.0)
    assert alarm.account == "123456789012"
    assert alarm.changed_at == NOW


def test_an_alarm_that_is_not_there(reader: Reader) -> None:
    with pytest.raises(ReadFailed, match="has no alarm 'gone'") as failed:
        alarms.reread(reader, Alarm(name="gone", region=REGION))
    assert failed.value.reason is GapReason.NOT_FOUND


def test_what_is_firing_comes_latest_first(world: PlainWorld, reader: Reader) -> None:
    assert alarms.list_firing(reader) == []
    changes(world, "web-5xx", "ALARM", "OK", "ALARM")
    assert [alarm.name for alarm in alarms.list_firing(reader)] == ["web-5xx"]
    changes(world, "web-slow", "ALARM")
    world.transitions["web-5xx"] = world.transitions["web-5xx"][:1]
    assert [alarm.name for alarm in alarms.list_firing(reader)] == ["web-slow", "web-5xx"]


@pytest.mark.parametrize(
    ("states", "minutes"),
    [(("OK", "ALARM", "OK"), 10), (("ALARM", "OK", "ALARM", "OK", "OK"), 20), (("ALARM",), 0)],
)
def test_when_it_last_went_off(
    world: PlainWorld, reader: Reader, states: tuple[str, ...], minutes: int
) -> None:
    changes(world, "web-5xx", *states)
    assert alarms.last_alarm_time(reader, POINTER) == NOW - timedelta(minutes=minutes)


def test_it_never_went_off(world: PlainWorld, reader: Reader) -> None:
    changes(world, "web-5xx", "OK", "INSUFFICIENT_DATA", "OK")
    assert alarms.last_alarm_time(reader, POINTER) is None


def test_a_composite_alarm_has_no_metric() -> None:
    found = {
        "AlarmName": "checkout",
        "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout",
        "StateValue": "ALARM",
        "StateUpdatedTimestamp": NOW,
        "AlarmRule": "ALARM(web-5xx)",
    }
    alarm = from_description(found, "eu-west-1")
    assert (alarm.metric, alarm.namespace, alarm.dimensions) == (None, None, {})
    assert (alarm.account, alarm.changed_at) == ("123456789012", NOW)


class Described:
    """DescribeAlarms of plain values; names in `denied` can't be read."""

    region = "eu-west-1"

    def __init__(self, *entries: dict[str, Any], denied: frozenset[str] = frozenset()) -> None:
        self.entries, self.denied = entries, denied
        self.regions: list[str | None] = []

    def read(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        self.regions.append(params.get("region"))
        names = set(params["AlarmNames"])
        if names & self.denied:
            raise ReadFailed(GapReason.DENIED, "not allowed")
        found = [entry for entry in self.entries if entry["AlarmName"] in names]
        composite = [entry for entry in found if "AlarmRule" in entry]
        return {
            "MetricAlarms": [entry for entry in found if entry not in composite],
            "CompositeAlarms": composite,
        }


def entry(name: str, **facts: Any) -> dict[str, Any]:
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}"
    return {"AlarmName": name, "AlarmArn": arn, "StateValue": "ALARM", **facts}


METRIC = {"Namespace": "AWS/ApiGateway", "MetricName": "5XXError"}
PARENT = entry("down", AlarmRule='ALARM("inner") AND NOT ALARM("maintenance")')
INNER = entry("inner", AlarmRule="ALARM(api) OR ALARM(disk)")
TREE = (PARENT, INNER, entry("api", **METRIC), entry("disk", StateValue="OK"))


def test_a_composite_alarm_is_read_with_its_children() -> None:
    aws = Described(*TREE)
    alarm = alarms.reread(aws, Alarm(name="down", region=REGION))  # type: ignore[arg-type]
    assert alarm.children == ("inner",)
    (inner,) = alarm.child_alarms
    assert [child.name for child in inner.child_alarms] == ["api", "disk"]
    assert [watched.name for watched in alarm.watched()] == ["api"]
    assert set(aws.regions) == {REGION}, "the alarm's region, not the reader's"


def test_children_that_cant_be_read_are_missing() -> None:
    aws = Described(*TREE, denied=frozenset({"inner"}))
    alarm = alarms.reread(aws, Alarm(name="down", region=REGION))  # type: ignore[arg-type]
    assert (alarm.children, alarm.child_alarms) == (("inner",), ())


def test_composite_alarms_of_each_other_end() -> None:
    aws = Described(entry("a", AlarmRule="ALARM(b)"), entry("b", AlarmRule="ALARM(a)"))
    alarms.reread(aws, Alarm(name="a", region=REGION))  # type: ignore[arg-type]
    assert len(aws.regions) == 1 + alarms.MOST_LEVELS
