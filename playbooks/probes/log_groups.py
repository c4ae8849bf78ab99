"""Where functions and containers write their logs: by their own settings, not by a guess.

A function's log group may be another than /aws/lambda/<name> and shared with other functions; its
log streams are then called `2026/11/23/<name>[42]0123…` (Lambda developer guide, "Configuring
CloudWatch log groups"). A container's log group stands in its task definition (ECS developer guide,
"Send Amazon ECS logs to CloudWatch").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import EcsRef, FunctionRef
from playbooks.probes import logs_insights

PERMISSIONS = (
    "lambda:GetFunctionConfiguration",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
)


@dataclass(frozen=True, slots=True)
class LogSource:
    """A log group and, where it is shared, a pattern of the log streams that are meant. `owner`:
    the function or ECS service that writes it; empty when it is not known."""

    group: str
    streams: str | None = None
    owner: str = ""

    @property
    def condition(self) -> str:
        """The condition of an Insights query that leaves the source's events."""
        group = f"@log like {logs_insights.pattern(f':{re.escape(self.group)}$')}"
        if self.streams is None:
            return group
        return f"({group} and @logStream like {logs_insights.pattern(self.streams)})"


def function_settings(aws: Aws, function: FunctionRef) -> dict[str, Any]:
    """GetFunctionConfiguration of the function, by its alias if there is one. Raises ReadFailed."""
    alias = {"Qualifier": function.alias} if function.alias else {}
    return aws.read("lambda", "get_function_configuration", FunctionName=function.name, **alias)


def of_function(function: FunctionRef, settings: Mapping[str, Any]) -> LogSource:
    """Where a function with these settings logs."""
    group = settings.get("LoggingConfig", {}).get("LogGroup") or function.logs
    own = f"/aws/lambda/{function.name}"
    streams = None if group == own else rf"/{re.escape(function.name)}\["
    return LogSource(group, streams, function.name)


def of_functions(aws: Aws, functions: Iterable[FunctionRef]) -> tuple[list[LogSource], list[str]]:
    """Where the functions log, and sentences on what could not be read: the usual log group then
    stands in."""
    found, unread = [], []
    functions = tuple(functions)
    with ThreadPoolExecutor(max(1, len(functions)), thread_name_prefix="log-groups") as pool:
        reads = [pool.submit(function_settings, aws, function) for function in functions]
    for function, read in zip(functions, reads, strict=True):
        try:
            found.append(of_function(function, read.result()))
        except ReadFailed as failed:
            found.append(LogSource(function.logs, owner=function.name))
            unread.append(
                f"whether {function.name} logs to {function.logs} was not read ({failed})"
            )
    return found, unread


def of_containers(aws: Aws, services: Iterable[EcsRef]) -> tuple[list[LogSource], list[str]]:
    """Where the containers of ECS services log, and sentences on those whose logs are elsewhere or
    not known."""
    found: list[LogSource] = []
    unread: list[str] = []
    for ecs in services:
        try:
            definition = _task_definition(aws, ecs)
        except ReadFailed as failed:
            unread.append(f"where the containers of {ecs.service} log was not read ({failed})")
            continue
        for container in definition.get("containerDefinitions", []):
            source, why = container_source(container, aws.region)
            if source is not None:
                found.append(replace(source, owner=ecs.service))
            elif container.get("essential", True):
                unread.append(f"container {container['name']} of {ecs.service} {why}")
    return found, unread


def container_source(container: Mapping[str, Any], region: str) -> tuple[LogSource | None, str]:
    """Where a container of a task definition logs; without such a log group, what it does."""
    settings = container.get("logConfiguration") or {}
    driver, options = settings.get("logDriver"), settings.get("options") or {}
    if driver is None:
        return None, "has no log driver in its task definition"
    if driver != "awslogs" or "awslogs-group" not in options:
        return None, f"logs by {driver}, not to CloudWatch Logs"
    if options.get("awslogs-region", region) != region:
        return None, f"logs in {options['awslogs-region']}"
    prefix = options.get("awslogs-stream-prefix")
    stream = re.escape(f"{prefix}/{container['name']}/")
    streams = f"^{stream}" if prefix else None
    return LogSource(options["awslogs-group"], streams), ""


def _task_definition(aws: Aws, ecs: EcsRef) -> dict[str, Any]:
    """The task definition the service runs. Raises ReadFailed."""
    answer = aws.read("ecs", "describe_services", cluster=ecs.cluster, services=[ecs.service])
    services = answer.get("services", [])
    if not services:
        raise ReadFailed(GapReason.NOT_FOUND, f"no ECS service is called {ecs.service}")
    running = services[0]["taskDefinition"]
    described = aws.read("ecs", "describe_task_definition", taskDefinition=running)
    definition: dict[str, Any] = described["taskDefinition"]
    return definition
