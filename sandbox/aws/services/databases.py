"""RDS and DynamoDB: moto's instances and tables, with their dates in world time."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.aws.account import Call
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


@operation("rds", "DescribeEvents")
def describe_events(call: Call, params: Params) -> Reply:
    """What RDS wrote of its instances; of the last hour, unless a time is given."""
    end = params.get("EndTime") or call.time
    start = params.get("StartTime") or end - timedelta(minutes=params.get("Duration", 60))
    wanted, kinds = params.get("SourceIdentifier"), params.get("EventCategories", [])
    found = [
        {
            "SourceIdentifier": notice.subject,
            "SourceType": "db-instance",
            "Message": notice.message,
            "EventCategories": [notice.details["category"]],
            "Date": notice.time,
            "SourceArn": call.account.arn("rds", f"db:{notice.subject}"),
        }
        for notice in call.world.notices("rds")
        if start <= notice.time <= end
        and wanted in (None, notice.subject)
        and (not kinds or notice.details["category"] in kinds)
        and params.get("SourceType", "db-instance") == "db-instance"
    ]
    shown, marker = page(found, params.get("Marker"), params.get("MaxRecords", 100))
    return {"Events": shown, "Marker": marker}


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
