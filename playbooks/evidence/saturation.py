"""Whether something is at its limit: databases, tables, tasks, or Lambda's concurrency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.report import Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import count, milliseconds, times
from playbooks.probes.backends import Backend, Backends
from playbooks.probes.functions import FunctionCounts, Limits
from playbooks.probes.metrics import MINUTE

# --- databases, tables and tasks ------------------------------------------------------------------

USE = (("cpu", "CPU", thresholds.CPU_HIGH), ("memory", "memory", thresholds.MEMORY_HIGH))


def saturated(
    sources: Iterable[Backends | Gap | None], anomaly: AnomalyWindow
) -> tuple[bool | None, str]:
    """Whether a backend that is measured is at its limit, with the figures; None when none is
    measured, or it is left open.

    It is left open by a database that answers slowly or has many more connections than usual: how
    many it accepts is in no metric, and slowness may come from locks as well as from a limit.
    """
    found = [
        measure
        for source in sources
        if isinstance(source, tuple)
        for backend in source
        for measure in (*_use(backend, anomaly), *_of_database(backend, anomaly))
    ]
    high = [each.text for each in found if each.at_limit]
    if high:
        return True, "; ".join(high)
    unclear = [each.text for each in found if each.at_limit is None]
    seen = [each.text for each in found if each.at_limit is False]
    if unclear:
        measured = "; ".join((*unclear, *seen))
        return None, f"whether a database is at its limit: {measured}"
    if seen:
        return False, "; ".join(seen)
    return None, "whether a database or the tasks are at their limit: no metrics of them"


def measured(sources: Iterable[Backends | Gap | None], anomaly: AnomalyWindow) -> bool:
    """Whether any backend has figures in the anomaly."""
    return any(
        bool(anomaly.during(series))
        for source in sources
        if isinstance(source, tuple)
        for backend in source
        for series in backend.series.values()
    )


@dataclass(frozen=True, slots=True)
class _Measure:
    """One figure of a backend, and whether it shows a limit reached; None leaves that open."""

    at_limit: bool | None
    text: str


def _use(backend: Backend, anomaly: AnomalyWindow) -> Iterator[_Measure]:
    """CPU and memory: near all of it, and more than usual."""
    for label, what, limit in USE:
        used = anomaly.during(backend.metric(label)).quantile(0.75)
        if used is not None:
            usual = anomaly.baseline(backend.metric(label)).typical()
            more = usual is None or used - usual >= thresholds.USE_ROSE
            yield _Measure(used >= limit and more, f"{what} of {backend.name} {used:.0f} %")


def _of_database(backend: Backend, anomaly: AnomalyWindow) -> Iterator[_Measure]:
    """Connections, latency and throttled calls."""
    connections = anomaly.during(backend.metric("connections")).typical()
    more = anomaly.times_usual(backend.metric("connections"))
    if more is not None and connections is not None and more >= thresholds.CONNECTIONS_MANY:
        text = f"connections to {backend.name} {times(more)} their usual: {count(connections)}"
        yield _Measure(None if connections > thresholds.CONNECTIONS_FEW else False, text)
    for label, series in backend.series.items():
        now, slower = anomaly.during(series).typical(), anomaly.times_usual(series)
        if label.endswith("latency") and now is not None and slower is not None:
            slow = slower >= thresholds.LATENCY_HIGH and now >= thresholds.LATENCY_HIGH_MS
            text = f"{label} of {backend.name} {times(slower)} its usual: {milliseconds(now)}"
            yield _Measure(None if slow else False, text)
        events = anomaly.during(series).total() if label.endswith("throttles") else 0.0
        if events:
            needed = max(thresholds.FEW, thresholds.PART * (anomaly.errors or 0.0))
            many = events >= needed if anomaly.errors else None
            yield _Measure(many, f"{count(events)} {label} of {backend.name}")


# --- Lambda's concurrency -------------------------------------------------------------------------


class Limit(StrEnum):
    """What makes Lambda refuse a call."""

    RESERVED = "reserved"  # the function's reservation
    ACCOUNT = "account"  # the account's concurrency, which all functions share
    RATE = "rate"  # how quickly new environments may be started for one function


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Executions at once against what is allowed.

    `limit`: the limit that was reached; None when none was or it is not known, which `measured`
    tells apart.
    """

    limit: Limit | None
    measured: bool
    text: str
    peak: float | None = None
    allowed: float | None = None


def concurrency(
    counts: FunctionCounts, limits: Limits | Gap | None, anomaly: AnomalyWindow
) -> Concurrency:
    """Which limit the function's executions reached.

    Throttled is not at the limit: Lambda also refuses what comes quicker than it starts new
    environments, 1,000 in 10 s for each function (Lambda developer guide, "Lambda function
    scaling"). The account's limit is met by ClaimedAccountConcurrency, in which all that is
    reserved or provisioned counts in full ("Types of metrics for Lambda functions"); where it is
    not published, by the executions without a reservation.
    """
    if not isinstance(limits, Limits):
        return Concurrency(None, False, "whether a limit was reached: limits could not be read")
    if limits.reserved is not None:
        limit, running, allowed = Limit.RESERVED, counts.concurrency, limits.reserved
        whose = f"reserved for {counts.name}"
    elif counts.claimed:
        limit, running, allowed = Limit.ACCOUNT, counts.claimed, limits.account
        whose = "of the account, with all that is reserved and provisioned"
    else:
        limit, running, allowed = Limit.ACCOUNT, counts.unreserved, limits.unreserved
        whose = "left to all functions without reserved concurrency"
    peak = anomaly.during(running).peak()
    if allowed == 0:
        return Concurrency(limit, True, f"0 executions {whose}", peak, 0.0)
    if peak is None:
        text = f"how many of the {allowed:,} executions {whose} ran at once"
        return Concurrency(None, False, text, None, float(allowed))
    text = f"{count(peak)} executions at once of {count(allowed)} {whose}"
    if peak >= thresholds.AT_LIMIT * allowed:
        return Concurrency(limit, True, text, peak, float(allowed))
    step = steepest(counts, anomaly)
    if step is not None and step >= thresholds.SCALING_RATE:
        text += f"; {count(step)} more within a minute, and Lambda starts 1,000 in 10 s"
        return Concurrency(Limit.RATE, True, text, peak, float(allowed))
    return Concurrency(None, True, f"{text}: not at the limit", peak, float(allowed))


def steepest(counts: FunctionCounts, anomaly: AnomalyWindow) -> float | None:
    """By how much the function's executions at once rose most from one minute to the next, the
    minute before the anomaly included. None without two minutes to compare."""
    values = counts.concurrency.between(anomaly.start - 2 * MINUTE, anomaly.end).points
    steps = [values[at] - values[at - MINUTE] for at in values if at - MINUTE in values]
    return max(steps, default=None)
