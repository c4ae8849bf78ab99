"""What a CloudWatch metric is in the simulation: weighted samples of one minute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from sandbox.world.api import MetricId

Dimensions = tuple[tuple[str, str], ...]
Sample = tuple[tuple[float, ...], tuple[float, ...], str]
"""Values, their weights, and the unit."""
Sheet = dict[MetricId, Sample]
"""Every metric of a minute."""


class Published(NamedTuple):
    """A metric with the sets of dimensions it is published under. Without values it is not."""

    namespace: str
    name: str
    sets: Sequence[Dimensions]
    sample: Sample


def dimensions(**pairs: str) -> Dimensions:
    """Sorted pairs, as MetricId wants them."""
    return tuple(sorted(pairs.items()))


def put(sheet: Sheet, published: Published) -> None:
    """Write a metric into the sheet, once for each set of dimensions."""
    if published.sample[0]:
        for dims in published.sets:
            sheet[MetricId(published.namespace, published.name, dims)] = published.sample


def total(count: float) -> Sample:
    """A count of the whole minute."""
    return (1.0,), (float(count),), "Count"


def nonzero(count: int) -> Sample:
    """A count that is published only in minutes in which it is not zero."""
    return total(count) if count else ((), (), "Count")


def flags(count: int, of: int) -> Sample:
    """A metric that is 1 for some requests and 0 for the others: its Average is their rate."""
    return (0.0, 1.0), (float(of - count), float(count)), "Count"


def weighted(pairs: Iterable[tuple[float, int]], unit: str) -> Sample:
    """Values with their weights."""
    found = [*pairs]
    return tuple(v for v, _ in found), tuple(float(w) for _, w in found), unit


def plain(values: Sequence[float], unit: str) -> Sample:
    """Values that each stand for one sample."""
    return tuple(values), (1.0,) * len(values), unit


def incoming(group: str, events: int, size: int) -> Iterator[Published]:
    """AWS/Logs of a log group: its events and their bytes; nothing when there were none."""
    if events:
        dims = [dimensions(LogGroupName=group)]
        yield Published("AWS/Logs", "IncomingBytes", dims, plain([float(size)], "Bytes"))
        yield Published("AWS/Logs", "IncomingLogEvents", dims, ((float(events),), (1.0,), "None"))


def statistic(name: str, values: Sequence[float], weights: Sequence[float]) -> float | None:
    """A CloudWatch statistic of weighted samples; None when there are none."""
    count = sum(weights)
    if not count:
        return None
    if name.startswith("p"):
        return percentile(float(name[1:]), values, weights)
    simple: dict[str, Callable[[], float]] = {
        "Sum": lambda: sum(v * w for v, w in zip(values, weights, strict=True)),
        "Average": lambda: sum(v * w for v, w in zip(values, weights, strict=True)) / count,
        "Maximum": lambda: max(v for v, w in zip(values, weights, strict=True) if w),
        "Minimum": lambda: min(v for v, w in zip(values, weights, strict=True) if w),
        "SampleCount": lambda: count,
    }
    return simple[name]()


def percentile(percent: float, values: Sequence[float], weights: Sequence[float]) -> float:
    """The smallest value that `percent` of the weighted samples do not exceed."""
    want = sum(weights) * percent / 100.0
    seen = 0.0
    pairs = sorted(zip(values, weights, strict=True))
    for value, weight in pairs:
        seen += weight
        if seen >= want:
            return value
    return pairs[-1][0]
