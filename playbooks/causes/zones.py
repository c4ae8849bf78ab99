"""Zones: one availability zone fails while the others are well."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.coverage import Coverage
from bot.domain.plan import Choice
from bot.domain.playbook_contract import choosing, decisive, hypothesis, necessary, supporting
from bot.domain.report import Clue, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.sources import BalancerSources
from playbooks.evidence.wording import asked, figures, percent
from playbooks.evidence.zones import worst_zone, zone_targets
from playbooks.probes.balancer import Balancer, TargetHealth


class ZoneFailure(BalancerSources):
    """One availability zone fails."""

    @hypothesis(
        "One availability zone fails", actions=("shift-zone",), explains=("connection-errors",)
    )
    def zone_failure(
        self,
        anomaly: AnomalyWindow,
        balancer: Balancer | Gap,
        health: TargetHealth | Gap | None,
    ) -> Iterator[Clue]:
        """Nearly all errors come from one zone, and the others are well."""
        yield from one_zone(anomaly, balancer, health)


def one_zone(
    anomaly: AnomalyWindow, balancer: Balancer | Gap, health: TargetHealth | Gap | None
) -> Iterator[Clue]:
    """Does one zone fail while the others are well?"""
    if isinstance(balancer, Gap):
        yield necessary(None, "whether one zone fails more than the others: no metrics by zone")
        yield decisive(None, f"whether nearly all {anomaly.label} come from one zone")
        return
    worst = worst_zone(balancer, anomaly)
    if worst is None:
        yield _not_compared(anomaly, balancer)
        return
    yield necessary(
        worst.fails_more_often(thresholds.ZONE_LIFT_NEEDED),
        f"{worst.name}: {percent(worst.rate)} of its requests fail, "
        f"{percent(worst.rate_elsewhere)} in the other zones",
        **figures(rate=worst.rate, elsewhere=worst.rate_elsewhere),
    ).resting_on(balancer)
    targets = zone_targets(worst, health)
    open_question = None if targets.agree else f"whether it is the zone: {targets.text}"
    clue = decisive(
        worst.alone,
        f"{percent(worst.share)} of the {anomaly.label} come from {worst.name}",
        **figures(share=worst.share),
    )
    # AWS does not document whether the zone is the node's or the target's.
    rests_on = Coverage.of(open_question if worst.alone else None)
    yield choosing(Choice(suspect=worst.name), clue.resting_on(balancer, rests_on))
    if worst.alone:
        agree = supporting(
            targets.agree, asked(targets.agree, "whether it is the zone", targets.text)
        )
        yield agree.resting_on(balancer, health)


def _not_compared(anomaly: AnomalyWindow, balancer: Balancer) -> Clue:
    if len(balancer.zones) < 2:
        return necessary(False, "the load balancer is in one zone only")
    return necessary(
        None,
        f"whether one zone fails more than the others: too few {anomaly.label} to compare",
    )
