"""RDS instances and DynamoDB tables: `resources.databases`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import Field

from sandbox.world.api import LeverValue
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.database_changes import (
    AVAILABLE,
    DatabaseBase,
    DatabaseDown,
    DatabaseFailover,
    DatabaseReboot,
    DbSlow,
    TableCapacity,
    TableThrottled,
)
from sandbox.world.kinds.resource import NamedBy, Seed
from sandbox.world.metrics import Dimensions, Published, dimensions, plain
from sandbox.world.minute import Gauges, MinuteRecords, cpu
from sandbox.world.parts import Loc, Problem, Share


class Database(DatabaseBase):
    """An RDS instance or a DynamoDB table a service depends on."""

    effects = (DbSlow, DatabaseDown, TableThrottled)
    changes = (DatabaseReboot, DatabaseFailover, TableCapacity)
    named_by = (
        NamedBy("rds", "AWS::RDS::DBInstance", "db:", ("DBInstanceIdentifier",)),
        NamedBy("dynamodb", "AWS::DynamoDB::Table", "table/", ("TableName",)),
    )

    max_connections: int = 800  # rds
    read_capacity: int = Field(default=100, gt=0)  # dynamodb: units a second that are provisioned
    write_capacity: int = Field(default=100, gt=0)
    read_use: Share = 0.4  # of it, at the usual load
    write_use: Share = 0.2
    on_demand: bool = False
    of_others: bool = False  # another team's: the bot's catalogue does not name it
    tags: dict[str, str] = Field(default_factory=dict)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Keys of the other kind."""
        table = {"read_capacity", "write_capacity", "read_use", "write_use", "on_demand"}
        if self.kind == "rds" and self.model_fields_set & table:
            yield loc, f"{', '.join(sorted(self.model_fields_set & table))}: only of a dynamodb"
        if self.kind == "dynamodb" and "max_connections" in self.model_fields_set:
            yield (*loc, "max_connections"), "only of an rds"

    def levers(self) -> Mapping[str, LeverValue]:
        """`rds/{name}/state`: available, rebooting or failing-over; `dynamodb/{name}/`:
        read_capacity and write_capacity (units a second)."""
        if self.kind == "rds":
            return {f"rds/{self.name}/state": AVAILABLE}
        return {
            f"dynamodb/{self.name}/read_capacity": self.read_capacity,
            f"dynamodb/{self.name}/write_capacity": self.write_capacity,
        }

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        """AWS/RDS or AWS/DynamoDB: what the load does to it."""
        if self.kind == "dynamodb":
            yield from self._table(minute)
        else:
            yield from self._instance(minute)

    def _instance(self, minute: MinuteRecords) -> Iterator[Published]:
        gauges, rng = minute.gauges, minute.rng
        pressed = [g.pressure(database=self.name) for g in gauges]
        lag = [self._slowdown(g) * (1 + 9 * p) for g, p in zip(gauges, pressed, strict=True)]
        dims = [dimensions(DBInstanceIdentifier=self.name)]
        down = [minute.levers.get(f"rds/{self.name}/state", g.time) != AVAILABLE for g in gauges]
        used = [cpu(minute.normal, g, p, rng) for g, p in zip(gauges, pressed, strict=True)]
        reads = [0.0009 * x * rng.uniform(0.9, 1.15) for x in lag]
        connections = [
            self._connections(g, p, rng.gauss(0, 1)) for g, p in zip(gauges, pressed, strict=True)
        ]
        for index, gone in enumerate(down):
            if gone:
                used[index], connections[index] = min(used[index], 8.0), 0.0
        yield Published("AWS/RDS", "CPUUtilization", dims, plain(used, "Percent"))
        yield Published("AWS/RDS", "ReadLatency", dims, plain(reads, "Seconds"))
        yield Published("AWS/RDS", "DatabaseConnections", dims, plain(connections, "Count"))

    def _connections(self, gauge: Gauges, pressure: float, noise: float) -> float:
        """What is open: of the code's pool where it has one, else as many as there is work."""
        pooled = [held for name, held in gauge.pools if name == self.name]
        waiting = gauge.waiting.get(self.name, 0.0)
        usual = 12 + 8 * gauge.load + 0.2 * gauge.concurrency + 60 * pressure + noise
        usual = 6.0 + sum(pooled) if pooled else usual + waiting
        return float(round(min(usual, self.max_connections)))

    def _table(self, minute: MinuteRecords) -> Iterator[Published]:
        """Consumed and throttled counts have no data in a minute without them; the provisioned
        capacity comes every fifth minute. (DynamoDB developer guide, "Metrics and dimensions".)"""
        gauges, rng = minute.gauges, minute.rng
        pressed = [g.pressure(database=self.name) for g in gauges]
        lag = [self._slowdown(g) * (1 + 9 * p) for g, p in zip(gauges, pressed, strict=True)]
        for operation in ("GetItem", "PutItem"):
            dims = [dimensions(TableName=self.name, Operation=operation)]
            times = plain([4.5 * x * rng.uniform(0.9, 1.15) for x in lag], "Milliseconds")
            yield Published("AWS/DynamoDB", "SuccessfulRequestLatency", dims, times)
        whole = [dimensions(TableName=self.name)]
        for side, use, operation in (
            ("Read", self.read_use, "GetItem"),
            ("Write", self.write_use, "PutItem"),
        ):
            key = f"dynamodb/{self.name}/{side.lower()}_capacity"
            capacity = minute.levers.number(key, minute.start) or 0.0
            own = self.read_capacity if side == "Read" else self.write_capacity
            throttled = self._throttled(minute, side.lower())
            load = sum(g.load for g in gauges) / len(gauges) if gauges else 0.0
            wanted = own * use * load * 60.0
            consumed = wanted if self.on_demand else min(wanted, capacity * 60.0)
            consumed = capacity * 60.0 if throttled and not self.on_demand else consumed
            name = f"Consumed{side}CapacityUnits"
            yield Published("AWS/DynamoDB", name, whole, plain([round(consumed)], "Count"))
            if not self.on_demand and round(minute.start / 60.0) % 5 == 0:
                name = f"Provisioned{side}CapacityUnits"
                yield Published("AWS/DynamoDB", name, whole, plain([capacity], "Count"))
            if throttled:
                # the SDK tries four times before it gives up
                refused = ((1.0,), (4.0 * throttled,), "Count")
                yield Published("AWS/DynamoDB", f"{side}ThrottleEvents", whole, refused)
                dims = [dimensions(TableName=self.name, Operation=operation)]
                yield Published("AWS/DynamoDB", "ThrottledRequests", dims, refused)

    def _throttled(self, minute: MinuteRecords, operation: str) -> int:
        """The requests that failed on it."""
        names = {
            effect.exception
            for gauge in minute.gauges
            for effect, _ in gauge.active
            if isinstance(effect, TableThrottled)
            and effect.database == self.name
            and effect.operation == operation
        }
        raised = ((r.call.exception if r.call else r.exception, r.weight) for r in minute.arrived)
        return sum(weight for exception, weight in raised if exception and exception[0] in names)

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
        """Its name, with the databases or with the tables; nothing of another team's."""
        return [] if self.of_others else [(self.section, self.name)]

    @property
    def section(self) -> str:
        """The list of the catalogue it belongs to."""
        return "databases" if self.kind == "rds" else "tables"

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
        units = {
            "ReadCapacityUnits": self.read_capacity,
            "WriteCapacityUnits": self.write_capacity,
        }
        billing: dict[str, object] = (
            {"BillingMode": "PAY_PER_REQUEST"}
            if self.on_demand
            else {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}
        )
        table = {
            "TableName": self.name,
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            **billing,
            "Tags": tags,
        }
        return [Seed("dynamodb", "CreateTable", table)]
