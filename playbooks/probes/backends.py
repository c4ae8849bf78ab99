"""Backends that may be at their limit: the service's ECS services, databases and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from bot.domain.coverage import Coverage
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from playbooks.probes import named_dependencies
from playbooks.probes.metrics import PERMISSION, Metric, TimeSeries, read_series

MOST_NAMED = 5  # databases, and tables, that only variables name


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
    """Backends that are measured. `unread`: sentences on settings that may name others."""

    unread: tuple[str, ...] = ()

    @property
    def coverage(self) -> Coverage:
        """Complete when CloudWatch published something of each of them."""
        silent = [each.name for each in self if not any(each.series.values())]
        nothing = f"CloudWatch has nothing of {', '.join(silent)}" if silent else None
        return Coverage.of(nothing, *self.unread)


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
    """Databases and tables of the service, and those of others that its code is told to call."""

    title: ClassVar[str] = "metrics of databases and tables"
    permissions: ClassVar[tuple[str, ...]] = (
        PERMISSION,
        "lambda:GetFunctionConfiguration",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
    )

    def read(self, aws: Aws, scope: Scope) -> Backends | None:
        resources = scope.service.resources
        own = {
            **{key: metric for name in resources.databases for key, metric in _instance(name)},
            **{key: metric for name in resources.tables for key, metric in _table(name)},
        }
        found = read_backends(aws, scope, own) if own else Backends()
        named, unread = named_dependencies.of_service(aws, resources)
        others = {
            key: metric
            for names, known, metrics in (
                (named.databases, resources.databases, _instance),
                (named.tables, resources.tables, _table),
            )
            for name in names[:MOST_NAMED]
            if name not in known
            for key, metric in metrics(name)
        }
        # what only looks like a name of one has nothing in CloudWatch
        beyond = read_backends(aws, scope, others) if others else ()
        kept = [each for each in beyond if any(each.series.values())]
        if not own and not kept:
            return None
        measured = Backends((*found, *kept))
        measured.unread = unread
        return measured


def _instance(name: str) -> Iterator[tuple[tuple[str, str, str], Metric]]:
    for label, metric, statistic in (
        ("cpu", "CPUUtilization", "Average"),
        ("connections", "DatabaseConnections", "Maximum"),  # an average hides the peak
        ("read latency", "ReadLatency", "Average"),
        ("write latency", "WriteLatency", "Average"),
    ):
        of_instance = {"DBInstanceIdentifier": name}
        yield ("rds", name, label), Metric("AWS/RDS", metric, statistic, of_instance)


def _table(name: str) -> Iterator[tuple[tuple[str, str, str], Metric]]:
    for label, metric in (
        ("read throttles", "ReadThrottleEvents"),
        ("write throttles", "WriteThrottleEvents"),
    ):
        yield ("dynamodb", name, label), Metric("AWS/DynamoDB", metric, "Sum", {"TableName": name})
    for operation in ("GetItem", "Query", "PutItem"):
        of_operation = {"TableName": name, "Operation": operation}
        yield (
            ("dynamodb", name, f"{operation} latency"),
            Metric("AWS/DynamoDB", "SuccessfulRequestLatency", "Average", of_operation),
        )


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
