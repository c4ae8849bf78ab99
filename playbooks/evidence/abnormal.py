"""What is abnormal along a service's resources: each metric against its own baseline and a floor.

A metric is abnormal when it is both far from its usual and high enough to hurt; without a usual to
compare with, what is high is not known to be abnormal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from playbooks.evidence import onset, thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import count, milliseconds, percent, times
from playbooks.probes.all_functions import AllFunctions
from playbooks.probes.backends import Backend, Backends
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.metrics import TimeSeries

MOST_CLASSES = 3
USE = (
    ("cpu", "CPU", "CPUUtilization", thresholds.CPU_HIGH),
    ("memory", "memory", "MemoryUtilization", thresholds.MEMORY_HIGH),
)
NAMESPACES = {"ecs": "AWS/ECS", "rds": "AWS/RDS", "dynamodb": "AWS/DynamoDB"}


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric in the anomaly. `abnormal`: None when it is not known.

    `metric`: CloudWatch's namespace and name; None where it is not from a metric.
    """

    abnormal: bool | None
    text: str
    metric: tuple[str, str] | None = None


def of_edge(edge: Edge, window: AnomalyWindow) -> Iterator[Measure]:
    """Server errors and latency at the front door."""
    gateway = edge.kind != "alb"
    namespace = "AWS/ApiGateway" if gateway else "AWS/ApplicationELB"
    errors = {"rest": "5XXError", "http": "5xx", "alb": "HTTPCode_ELB_5XX_Count"}[edge.kind]
    what = f"5XX of requests at {edge.name}"
    yield _share(edge.errors, edge.requests, window, what, (namespace, errors))
    latency = "Latency" if gateway else "TargetResponseTime"
    yield _slower(edge.p99, window, f"latency (p99) at {edge.name}", (namespace, latency))


def of_functions(functions: AllFunctions, window: AnomalyWindow) -> Iterator[Measure]:
    """Errors, throttled calls and durations; nothing of a function that nobody called."""
    for each in functions.functions:
        if not window.during(each.invocations) and not window.during(each.throttles):
            continue
        name = each.name
        yield _share(
            each.errors, each.invocations, window, f"errors of {name}", ("AWS/Lambda", "Errors")
        )
        what = f"throttled calls of {name}"
        yield _events(each.throttles, window, what, ("AWS/Lambda", "Throttles"))
        yield _slower(each.p99, window, f"duration (p99) of {name}", ("AWS/Lambda", "Duration"))


def of_backends(backends: Backends, window: AnomalyWindow) -> Iterator[Measure]:
    """CPU, memory, connections, latency and throttled calls of ECS services, databases, tables."""
    for backend in backends:
        namespace = NAMESPACES[backend.kind]
        for label, what, name, limit in USE:
            series = backend.metric(label)
            if series:
                yield _use(series, window, f"{what} of {backend.name}", (namespace, name), limit)
        connections = backend.metric("connections")
        if connections:
            yield _connections(connections, window, backend)
        for label, series in backend.series.items():
            if label.endswith("throttles") and any(backend.series.values()):
                name = f"{label.split()[0].title()}ThrottleEvents"
                yield _events(series, window, f"{label} of {backend.name}", (namespace, name))


def of_logs(exceptions: Exceptions, window: AnomalyWindow) -> Iterator[Measure]:
    """The classes of exceptions that came more often than usual, the most frequent first."""
    baseline_start = max(window.baseline_start, exceptions.since)
    minutes = (window.baseline_end - baseline_start).total_seconds() / 60
    now = exceptions.classes(window.start, window.end)
    before = exceptions.classes(baseline_start, window.baseline_end)
    length = (window.end - window.start).total_seconds() / 60
    shown = 0
    for name, lines in now.most_common():
        usual = before[name] / minutes * length if minutes >= thresholds.ENOUGH_BASELINE else None
        often = lines >= thresholds.FEW
        more = usual is None or lines >= thresholds.EXCEPTION_ROSE * usual
        if not often or not more or shown == MOST_CLASSES:
            continue
        shown += 1
        told = "usual not known" if usual is None else f"usual {count(usual)}"
        text = f"{count(lines)} lines in the logs name {name} ({told})"
        yield Measure(None if usual is None else True, text)


def _share(
    part: TimeSeries,
    whole: TimeSeries,
    window: AnomalyWindow,
    what: str,
    metric: tuple[str, str],
) -> Measure:
    requests, errors = window.during(whole).total(), window.during(part).total()
    if not requests:
        return Measure(None, f"{what}: none counted", metric)
    share = min(1.0, errors / requests)
    usual = onset.usual_of(window.baseline(part.over(whole)))
    text = f"{what}: {percent(share)}, usual {percent(usual)}"
    if share < onset.FLOOR or errors < thresholds.FEW:
        return Measure(False, text, metric)
    far = None if usual is None else share > onset.BAD_TIMES_USUAL * usual
    return Measure(far, text, metric)


def _slower(
    series: TimeSeries, window: AnomalyWindow, what: str, metric: tuple[str, str]
) -> Measure:
    now, usual = window.during(series).typical(), window.baseline(series).typical()
    text = f"{what}: {milliseconds(now)}, usual {milliseconds(usual)}"
    if now is None or usual is None:
        return Measure(None, text, metric)
    slow = now >= thresholds.MUCH_SLOWER * usual and now - usual >= thresholds.SLOWER_MS
    few = slow and window.during(series).enough_samples(0.99) is False
    return Measure(None if few else slow, text, metric)


def _events(
    series: TimeSeries, window: AnomalyWindow, what: str, metric: tuple[str, str]
) -> Measure:
    """Events that are published only when there are any."""
    now, minutes = window.during(series).total(), (window.end - window.start).total_seconds() / 60
    length = (window.baseline_end - window.baseline_start).total_seconds() / 60
    usual = window.baseline(series).total() / length * minutes if length > 0 else None
    text = f"{what}: {count(now)}, usual {'unknown' if usual is None else count(usual)}"
    if now < thresholds.FEW:
        return Measure(False, text, metric)
    return Measure(None if usual is None else now > onset.BAD_TIMES_USUAL * usual, text, metric)


def _use(
    series: TimeSeries, window: AnomalyWindow, what: str, metric: tuple[str, str], limit: float
) -> Measure:
    now, usual = window.during(series).quantile(0.75), window.baseline(series).typical()
    if now is None:
        return Measure(None, f"{what}: unknown", metric)
    text = f"{what}: {now:.0f} %, usual {'unknown' if usual is None else f'{usual:.0f} %'}"
    if now < limit:
        return Measure(False, text, metric)
    return Measure(None if usual is None else now - usual >= thresholds.USE_ROSE, text, metric)


def _connections(series: TimeSeries, window: AnomalyWindow, backend: Backend) -> Measure:
    metric = ("AWS/RDS", "DatabaseConnections")
    now, more = window.during(series).typical(), window.times_usual(series)
    if now is None:
        return Measure(None, f"connections to {backend.name}: unknown", metric)
    text = f"connections to {backend.name}: {count(now)}, {times(more)} their usual"
    if now <= thresholds.CONNECTIONS_FEW:
        return Measure(False, text, metric)
    return Measure(None if more is None else more >= thresholds.CONNECTIONS_MANY, text, metric)
