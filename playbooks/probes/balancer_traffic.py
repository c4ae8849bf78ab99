"""What an Application Load Balancer counts: requests, its own answers, those of the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.ports import Aws
from bot.domain.report import Window
from playbooks.probes.metrics import (
    AnyMetric,
    Metric,
    TimeSeries,
    read_series,
    summed,
    weighted_median,
)
from playbooks.probes.target_groups import Group

NAMESPACE = "AWS/ApplicationELB"
CODES = ("500", "502", "503", "504")  # HTTPCode_ELB_<code>_Count
TARGETS = "targets"  # answers of the targets, which AWS counts without telling the codes apart

_OF_TARGETS = {
    "requests": "RequestCount",
    TARGETS: "HTTPCode_Target_5XX_Count",
    "target 2XX": "HTTPCode_Target_2XX_Count",
    "target 3XX": "HTTPCode_Target_3XX_Count",
    "target 4XX": "HTTPCode_Target_4XX_Count",
}
_OF_BALANCER = {
    "own errors": "HTTPCode_ELB_5XX_Count",
    "own 4XX": "HTTPCode_ELB_4XX_Count",
} | {code: f"HTTPCode_ELB_{code}_Count" for code in CODES}
_ANSWERS = ("target 2XX", "target 3XX", "target 4XX", TARGETS, "own errors", "own 4XX")

Dimensions = Mapping[str, str]


def dimension_sets(whole: Dimensions, groups: Sequence[Group] | None) -> list[Dimensions]:
    """The balancer's dimensions, or those of each target group."""
    if groups is None:
        return [whole]
    return [{**whole, "TargetGroup": group.dimension} for group in groups]


def traffic_metrics(dimensions: Dimensions) -> dict[str, AnyMetric]:
    """Counts of a balancer, or of a target group, which has no answers of the balancer's own."""
    counts = _OF_TARGETS if "TargetGroup" in dimensions else _OF_TARGETS | _OF_BALANCER
    return {label: Metric(NAMESPACE, name, "Sum", dimensions) for label, name in counts.items()}


def target_metrics(dimensions: Dimensions) -> dict[str, AnyMetric]:
    """Response times, and connections to targets that failed."""
    return {
        "connection errors": Metric(NAMESPACE, "TargetConnectionErrorCount", "Sum", dimensions),
        "p50": Metric(NAMESPACE, "TargetResponseTime", "p50", dimensions),
        "p99": Metric(NAMESPACE, "TargetResponseTime", "p99", dimensions),
    }


def read_parts(
    aws: Aws, window: Window, parts: Mapping[str, Sequence[Mapping[str, AnyMetric]]]
) -> dict[str, dict[str, TimeSeries]]:
    """By the names of `parts`, the series by label: of several target groups together. One call.
    Raises ReadFailed."""
    asked = {
        f"{name}\t{number}\t{label}": metric
        for name, several in parts.items()
        for number, metrics in enumerate(several)
        for label, metric in metrics.items()
    }
    read = read_series(aws, window, asked)
    return {
        name: _together(
            [
                {label: read[f"{name}\t{number}\t{label}"] for label in metrics}
                for number, metrics in enumerate(several)
            ]
        )
        for name, several in parts.items()
    }


def _together(several: Sequence[Mapping[str, TimeSeries]]) -> dict[str, TimeSeries]:
    """Counts added up; of percentiles the median of the target groups, weighted by requests."""
    if len(several) == 1:
        return dict(several[0])
    labels = dict.fromkeys(label for each in several for label in each)
    return {
        label: _middle(several, label)
        if label in ("p50", "p99")
        else summed(each[label] for each in several)
        for label in labels
    }


def _middle(several: Sequence[Mapping[str, TimeSeries]], label: str) -> TimeSeries:
    minutes = {at for each in several for at in each[label].points}
    points = {
        at: weighted_median(
            [(each[label].points.get(at), each[label].samples.get(at, 1.0)) for each in several]
        )
        for at in sorted(minutes)
    }
    samples = summed(TimeSeries(each[label].samples) for each in several).points
    return TimeSeries({at: value for at, value in points.items() if value is not None}, samples)


def all_requests(series: Mapping[str, TimeSeries]) -> TimeSeries:
    """All requests a minute.

    RequestCount leaves out those that no target was chosen for (the load balancer's own 503, its
    4XX), so the answers counted by code are taken where they are more.
    """
    requests = series["requests"]
    answers = summed(series[label] for label in _ANSWERS if label in series)
    return TimeSeries(
        {
            at: max(requests.points.get(at, 0.0), answers.points.get(at, 0.0))
            for at in {*requests.points, *answers.points}
        }
    )


def server_errors(series: Mapping[str, TimeSeries]) -> TimeSeries:
    """The balancer's own server errors and the targets'; zero in minutes with other requests."""
    found = [series[label] for label in ("own errors", TARGETS) if label in series]
    return summed(found).zero_where(all_requests(series))


def errors_by_code(series: Mapping[str, TimeSeries]) -> dict[str, TimeSeries]:
    """Those that are not all zero, by status code or TARGETS."""
    counted = {label: series[label] for label in (*CODES, TARGETS) if label in series}
    return {label: values for label, values in counted.items() if values.total()}
