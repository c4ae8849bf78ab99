"""Targets that a load balancer cannot connect to, as their health checks tell it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import (
    contradicting,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Clue, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.failing_targets import (
    FAILED,
    TIMEOUT,
    FailingTargets,
    all_of,
    answers,
)
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.target_sources import HealthCheckSources
from playbooks.evidence.targets import of_targets
from playbooks.evidence.wording import asked, before_onset, count, figures, percent
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.metrics import ratio

ON_THE_WAY = frozenset({"security-group", "network"})  # kinds of change


class UnreachableTargets(HealthCheckSources):
    """A security group, network ACL, route, wrong port or crashed process."""

    @hypothesis("The load balancer cannot connect to its targets", explains=("no-healthy-targets",))
    def connection_errors(
        self,
        anomaly: AnomalyWindow,
        failing: FailingTargets,
        balancer: Balancer | Gap,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Health checks get no connection, and neither do users.

        Health checks do not count as TargetConnectionErrorCount, so that none of these clears the
        network while the balancer avoids the targets (Application Load Balancer user guide,
        "CloudWatch metrics").
        """
        silent = failing.only(TIMEOUT, FAILED)
        yield necessary(
            silent, asked(silent, "whether targets do not answer their checks", failing.words)
        ).resting_on(failing)
        lost, rose = _lost(balancer, anomaly)
        refused = failing.only(FAILED)
        share_enough = None if lost is None else lost >= thresholds.PART and rose
        holds = True if share_enough else share_enough
        if not share_enough:
            # avoided, they get no requests: then only what the checks say is left
            holds = True if refused and failing.flapping is not True else None
        yield decisive(
            holds,
            asked(
                holds,
                "whether users' connections fail as well",
                f"{percent(lost)} of the requests found no connection to a target; {failing.words}",
            ),
            **figures(connections=lost),
        ).resting_on(failing, of_targets(balancer))
        yield contradicting(
            all_of(failing.flapping, answers(balancer, anomaly).well),
            f"connections come and go, and users are answered: {failing.rhythm}",
        ).resting_on(failing, of_targets(balancer))
        meanwhile = answers(balancer, anomaly)
        yield contradicting(
            all_of(meanwhile.slow, None if lost is None else lost < thresholds.PART),
            f"users get a connection and wait for the answer: {meanwhile.words}",
        ).resting_on(of_targets(balancer))
        yield from _one_zone(failing)
        yield from _on_the_way(anomaly, known_changes)


def _lost(balancer: Balancer | Gap, anomaly: AnomalyWindow) -> tuple[float | None, bool]:
    """Share of the requests that found no connection to a target, and whether that is unusual."""
    if not isinstance(balancer, Balancer):
        return None, False
    failed = anomaly.during(balancer.connection_errors)
    if not failed:
        return None, False
    rose = anomaly.times_usual(balancer.connection_errors)
    return ratio(failed.total(), anomaly.during(balancer.requests).total()), (
        rose is None or rose >= thresholds.CONNECTIONS_ROSE
    )


def _one_zone(failing: FailingTargets) -> Iterator[Clue]:
    """Supporting: the unhealthy targets are all those of one zone."""
    zones = {target.zone for target in failing.unhealthy if target.zone}
    every = {target.zone for target in failing.targets or () if target.zone}
    if len(zones) == 1 and len(every) > 1:
        zone = next(iter(zones))
        inside = [target for target in failing.targets or () if target.zone == zone]
        yield supporting(
            len(inside) == len(failing.unhealthy),
            f"{count(len(failing.unhealthy))} of {count(len(inside))} targets of {zone} are "
            "unhealthy, none of the other zones",
        ).resting_on(failing)


def _on_the_way(anomaly: AnomalyWindow, changes: Changes) -> Iterator[Clue]:
    """Supporting: a security group or the network was changed shortly before."""
    if anomaly.onset is None:
        return
    onset = anomaly.onset
    found = [
        change
        for change in changes.known
        if change.kind in ON_THE_WAY
        and not change.error
        and -thresholds.AFTERWARDS <= onset - change.at <= thresholds.SOON
    ]
    if found:
        last = max(found, key=lambda each: each.at)
        yield supporting(
            True,
            f"{last.summary} ({last.actor}) {before_onset(onset - last.at)}",
        ).resting_on(changes)
