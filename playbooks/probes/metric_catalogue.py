"""The CloudWatch metrics that may be asked for, as one table: `metric_catalogue.csv`.

CloudWatch answers a metric that nobody publishes, or one with a set of dimensions nobody uses,
like an idle resource: complete and without points. So what is asked for is looked up here first.
Each row gives the metric's unit, the statistics that mean something, the sets of dimensions it is
published under, what a missing point means, how late points come, and the page of AWS it is from.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files

NO_DIMENSIONS = "-"  # in the table: the metric is published for the whole account and region
SAMPLE_COUNT = "SampleCount"

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")


class Missing(StrEnum):
    """What it means that a minute has no point."""

    ZERO = "zero"  # nothing happened, if the companion metric has a point there; else unknown
    UNKNOWN = "unknown"  # nothing is known of that minute
    STALE = "stale"  # the last point stays true until the next, which comes more rarely


@dataclass(frozen=True, slots=True)
class CataloguedMetric:
    """A row: a metric of one kind of resource (`scope`), which is published under each of
    `dimension_sets`. `companion` is the metric whose points tell zero from unknown."""

    namespace: str
    scope: str
    name: str
    unit: str
    statistics: frozenset[str]
    dimension_sets: frozenset[frozenset[str]]
    missing: Missing
    companion: str | None
    delay: timedelta  # points come at most so late, as a rule
    period: timedelta  # between points
    note: str
    source: str

    def allows(self, statistic: str) -> bool:
        """Whether a statistic of this metric means something. One percentile in the table stands
        for all of them; SampleCount is always known."""
        if percentile(statistic) is not None:
            return any(percentile(each) is not None for each in self.statistics)
        return statistic == SAMPLE_COUNT or statistic in self.statistics


def percentile(statistic: str) -> float | None:
    """0.99 of "p99"; None for other statistics."""
    match = _PERCENTILE.fullmatch(statistic)
    return float(match[1]) / 100 if match else None


@cache
def table() -> tuple[CataloguedMetric, ...]:
    """All rows."""
    text = files(__package__).joinpath("metric_catalogue.csv").read_text(encoding="utf-8")
    return tuple(
        CataloguedMetric(
            namespace=row["namespace"],
            scope=row["scope"],
            name=row["metric"],
            unit=row["unit"],
            statistics=frozenset(row["statistics"].split()),
            dimension_sets=frozenset(
                _dimension_set(each) for each in row["dimension_sets"].split()
            ),
            missing=Missing(row["missing"]),
            companion=row["companion"] or None,
            delay=timedelta(minutes=int(row["delay_minutes"])),
            period=timedelta(seconds=int(row["period_seconds"])),
            note=row["note"],
            source=row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def find(namespace: str, name: str, dimensions: Iterable[str]) -> CataloguedMetric | None:
    """The row of a metric that is published under exactly these names of dimensions."""
    named = frozenset(dimensions)
    rows = _by_name().get((namespace, name), ())
    return next((row for row in rows if named in row.dimension_sets), None)


def legal(namespace: str, name: str, statistic: str, dimensions: Iterable[str]) -> CataloguedMetric:
    """The row of a metric. Raises ValueError when there is none, with what there is instead."""
    named = sorted(dimensions)
    row = find(namespace, name, named)
    if row is None:
        rows = _by_name().get((namespace, name), ())
        sets = sorted(
            "+".join(sorted(each)) or NO_DIMENSIONS for r in rows for each in r.dimension_sets
        )
        there = f"it is published by {', '.join(sets)}" if sets else "there is no such metric"
        raise ValueError(f"{namespace} {name} by {'+'.join(named) or NO_DIMENSIONS}: {there}")
    if not row.allows(statistic):
        raise ValueError(f"{namespace} {name}: {statistic} means nothing; {row.statistics} do")
    return row


@cache
def _by_name() -> dict[tuple[str, str], tuple[CataloguedMetric, ...]]:
    rows: dict[tuple[str, str], tuple[CataloguedMetric, ...]] = {}
    for row in table():
        rows[row.namespace, row.name] = (*rows.get((row.namespace, row.name), ()), row)
    return rows


def _dimension_set(text: str) -> frozenset[str]:
    return frozenset() if text == NO_DIMENSIONS else frozenset(text.split("+"))
