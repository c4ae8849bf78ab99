"""Errors of a load balancer by availability zone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.domain.report import Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import percent
from playbooks.probes.balancer import Balancer, TargetHealth


@dataclass(frozen=True, slots=True)
class WorstZone:
    """The zone with the most errors.

    `share`: its share of all errors; `rate`: errors per request in it; `rate_elsewhere`: in all
    other zones together.
    """

    name: str
    share: float
    rate: float
    rate_elsewhere: float

    def fails_more_often(self, factor: float) -> bool:
        """Whether requests fail `factor` times as often as in the other zones, and not only a few
        of them."""
        return self.rate >= max(thresholds.ZONE_RATE, factor * self.rate_elsewhere)

    @property
    def alone(self) -> bool:
        """Whether nearly all errors are in it, and the other zones are well."""
        many = self.share >= thresholds.NEARLY_ALL
        return many and self.fails_more_often(thresholds.ZONE_LIFT_DECISIVE)


def worst_zone(balancer: Balancer | Gap | None, anomaly: AnomalyWindow) -> WorstZone | None:
    """The worst zone; None unless two zones had requests and there are errors to compare."""
    if not isinstance(balancer, Balancer):
        return None
    by_zone = {
        name: (anomaly.during(zone.errors).total(), anomaly.during(zone.requests).total())
        for name, zone in balancer.zones.items()
    }
    by_zone = {name: counted for name, counted in by_zone.items() if counted[1]}
    all_errors = sum(errors for errors, _ in by_zone.values())
    if len(by_zone) < 2 or all_errors < thresholds.FEW:
        return None
    name = max(by_zone, key=lambda each: by_zone[each][0])
    errors, requests = by_zone[name]
    elsewhere = sum(counted[1] for zone, counted in by_zone.items() if zone != name)
    return WorstZone(
        name, errors / all_errors, errors / requests, (all_errors - errors) / elsewhere
    )


@dataclass(frozen=True, slots=True)
class ZoneTargets:
    """The worst zone's targets. `agree`: they show that the zone fails and not one of them; None
    when they were not read, or the zone has too few of them to tell. `text` says why."""

    agree: bool | None
    text: str


def zone_targets(worst: WorstZone, health: TargetHealth | Gap | None) -> ZoneTargets:
    """Whether the zone's targets bear out that the zone fails.

    An Application Load Balancer's nodes send to the targets of all zones (cross-zone balancing is
    always on at its level), and whether a metric's AvailabilityZone is the node's or the target's
    is nowhere documented (Elastic Load Balancing user guide, "CloudWatch metrics for your
    Application Load Balancer"). Then one bad target alone may make its zone look bad: with n
    targets that share the requests evenly, it fails 1/n of the zone's.
    """
    if not isinstance(health, TargetHealth):
        return ZoneTargets(None, "the health of the targets was not read")
    in_zone = [target for target in health.targets if target.zone == worst.name]
    unhealthy = [target for target in health.targets if target.unhealthy]
    inside = [target for target in unhealthy if target.zone == worst.name]
    elsewhere = len(unhealthy) - len(inside)
    nearly_all = len(inside) >= thresholds.NEARLY_ALL * len(unhealthy)
    if nearly_all and len(inside) >= 2 and len(inside) > thresholds.EXPLAINS * len(in_zone):
        text = f"{len(inside)} of {len(in_zone)} targets in {worst.name} are unhealthy now"
        return ZoneTargets(True, f"{text}, {elsewhere} elsewhere")
    if not in_zone:
        return ZoneTargets(None, f"no target in {worst.name} is known")
    failing = math.ceil(round(worst.rate * len(in_zone), 6))
    if len(in_zone) == 1:
        text = f"{worst.name} has one target: it may be the target and not the zone"
        return ZoneTargets(None, text)
    text = f"{percent(worst.rate)} of the requests are more than one of its {len(in_zone)} targets"
    if failing >= 2 and worst.rate >= thresholds.EXPLAINS:
        return ZoneTargets(True, f"{text} could fail")
    text = f"one bad target of the {len(in_zone)} in {worst.name} could do as much"
    return ZoneTargets(False, text)
