"""Databases, tables and tasks."""

from __future__ import annotations

from bot.domain.playbook_contract import Scope
from bot.domain.resources import EcsRef, Resources
from bot.domain.service import Service
from playbooks.probes.backends import DependenciesProbe, TasksProbe
from tests.playbooks.probes.answers import Published
from tests.playbooks.samples import minute, scope


def with_resources(**resources: object) -> Scope:
    return scope(None, Service(name="s", resources=Resources.model_validate(resources)))


BOTH = with_resources(databases=("orders",), tables=("carts",))


def test_the_most_connections_of_a_minute_are_read() -> None:
    """Connections are sampled: an average hides their peak."""
    aws = Published(
        {
            "DatabaseConnections Maximum orders": {0: 90.0},
            "DatabaseConnections Average orders": {0: 20.0},
            "ReadLatency orders": {0: 0.002},
        }
    )
    found = DependenciesProbe().read(aws, BOTH)
    assert found is not None
    database = next(each for each in found if each.kind == "rds")
    assert database.metric("connections").points == {minute(0): 90.0}
    assert database.metric("read latency").points == {minute(0): 2.0}
    assert [name for name, _ in aws.sent] == ["cloudwatch.get_metric_data"]


def test_throttles_are_none_only_beside_consumed_capacity() -> None:
    busy = Published({"ConsumedReadCapacityUnits carts": {0: 50.0}})
    found = DependenciesProbe().read(busy, BOTH)
    assert found is not None
    table = next(each for each in found if each.kind == "dynamodb")
    assert table.metric("read throttles").points == {minute(0): 0.0}
    assert not table.metric("write throttles")


def test_a_backend_of_which_nothing_is_published_is_told() -> None:
    found = DependenciesProbe().read(Published({"CPUUtilization orders": {0: 9.0}}), BOTH)
    assert found is not None
    assert found.coverage.missing == ("CloudWatch has nothing of carts",)
    tasks = with_resources(ecs=(EcsRef(cluster="main", service="shop"),))
    running = TasksProbe().read(Published({"CPUUtilization shop": {0: 9.0}}), tasks)
    assert running is not None
    assert running.coverage.complete
