"""Targets of a load balancer: none is healthy, or none can be connected to."""

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
from playbooks.evidence import rivals, thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.sources import BalancerSources, ChangeSources
from playbooks.evidence.targets import (
    answered_itself,
    emptied,
    of_targets,
    told_by_ecs,
    unhealthy_now,
    without_targets,
)
from playbooks.evidence.wording import asked, count, figures, lag, percent, times
from playbooks.evidence.zones import worst_zone
from playbooks.probes.balancer import Balancer, TargetHealth
from playbooks.probes.changes import Changes
from playbooks.probes.ecs_services import EcsService, EcsServicesProbe
from playbooks.probes.metrics import ratio


class NoHealthyTargets(BalancerSources):
    """The load balancer has no healthy target to send requests to."""

    ecs_services = EcsServicesProbe()

    @hypothesis("No healthy targets behind the load balancer")
    def no_healthy_targets(
        self,
        anomaly: AnomalyWindow,
        balancer: Balancer | Gap,
        health: TargetHealth | Gap | None,
        ecs_services: tuple[EcsService, ...] | Gap | None,
    ) -> Iterator[Clue]:
        """A target group had no healthy target, and the errors came from then on."""
        yield from none_healthy(anomaly, balancer, health)
        if trouble := told_by_ecs(anomaly, ecs_services):
            yield supporting(True, trouble).resting_on()
        yield from rivals.in_one_zone(anomaly, balancer)


class ConnectionErrors(BalancerSources, ChangeSources):
    """A security group, network ACL, wrong port or crashed process: connections fail."""

    @hypothesis("The load balancer cannot connect to its targets", explains=("no-healthy-targets",))
    def connection_errors(
        self,
        anomaly: AnomalyWindow,
        balancer: Balancer | Gap,
        health: TargetHealth | Gap | None,
        changes: Changes | Gap | None,
    ) -> Iterator[Clue]:
        """As many connections to targets fail as there are errors."""
        yield from unreachable(anomaly, balancer, health)
        yield from security_group_changed(anomaly, balancer, changes)
        yield from rivals.in_one_zone(anomaly, balancer)


def none_healthy(
    anomaly: AnomalyWindow, balancer: Balancer | Gap, health: TargetHealth | Gap | None
) -> Iterator[Clue]:
    """Had a target group no healthy target, and is that why requests failed?"""
    if isinstance(balancer, Gap):
        yield necessary(None, "whether a target group had no healthy targets: no metrics of them")
        yield decisive(None, f"whether the {anomaly.label} came because no target was healthy")
        return
    if not balancer.healthy:
        functions = ", ".join(balancer.lambdas)
        yield necessary(
            False if functions else None,
            f"the target groups have no health of their own: {functions} (Lambda)"
            if functions
            else f"whether a target was healthy: {balancer.name} has no target groups in its rules",
        )
        return
    none, text = without_targets(balancer, health, anomaly)
    yield necessary(none, text).resting_on(of_targets(balancer), health)
    yield from _for_want_of_targets(anomaly, balancer, none, text)
    lost = emptied(balancer, anomaly)
    errors_first = lost is not None and lost.errors_first(anomaly)
    if lost is not None and errors_first:
        yield contradicting(
            True,
            f"{anomaly.label} had come for {lag(lost.since - anomaly.start)} when {lost.group} "
            "lost its last healthy target: that is a consequence",
        ).resting_on(of_targets(balancer))
    elif unhealthy := unhealthy_now(health):
        yield supporting(True, unhealthy).resting_on(health)
    failed = _connections_failed(anomaly, balancer)
    yield contradicting(
        None if failed is None else failed >= thresholds.EXPLAINS,
        "whether targets are there but cannot be connected to: "
        f"no {anomaly.label} counted to compare with"
        if failed is None
        else f"connections to targets failed "
        f"{count(anomaly.during(balancer.connection_errors).total())} times, "
        f"for {percent(failed)} of the {anomaly.label}: they are there, but cannot be connected to",
        **figures(connections=failed),
    ).resting_on(of_targets(balancer))


def _for_want_of_targets(
    anomaly: AnomalyWindow, balancer: Balancer, none: bool | None, text: str
) -> Iterator[Clue]:
    """Decisive: the load balancer answered 503 for want of targets, or the errors came while the
    group it sends to had no healthy one (then it fails open, and sends to all)."""
    refused = answered_itself(balancer, anomaly, "503")
    lost = emptied(balancer, anomaly)
    if none and lost is not None and (refused or 0.0) < thresholds.EXPLAINS:
        share = lost.share if lost.asked else None
        yield decisive(
            None if share is None else share >= thresholds.EXPLAINS,
            f"{percent(share)} of the {anomaly.label} came when {lost.group} had no healthy target "
            f"(since {lost.since:%H:%M} UTC), and the load balancer sends to all of them"
            if share is not None
            else f"whether requests went to {lost.group}, which had no healthy target: there are "
            "other target groups",
            **figures(share=share),
        ).resting_on(of_targets(balancer))
        return
    holds = None if none is None or refused is None else none and refused >= thresholds.EXPLAINS
    yield decisive(
        holds,
        "whether the load balancer answered 503 because it had no targets: "
        f"{percent(refused)} are its own"
        if holds is None
        else f"{percent(refused)} of the {anomaly.label} are the load balancer's own 503; {text}",
        **figures(refused=refused),
    ).resting_on(balancer)


def _connections_failed(anomaly: AnomalyWindow, balancer: Balancer) -> float | None:
    """Failed connections to targets as a share of the errors; None when no errors are counted."""
    lost = anomaly.during(balancer.connection_errors).total()
    return ratio(lost, anomaly.errors or anomaly.during(balancer.errors).total())


def unreachable(
    anomaly: AnomalyWindow, balancer: Balancer | Gap, health: TargetHealth | Gap | None
) -> Iterator[Clue]:
    """Do connections to the targets fail, as many as there are errors?"""
    if isinstance(balancer, Gap):
        yield necessary(None, "whether connections to the targets failed: no metrics of them")
        yield decisive(None, f"whether failed connections account for the {anomaly.label}")
        return
    failed = anomaly.during(balancer.connection_errors)
    if not failed:
        yield necessary(None, "whether connections to the targets failed: no requests counted")
        yield decisive(None, f"whether failed connections account for the {anomaly.label}")
        return
    few = 0 < failed.total() < thresholds.FEW
    yield necessary(
        failed.total() > 0, f"{count(failed.total())} connections to targets failed"
    ).resting_on(of_targets(balancer))
    errors = anomaly.errors or anomaly.during(balancer.errors).total()
    share = None if few else _connections_failed(anomaly, balancer)
    rose = anomaly.times_usual(balancer.connection_errors)
    grew = rose is None or rose >= thresholds.CONNECTIONS_ROSE  # none before: it rose
    worst = worst_zone(balancer, anomaly)
    # in one zone alone, failed connections are what the zone's failure does
    everywhere = worst is None or not worst.alone
    yield decisive(
        None if share is None else share >= thresholds.EXPLAINS and grew and everywhere,
        asked(
            share,
            f"whether failed connections account for the {anomaly.label}",
            f"{count(failed.total())} connections failed beside {count(errors)} {anomaly.label}"
            + (f", {times(rose)} the usual" if rose is not None else ", usually none"),
        ),
        **figures(connections=share),
    ).resting_on(of_targets(balancer))
    own = answered_itself(balancer, anomaly, "502", "504")
    yield supporting(
        None if own is None else own >= thresholds.TIMEOUTS,
        f"whether the load balancer answered the {anomaly.label} with 502 and 504 itself"
        if own is None
        else f"{percent(own)} of the {anomaly.label} are the load balancer's own 502 and 504",
        **figures(own=own),
    ).resting_on(balancer)
    if unhealthy := unhealthy_now(health):
        yield supporting(True, unhealthy).resting_on(health)


def security_group_changed(
    anomaly: AnomalyWindow, balancer: Balancer | Gap, changes: Changes | Gap | None
) -> Iterator[Clue]:
    """Supporting: a security group was changed shortly before, while connections are counted."""
    if isinstance(balancer, Gap) or not anomaly.during(balancer.connection_errors):
        return
    onset = anomaly.onset
    if not isinstance(changes, Changes) or onset is None:
        return
    before = [
        change
        for change in changes.known
        if change.kind == "security-group"
        and not change.error
        and -thresholds.AFTERWARDS <= onset - change.at <= thresholds.SOON
    ]
    if before:
        last = before[-1]
        yield supporting(
            True,
            f"{last.actor} changed a security group {lag(onset - last.at)} before it began: "
            f"{last.summary}",
        ).resting_on(changes)
