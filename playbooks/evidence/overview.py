"""What a card shows besides causes: codes, changes, chart, links, and parts of the headline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from bot.domain.playbook_contract import Scope
from bot.domain.report import BreakdownRow, Change, Gap, Link, Overview, Series, nearest_first
from bot.domain.resources import ApiRef
from playbooks.evidence import console
from playbooks.evidence.onset import STALE, AnomalyWindow, detector
from playbooks.evidence.signal import Signal
from playbooks.probes.access_log import AccessLog
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.front_door import balancer_of, front_door, short_name
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports
from playbooks.probes.metrics import MINUTE, UNSETTLED_FOR_RECOVERY, TimeSeries, settled_until

MOST_LINKS = 8


def build(
    headline: str,
    scope: Scope,
    anomaly: AnomalyWindow,
    counted: Mapping[str, float],
    changes: tuple[Change, ...],
    edge: Edge | Gap | None,
    links: Iterator[Link],
) -> Overview:
    """The overview under a headline. `counted`: errors in the anomaly by code."""
    return Overview(
        headline=headline,
        onset=anomaly.onset,
        breakdown=tuple(breakdown(anomaly, counted)),
        changes=nearest_first(changes, anomaly.onset),
        chart_title=f"{anomaly.label} and requests a minute",
        chart=chart(scope, edge, anomaly.label),
        links=tuple(links)[:MOST_LINKS],
    )


# --- parts of a headline --------------------------------------------------------------------------


def main_code(counted: Mapping[str, float]) -> str:
    """ ", 504 mostly" when at least half of the errors have one code; else empty."""
    code = max(counted, key=lambda each: counted[each], default=None)
    mostly = code is not None and counted[code] >= 0.5 * sum(counted.values())
    return f", {code} mostly" if mostly else ""


def ended(scope: Scope, anomaly: AnomalyWindow, edge: Edge, signal: Signal) -> str:
    """ ", until 03:12 UTC" once later minutes that had requests are normal and final; else empty.
    Minutes without requests are no end."""
    if scope.window.end - anomaly.end <= STALE:
        return ""
    until = settled_until(scope.window, UNSETTLED_FOR_RECOVERY)
    later = edge.rate.between(anomaly.end, until).points
    if not later:
        return f"; no requests counted since {anomaly.end:%H:%M} UTC"
    known = detector(edge, scope, signal)
    normal = (known.normal(share, edge.errors.points.get(at, 0.0)) for at, share in later.items())
    return f", until {anomaly.end:%H:%M} UTC" if any(normal) else ""


def no_requests(scope: Scope, edge: Edge) -> str:
    """ "no requests counted at checkout-api/prod since 02:40 UTC"; where there never were any, what
    to check in the catalogue."""
    front = front_door(scope)
    where = f"{edge.name}/{front.stage}" if isinstance(front, ApiRef) else edge.name
    last = max((at for at, count in edge.requests.points.items() if count), default=None)
    if last is not None:
        return f"no requests counted at {where} since {last + MINUTE:%H:%M} UTC"
    what = "load balancer's name" if edge.kind == "alb" else "API's name and stage"
    return f"no requests counted at {where}; check the {what} in the catalogue"


# --- codes, chart, links --------------------------------------------------------------------------


def breakdown(anomaly: AnomalyWindow, counted: Mapping[str, float]) -> Iterator[BreakdownRow]:
    """A row for each code, or one for all errors where codes are not known."""
    if not counted and anomaly.errors:
        counted = {anomaly.label: anomaly.errors}
    total = sum(counted.values())
    for code, count in counted.items():
        share = count / total
        yield BreakdownRow(
            code=code,
            count=count,
            of_errors=share,
            of_requests=share * anomaly.share if anomaly.share is not None else None,
        )


def chart(scope: Scope, edge: Edge | Gap | None, label: str) -> tuple[Series, ...]:
    """Errors and requests a minute over the window."""
    if not isinstance(edge, Edge):
        return ()
    return line(scope, label, edge.errors), line(scope, "requests", edge.requests)


def line(scope: Scope, name: str, series: TimeSeries) -> Series:
    """One curve over the window."""
    minutes = [
        scope.window.start + number * MINUTE
        for number in range(int((scope.window.end - scope.window.start) / MINUTE))
    ]
    return charted(name, series, minutes)


def charted(name: str, series: TimeSeries, minutes: list[datetime]) -> Series:
    """One curve; None in minutes that nothing was published in."""
    return Series(name=name, points=tuple((at, series.points.get(at)) for at in minutes))


def links(
    scope: Scope,
    access: AccessLog | Gap | None,
    reports: Reports | Gap | None,
    exceptions: Exceptions | Gap | None,
    counts: FunctionCounts | Gap | None,
) -> Iterator[Link]:
    """The console pages a person would open next, in the service's region; those of logs also where
    the read was denied or failed."""
    region, window = scope.service.region, scope.window
    resources = scope.service.resources
    if scope.alarm is not None:
        region = scope.alarm.region
        yield console.alarm(region, scope.alarm.name)
    for title, log in (
        ("Access log", access),
        ("REPORT lines", reports),
        ("Exceptions", exceptions),
    ):
        if isinstance(log, Gap):  # a person may read what the bot may not
            if log.query and log.log_groups:
                yield console.insights(region, title, window, log.log_groups, log.query)
        elif log is not None:
            groups = log.groups if isinstance(log, Exceptions) else (log.group,)
            yield console.insights(region, title, window, groups, log.query)
    if isinstance(counts, FunctionCounts):
        yield console.function(region, counts.name, counts.alias)
    if (balancer := balancer_of(scope)) is not None:
        yield console.load_balancer(region, short_name(balancer.name))
    for ecs in resources.ecs[:1]:
        yield console.ecs(region, ecs.cluster, ecs.service)
    for group in resources.codedeploy[:1]:
        yield console.codedeploy(region, group.application, group.group)
