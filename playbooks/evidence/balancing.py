"""What a load balancer's evidence amounts to while it burns: its zones, and who is healthy."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.report import Gap
from playbooks.evidence import thresholds as at
from playbooks.evidence.onset import Burn
from playbooks.probes.balancer import Balancer, TargetHealth


@dataclass(frozen=True, slots=True)
class WorstZone:
    """The zone with the most 5XX: its share of them, its rate and the others' together."""

    name: str
    of_errors: float
    rate: float
    others: float

    def lifted(self, factor: float) -> bool:
        return self.rate >= factor * self.others

    @property
    def alone(self) -> bool:
        return self.of_errors >= at.NEARLY_ALL and self.lifted(at.ZONE_LIFT_DECISIVE)


def worst_zone(balancer: Balancer | Gap | None, burn: Burn) -> WorstZone | None:
    """None unless two zones at least have had requests and there are 5XX."""
    if not isinstance(balancer, Balancer):
        return None
    counted = {
        name: (burn.during(zone.errors).total(), burn.during(zone.requests).total())
        for name, zone in balancer.zones.items()
    }
    counted = {name: pair for name, pair in counted.items() if pair[1]}
    errors = sum(pair[0] for pair in counted.values())
    if len(counted) < 2 or errors < at.FEW:
        return None
    name = max(counted, key=lambda each: counted[each][0])
    bad, requests = counted[name]
    rest = sum(pair[1] for zone, pair in counted.items() if zone != name)
    return WorstZone(name, bad / errors, bad / requests, (errors - bad) / rest)


def without_targets(
    balancer: Balancer, health: TargetHealth | Gap | None, burn: Burn
) -> tuple[bool | None, str]:
    """Whether a target group had no healthy target while it burnt. HealthyHostCount is published
    only for groups that have targets, so where it is silent the registered ones are asked."""
    lows: dict[str, float] = {}
    silent: list[str] = []
    for group, line in balancer.healthy.items():
        low = burn.during(line).low()
        if low is not None:
            lows[group] = low
        elif isinstance(health, TargetHealth) and group in health.groups:
            in_service = [t for t in health.of(group) if t.state in ("healthy", "unavailable")]
            lows[group] = float(len(in_service))
        else:
            silent.append(group)
    if not lows or (silent and min(lows.values()) > 0):
        which = ", ".join(silent) or "the target groups"
        return None, f"whether {which} had a healthy target: neither metrics nor targets tell"
    group = min(lows, key=lambda each: lows[each])
    return lows[group] == 0, f"healthy targets of {group}: {lows[group]:.0f} at the least"


def reasons(health: TargetHealth | Gap | None) -> str:
    """ "3 of 4 targets are unhealthy now (Target.Timeout)"; empty when all are well."""
    if not isinstance(health, TargetHealth):
        return ""
    ill = [target for target in health.targets if target.state != "healthy"]
    if not health.targets:
        return "no targets are registered"
    if not ill:
        return ""
    named = ", ".join(sorted({target.reason or target.state for target in ill}))
    return f"{len(ill)} of {len(health.targets)} targets are not healthy now ({named})"
