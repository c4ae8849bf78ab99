"""A load balancer's targets: whether any was healthy, and what the balancer answered itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.coverage import Coverage
from bot.domain.report import Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import percent
from playbooks.probes.balancer import Balancer, TargetHealth
from playbooks.probes.ecs_services import EcsService
from playbooks.probes.metrics import MINUTE, TimeSeries, ratio
from playbooks.probes.target_groups import own_not_by_group


def without_targets(
    balancer: Balancer, health: TargetHealth | Gap | None, anomaly: AnomalyWindow
) -> tuple[bool | None, str]:
    """Whether a target group had no healthy target in the anomaly, and a sentence saying so.

    HealthyHostCount is published only for groups that have targets; where it is missing, the
    targets registered now are counted.
    """
    lowest: dict[str, float] = {}
    unknown: list[str] = []
    for group, series in balancer.healthy.items():
        healthy = anomaly.during(series).lowest()
        if healthy is not None:
            lowest[group] = healthy
        elif isinstance(health, TargetHealth) and group in health.groups:
            in_service = [t for t in health.of(group) if t.state in ("healthy", "unavailable")]
            lowest[group] = float(len(in_service))
        else:
            unknown.append(group)
    if not lowest or (unknown and min(lowest.values()) > 0):
        which = ", ".join(unknown) or "the target groups"
        return None, f"whether {which} had a healthy target: no metric, and targets were not read"
    group = min(lowest, key=lambda each: lowest[each])
    if lowest[group] == 0:
        sent = failed_open(balancer, anomaly)
        told = f"; {percent(sent)} of the requests were sent to unhealthy ones" if sent else ""
        return True, f"{group} had 0 healthy targets{told}"
    return False, f"{group} had at least {lowest[group]:.0f} healthy targets"


def unhealthy_now(health: TargetHealth | Gap | None) -> str:
    """ "3 of 4 targets are unhealthy now (Target.Timeout)"; empty when none is.

    Targets that are new, are being taken out or are not checked are not unhealthy.
    """
    if not isinstance(health, TargetHealth):
        return ""
    if not health.targets:
        return "no targets are registered"
    unhealthy = [target for target in health.targets if target.unhealthy]
    if not unhealthy:
        return ""
    reasons = ", ".join(sorted({target.reason or target.state for target in unhealthy}))
    return f"{len(unhealthy)} of {len(health.targets)} targets are unhealthy now ({reasons})"


def failed_open(balancer: Balancer, anomaly: AnomalyWindow) -> float | None:
    """Share of the requests that the balancer sent to unhealthy targets, because too few were
    healthy: it does so rather than to answer 503. None when it is not known."""
    sent = [anomaly.during(hosts.sent_to_unhealthy) for hosts in balancer.hosts.values()]
    if not any(sent):
        return None
    total = sum(series.total() for series in sent)
    return ratio(total, anomaly.during(balancer.requests).total())


def answered_itself(balancer: Balancer, anomaly: AnomalyWindow, *codes: str) -> float | None:
    """Share of the errors that the load balancer answered itself with one of `codes`.

    Of the errors at the front door, where they are counted. None where the balancer is shared and
    measured by target group: AWS does not tell its own answers by group.
    """
    if balancer.groups:
        return None
    own = sum(
        anomaly.during(series).total() for code, series in balancer.codes.items() if code in codes
    )
    share = ratio(own, anomaly.errors or anomaly.during(balancer.errors).total())
    return None if share is None else min(1.0, share)


def of_targets(balancer: Balancer | Gap | None) -> Coverage:
    """What the balancer's metrics leave out of its targets. Its own answers are not the targets',
    so that it is no loss here when they are not told by target group."""
    if not isinstance(balancer, Balancer):
        return Coverage()
    own = own_not_by_group(balancer.name)
    return Coverage.of(*(text for text in balancer.coverage.missing if text != own))


@dataclass(frozen=True, slots=True)
class Emptied:
    """A target group that lost its last healthy target in the anomaly.

    `since`: the first minute without one; `share`: of the errors that came in such minutes or just
    before, while health checks were finding out; `asked`: whether the group got requests then, None
    when not known.
    """

    group: str
    since: datetime
    share: float | None
    asked: bool | None

    def errors_first(self, anomaly: AnomalyWindow) -> bool:
        """Whether errors had come for longer than health checks take to find a sick target."""
        return self.since - anomaly.start > thresholds.FOUND_UNHEALTHY


def emptied(balancer: Balancer, anomaly: AnomalyWindow) -> Emptied | None:
    """The target group that was without a healthy target longest in the anomaly and had some
    before; None when there is none.

    The load balancer then sends to the unhealthy ones (it fails open), so that what clients get is
    whatever these answer, or 502 and 504 (Elastic Load Balancing user guide, "Health checks for
    your target groups"). A group that never had any healthy is an idle one.
    """
    empty = {
        group: sorted(at for at, healthy in anomaly.during(series).points.items() if not healthy)
        for group, series in balancer.healthy.items()
        if anomaly.baseline(series).typical()
    }
    group = max(empty, key=lambda each: len(empty[each]), default=None)
    if group is None or not empty[group]:
        return None
    since, last = empty[group][0], empty[group][-1]
    errors = anomaly.during(balancer.errors)
    # A dip of one minute was not five minutes in the finding.
    finding_out = min(thresholds.FOUND_UNHEALTHY, len(empty[group]) * MINUTE)
    counted = errors.between(since - finding_out, last + MINUTE)
    sent = balancer.hosts[group].sent_to_unhealthy if group in balancer.hosts else TimeSeries()
    to_unhealthy = anomaly.during(sent).total()
    only_group = len(balancer.healthy) == 1 and not balancer.lambdas
    return Emptied(
        group,
        since,
        ratio(counted.total(), max(anomaly.errors or 0.0, errors.total())),
        True if only_group or to_unhealthy else None,
    )


def told_by_ecs(anomaly: AnomalyWindow, services: tuple[EcsService, ...] | Gap | None) -> str:
    """What ECS wrote of tasks that failed since shortly before the anomaly; empty when nothing."""
    if not isinstance(services, tuple):
        return ""
    since = anomaly.start - thresholds.FOUND_UNHEALTHY
    told = [trouble for service in services if (trouble := service.trouble(since))]
    return f"ECS says: {told[0]}" if told else ""
