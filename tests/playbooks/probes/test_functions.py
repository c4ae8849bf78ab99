"""Metrics and limits of a function."""

from __future__ import annotations

from bot.domain.errors import ReadFailed
from bot.domain.report import GapReason
from bot.domain.resources import FunctionRef
from playbooks.probes.functions import (
    FunctionCounts,
    FunctionCountsProbe,
    LimitsProbe,
    provisioned_of,
)
from tests.playbooks.aws_stub import Answers
from tests.playbooks.probes.answers import REST_RESOURCES, Published, resources_calling
from tests.playbooks.samples import SERVICE, minute, scope


def counted(
    metrics: dict[str, dict[float, float]], **replies: object
) -> tuple[FunctionCounts, Published]:
    usual = {"get_resources": REST_RESOURCES, "get_function_configuration": {"Timeout": 60}}
    aws = Published(metrics, **(usual | replies))
    found = FunctionCountsProbe().read(aws, scope())
    assert found is not None
    return found, aws


def test_errors_are_zero_only_where_there_were_invocations() -> None:
    found, aws = counted({"Invocations": {0: 5.0, 1: 6.0}})
    assert found.errors.points == dict.fromkeys(found.invocations.points, 0.0)
    assert not found.concurrency
    by_name = {each["name"]: each["dimensions"] for each in aws.metrics_asked}
    assert by_name["ProvisionedConcurrencySpilloverInvocations"] == {
        "FunctionName": "checkout",
        "Resource": "checkout:PROD",
    }
    assert by_name["ClaimedAccountConcurrency"] == {}


def test_a_minute_in_which_all_is_throttled_has_calls() -> None:
    """Lambda publishes Throttles there and no Invocations."""
    found, _ = counted({"Invocations": {0: 90.0}, "Throttles": {0: 10.0, 1: 100.0}})
    assert found.calls.points == {minute(0): 100.0, minute(1): 100.0}
    assert found.throttles.over(found.calls).points == {minute(0): 0.1, minute(1): 1.0}
    assert minute(1) not in found.errors.points


def test_few_functions_are_read_before_it_is_known_which_is_called() -> None:
    _, aws = counted({"Invocations": {0: 5.0}})
    assert aws.sent[0][0] == "cloudwatch.get_metric_data"
    assert [name for name, _ in aws.sent].count("cloudwatch.get_metric_data") == 1


def test_of_many_functions_only_the_called_one_is_read() -> None:
    many = tuple(FunctionRef(name=f"f{i}") for i in range(11))
    listed = SERVICE.resources.model_copy(
        update={"functions": (*SERVICE.resources.functions, *many)}
    )
    aws = Published({}, get_resources=REST_RESOURCES, get_function_configuration={"Timeout": 60})
    FunctionCountsProbe().read(aws, scope(service=SERVICE.with_resources(listed)))
    asked = {each["dimensions"].get("FunctionName") for each in aws.metrics_asked}
    assert asked == {"checkout", None}


def test_functions_that_are_called_as_well_are_missing() -> None:
    complete, _ = counted({"Invocations": {0: 5.0}})
    assert complete.coverage.complete
    silent, _ = counted({})
    assert silent.coverage.missing == ("CloudWatch has no calls of checkout",)
    others, _ = counted(
        {"Invocations": {0: 5.0}}, get_resources=resources_calling("checkout:PROD", "search")
    )
    assert others.coverage.missing == ("search called as well and not measured",)


def test_the_timeout_is_known_even_without_logs() -> None:
    denied = ReadFailed(GapReason.DENIED, "no", "lambda:GetFunctionConfiguration")
    assert counted({})[0].timeout == 60.0
    assert counted({}, get_function_configuration=denied)[0].timeout is None


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


def test_the_provisioned_executions_in_use_are_those_of_the_alias() -> None:
    found, aws = counted({"ProvisionedConcurrentExecutions Maximum": {0: 7.0}})
    assert found.provisioned.points == {minute(0): 7.0}
    asked = next(
        each for each in aws.metrics_asked if each["name"] == "ProvisionedConcurrentExecutions"
    )
    assert asked["dimensions"]["Resource"] == "checkout:PROD"
