"""Targets that come and go: new ones that are not ready, and ones that were stopped."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import advice, decisive, hypothesis, necessary, supporting
from bot.domain.report import Advice, Clue, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.changes import suspect
from playbooks.evidence.failing_targets import INVALID, FailingTargets
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.target_sources import HealthCheckSources
from playbooks.evidence.targets import of_targets
from playbooks.evidence.wording import before_onset
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes

STARTING = frozenset({"Elb.InitialHealthChecking", "Elb.RegistrationInProgress"})
LEAVING = frozenset({"Target.DeregistrationInProgress", INVALID, "Target.NotRegistered"})


class TargetLifecycle(HealthCheckSources):
    """Targets that are missing without being sick."""

    @hypothesis("Only new targets are not ready yet", explains=("no-healthy-targets",))
    def new_targets_only(
        self,
        anomaly: AnomalyWindow,
        failing: FailingTargets,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """All that are missing are registered newly and have not passed their first check.

        A new target needs one pass; until then it is `initial`, which is not unhealthy (Elastic
        Load Balancing user guide, "Target health status").
        """
        if failing.targets is None:
            yield necessary(None, "whether only new targets are not healthy: they were not read")
            return
        new = [t for t in failing.targets if t.state == "initial" or t.reason in STARTING]
        sick = failing.unhealthy
        text = f"{len(new)} of {len(failing.targets)} targets are new, {len(sick)} are unhealthy"
        yield necessary(bool(new), text).resting_on(failing)
        yield decisive(bool(new) and not sick, text).resting_on(failing)
        found = suspect(known_changes.known, anomaly.onset) if anomaly.onset else None
        if found is not None:
            yield supporting(
                found.in_force <= thresholds.SOON,
                f"{found.change.summary} ({found.change.actor}) {before_onset(found.lag)}",
            ).resting_on(known_changes)

    @hypothesis("Targets were stopped or taken out", explains=("no-healthy-targets",))
    def targets_stopped(
        self,
        anomaly: AnomalyWindow,
        failing: FailingTargets,
        balancer: Balancer | Gap,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Targets are stopped, draining or gone, and none fails its health check.

        Taking a target out lowers HealthyHostCount and does not raise UnHealthyHostCount
        (Application Load Balancer user guide, "CloudWatch metrics").
        """
        fewer, counted = _fewer(balancer, anomaly, failing)
        leaving = [t for t in failing.targets or () if t.reason in LEAVING or t.state == "draining"]
        stopped = [t for t in failing.targets or () if t.reason == INVALID]
        read = failing.targets is not None
        gone = True if leaving else fewer if fewer is not None or not read else False
        yield necessary(gone, f"{len(leaving)} targets are stopped or being taken out; {counted}")
        sick = len(failing.unhealthy) if read else None
        holds = None if gone is None or sick is None else bool(gone) and not sick
        why = f"{len(stopped)} are stopped ({INVALID})" if stopped else counted
        yield decisive(holds, f"{why}; {failing.words}").resting_on(failing, of_targets(balancer))
        onset = anomaly.onset
        found = [
            change
            for change in known_changes.known
            if onset is not None
            and change.kind in ("targets", "scaling")
            and not change.error
            and -thresholds.AFTERWARDS <= onset - change.at <= thresholds.SOON
        ]
        if found and onset is not None:
            last = max(found, key=lambda each: each.at)
            yield supporting(
                True, f"{last.summary} ({last.actor}) {before_onset(onset - last.at)}"
            ).resting_on(known_changes)

    @advice("new-targets-only")
    def look_at_the_start(self, failing: FailingTargets) -> Iterator[Advice]:
        """What makes new targets slow to be ready."""
        yield Advice(
            text="Compare how long a target takes to start with the grace period of its service "
            "or Auto Scaling group: if it is shorter, targets are replaced before they are ready",
            command=f"aws elbv2 describe-target-groups --names {failing.group}",
        )

    @advice("targets-stopped")
    def who_stopped_them(self, failing: FailingTargets) -> Iterator[Advice]:
        """Who took them out."""
        yield Advice(
            text="See who stopped or deregistered targets",
            command="aws cloudtrail lookup-events --lookup-attributes "
            "AttributeKey=EventName,AttributeValue=DeregisterTargets",
        )


def _fewer(
    balancer: Balancer | Gap, anomaly: AnomalyWindow, failing: FailingTargets
) -> tuple[bool | None, str]:
    """Whether there are fewer healthy targets than usual while none became unhealthy."""
    hosts = balancer.hosts.get(failing.group) if isinstance(balancer, Balancer) else None
    if hosts is None:
        return None, "how many targets there are was not read"
    before = anomaly.baseline(hosts.healthy_most).typical()
    now = anomaly.during(hosts.healthy_most).lowest()
    unhealthy = anomaly.during(hosts.unhealthy_most).peak()
    if before is None or now is None or unhealthy is None:
        return None, "how many targets there were is not known"
    usual = anomaly.baseline(hosts.unhealthy_most).peak() or 0.0
    text = f"{before:.0f} healthy targets before, {now:.0f} now, up to {unhealthy:.0f} unhealthy"
    return now < before and unhealthy <= usual, text
