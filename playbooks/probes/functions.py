"""Metrics and concurrency limits of the Lambda function that is invoked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bot.domain.coverage import Coverage
from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.resources import FunctionRef
from playbooks.probes.invoked_function import PERMISSIONS, invoked_function
from playbooks.probes.log_groups import function_settings
from playbooks.probes.metrics import AnyMetric, Metric, TimeSeries, read_series, summed

MOST_AT_ONCE = 10  # functions whose metrics are read before it is known which one is invoked
NEAR_TIMEOUT = 0.99  # of the timeout: Lambda ends an invocation within some milliseconds

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
    "provisioned": ("ProvisionedConcurrentExecutions", "Maximum"),
}
_OF_ACCOUNT = {
    "unreserved": "UnreservedConcurrentExecutions",
    "claimed": "ClaimedAccountConcurrency",
}


@dataclass(frozen=True, slots=True)
class FunctionCounts:
    """A function's metrics a minute; durations in ms, without the init. `spillover` and
    `provisioned`, the provisioned executions in use, are of the alias. Throttled calls are not
    among the invocations.

    Of all functions in the account and region: `unreserved`, executions at once of those without
    reserved concurrency; `claimed`, those with all that is reserved and provisioned, which is what
    the account's limit is about. `timeout`: the function's own, in s. `also_called`: functions that
    are invoked as well and not measured.
    """

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
    claimed: TimeSeries = field(default_factory=TimeSeries)
    provisioned: TimeSeries = field(default_factory=TimeSeries)
    timeout: float | None = None
    also_called: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()  # sentences: what could not be found out

    @property
    def calls(self) -> TimeSeries:
        """Calls a minute, throttled ones too: of these Lambda publishes no Invocations."""
        return summed((self.invocations, self.throttles))

    @property
    def coverage(self) -> Coverage:
        """Complete when all functions that are called are measured, and their calls published."""
        silent = None if self.calls else f"CloudWatch has no calls of {self.name}"
        others = ", ".join(self.also_called)
        return Coverage.of(
            silent, f"{others} called as well and not measured" if others else None, *self.unread
        )


class FunctionCountsProbe(Probe[FunctionCounts]):
    title: ClassVar[str] = "metrics of the function"
    permissions: ClassVar[tuple[str, ...]] = ("lambda:GetFunctionConfiguration", *PERMISSIONS)

    def read(self, aws: Aws, scope: Scope) -> FunctionCounts | None:
        listed = scope.service.resources.functions
        early = read_functions(aws, scope, listed) if 0 < len(listed) <= MOST_AT_ONCE else None
        found = invoked_function(aws, scope)
        if found is None:
            return None
        function = found.function
        series = (early or read_functions(aws, scope, (function,)))[function.name]
        return FunctionCounts(
            name=function.name,
            alias=function.alias,
            timeout=_timeout(aws, function),
            also_called=found.unmeasured,
            unread=() if found.unread is None else (f"what is called: {found.unread}",),
            **series,
        )


def read_functions(
    aws: Aws, scope: Scope, functions: Iterable[FunctionRef]
) -> dict[str, dict[str, TimeSeries]]:
    """The metrics of functions by function and field, in one call. Raises ReadFailed.

    Of few functions all are read at once: that needs not wait for what the front door calls.
    """
    asked: dict[str, AnyMetric] = {
        label: Metric("AWS/Lambda", name, "Maximum") for label, name in _OF_ACCOUNT.items()
    }
    functions = tuple(functions)
    for function in functions:
        for label, metric in function_metrics(function).items():
            asked[f"{function.name}\t{label}"] = metric
    found = read_series(aws, scope.window, asked)
    account = {label: found[label] for label in _OF_ACCOUNT}
    return {
        function.name: {label: found[f"{function.name}\t{label}"] for label in _BY_FUNCTION}
        | account
        for function in functions
    }


def function_metrics(function: FunctionRef) -> dict[str, Metric]:
    """A function's metrics by field of FunctionCounts; spillover is of its alias."""
    whole = {"FunctionName": function.name}
    alias = {"Resource": f"{function.name}:{function.alias}"} if function.alias else {}
    return {
        label: Metric("AWS/Lambda", name, stat, whole | alias if "Provisioned" in name else whole)
        for label, (name, stat) in _BY_FUNCTION.items()
    }


def _timeout(aws: Aws, function: FunctionRef) -> float | None:
    """The function's timeout in s; None when it could not be read."""
    try:
        return float(function_settings(aws, function)["Timeout"])
    except ReadFailed:
        return None


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
        with ThreadPoolExecutor(1, thread_name_prefix="limits") as other:
            settings = other.submit(aws.read, "lambda", "get_account_settings")
            own = aws.read("lambda", "get_function_concurrency", FunctionName=found.function.name)
        account = settings.result()["AccountLimit"]
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
