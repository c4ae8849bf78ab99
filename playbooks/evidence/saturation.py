"""Whether databases, tables or tasks are at their limit."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.report import Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.probes.backends import Backends

LIMITS = (("cpu", "CPU", thresholds.CPU_HIGH), ("memory", "memory", thresholds.MEMORY_HIGH))


def saturated(
    sources: Iterable[Backends | Gap | None], anomaly: AnomalyWindow
) -> tuple[bool | None, str]:
    """Whether a backend that is measured is at its limit, with the figures; None when none is
    measured.

    How many connections a database accepts is in no metric: many more than usual leave the
    question open.
    """
    high: list[str] = []
    seen: list[str] = []
    unclear: list[str] = []
    for backend in (each for source in sources if isinstance(source, tuple) for each in source):
        for label, what, limit in LIMITS:
            used = anomaly.during(backend.metric(label)).quantile(0.75)
            if used is not None:
                text = f"{what} of {backend.name} {used:.0f} %"
                seen.append(text)
                usual = anomaly.baseline(backend.metric(label)).typical()
                if used >= limit and (usual is None or used >= thresholds.SAME * usual):
                    high.append(text)
        more = anomaly.times_usual(backend.metric("connections"))
        if more is not None and more >= thresholds.CONNECTIONS_MANY:
            unclear.append(f"connections to {backend.name} {more:.1f}x their usual")
        for label, series in backend.series.items():
            if label.endswith("latency") and (slower := anomaly.times_usual(series)) is not None:
                text = f"{label} of {backend.name} {slower:.1f}x its usual"
                seen.append(text)
                if slower >= thresholds.LATENCY_HIGH:
                    high.append(text)
            if label.endswith("throttles") and (events := anomaly.during(series).total()):
                text = f"{events:,.0f} {label} of {backend.name}"
                seen.append(text)
                if anomaly.errors and events >= thresholds.PART * anomaly.errors:
                    high.append(text)
    if high:
        return True, "; ".join(high)
    if unclear:
        measured = "; ".join((*unclear, *seen))
        return None, f"whether a database takes no more connections: {measured}"
    if seen:
        return False, "; ".join(seen)
    return None, "whether a database or the tasks are at their limit: no metrics of them"
