"""Backends that may be at their limit: the service's ECS services, databases and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bot.domain.coverage import Coverage
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from playbooks.probes.metrics import PERMISSION, Metric, TimeSeries, read_series


@dataclass(frozen=True, slots=True)
class Backend:
    """One backend's metrics a minute: CPU and memory in percent, latency in ms, throttled calls.

    A series is empty where this kind of backend has no such metric, or nothing was published.
    `connections` are the most of each minute.
    """

    kind: str  # ecs, rds, dynamodb
    name: str
    series: Mapping[str, TimeSeries]

    def metric(self, label: str) -> TimeSeries:
        return self.series.get(label, TimeSeries())


class Backends(tuple[Backend, ...]):
    """Backends that are measured."""

    __slots__ = ()

    @property
    def coverage(self) -> Coverage:
        """Complete when CloudWatch published something of each of them."""
        silent = [each.name for each in self if not any(each.series.values())]
        return Coverage.of(f"CloudWatch has nothing of {', '.join(silent)}" if silent else None)


class TasksProbe(Probe[Backends]):
    title: ClassVar[str] = "CPU and memory of the ECS services"
    permissions: ClassVar[tuple[str, ...]] = (PERMISSION,)

    def read(self, aws: Aws, scope: Scope) -> Backends | None:
        services = scope.service.resources.ecs
        if not services:
            return None
        asked = {}
        for ecs in services:
            of_service = {"ClusterName": ecs.cluster, "ServiceName": ecs.service}
            for label, name in (("cpu", "CPUUtilization"), ("memory", "MemoryUtilization")):
                asked["ecs", ecs.service, label] = Metric("AWS/ECS", name, "Average", of_service)
        return read_backends(aws, scope, asked)


class DependenciesProbe(Probe[Backends]):
    title: ClassVar[str] = "metrics of databases and tables"
    permissions: ClassVar[tuple[str, ...]] = (PERMISSION,)

    def read(self, aws: Aws, scope: Scope) -> Backends | None:
        resources = scope.service.resources
        asked = {}
        for database in resources.databases:
            of_instance = {"DBInstanceIdentifier": database}
            for label, name, statistic in (
                ("cpu", "CPUUtilization", "Average"),
                ("connections", "DatabaseConnections", "Maximum"),  # an average hides the peak
                ("read latency", "ReadLatency", "Average"),
                ("write latency", "WriteLatency", "Average"),
            ):
                asked["rds", database, label] = Metric("AWS/RDS", name, statistic, of_instance)
        for table in resources.tables:
            for label, name in (
                ("read throttles", "ReadThrottleEvents"),
                ("write throttles", "WriteThrottleEvents"),
            ):
                asked["dynamodb", table, label] = Metric(
                    "AWS/DynamoDB", name, "Sum", {"TableName": table}
                )
            for operation in ("GetItem", "Query", "PutItem"):
                asked["dynamodb", table, f"{operation} latency"] = Metric(
                    "AWS/DynamoDB",
                    "SuccessfulRequestLatency",
                    "Average",
                    {"TableName": table, "Operation": operation},
                )
        return read_backends(aws, scope, asked) if asked else None


def read_backends(aws: Aws, scope: Scope, asked: Mapping[tuple[str, str, str], Metric]) -> Backends:
    """The backends with their metrics; `asked` by kind, name and label. Raises ReadFailed."""
    found = read_series(
        aws, scope.window, {"\t".join(key): metric for key, metric in asked.items()}
    )
    names = dict.fromkeys((kind, name) for kind, name, _ in asked)
    return Backends(
        Backend(
            kind,
            name,
            {
                label: found[f"{kind}\t{name}\t{label}"]
                for of_kind, of_name, label in asked
                if (of_kind, of_name) == (kind, name)
            },
        )
        for kind, name in names
    )
