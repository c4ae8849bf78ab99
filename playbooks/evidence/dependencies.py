"""What databases and tables show of themselves while the code names them in its exceptions."""

from __future__ import annotations

from bot.domain.report import Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.raised import Shown
from playbooks.evidence.wording import count, times
from playbooks.probes.backends import Backend, Backends

CONNECTIONS_GONE = 0.5  # times the usual: a database that was restarted lost them all


def database_shows(anomaly: AnomalyWindow, dependencies: Backends | Gap | None) -> Shown:
    """Whether a database has many more connections than usual, or lost them, or is at its limit."""
    databases = _of(dependencies, "rds")
    if not databases:
        why = "could not be read" if isinstance(dependencies, Gap) else "are not known"
        return Shown(None, f"metrics of the database {why}", (f"metrics of the database {why}",))
    seen: list[str] = []
    for database in databases:
        connections = anomaly.during(database.metric("connections"))
        usual = anomaly.baseline(database.metric("connections")).typical()
        lowest, most = connections.lowest(), connections.peak()
        if usual and lowest is not None and lowest <= CONNECTIONS_GONE * usual:
            return Shown(
                True, f"{database.name} lost connections: {lowest:.0f}, usually {usual:.0f}"
            )
        if usual and most is not None:
            text = f"connections to {database.name} {times(most / usual)} their usual"
            if most >= thresholds.CONNECTIONS_MANY * usual:
                return Shown(True, text)
            seen.append(text)
        cpu = anomaly.during(database.metric("cpu")).quantile(0.75)
        usual_cpu = anomaly.baseline(database.metric("cpu")).typical() or 0.0
        if cpu is not None:
            text = f"CPU of {database.name} {cpu:.0f} %"
            if cpu >= thresholds.CPU_HIGH and cpu >= thresholds.SAME * usual_cpu:
                return Shown(True, text)
            seen.append(text)
    if not seen:
        return Shown(None, "CloudWatch has nothing of the database", ("metrics of the database",))
    return Shown(False, "; ".join(seen))


def tables_show(anomaly: AnomalyWindow, dependencies: Backends | Gap | None) -> Shown:
    """Whether a table throttled a good part as many requests as failed."""
    tables = _of(dependencies, "dynamodb")
    if not tables:
        why = "could not be read" if isinstance(dependencies, Gap) else "none is known to throttle"
        text = f"what else the code calls: {why}"
        return Shown(None, text, (text,))
    throttled = {
        f"{count(events)} {label} of {table.name}": events
        for table in tables
        for label, series in table.series.items()
        if label.endswith("throttles") and (events := anomaly.during(series).total())
    }
    enough = thresholds.PART * (anomaly.errors or 0.0)
    if anomaly.errors and sum(throttled.values()) >= enough:
        return Shown(True, "; ".join(throttled))
    names = ", ".join(table.name for table in tables)
    # another service may be the one that throttles
    return Shown(None, f"{names} throttled {'few' if throttled else 'none'} of the failed requests")


def _of(dependencies: Backends | Gap | None, kind: str) -> tuple[Backend, ...]:
    if not isinstance(dependencies, tuple):
        return ()
    return tuple(each for each in dependencies if each.kind == kind)
