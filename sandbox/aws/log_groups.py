"""The account's log groups, and events of the world in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from sandbox.aws.account import Account
from sandbox.aws.errors import AwsError
from sandbox.aws.metrics import Metrics
from sandbox.insights import Row
from sandbox.world.api import MetricId

_DAY = timedelta(days=1)


def moment(milliseconds: int) -> datetime:
    """Milliseconds since the epoch as a time."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def millis(time: datetime) -> int:
    """A time as milliseconds since the epoch."""
    return int(time.timestamp() * 1000)


def group_name(account: Account, identifier: str) -> str:
    """The name of an existing group, given by name or ARN. Raises AwsError."""
    name = identifier
    if identifier.startswith("arn:"):
        name = identifier.partition(":log-group:")[2].removesuffix(":*")
    if name not in account.world.log_groups():
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    return name


def group_arn(account: Account, name: str) -> str:
    """The group's ARN, without the `:*` that stands for its streams."""
    return account.arn("logs", f"log-group:{name}")


def rows(account: Account, group: str, start_ms: int, end_ms: int) -> Iterable[Row]:
    """The events of [start, end], nothing later than now."""
    last = min(end_ms, millis(account.world.now()))
    if last < start_ms:
        return ()
    return account.world.log_rows(group, moment(start_ms), moment(last + 1))


def events(account: Account, group: str, start_ms: int, end_ms: int) -> Iterator[tuple[Row, int]]:
    """The same, oldest first: a row as often as its weight says, each time with its copy number."""
    found = sorted(rows(account, group, start_ms, end_ms), key=lambda row: row.timestamp)
    for row in found:
        if start_ms <= row.timestamp <= end_ms:
            for copy in range(row.weight):
                yield row, copy


def stored_bytes(account: Account, group: str) -> int:
    """Bytes in the group: the sum of AWS/Logs IncomingBytes over the last day."""
    metric = MetricId("AWS/Logs", "IncomingBytes", (("LogGroupName", group),))
    now = account.world.now()
    buckets = account.store(Metrics).buckets(metric, now - _DAY, now, 3600)
    return int(sum(bucket.total for bucket in buckets.values()))
