"""What goes wrong with a database, who restarts it, and what fails over by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts, ServiceEvent
from sandbox.world.effects import BaseEffect, CodeResult, FilteredEffect, Load
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.resource import Resource
from sandbox.world.parts import Loc, Problem, Seconds, Share, known

AVAILABLE = "available"


class DatabaseBase(Resource):
    """A database, as far as others name it."""

    name: str
    kind: Literal["rds", "dynamodb"] = "rds"


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


class DatabaseDown(FilteredEffect):
    """A database takes no connections: requests that need it fail, its connections are gone.

    Tie it to a restart with `while: [{lever: rds/NAME/state, equals: rebooting}]`, or
    `failing-over`.
    """

    kind: Literal["database_down"]
    database: str
    share: Share = 1.0
    exception: str = "OperationalError"
    message: str = "connection to server failed: Connection refused"
    status: int | None = Field(default=None, ge=400, le=599)
    takes: Seconds = Field(default=0.05, gt=0)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The database must exist."""
        yield from known_database(inventory, (*loc, "database"), self.database)

    def in_code(self) -> CodeResult:
        """No connection."""
        return CodeResult(self.status, (self.exception, self.message), self.takes)


class TableThrottled(FilteredEffect):
    """DynamoDB refuses a share of the requests to a table: the code raises, consumed capacity
    stands at what is provisioned."""

    kind: Literal["table_throttled"]
    database: str
    operation: Literal["read", "write"] = "read"
    exception: str = "ProvisionedThroughputExceededException"
    message: str = "The level of configured provisioned throughput for the table was exceeded"
    status: int | None = Field(default=None, ge=400, le=599)
    takes: Seconds = Field(default=1.2, gt=0)  # the SDK's retries

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The table must exist."""
        yield from known_database(inventory, (*loc, "database"), self.database, "dynamodb")

    def in_code(self) -> CodeResult:
        """The SDK gives up."""
        return CodeResult(self.status, (self.exception, self.message), self.takes)

    def occupies(self, limit: float) -> float:
        """The retries."""
        return min(self.takes, limit)


class DatabaseReboot(BaseChange):
    """rds:RebootDBInstance: the lever `rds/{name}/state` is `rebooting` (with `failover`
    `failing-over`) for `takes`."""

    kind: Literal["database_reboot"]
    database: str
    failover: bool = False
    takes: Seconds = Field(default=45.0, gt=0)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The instance must exist."""
        yield from known_database(inventory, (*loc, "database"), self.database, "rds")

    def steps(self, inventory: Inventory) -> Iterator[tuple[str, float, LeverValue]]:
        """The instance's state, for a while."""
        yield from _away(self.database, self.takes, self.failover)

    def event(self, inventory: Inventory) -> EventFacts:
        """RebootDBInstance."""
        touched = (("AWS::RDS::DBInstance", self.database),)
        request = {"dBInstanceIdentifier": self.database, "forceFailover": self.failover}
        return EventFacts("rds.amazonaws.com", "RebootDBInstance", touched, request)

    def notices(self, inventory: Inventory) -> Iterator[tuple[float, ServiceEvent]]:
        """RDS events."""
        yield from _told(self.database, self.takes, self.failover)


class DatabaseFailover(BaseChange):
    """An RDS instance fails over by itself: RDS events tell of it, CloudTrail does not."""

    kind: Literal["database_failover"]
    by: str = "rds"
    database: str
    takes: Seconds = Field(default=60.0, gt=0)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The instance must exist."""
        yield from known_database(inventory, (*loc, "database"), self.database, "rds")

    def steps(self, inventory: Inventory) -> Iterator[tuple[str, float, LeverValue]]:
        """The instance's state, for a while."""
        yield from _away(self.database, self.takes, True)

    def event(self, inventory: Inventory) -> None:
        """Nobody called an API."""

    def notices(self, inventory: Inventory) -> Iterator[tuple[float, ServiceEvent]]:
        """RDS events."""
        yield from _told(self.database, self.takes, True)


class TableCapacity(BaseChange):
    """dynamodb:UpdateTable: other provisioned capacity; lever `dynamodb/{name}/read_capacity` and
    `.../write_capacity`."""

    kind: Literal["table_capacity"]
    database: str
    read_capacity: int | None = Field(default=None, gt=0)
    write_capacity: int | None = Field(default=None, gt=0)

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The table must exist."""
        yield from known_database(inventory, (*loc, "database"), self.database, "dynamodb")

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """What was set."""
        wanted = {"read_capacity": self.read_capacity, "write_capacity": self.write_capacity}
        return {
            f"dynamodb/{self.database}/{key}": (0.0, value)
            for key, value in wanted.items()
            if value is not None
        }

    def event(self, inventory: Inventory) -> EventFacts:
        """UpdateTable."""
        touched = (("AWS::DynamoDB::Table", self.database),)
        units = {
            "readCapacityUnits": self.read_capacity,
            "writeCapacityUnits": self.write_capacity,
        }
        request = {
            "tableName": self.database,
            "provisionedThroughput": {k: v for k, v in units.items() if v is not None},
        }
        return EventFacts("dynamodb.amazonaws.com", "UpdateTable", touched, request)


def known_database(
    inventory: Inventory, loc: Loc, name: str | None, kind: str | None = None
) -> Iterator[Problem]:
    """The problem that there is no database of this name (and kind)."""
    databases = [d.name for d in inventory.every(DatabaseBase) if kind in (None, d.kind)]
    what = {"rds": "RDS database", "dynamodb": "DynamoDB table"}.get(kind or "", "database")
    yield from known(loc, what, name, databases, "resources.databases")


def _away(name: str, takes: float, failover: bool) -> Iterator[tuple[str, float, LeverValue]]:
    yield f"rds/{name}/state", 0.0, "failing-over" if failover else "rebooting"
    yield f"rds/{name}/state", takes, AVAILABLE


def _told(name: str, takes: float, failover: bool) -> Iterator[tuple[float, ServiceEvent]]:
    """Source: Amazon RDS user guide, "Amazon RDS event categories and event messages"."""
    if failover:
        category = {"category": "failover"}
        yield 0.0, ServiceEvent("rds", name, "Multi-AZ instance failover started.", category)
    else:
        shut = {"category": "availability"}
        yield 1.0, ServiceEvent("rds", name, "DB instance shutdown", shut)
    yield takes, ServiceEvent("rds", name, "DB instance restarted", {"category": "availability"})
    if failover:
        category = {"category": "failover"}
        said = "Multi-AZ instance failover completed"
        yield takes + 5.0, ServiceEvent("rds", name, said, category)
