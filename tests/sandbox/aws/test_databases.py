"""RDS's own events, as they follow from what a scenario does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sandbox.world.api import TrailEvent
from tests.sandbox.aws.conftest import Client
from tests.sandbox.aws.plain_world import NOW, PlainWorld


@pytest.fixture
def rds(world: PlainWorld, client: Client) -> Any:
    reboot = {"dBInstanceIdentifier": "orders"}
    failover = {"dBClusterIdentifier": "main", "targetDBInstanceIdentifier": "orders"}
    world.events = [
        TrailEvent(NOW - timedelta(minutes=minutes), "rds.amazonaws.com", name, "dana", (), request)
        for minutes, name, request in (
            (20, "RebootDBInstance", reboot),
            (10, "FailoverDBCluster", failover),
            (90, "RebootDBInstance", reboot),
        )
    ]
    return client("rds")


def test_a_reboot_and_a_failover_are_told_in_the_order_of_time(rds: Any) -> None:
    events = rds.describe_events()["Events"]
    assert [event["Message"] for event in events] == [
        "DB instance shutdown",
        "DB instance restarted",
        "Started cross AZ failover to DB instance: orders",
        "Completed failover to DB instance: orders",
    ]
    assert [event["SourceIdentifier"] for event in events] == ["orders"] * 2 + ["main"] * 2
    assert {event["SourceType"] for event in events} == {"db-instance", "db-cluster"}


def test_of_one_source_and_time(rds: Any) -> None:
    asked = {"SourceIdentifier": "main", "SourceType": "db-cluster"}
    assert len(rds.describe_events(**asked)["Events"]) == 2
    early = {"StartTime": NOW - timedelta(hours=2), "EndTime": NOW - timedelta(hours=1)}
    assert len(rds.describe_events(**early)["Events"]) == 2
