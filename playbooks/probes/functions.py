"""Lambda: what the metrics count, how the function is set up, and what limits it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bot.errors import ReadFailed
from bot.model import GapReason
from bot.playbook import Probe, Scope
from bot.ports import Aws
from bot.service import ApiRef
from playbooks.probes.front import Call, calls_of, chosen_function, front_door
from playbooks.probes.metrics import PERMISSION, Line, Metric, read_lines
from playbooks.probes.reports import qualified

# name of the line -> CloudWatch metric and statistic, all in AWS/Lambda by FunctionName
_BY_FUNCTION = {
    "invocations": ("Invocations", "Sum"),
    "errors": ("Errors", "Sum"),
    "throttles": ("Throttles", "Sum"),
    "concurrency": ("ConcurrentExecutions", "Maximum"),
    "p50": ("Duration", "p50"),
    "p99": ("Duration", "p99"),
    "provisioned": ("ProvisionedConcurrencyInvocations", "Sum"),
    "spillover": ("ProvisionedConcurrencySpilloverInvocations", "Sum"),
}


@dataclass(frozen=True, slots=True)
class FunctionCounts:
    """A function's metrics a minute; durations in ms, without the init. `provisioned` and
    `spillover` are of the alias. Throttled calls are not among the invocations."""

    name: str
    invocations: Line
    errors: Line
    throttles: Line
    concurrency: Line
    p50: Line
    p99: Line
    provisioned: Line
    spillover: Line
    account_concurrency: Line


class FunctionCountsProbe(Probe[FunctionCounts]):
    title: ClassVar[str] = "metrics of the function"
    permissions: ClassVar[tuple[str, ...]] = (PERMISSION, "apigateway:GET")

    def read(self, aws: Aws, scope: Scope) -> FunctionCounts | None:
        function = chosen_function(scope, several(aws, scope))
        if function is None:
            return None
        of_function = {"FunctionName": function.name}
        of_alias = (
            of_function | {"Resource": f"{function.name}:{function.alias}"}
            if function.alias
            else of_function
        )
        asked = {
            line: Metric(
                "AWS/Lambda", name, stat, of_alias if "Provisioned" in name else of_function
            )
            for line, (name, stat) in _BY_FUNCTION.items()
        }
        asked["account_concurrency"] = Metric("AWS/Lambda", "ConcurrentExecutions", "Maximum")
        lines = read_lines(aws, scope.window, asked)
        # Errors and Throttles are published with Invocations; a minute without them had none.
        for counted in ("errors", "throttles"):
            lines[counted] = lines[counted].zero_where(lines["invocations"])
        return FunctionCounts(name=function.name, **lines)


def several(aws: Aws, scope: Scope) -> tuple[Call, ...]:
    """The API's integrations, read only when they are needed to tell which function is called."""
    front = front_door(scope)
    if len(scope.service.resources.functions) < 2 or not isinstance(front, ApiRef):
        return ()
    return calls_of(aws, front)


@dataclass(frozen=True, slots=True)
class FunctionSetup:
    """How the function is set up, and what its alias serves. `timeout` in seconds."""

    name: str
    alias: str | None
    version: str
    weights: Mapping[str, float]
    timeout: float
    memory_mb: int
    runtime: str


class FunctionSetupProbe(Probe[FunctionSetup]):
    title: ClassVar[str] = "configuration of the function"
    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:GetFunctionConfiguration",
        "lambda:GetAlias",
        "apigateway:GET",
    )

    def read(self, aws: Aws, scope: Scope) -> FunctionSetup | None:
        function = chosen_function(scope, several(aws, scope))
        if function is None:
            return None
        settings = aws.read("lambda", "get_function_configuration", **qualified(function))
        alias: dict[str, Any] = {}
        if function.alias:
            alias = aws.read("lambda", "get_alias", FunctionName=function.name, Name=function.alias)
        return FunctionSetup(
            name=function.name,
            alias=function.alias,
            version=str(alias.get("FunctionVersion", settings.get("Version", "$LATEST"))),
            weights=(alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {}),
            timeout=float(settings["Timeout"]),
            memory_mb=int(settings["MemorySize"]),
            runtime=str(settings.get("Runtime", "")),
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """Executions the function may have at once: its reserved ones, else the account's rest."""

    reserved: int | None
    account: int
    unreserved: int

    @property
    def concurrency(self) -> int:
        return self.unreserved if self.reserved is None else self.reserved


class LimitsProbe(Probe[Limits]):
    title: ClassVar[str] = "concurrency limits"
    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:GetFunctionConcurrency",
        "lambda:GetAccountSettings",
        "apigateway:GET",
    )

    def read(self, aws: Aws, scope: Scope) -> Limits | None:
        function = chosen_function(scope, several(aws, scope))
        if function is None:
            return None
        own = aws.read("lambda", "get_function_concurrency", FunctionName=function.name)
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
        "apigateway:GET",
    )

    def read(self, aws: Aws, scope: Scope) -> Provisioned | None:
        function = chosen_function(scope, several(aws, scope))
        if function is None:
            return None
        pages = aws.pages(
            "lambda", "list_provisioned_concurrency_configs", FunctionName=function.name
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


class IntegrationProbe(Probe[tuple[Call, ...]]):
    title: ClassVar[str] = "what the API calls, and how long it waits"
    permissions: ClassVar[tuple[str, ...]] = ("apigateway:GET",)

    def read(self, aws: Aws, scope: Scope) -> tuple[Call, ...] | None:
        front = front_door(scope)
        if not isinstance(front, ApiRef):
            return None
        calls = calls_of(aws, front)
        if not calls:
            raise ReadFailed(GapReason.NOT_FOUND, f"no integrations found in {front.name}")
        return calls
