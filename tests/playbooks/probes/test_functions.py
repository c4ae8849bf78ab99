"""Metrics and limits of a function."""

from __future__ import annotations

from playbooks.probes.functions import FunctionCountsProbe, LimitsProbe, provisioned_of
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import REST_RESOURCES, result
from tests.playbooks.samples import scope


def test_errors_are_zero_only_where_there_were_invocations() -> None:
    silent = [result(f"m{number}") for number in range(1, 9)]
    aws = Answers(
        get_resources=REST_RESOURCES,
        get_metric_data={"MetricDataResults": [result("m0", 5.0, 6.0), *silent]},
    )
    found = FunctionCountsProbe().read(aws, scope())
    assert found is not None
    assert found.errors.points == dict.fromkeys(found.invocations.points, 0.0)
    assert not found.concurrency
    (sent,) = (params for name, params in aws.sent if name == "cloudwatch.get_metric_data")
    by_name = {
        each["MetricStat"]["Metric"]["MetricName"]: each["MetricStat"]["Metric"]["Dimensions"]
        for each in sent["MetricDataQueries"]
    }
    assert by_name["ProvisionedConcurrencySpilloverInvocations"] == [
        {"Name": "FunctionName", "Value": "checkout"},
        {"Name": "Resource", "Value": "checkout:PROD"},
    ]


def test_limits() -> None:
    account = {
        "AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
    }
    own = LimitsProbe().read(
        Answers(
            get_resources=REST_RESOURCES,
            get_function_concurrency={"ReservedConcurrentExecutions": 50},
            get_account_settings=account,
        ),
        scope(),
    )
    assert own is not None
    assert own.concurrency == 50
    pool = LimitsProbe().read(
        Answers(
            get_resources=REST_RESOURCES,
            get_function_concurrency={},
            get_account_settings=account,
        ),
        scope(),
    )
    assert pool is not None
    assert pool.concurrency == 900


def test_provisioned_concurrency_by_qualifier() -> None:
    found = provisioned_of(
        [
            {
                "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:checkout:PROD",
                "RequestedProvisionedConcurrentExecutions": 20,
                "AvailableProvisionedConcurrentExecutions": 5,
                "Status": "IN_PROGRESS",
            }
        ]
    )
    assert (found.requested, found.available) == ({"PROD": 20}, {"PROD": 5})
