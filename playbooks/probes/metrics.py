"""CloudWatch metrics, a value a minute, by one GetMetricData call for as many metrics as needed.

A minute in which nothing was published is *absent* from a series, unless the metric catalogue says
what its absence means (`metric_catalogue`): zero beside a companion that was published in that
minute, or the last value where points come more rarely than once a minute. Durations are in ms and
sizes in bytes, whatever AWS publishes them in.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import GapReason, Window
from playbooks.probes import metric_catalogue
from playbooks.probes.metric_catalogue import SAMPLE_COUNT, CataloguedMetric, Missing

MINUTE = timedelta(minutes=1)
PERIOD = 60  # seconds; AWS keeps one-minute points for 15 days
MOST_QUERIES = 500  # GetMetricData: "up to 500 MetricDataQuery structures"
PERMISSION = "cloudwatch:GetMetricData"

# The newest minutes are still being published: their values rise as late points come in.
UNSETTLED = timedelta(minutes=2)  # no data for a verdict
UNSETTLED_FOR_RECOVERY = timedelta(minutes=3)  # nor for saying that it is over

# To one system: durations in ms, sizes in bytes.
FACTORS = {
    "Seconds": 1000.0,
    "Microseconds": 0.001,
    "Megabytes": 1_000_000.0,
    "Gigabytes": 1_000_000_000.0,
}


@dataclass(frozen=True, slots=True)
class AnyMetric:
    """One metric and statistic, such as an alarm watches. Dimensions match exactly, as in
    CloudWatch. `account`: the account it is of, when it is read from a monitoring account."""

    namespace: str
    name: str
    stat: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    account: str | None = None

    @property
    def row(self) -> CataloguedMetric | None:
        """What the metric catalogue says of it; None when it is not in it."""
        return metric_catalogue.find(self.namespace, self.name, self.dimensions)

    def other(self, name: str, stat: str) -> AnyMetric:
        """Another metric of the same resource."""
        return AnyMetric(self.namespace, name, stat, self.dimensions, self.account)


@dataclass(frozen=True, slots=True)
class Metric(AnyMetric):
    """One that the metric catalogue knows, with this statistic and set of dimensions: what probes
    ask for. Raises ValueError for any other."""

    def __post_init__(self) -> None:
        metric_catalogue.legal(self.namespace, self.name, self.stat, self.dimensions)


def settled_until(window: Window, unsettled: timedelta = UNSETTLED) -> datetime:
    """The end of the minutes whose points can be taken as final: what is newer is no data yet."""
    return window.end - unsettled


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """One metric over time: a value for each minute in which AWS published one.

    `samples`: from how many measurements a percentile was taken, by minute; else empty.
    """

    points: Mapping[datetime, float] = field(default_factory=dict)
    samples: Mapping[datetime, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.points)

    def between(self, start: datetime, end: datetime) -> TimeSeries:
        """The minutes in [start, end)."""
        return TimeSeries(
            {at: value for at, value in self.points.items() if start <= at < end},
            {at: count for at, count in self.samples.items() if start <= at < end},
        )

    def settled(self, window: Window, unsettled: timedelta = UNSETTLED) -> TimeSeries:
        """The minutes whose points can be taken as final."""
        until = settled_until(window, unsettled)
        return self.between(min(self.points, default=until), until)

    def enough_samples(self, percentile: float) -> bool | None:
        """Whether this percentile (0.99) was taken from enough measurements, all minutes together:
        10 / (1 - percentile), 1,000 for p99 (CloudWatch user guide, "Percentile-based CloudWatch
        alarms and low data samples"). None when the measurements were not counted."""
        if not self.samples:
            return None
        return sum(self.samples.values()) >= 10 / (1 - percentile)

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
        scaled = {at: value * factor for at, value in self.points.items()}
        return TimeSeries(scaled, self.samples)

    def carried(self, reach: timedelta) -> TimeSeries:
        """Each value stays until the next, for `reach` at most: for points that come rarely."""
        carried: dict[datetime, float] = {}
        ordered = sorted(self.points)
        for at, following in zip_longest(ordered, ordered[1:]):
            end = at + reach if following is None else min(following, at + reach)
            minute = at
            while minute < end:
                carried[minute] = self.points[at]
                minute += MINUTE
        return TimeSeries(carried, self.samples)

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


def read_series(aws: Aws, window: Window, asked: Mapping[str, AnyMetric]) -> dict[str, TimeSeries]:
    """All metrics in `asked`, by its keys, from the start of the baseline to the window's end.

    What a missing minute means is applied, by the metric catalogue, and for percentiles their
    measurements are counted. Raises ReadFailed, also when CloudWatch says that a result is not
    complete, or leaves one out: a metric nobody published is answered with an empty result.
    """
    wanted = list(dict.fromkeys(key for metric in asked.values() for key in _with_others(metric)))
    found: dict[_Key, TimeSeries] = {}
    for first in range(0, len(wanted), MOST_QUERIES):
        found |= _read(aws, window, wanted[first : first + MOST_QUERIES])
    return {name: _meaning(metric, found, window) for name, metric in asked.items()}


_Key = tuple[str, str, str, tuple[tuple[str, str], ...], str | None]
"""A metric as something to look up: its dimensions in order."""


def _key(metric: AnyMetric) -> _Key:
    dimensions = tuple(sorted(metric.dimensions.items()))
    return metric.namespace, metric.name, metric.stat, dimensions, metric.account


def _with_others(metric: AnyMetric) -> list[_Key]:
    """The metric, and what is needed to say what its points and their absence mean."""
    others = [_companion(metric), _sample_count(metric)]
    return [_key(each) for each in (metric, *others) if each is not None]


def _companion(metric: AnyMetric) -> AnyMetric | None:
    """The metric that tells a zero from a minute of which nothing is known."""
    row = metric.row
    if row is None or row.missing is not Missing.ZERO or row.companion is None:
        return None
    known = metric_catalogue.find(metric.namespace, row.companion, metric.dimensions)
    if known is None:
        return None
    return metric.other(row.companion, "Sum" if known.allows("Sum") else SAMPLE_COUNT)


def _sample_count(metric: AnyMetric) -> AnyMetric | None:
    if metric_catalogue.percentile(metric.stat) is None:
        return None
    return metric.other(metric.name, SAMPLE_COUNT)


def _meaning(metric: AnyMetric, found: Mapping[_Key, TimeSeries], window: Window) -> TimeSeries:
    """The metric's series with zeros, carried values and one system of units."""
    series, row = found[_key(metric)], metric.row
    counted = _sample_count(metric)
    if counted is not None:
        series = replace(series, samples=found[_key(counted)].points)
    if row is None:
        return series
    companion = _companion(metric)
    if companion is not None:
        series = series.zero_where(found[_key(companion)])
    if row.missing is Missing.STALE:
        carried = series.carried(row.period + row.delay)
        series = carried.between(min(window.baseline_start, window.start), window.end)
    factor = FACTORS.get(row.unit) if metric.stat != SAMPLE_COUNT else None
    return series if factor is None else series.scaled(factor)


def _read(aws: Aws, window: Window, wanted: list[_Key]) -> dict[_Key, TimeSeries]:
    """One GetMetricData, as AWS answers it. Raises ReadFailed."""
    pages = aws.pages(
        "cloudwatch",
        "get_metric_data",
        MetricDataQueries=[
            query(f"m{i}", AnyMetric(namespace, name, stat, dict(dimensions), account))
            for i, (namespace, name, stat, dimensions, account) in enumerate(wanted)
        ],
        StartTime=min(window.baseline_start, window.start),
        EndTime=window.end,
        ScanBy="TimestampAscending",
    )
    series = series_of(pages)
    unanswered = [name for i, (_, name, *_) in enumerate(wanted) if f"m{i}" not in series]
    if unanswered:
        raise ReadFailed(
            GapReason.ERROR,
            f"CloudWatch left {len(unanswered)} of {len(wanted)} metrics unanswered, "
            f"{unanswered[0]} first",
        )
    return {key: series[f"m{i}"] for i, key in enumerate(wanted)}


def query(identity: str, metric: AnyMetric) -> dict[str, Any]:
    """A MetricDataQuery for one-minute points."""
    asked: dict[str, Any] = {
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
    return asked if metric.account is None else asked | {"AccountId": metric.account}


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
