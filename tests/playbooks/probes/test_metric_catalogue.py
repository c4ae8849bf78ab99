"""The table of metrics: whole, and true of what the sandbox publishes."""

from __future__ import annotations

import pytest

from playbooks.probes import metric_catalogue
from playbooks.probes.metric_catalogue import Missing
from sandbox.world.kinds.resource import Resource
from tests.sandbox.world import playing

NEEDED = {
    "AWS/ApiGateway",
    "AWS/ApplicationELB",
    "AWS/NetworkELB",
    "AWS/Lambda",
    "AWS/ECS",
    "AWS/RDS",
    "AWS/DynamoDB",
    "AWS/Route53",
    "AWS/EC2",
    "AWS/NATGateway",
    "AWS/SQS",
    "AWS/WAFV2",
    "AWS/Usage",
}


def test_every_row_is_whole() -> None:
    rows = metric_catalogue.table()
    assert {row.namespace for row in rows} >= NEEDED
    for row in rows:
        assert row.statistics, row
        assert row.dimension_sets, row
        assert row.period.total_seconds() in (60, 300), row
        assert row.delay, row
        assert row.source.startswith("https://docs.aws.amazon.com/"), row


def test_a_companion_is_itself_in_the_table_and_never_missing_for_zero_alone() -> None:
    for row in metric_catalogue.table():
        if row.companion is None:
            continue
        assert row.missing is Missing.ZERO, row
        companions = [
            metric_catalogue.find(row.namespace, row.companion, each) for each in row.dimension_sets
        ]
        assert any(companions), row


def test_rows_of_one_name_are_told_apart_by_their_dimensions() -> None:
    instance = metric_catalogue.find("AWS/RDS", "DatabaseConnections", ["DBInstanceIdentifier"])
    proxy = metric_catalogue.find("AWS/RDS", "DatabaseConnections", ["ProxyName"])
    assert instance is not None
    assert proxy is not None
    assert (instance.scope, proxy.scope) == ("instance", "RDS Proxy")
    assert metric_catalogue.find("AWS/RDS", "DatabaseConnections", ["Nonsense"]) is None


def test_statistics_that_mean_something() -> None:
    latency = metric_catalogue.legal("AWS/ApiGateway", "Latency", "p95", ["ApiName", "Stage"])
    assert latency.allows("SampleCount")
    assert not latency.allows("Sum")


def one_for_each_kind() -> list[str]:
    """Stories that together have every kind of resource that any story has."""
    chosen: list[str] = []
    seen: set[str] = set()
    for path in playing.FILES:
        resources = playing.scenario(path.stem).resources
        kinds = {type(each).__name__ for each in resources.every(Resource)}
        if not kinds <= seen:
            chosen.append(path.stem)
            seen |= kinds
    return chosen


@pytest.mark.parametrize("name", one_for_each_kind())
def test_what_the_sandbox_publishes_is_legal(name: str) -> None:
    unknown = [
        metric
        for metric in playing.shared(name).metrics()
        if metric_catalogue.find(
            metric.namespace, metric.name, [key for key, _ in metric.dimensions]
        )
        is None
    ]
    assert unknown == []
