"""A load balancer's targets: whether any was healthy, and what the balancer answered itself."""

from __future__ import annotations

from bot.domain.report import Gap
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import percent
from playbooks.probes.balancer import Balancer, TargetHealth
from playbooks.probes.metrics import ratio


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
    """Share of the errors that the load balancer answered itself with one of `codes`."""
    own = sum(
        anomaly.during(series).total() for code, series in balancer.codes.items() if code in codes
    )
    return ratio(own, anomaly.during(balancer.errors).total())
