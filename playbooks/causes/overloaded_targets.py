"""Targets that are really sick: too busy to answer their health checks, and users."""

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
    MISMATCH,
    TIMEOUT,
    FailingTargets,
    all_of,
    answers,
)
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.saturation import saturated
from playbooks.evidence.target_sources import HealthCheckSources
from playbooks.evidence.targets import of_targets
from playbooks.evidence.traffic import more_traffic
from playbooks.evidence.wording import asked, figures
from playbooks.probes.backends import Backends, DependenciesProbe, TasksProbe
from playbooks.probes.balancer import Balancer
from playbooks.probes.edge import Edge
from playbooks.probes.instances import Instances, InstancesProbe

NO_CREDITS = 5.0  # CPU credits; a burstable instance without any runs at its baseline


class OverloadedTargets(HealthCheckSources):
    """More load than the targets can take, told by the targets and not by failed requests."""

    tasks = TasksProbe()
    dependencies = DependenciesProbe()

    @hypothesis(
        "The backend itself is slow",
        explains=("no-healthy-targets", "connection-errors"),
    )
    def backend_overload(
        self,
        anomaly: AnomalyWindow,
        failing: FailingTargets,
        balancer: Balancer | Gap,
        edge: Edge | Gap | None,
        tasks: Backends | Gap | None,
        dependencies: Backends | Gap | None,
    ) -> Iterator[Clue]:
        """Users wait too, and something is at its limit: the health checks are right."""
        meanwhile = answers(balancer, anomaly)
        unanswered = failing.only(TIMEOUT, FAILED)
        yield necessary(
            None if meanwhile.p99 is None else meanwhile.p99 > thresholds.SAME,
            asked(meanwhile.p99, "whether requests are slower than usual", meanwhile.words),
        ).resting_on(of_targets(balancer))
        full, limit = saturated((tasks, dependencies), anomaly)
        traffic = more_traffic(anomaly, edge, thresholds.MORE_LOAD)
        busy = full if full is not None else (traffic.holds or None)
        holds = all_of(meanwhile.slow, busy)
        yield decisive(
            holds,
            asked(holds, "whether targets are too busy", f"{meanwhile.words}; {limit}"),
            **figures(p50=meanwhile.p50, p99=meanwhile.p99),
        ).resting_on(of_targets(balancer), tasks if full is not None else edge)
        yield traffic
        yield contradicting(
            failing.only(MISMATCH) or (False if unanswered else None),
            f"targets answer their checks, with another code: {failing.words}",
        ).resting_on(failing)


class CreditsUsedUp(HealthCheckSources):
    """Burstable instances that have used up their CPU credits."""

    instances = InstancesProbe()

    @hypothesis(
        "The instances have used up their CPU credits",
        explains=("backend-overload", "no-healthy-targets"),
    )
    def cpu_credits(
        self,
        anomaly: AnomalyWindow,
        failing: FailingTargets,
        balancer: Balancer | Gap,
        instances: Instances | Gap | None,
    ) -> Iterator[Clue]:
        """Unhealthy instances have no credits left and run at their baseline.

        Below 5 there is none to spend; unlimited instances spend on, at a price (EC2 user guide,
        "CPU credits and baseline utilization for burstable performance instances").
        """
        if instances is None:
            yield necessary(False, f"the targets of {failing.group} are no EC2 instances")
            return
        if isinstance(instances, Gap):
            yield necessary(None, "whether instances have CPU credits left: not read")
            return
        sick = {target.id for target in failing.unhealthy} or set(instances.credits)
        left = {
            name: lowest
            for name, series in instances.credits.items()
            if name in sick and (lowest := anomaly.during(series).lowest()) is not None
        }
        if not left:
            yield necessary(
                None, "whether instances have CPU credits left: none of them publishes any"
            )
            return
        spent = [name for name, balance in left.items() if balance < NO_CREDITS]
        text = f"{len(spent)} of {len(left)} unhealthy instances have less than 5 CPU credits left"
        yield necessary(bool(spent), text).resting_on(instances)
        usual = {name: anomaly.baseline(instances.credits[name]).typical() for name in spent}
        fell = [name for name in spent if (usual[name] or 0.0) >= 2 * NO_CREDITS]
        mostly = len(spent) >= thresholds.MOSTLY * len(left)
        meanwhile = answers(balancer, anomaly)
        slower = None if meanwhile.p99 is None else meanwhile.p99 >= thresholds.ALL_SLOWER
        holds = all_of(mostly, slower) if spent else False
        yield decisive(
            holds, asked(holds, "whether that makes them slow", f"{text}; {meanwhile.words}")
        ).resting_on(instances, of_targets(balancer))
        yield supporting(bool(fell), f"{len(fell)} of them had credits before").resting_on(
            instances
        )
