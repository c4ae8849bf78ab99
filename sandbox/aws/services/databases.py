"""RDS and DynamoDB: moto's instances and tables, with their dates in world time."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.aws.account import Call
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
    return reply


@operation("dynamodb", "DescribeTable")
def describe_table(call: Call, params: Params) -> Reply:
    """A table."""
    reply = call.moto(params)
    reply["Table"]["CreationDateTime"] = _created(call)
    return reply
