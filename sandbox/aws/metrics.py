"""Metric data: the world's minutes, aggregated as CloudWatch does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.aws.account import Store
from sandbox.aws.errors import AwsError
from sandbox.world.api import MetricId

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")

Series = dict[datetime, float]


@dataclass(slots=True)
class Bucket:
    """The samples of one period."""

    values: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    unit: str = "None"

    @property
    def count(self) -> float:
        """SampleCount."""
        return sum(self.weights)

    @property
    def total(self) -> float:
        """Sum."""
        return sum(value * weight for value, weight in zip(self.values, self.weights, strict=True))

    def percentile(self, share: float) -> float:
        """The smallest value that at least this share of the samples does not exceed."""
        ordered = sorted(zip(self.values, self.weights, strict=True))
        wanted = self.count * share
        seen = 0.0
        for value, weight in ordered:
            seen += weight
            if seen >= wanted - 1e-9:
                return value
        return ordered[-1][0]


_STATISTICS: Mapping[str, Callable[[Bucket], float]] = {
    "Sum": lambda bucket: bucket.total,
    "SampleCount": lambda bucket: bucket.count,
    "Average": lambda bucket: bucket.total / bucket.count,
    "Minimum": lambda bucket: min(bucket.values),
    "Maximum": lambda bucket: max(bucket.values),
}


def statistic(name: str) -> Callable[[Bucket], float]:
    """How a statistic is computed. Raises AwsError for one that is not (tm99, IQM…)."""
    if name in _STATISTICS:
        return _STATISTICS[name]
    match = _PERCENTILE.fullmatch(name)
    if match is None:
        raise AwsError(
            "ValidationError",
            f"The statistic {name} is not supported by this sandbox: use Sum, Average, Minimum, "
            "Maximum, SampleCount or a percentile such as p99.",
        )
    share = float(match[1]) / 100
    return lambda bucket: bucket.percentile(share)


def check_period(period: int) -> None:
    """Raises AwsError for a period that is not whole minutes."""
    if period <= 0 or period % 60:
        raise AwsError("ValidationError", "The parameter Period must be a multiple of 60.")


class Metrics(Store):
    """Every metric of the account."""

    def buckets(
        self, metric: MetricId, start: datetime, end: datetime, period: int
    ) -> dict[datetime, Bucket]:
        """The samples of [start, end) by period, oldest first; complete minutes only."""
        start = start.astimezone(UTC).replace(second=0, microsecond=0)
        found: dict[datetime, Bucket] = {}
        for minute in self.account.world.minutes(metric, start, min(end, self.account.world.now())):
            stamp = int(minute.time.timestamp())
            key = datetime.fromtimestamp(stamp - stamp % period, UTC)
            bucket = found.setdefault(key, Bucket(unit=minute.unit))
            bucket.values.extend(minute.values)
            bucket.weights.extend(minute.weights)
        return {key: found[key] for key in sorted(found) if found[key].count > 0}

    def series(
        self, metric: MetricId, start: datetime, end: datetime, period: int, name: str
    ) -> Series:
        """One statistic over time."""
        compute = statistic(name)
        return {
            time: compute(bucket)
            for time, bucket in self.buckets(metric, start, end, period).items()
        }
