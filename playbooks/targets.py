"""Targets: unhealthy targets of a load balancer, or too few healthy ones.

What is particular to targets: the alarms, what is measured, the headline, and which causes can
bring it. The causes are in `causes`, the measurements in `evidence`.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from bot.domain.playbook_contract import AlarmRule, Playbook, Scope
from bot.domain.report import Gap, Overview
from bot.domain.run import Verification
from playbooks.causes.advice_general import GeneralAdvice
from playbooks.causes.advice_targets import TargetAdvice
from playbooks.causes.health_checks import HealthChecksWrong
from playbooks.causes.overloaded_targets import CreditsUsedUp, OverloadedTargets
from playbooks.causes.releases import BadDeployment
from playbooks.causes.target_lifecycle import TargetLifecycle
from playbooks.causes.targets import NoHealthyTargets
from playbooks.causes.unreachable_targets import UnreachableTargets
from playbooks.causes.zones import ZoneFailure
from playbooks.evidence import levels, overview
from playbooks.evidence.errors import by_code
from playbooks.evidence.failing_targets import FailingTargets
from playbooks.evidence.levels import Level
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.signal import Absent, Direction, Signal, SignalKind
from playbooks.evidence.target_sources import TargetSignal
from playbooks.evidence.wording import percent
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge

BALANCERS = ("AWS/ApplicationELB", "AWS/NetworkELB", "AWS/GatewayELB", "AWS/ELB")

UNHEALTHY = Signal(
    label="unhealthy targets",
    alarm_metrics=dict.fromkeys(BALANCERS, frozenset({"UnHealthyHostCount"})),
    kind=SignalKind.GAUGE,
    floor=1.0,
)
HEALTHY = Signal(
    label="healthy targets",
    alarm_metrics=dict.fromkeys(BALANCERS, frozenset({"HealthyHostCount"})),
    kind=SignalKind.GAUGE,
    direction=Direction.BELOW,
    floor=1.0,
)
NOT_CONNECTED = Signal(
    label="failed connections to targets",
    alarm_metrics={
        "AWS/ApplicationELB": frozenset(
            {"TargetConnectionErrorCount", "TargetTLSNegotiationErrorCount"}
        ),
        "AWS/ELB": frozenset({"BackendConnectionErrors"}),
    },
    kind=SignalKind.RATE,
    floor=5.0,
    absent=Absent.NORMAL,
)
SIGNALS = (UNHEALTHY, HEALTHY, NOT_CONNECTED)

WORDS = frozenset(
    {
        *("unhealthy host", "unhealthy hosts", "healthy host", "healthy hosts"),
        *("unhealthy target", "unhealthy targets", "healthy targets", "no healthy"),
        *("healthyhostcount", "unhealthyhostcount"),
    }
)


class Targets(
    TargetSignal,
    HealthChecksWrong,
    OverloadedTargets,
    UnreachableTargets,
    TargetLifecycle,
    CreditsUsedUp,
    BadDeployment,
    ZoneFailure,
    NoHealthyTargets,
    TargetAdvice,
    GeneralAdvice,
    Playbook,
):
    """Unhealthy targets behind a load balancer."""

    id: ClassVar[str] = "targets"
    title: ClassVar[str] = "Unhealthy targets"
    looks_like: ClassVar[str] = "the servers are overloaded"
    first_guess: ClassVar[str] = "backend-overload"
    signals: ClassVar[tuple[Signal, ...]] = SIGNALS
    signal: ClassVar[Signal] = UNHEALTHY
    errors_label: ClassVar[str] = "5XX"
    alarms: ClassVar[tuple[AlarmRule, ...]] = (
        *(rule for signal in SIGNALS for rule in signal.alarm_rules()),
        AlarmRule("AWS/ELB", frozenset({"SpilloverCount"}), primary=False),
    )
    metric_words: ClassVar[frozenset[str]] = WORDS
    name_words: ClassVar[frozenset[str]] = WORDS

    def overview(
        self,
        scope: Scope,
        anomaly: AnomalyWindow,
        level: Level | Gap | None,
        failing: FailingTargets | Gap | None,
        edge: Edge | Gap | None,
        known_changes: Changes,
    ) -> Overview:
        """Headline, onset, what users get meanwhile, changes, chart and links."""
        built = overview.build(
            headline(anomaly, level, failing),
            scope,
            anomaly,
            by_code(edge, None, anomaly),
            known_changes.known,
            edge,
            overview.links(scope, None, None, None, None),
        )
        if not isinstance(level, Level):
            return built
        chart = (overview.line(scope, level.signal.label, level.values), *built.chart)
        title = f"{level.signal.label}, 5XX and requests a minute"
        return built.model_copy(update={"chart": chart, "chart_title": title})

    def recovered(self, scope: Scope, since: datetime, level: Level | Gap | None) -> Verification:
        """Whether the number of targets is normal again since `since`."""
        return levels.recovery(level, scope, since)


def headline(
    anomaly: AnomalyWindow, level: Level | Gap | None, failing: FailingTargets | Gap | None
) -> str:
    """ "Targets: 2 of 4 targets of shop are unhealthy now (Target.Timeout); 0 % of the requests
    fail"."""
    if not isinstance(level, Level):
        why = level.detail if isinstance(level, Gap) else "the service has no load balancer"
        return f"Targets: how many are unhealthy is unknown, {why}"
    if anomaly.onset is None:
        return f"Targets: {level.signal.label} of {level.at} as usual"
    what = failing.words if isinstance(failing, FailingTargets) else level.signal.label
    meanwhile = (
        f"; {percent(anomaly.share)} of the requests fail" if anomaly.share is not None else ""
    )
    return f"Targets: {what}{meanwhile}"
