"""CloudWatch metrics, a value a minute, by one GetMetricData call for as many metrics as needed.

A minute in which nothing was published is *absent* from a series. It is read as zero only by
`TimeSeries.zero_where`, and only for counts that AWS documents as published when they are not zero.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import GapReason, Window

MINUTE = timedelta(minutes=1)
PERIOD = 60  # seconds; AWS keeps one-minute points for 15 days
MOST_QUERIES = 500  # GetMetricData: "up to 500 MetricDataQuery structures"
PERMISSION = "cloudwatch:GetMetricData"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric and statistic. Dimensions match exactly, as in CloudWatch."""

    namespace: str
    name: str
    stat: str
    dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """One metric over time: a value for each minute in which AWS published one."""

    points: Mapping[datetime, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.points)

    def between(self, start: datetime, end: datetime) -> TimeSeries:
        """The minutes in [start, end)."""
        return TimeSeries({at: value for at, value in self.points.items() if start <= at < end})

    def total(self) -> float:
        return sum(self.points.values())

    def peak(self) -> float | None:
        return max(self.points.values(), default=None)

    def lowest(self) -> float | None:
        return min(self.points.values(), default=None)

    def typical(self) -> float | None:
        """The median minute: one odd minute does not move it."""
        return statistics.median(self.points.values()) if self.points else None

    def quantile(self, q: float) -> float | None:
        """The q-quantile of the minutes (nearest rank)."""
        if not self.points:
            return None
        ordered = sorted(self.points.values())
        return ordered[min(len(ordered) - 1, int(q * len(ordered)))]

    def scaled(self, factor: float) -> TimeSeries:
        return TimeSeries({at: value * factor for at, value in self.points.items()})

    def zero_where(self, present: TimeSeries) -> TimeSeries:
        """Zero in the minutes that `present` has and this series has not.

        Only for counts that are published when they are not zero (for load balancers: "Reporting
        criteria: There is a nonzero value"), beside a metric that is always published.
        """
        return TimeSeries(dict.fromkeys(present.points, 0.0) | dict(self.points))

    def over(self, whole: TimeSeries) -> TimeSeries:
        """Minute by minute, this as a share of `whole`, where both are known and whole is not 0."""
        return TimeSeries(
            {
                at: value / whole.points[at]
                for at, value in self.points.items()
                if whole.points.get(at, 0.0) > 0
            }
        )


def ratio(part: float | None, whole: float | None) -> float | None:
    """`part` as a share or a multiple of `whole`; None when either is unknown, or `whole` is 0."""
    return part / whole if part is not None and whole else None


def weighted_median(weighted: Iterable[tuple[float | None, float]]) -> float | None:
    """The median of (value, weight) pairs; unknown values are left out. None without any."""
    known = sorted((value, weight) for value, weight in weighted if value is not None)
    half = sum(weight for _, weight in known) / 2
    reached = 0.0
    for value, weight in known:
        reached += weight
        if reached >= half:
            return value
    return None


def summed(several: Iterable[TimeSeries]) -> TimeSeries:
    """Minute by minute, the sum of the series that have a value."""
    points: dict[datetime, float] = {}
    for series in several:
        for at, value in series.points.items():
            points[at] = points.get(at, 0.0) + value
    return TimeSeries(points)


def read_series(aws: Aws, window: Window, asked: Mapping[str, Metric]) -> dict[str, TimeSeries]:
    """All metrics in `asked`, by its keys, from the start of the baseline to the window's end.

    Raises ReadFailed, also when CloudWatch says that a result is not complete, or leaves one out:
    a metric nobody published is answered with an empty result.
    """
    names = list(asked)
    if len(names) > MOST_QUERIES:
        raise ValueError(f"GetMetricData takes {MOST_QUERIES} metrics, not {len(names)}")
    pages = aws.pages(
        "cloudwatch",
        "get_metric_data",
        MetricDataQueries=[query(f"m{i}", asked[name]) for i, name in enumerate(names)],
        StartTime=min(window.baseline_start, window.start),
        EndTime=window.end,
        ScanBy="TimestampAscending",
    )
    series = series_of(pages)
    unanswered = [name for i, name in enumerate(names) if f"m{i}" not in series]
    if unanswered:
        raise ReadFailed(
            GapReason.ERROR,
            f"CloudWatch left {len(unanswered)} of {len(names)} metrics unanswered, "
            f"{asked[unanswered[0]].name} first",
        )
    return {name: series[f"m{i}"] for i, name in enumerate(names)}


def query(identity: str, metric: Metric) -> dict[str, Any]:
    """A MetricDataQuery for one-minute points."""
    return {
        "Id": identity,
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [
                    {"Name": name, "Value": value}
                    for name, value in sorted(metric.dimensions.items())
                ],
            },
            "Period": PERIOD,
            "Stat": metric.stat,
        },
        "ReturnData": True,
    }


def series_of(pages: Iterable[Mapping[str, Any]]) -> dict[str, TimeSeries]:
    """Time series by query id, from all pages of GetMetricData.

    `PartialData` on a page that is followed by another means "more to come"; on the last page of
    a metric it means that points are missing, and then nothing is returned: raises ReadFailed.
    """
    points: dict[str, dict[datetime, float]] = {}
    states: dict[str, str] = {}
    for page in pages:
        for result in page.get("MetricDataResults", []):
            of_metric = points.setdefault(result["Id"], {})
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                of_metric[at.astimezone(UTC)] = float(value)
            states[result["Id"]] = result.get("StatusCode", "Complete")
    unfinished = sorted({state for state in states.values() if state != "Complete"})
    if unfinished:
        raise ReadFailed(
            GapReason.ERROR, f"CloudWatch answered GetMetricData with {', '.join(unfinished)}"
        )
    return {identity: TimeSeries(values) for identity, values in points.items()}
