"""The calls that create the account's resources in moto, by service."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandbox.world.resources import Resources

Seed = tuple[str, dict[str, Any]]  # operation and its parameters


def calls(service: str, resources: Resources) -> Iterator[Seed]:
    """The calls that create the account's resources of a service in moto."""
    seed = _SEEDS.get(service)
    if seed is not None:
        yield from seed(resources)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _rds(resources: Resources) -> Iterator[Seed]:
    for database in resources.databases:
        if database.kind == "rds":
            yield (
                "CreateDBInstance",
                {
                    "DBInstanceIdentifier": database.name,
                    "DBInstanceClass": "db.r6g.large",
                    "Engine": "postgres",
                    "EngineVersion": "16.4",
                    "AllocatedStorage": 100,
                    "MasterUsername": "admin1",
                    "MasterUserPassword": "not-a-secret",
                    "MultiAZ": True,
                    "Tags": _tags(database.tags),
                },
            )


def _dynamodb(resources: Resources) -> Iterator[Seed]:
    for database in resources.databases:
        if database.kind == "dynamodb":
            yield (
                "CreateTable",
                {
                    "TableName": database.name,
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "BillingMode": "PROVISIONED",
                    "ProvisionedThroughput": {"ReadCapacityUnits": 100, "WriteCapacityUnits": 100},
                    "Tags": _tags(database.tags),
                },
            )


_SEEDS: Mapping[str, Callable[[Resources], Iterator[Seed]]] = {
    "rds": _rds,
    "dynamodb": _dynamodb,
}
