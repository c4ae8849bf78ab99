"""What the card shows besides causes: headline, codes, changes, chart, links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from bot.domain.contract import Scope
from bot.domain.report import BreakdownRow, Gap, Link, Overview, Series, nearest_first
from bot.domain.resources import ApiRef
from playbooks.evidence import console, facts
from playbooks.evidence.onset import STALE, Burn, detector
from playbooks.evidence.wording import percent
from playbooks.probes.access_log import AccessLog
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.front import balancer_of, front_door, short_name
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.metrics import MINUTE, Line
from playbooks.probes.reports import Reports

MOST_LINKS = 8

# 5XX that API Gateway answers before it calls the integration (REST: "gateway response types").
NOT_CALLED = frozenset(
    {"API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE"}
)


def overview(
    scope: Scope,
    burn: Burn,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    changes: Changes,
    reports: Reports | Gap | None,
    exceptions: Exceptions | Gap | None,
    counts: FunctionCounts | Gap | None,
) -> Overview:
    counted = facts.by_code(edge, access, burn)
    return Overview(
        headline=headline(scope, burn, edge, counted) + refusal(burn, access),
        onset=burn.onset,
        breakdown=tuple(breakdown(burn, counted)),
        changes=nearest_first(changes, burn.onset),
        chart_title="5XX and requests a minute",
        chart=chart(scope, edge),
        links=tuple(links(scope, access, reports, exceptions, counts))[:MOST_LINKS],
    )


def headline(scope: Scope, burn: Burn, edge: Edge | Gap | None, counted: dict[str, float]) -> str:
    """ "5XX: 8.4 % of requests, 504 mostly"."""
    if isinstance(edge, Gap):
        return f"5XX: how many is unknown, {edge.detail}"
    if edge is None:
        return f"5XX: {scope.service.name} has no API or load balancer to count them at"
    requests = burn.during(edge.requests).total()
    if not requests:
        return f"5XX: no requests counted at {whereabouts(scope, edge)}{_since_or_check(edge)}"
    if burn.onset is None or burn.share is None:
        share = burn.during(edge.errors).total() / requests
        return f"5XX: {percent(share)} of requests, no more than usual at {edge.name}"
    total = sum(counted.values())
    code = next(iter(counted), None)
    mostly = f", {code} mostly" if code and counted[code] >= 0.5 * total else ""
    return f"5XX: {percent(burn.share)} of requests{mostly}{ended(scope, burn, edge)}"


def refusal(burn: Burn, access: AccessLog | Gap | None) -> str:
    """What API Gateway says of itself, where it answered most of them and called nobody."""
    if burn.onset is None or not isinstance(access, AccessLog):
        return ""
    answers = access.between(burn.start, burn.end)
    counted: Counter[str] = Counter()
    for answer in answers:
        if answer.response_type in NOT_CALLED:
            counted[answer.response_type] += int(answer.count)
    if not counted or counted.total() < 0.5 * sum(answer.count for answer in answers):
        return ""
    return f"; API Gateway called no backend for them ({counted.most_common(1)[0][0]})"


def ended(scope: Scope, burn: Burn, edge: Edge) -> str:
    """Until when, once later minutes that had requests are calm. Silence is no end of it."""
    if scope.window.end - burn.end <= STALE:
        return ""
    later = edge.rate.between(burn.end, scope.window.end).points
    if not later:
        return f"; no requests counted since {burn.end:%H:%M} UTC"
    known = detector(edge, scope)
    calm = (known.calm(share, edge.errors.points.get(at, 0.0)) for at, share in later.items())
    return f", until {burn.end:%H:%M} UTC" if any(calm) else ""


def whereabouts(scope: Scope, edge: Edge) -> str:
    """The name the requests were looked for under: "checkout-api/prod", or a load balancer's."""
    front = front_door(scope)
    return f"{edge.name}/{front.stage}" if isinstance(front, ApiRef) else edge.name


def _since_or_check(edge: Edge) -> str:
    """Since when, where there have been any; else what is likely wrong."""
    last = max((at for at, count in edge.requests.points.items() if count), default=None)
    if last is not None:
        return f" since {last + MINUTE:%H:%M} UTC"
    what = "load balancer's name" if edge.kind == "alb" else "API's name and stage"
    return f"; check the {what} in the catalogue"


def breakdown(burn: Burn, counted: dict[str, float]) -> Iterator[BreakdownRow]:
    """By code where something tells the codes, else all 5XX in one row."""
    if not counted and burn.errors:
        counted = {"5XX": burn.errors}
    total = sum(counted.values())
    for code, count in counted.items():
        share = count / total
        yield BreakdownRow(
            code=code,
            count=count,
            of_errors=share,
            of_requests=share * burn.share if burn.share is not None else None,
        )


def chart(scope: Scope, edge: Edge | Gap | None) -> tuple[Series, ...]:
    """5XX and requests a minute over the window."""
    if not isinstance(edge, Edge):
        return ()
    minutes = [
        scope.window.start + number * MINUTE
        for number in range(int((scope.window.end - scope.window.start) / MINUTE))
    ]
    return series("5XX", edge.errors, minutes), series("requests", edge.requests, minutes)


def series(name: str, line: Line, minutes: list[datetime]) -> Series:
    return Series(name=name, points=tuple((at, line.points.get(at)) for at in minutes))


def links(
    scope: Scope,
    access: AccessLog | Gap | None,
    reports: Reports | Gap | None,
    exceptions: Exceptions | Gap | None,
    counts: FunctionCounts | Gap | None,
) -> Iterator[Link]:
    """The console pages a person would open next, in the service's region."""
    region, window = scope.service.region, scope.window
    resources = scope.service.resources
    if scope.alarm is not None:
        region = scope.alarm.region
        yield console.alarm(region, scope.alarm.name)
    if isinstance(access, AccessLog):
        yield console.insights(region, "Access log", window, (access.group,), access.query)
    if isinstance(reports, Reports):
        yield console.insights(region, "REPORT lines", window, (reports.group,), reports.query)
    if isinstance(exceptions, Exceptions):
        yield console.insights(region, "Exceptions", window, exceptions.groups, exceptions.query)
    if isinstance(counts, FunctionCounts):
        yield console.function(region, counts.name, counts.alias)
    if (balancer := balancer_of(scope)) is not None:
        yield console.load_balancer(region, short_name(balancer.name))
    for ecs in resources.ecs[:1]:
        yield console.ecs(region, ecs.cluster, ecs.service)
    for group in resources.codedeploy[:1]:
        yield console.codedeploy(region, group.application, group.group)
