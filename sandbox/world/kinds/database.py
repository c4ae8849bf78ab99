"""RDS instances and DynamoDB tables: `resources.databases`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from pydantic import Field

from sandbox.world.effects import BaseEffect, Load
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.resource import NamedBy, Resource, Seed
from sandbox.world.metrics import Dimensions, Published, dimensions, plain
from sandbox.world.minute import Gauges, MinuteRecords, cpu
from sandbox.world.parts import Loc, Problem, known


class DbSlow(BaseEffect):
    """A database answers slowly: durations multiply by `slowdown`, its latency metrics follow."""

    kind: Literal["db_slow"]
    database: str
    slowdown: float = Field(gt=1)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The database must exist."""
        yield from known_database(inventory, (*loc, "database"), self.database)

    def duration_factor(self, held: float, load: Load) -> float:
        """The slowdown, as far as the conditions hold."""
        return 1.0 + (self.slowdown - 1.0) * held


class Database(Resource):
    """An RDS instance or a DynamoDB table a service depends on (metrics only, for now)."""

    effects = (DbSlow,)
    named_by = (
        NamedBy("rds", "AWS::RDS::DBInstance", "db:", ("DBInstanceIdentifier",)),
        NamedBy("dynamodb", "AWS::DynamoDB::Table", "table/", ("TableName",)),
    )

    name: str
    kind: Literal["rds", "dynamodb"] = "rds"
    tags: dict[str, str] = Field(default_factory=dict)

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        """AWS/RDS or AWS/DynamoDB: what the load does to it."""
        gauges, rng = minute.gauges, minute.rng
        pressed = [g.pressure if g.pressed == self.name else 0.0 for g in gauges]
        lag = [self._slowdown(g) * (1 + 9 * p) for g, p in zip(gauges, pressed, strict=True)]
        if self.kind == "dynamodb":
            for operation in ("GetItem", "PutItem"):
                dims = [dimensions(TableName=self.name, Operation=operation)]
                times = plain([4.5 * x * rng.uniform(0.9, 1.15) for x in lag], "Milliseconds")
                yield Published("AWS/DynamoDB", "SuccessfulRequestLatency", dims, times)
            return
        dims = [dimensions(DBInstanceIdentifier=self.name)]
        used = [cpu(minute.normal, g, g.pressed == self.name, rng) for g in gauges]
        reads = [0.0009 * x * rng.uniform(0.9, 1.15) for x in lag]
        connections = [
            float(round(12 + 8 * g.load + 0.2 * g.concurrency[0] + 60 * p + rng.gauss(0, 1)))
            for g, p in zip(gauges, pressed, strict=True)
        ]
        yield Published("AWS/RDS", "CPUUtilization", dims, plain(used, "Percent"))
        yield Published("AWS/RDS", "ReadLatency", dims, plain(reads, "Seconds"))
        yield Published("AWS/RDS", "DatabaseConnections", dims, plain(connections, "Count"))

    def _slowdown(self, gauge: Gauges) -> float:
        """How many times slower than usual it is; of several effects the last one says it."""
        found = 1.0
        for effect, held in gauge.active:
            if isinstance(effect, DbSlow) and effect.database == self.name:
                found = 1.0 + (effect.slowdown - 1.0) * held
        return found

    def alarm_dimensions(self, namespace: str) -> Dimensions | None:
        """The RDS instance. (DynamoDB's metrics also have an operation, which an alarm names.)"""
        if namespace == "AWS/RDS" and self.kind == "rds":
            return dimensions(DBInstanceIdentifier=self.name)
        return None

    def catalogue(self) -> Iterable[tuple[str, object]]:
        """Its name, with the databases or with the tables."""
        return [("databases" if self.kind == "rds" else "tables", self.name)]

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The instance or table."""
        tail = f"db:{self.name}" if self.kind == "rds" else f"table/{self.name}"
        return [(inventory.arn(self.kind, tail), self.tags)]

    def seeds(self) -> Iterable[Seed]:
        """A PostgreSQL instance, or a table with provisioned capacity."""
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        if self.kind == "rds":
            instance = {
                "DBInstanceIdentifier": self.name,
                "DBInstanceClass": "db.r6g.large",
                "Engine": "postgres",
                "EngineVersion": "16.4",
                "AllocatedStorage": 100,
                "MasterUsername": "admin1",
                "MasterUserPassword": "not-a-secret",
                "MultiAZ": True,
                "Tags": tags,
            }
            return [Seed("rds", "CreateDBInstance", instance)]
        table = {
            "TableName": self.name,
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": 100, "WriteCapacityUnits": 100},
            "Tags": tags,
        }
        return [Seed("dynamodb", "CreateTable", table)]


def known_database(inventory: Inventory, loc: Loc, name: str | None) -> Iterator[Problem]:
    """The problem that there is no database of this name."""
    databases = [database.name for database in inventory.every(Database)]
    yield from known(loc, "database", name, databases, "resources.databases")
