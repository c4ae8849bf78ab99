"""RDS and DynamoDB: moto's instances and tables, with their dates in world time; RDS's events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox.aws.account import Call
from sandbox.aws.history import scenario_changes
from sandbox.aws.pages import page
from sandbox.aws.registry import Params, Reply, operation

_AGE = timedelta(days=200)


def _created(call: Call) -> datetime:
    return call.account.opened - _AGE


@operation("rds", "DescribeDBInstances")
def describe_db_instances(call: Call, params: Params) -> Reply:
    """The instances."""
    reply = call.moto(params)
    for instance in reply["DBInstances"]:
        instance["InstanceCreateTime"] = _created(call)
        instance["LatestRestorableTime"] = call.time - timedelta(minutes=5)
        name = instance["DBInstanceIdentifier"]
        instance["DBInstanceStatus"] = str(call.world.lever(f"rds/{name}/state") or "available")
    return reply


_TOLD = {
    "RebootDBInstance": (
        (0, "DB instance shutdown", "availability"),
        (30, "DB instance restarted", "availability"),
    ),
    "FailoverDBCluster": (
        (0, "Started cross AZ failover to DB instance: {target}", "failover"),
        (40, "Completed failover to DB instance: {target}", "failover"),
    ),
    "ModifyDBInstance": (
        (60, "Finished applying modification to DB instance", "configuration change"),
    ),
}
"""What RDS tells of a call: seconds later, the message, its category (RDS user guide, "Amazon RDS
event categories and event messages")."""


@operation("rds", "DescribeEvents")
def describe_events(call: Call, params: Params) -> Reply:
    """What happened to instances and clusters, oldest first; in the last hour when no time is
    given."""
    start = params.get("StartTime") or call.time - timedelta(minutes=params.get("Duration", 60))
    end = min(params.get("EndTime") or call.time, call.time)
    events = [*_noticed(call), *_of_calls(call)]
    found = [event for event in events if start <= event["Date"] <= end]
    if wanted := params.get("SourceIdentifier"):
        found = [event for event in found if event["SourceIdentifier"] == wanted]
    if kind := params.get("SourceType"):
        found = [event for event in found if event["SourceType"] == kind]
    if categories := params.get("EventCategories"):
        found = [event for event in found if set(categories) & set(event["EventCategories"])]
    found.sort(key=lambda event: event["Date"])
    shown, marker = page(found, params.get("Marker"), params.get("MaxRecords", 100))
    return {"Events": shown, "Marker": marker}


def _noticed(call: Call) -> Iterator[dict[str, Any]]:
    """What the world says RDS wrote of its instances."""
    for notice in call.world.notices("rds"):
        yield {
            "SourceIdentifier": notice.subject,
            "SourceType": "db-instance",
            "Message": notice.message,
            "EventCategories": [notice.details["category"]],
            "Date": notice.time,
            "SourceArn": call.account.arn("rds", f"db:{notice.subject}"),
        }


def _of_calls(call: Call) -> Iterator[dict[str, Any]]:
    """What RDS tells of API calls in the scenario's trail that the world writes no notice of."""
    noticed = {notice.subject for notice in call.world.notices("rds")}
    for name, told in _TOLD.items():
        for event in scenario_changes(call.world, "rds", name):
            cluster = str(event.request.get("dBClusterIdentifier", ""))
            instance = str(event.request.get("dBInstanceIdentifier", ""))
            target = str(event.request.get("targetDBInstanceIdentifier", instance))
            if (cluster or instance) in noticed:
                continue
            for seconds, message, category in told:
                yield {
                    "SourceIdentifier": cluster or instance,
                    "SourceType": "db-cluster" if cluster else "db-instance",
                    "Message": message.format(target=target),
                    "EventCategories": [category],
                    "Date": event.time + timedelta(seconds=seconds),
                }


@operation("dynamodb", "DescribeTable")
def describe_table(call: Call, params: Params) -> Reply:
    """A table, with the capacity it has now."""
    reply = call.moto(params)
    name, provisioned = params["TableName"], reply["Table"].get("ProvisionedThroughput") or {}
    for side in ("Read", "Write"):
        now = call.world.lever(f"dynamodb/{name}/{side.lower()}_capacity")
        if now is not None and provisioned.get(f"{side}CapacityUnits"):
            provisioned[f"{side}CapacityUnits"] = int(now)
    reply["Table"]["CreationDateTime"] = _created(call)
    return reply
