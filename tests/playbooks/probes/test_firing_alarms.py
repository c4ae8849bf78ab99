"""Which alarms in ALARM are the service's own."""

from __future__ import annotations

from typing import Any

from playbooks.probes.all_functions import AllFunctionsProbe
from playbooks.probes.firing_alarms import FiringAlarmsProbe
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import Published
from tests.playbooks.samples import ALARM, SERVICE, scope


def entry(name: str, dimension: str, value: str) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}",
        "StateValue": "ALARM",
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": dimension, "Value": value}],
    }


def test_those_on_its_resources_are_told_apart_and_the_one_asked_about_is_left_out() -> None:
    entries = [
        entry("checkout-errors", "FunctionName", "checkout"),
        entry("other", "FunctionName", "checkout-of-others"),
        entry(ALARM.name, "ApiName", "checkout-api"),
    ]
    found = FiringAlarmsProbe().read(Answers(describe_alarms={"MetricAlarms": entries}), scope())
    assert [each.name for each in found.own] == ["checkout-errors"]
    assert found.elsewhere == 1
    assert found.coverage.complete


def test_one_that_is_not_understood_leaves_it_open() -> None:
    aws = Answers(describe_alarms={"MetricAlarms": [{"AlarmName": "x"}]})
    aws.region = ""
    assert not FiringAlarmsProbe().read(aws, scope()).coverage.complete


def test_all_functions_are_measured_in_one_call() -> None:
    aws = Published({"Invocations": {0: 4.0}})
    found = AllFunctionsProbe().read(aws, scope(service=SERVICE))
    assert found is not None
    assert [each.name for each in found.functions] == ["checkout"]
    assert found.functions[0].invocations
    assert found.functions[0].errors.total() == 0
    assert len(aws.sent) == 1
