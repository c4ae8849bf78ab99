"""Metrics and concurrency limits of the Lambda function that is invoked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from playbooks.probes.invoked_function import PERMISSIONS, invoked_function
from playbooks.probes.metrics import Metric, TimeSeries, read_series

# field of FunctionCounts -> CloudWatch metric and statistic, all in AWS/Lambda by FunctionName
_BY_FUNCTION = {
    "invocations": ("Invocations", "Sum"),
    "errors": ("Errors", "Sum"),
    "throttles": ("Throttles", "Sum"),
    "concurrency": ("ConcurrentExecutions", "Maximum"),
    "mean": ("Duration", "Average"),
    "p50": ("Duration", "p50"),
    "p99": ("Duration", "p99"),
    "spillover": ("ProvisionedConcurrencySpilloverInvocations", "Sum"),
}


@dataclass(frozen=True, slots=True)
class FunctionCounts:
    """A function's metrics a minute; durations in ms, without the init. `spillover` is of the
    alias. Throttled calls are not among the invocations. `unreserved`: executions at once of all
    functions without reserved concurrency, in the account and region."""

    name: str
    alias: str | None
    invocations: TimeSeries
    errors: TimeSeries
    throttles: TimeSeries
    concurrency: TimeSeries
    mean: TimeSeries
    p50: TimeSeries
    p99: TimeSeries
    spillover: TimeSeries
    unreserved: TimeSeries


class FunctionCountsProbe(Probe[FunctionCounts]):
    title: ClassVar[str] = "metrics of the function"
    permissions: ClassVar[tuple[str, ...]] = PERMISSIONS

    def read(self, aws: Aws, scope: Scope) -> FunctionCounts | None:
        found = invoked_function(aws, scope)
        if found is None:
            return None
        function = found.function
        of_function = {"FunctionName": function.name}
        of_alias = (
            of_function | {"Resource": f"{function.name}:{function.alias}"}
            if function.alias
            else of_function
        )
        asked = {
            field: Metric(
                "AWS/Lambda", name, stat, of_alias if "Provisioned" in name else of_function
            )
            for field, (name, stat) in _BY_FUNCTION.items()
        }
        asked["unreserved"] = Metric("AWS/Lambda", "UnreservedConcurrentExecutions", "Maximum")
        series = read_series(aws, scope.window, asked)
        # Errors and Throttles are published with Invocations; a minute without them had none.
        for counted in ("errors", "throttles"):
            series[counted] = series[counted].zero_where(series["invocations"])
        return FunctionCounts(name=function.name, alias=function.alias, **series)


@dataclass(frozen=True, slots=True)
class Limits:
    """Executions at once: those reserved for the function, those of the account, and those left
    for all functions that have none reserved."""

    reserved: int | None
    account: int
    unreserved: int

    @property
    def concurrency(self) -> int:
        """Executions at once the function may have: its reservation, else the unreserved ones."""
        return self.unreserved if self.reserved is None else self.reserved


class LimitsProbe(Probe[Limits]):
    title: ClassVar[str] = "concurrency limits"
    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:GetFunctionConcurrency",
        "lambda:GetAccountSettings",
        *PERMISSIONS,
    )

    def read(self, aws: Aws, scope: Scope) -> Limits | None:
        found = invoked_function(aws, scope)
        if found is None:
            return None
        own = aws.read("lambda", "get_function_concurrency", FunctionName=found.function.name)
        account = aws.read("lambda", "get_account_settings")["AccountLimit"]
        return Limits(
            reserved=own.get("ReservedConcurrentExecutions"),
            account=int(account["ConcurrentExecutions"]),
            unreserved=int(account["UnreservedConcurrentExecutions"]),
        )


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Provisioned concurrency by qualifier: asked for, and ready."""

    requested: Mapping[str, int]
    available: Mapping[str, int]


class ProvisionedProbe(Probe[Provisioned]):
    title: ClassVar[str] = "provisioned concurrency"
    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:ListProvisionedConcurrencyConfigs",
        *PERMISSIONS,
    )

    def read(self, aws: Aws, scope: Scope) -> Provisioned | None:
        found = invoked_function(aws, scope)
        if found is None:
            return None
        pages = aws.pages(
            "lambda", "list_provisioned_concurrency_configs", FunctionName=found.function.name
        )
        configs = [
            config for page in pages for config in page.get("ProvisionedConcurrencyConfigs", [])
        ]
        return provisioned_of(configs)


def provisioned_of(configs: list[dict[str, Any]]) -> Provisioned:
    """By alias or version: the last part of the configuration's ARN."""
    named = {str(config["FunctionArn"]).rsplit(":", 1)[-1]: config for config in configs}
    return Provisioned(
        requested={
            name: int(config.get("RequestedProvisionedConcurrentExecutions", 0))
            for name, config in named.items()
        },
        available={
            name: int(config.get("AvailableProvisionedConcurrentExecutions", 0))
            for name, config in named.items()
        },
    )
