"""Evidence about health checks, for causes; and the signal of an incident type about targets."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.playbook_contract import Scope, fact
from bot.domain.report import Gap, SignalState
from playbooks.evidence import level_after_change
from playbooks.evidence.failing_targets import FailingTargets, failing_targets
from playbooks.evidence.levels import Level
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.signal import Direction, Signal, SignalKind
from playbooks.evidence.sources import BalancerSources, ChangeSources
from playbooks.probes.balancer import Balancer, TargetHealth
from playbooks.probes.edge import Edge
from playbooks.probes.health_checks import HealthChecksProbe
from playbooks.probes.metrics import TimeSeries, summed


class HealthCheckSources(BalancerSources, ChangeSources):
    """Settings of health checks, and the targets that fail them."""

    checks = HealthChecksProbe()

    @fact
    def failing(
        self,
        scope: Scope,
        anomaly: AnomalyWindow,
        balancer: Balancer | Gap,
        health: TargetHealth | Gap | None,
    ) -> FailingTargets | None:
        """The targets that fail their health checks."""
        return failing_targets(scope, anomaly, balancer, health)


class TargetSignal(BalancerSources):
    """An anomaly of the number of targets, instead of one of the share of errors.

    The incident type sets `signals`, the first for alarms that are about none of them, and
    `errors_label`, what it calls the failed requests that are counted beside.
    """

    signals: ClassVar[tuple[Signal, ...]]
    errors_label: ClassVar[str]

    @fact
    def level(self, scope: Scope, balancer: Balancer) -> Level:
        """What the alarm watches: targets that are unhealthy or healthy, failed connections."""
        signal = next((s for s in self.signals if s.watched_by(scope.alarm)), self.signals[0])
        dimension = (scope.alarm.dimensions if scope.alarm else {}).get("TargetGroup", "")
        group = dimension.split("/")[1] if dimension.count("/") == 2 else ""
        at = group if group in balancer.hosts else balancer.name
        return Level(signal, measured(scope, balancer, signal, group), at)

    @fact
    def anomaly(  # type: ignore[override]  # a fact's parameters are the evidence it asks for
        self, scope: Scope, level: Level | Gap | None, edge: Edge | Gap | None
    ) -> AnomalyWindow:
        """The minutes in which the number of targets is abnormal, and the errors in them."""
        return level_after_change.anomaly_window(level, edge, scope, self.errors_label)

    @fact
    def signal_state(  # type: ignore[override]
        self, scope: Scope, level: Level, anomaly: AnomalyWindow
    ) -> SignalState:
        """Whether the number of targets is abnormal, and whether that is over."""
        return level_after_change.signal_state(level, scope, anomaly)


def measured(scope: Scope, balancer: Balancer, signal: Signal, group: str) -> TimeSeries:
    """The signal's values: of one target group, or of all together; by the nodes that see most or
    least of it, as the alarm's statistic has it."""
    if signal.kind is SignalKind.RATE:
        return balancer.connection_errors
    of = [balancer.hosts[group]] if group in balancer.hosts else list(balancer.hosts.values())
    statistic = scope.alarm.statistic if scope.alarm else None
    if signal.direction is Direction.ABOVE:
        least = statistic == "Minimum"
        series = [each.unhealthy_least if least else each.unhealthy_most for each in of]
    else:
        most = statistic == "Maximum"
        series = [each.healthy_most if most else each.healthy_least for each in of]
    return summed(series)
