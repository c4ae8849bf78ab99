"""Errors of a load balancer by availability zone."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.report import Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.probes.balancer import Balancer


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
        """Whether requests fail `factor` times as often as in the other zones."""
        return self.rate >= factor * self.rate_elsewhere

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
