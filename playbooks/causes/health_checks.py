"""Health checks that are wrong while their targets are well: no patience, or the wrong question."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import (
    advice,
    contradicting,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Advice, Change, Clue, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.changes import suspect
from playbooks.evidence.failing_targets import (
    FLAPS,
    MISMATCH,
    TIMEOUT,
    Answers,
    FailingTargets,
    all_of,
    answers,
)
from playbooks.evidence.nearest import not_all_known
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.target_sources import HealthCheckSources
from playbooks.evidence.targets import of_targets
from playbooks.evidence.wording import asked, before_onset, lag, milliseconds
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.health_checks import HealthCheck, HealthChecks

# A check competes with the users' requests: it should be given twice what nearly all of them take.
PATIENCE = 2.0
IMPATIENT = 2  # seconds to answer: the least that AWS allows
HASTY = 15  # seconds from the first failure to unhealthy: one burst of load is enough

NODES_DIFFER = "targets may flap, or the load balancer's nodes see them differently"


class HealthChecksWrong(HealthCheckSources):
    """The checks fail, and users are answered as always."""

    @hypothesis(
        "The health check is too aggressive",
        actions=("health-check-settings",),
        explains=("no-healthy-targets",),
    )
    def health_check_too_aggressive(
        self,
        anomaly: AnomalyWindow,
        failing: FailingTargets,
        checks: HealthChecks | Gap | None,
        balancer: Balancer | Gap,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Checks time out now and then, with little time to answer, while users are answered."""
        check = checks.get(failing.group) if isinstance(checks, HealthChecks) else None
        meanwhile = answers(balancer, anomaly)
        timed_out = failing.only(TIMEOUT)
        yield necessary(
            timed_out, asked(timed_out, "whether checks time out", failing.words)
        ).resting_on(failing)
        edited = _changed(known_changes, anomaly, failing.group)
        tight, settings = _tight(check, balancer, anomaly, edited=edited is not None)
        yield necessary(None if tight is None else tight, settings).resting_on(checks)
        apart = failing.flapping is None and failing.apart >= FLAPS
        flaps = True if apart else failing.flapping
        holds = all_of(timed_out, tight, flaps, meanwhile.well)
        words = f"{failing.rhythm}; meanwhile {meanwhile.words}"
        clue = decisive(
            holds, asked(holds, "whether targets flap while they answer users well", words)
        ).resting_on(failing, checks, of_targets(balancer))
        if holds and apart:  # within a minute, as far as the metric tells
            clue = clue.model_copy(update={"missing": (*(clue.missing or ()), NODES_DIFFER)})
        yield clue
        yield _not_well(meanwhile).resting_on(of_targets(balancer))
        if edited is not None:
            yield supporting(True, _before(edited, anomaly)).resting_on(known_changes)

    @hypothesis(
        "The health check asks for what targets do not answer",
        explains=("no-healthy-targets",),
    )
    def endpoint_wrong(
        self,
        anomaly: AnomalyWindow,
        failing: FailingTargets,
        checks: HealthChecks | Gap | None,
        balancer: Balancer | Gap,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Targets answer the check with another code than it wants, and users as always."""
        check = checks.get(failing.group) if isinstance(checks, HealthChecks) else None
        meanwhile = answers(balancer, anomaly)
        mismatch = failing.only(MISMATCH)
        yield necessary(
            mismatch, asked(mismatch, "whether targets answer with another code", failing.words)
        ).resting_on(failing)
        steady = None if failing.flapping is None else not failing.flapping
        wants = f"; the check is {check.words}, and wants {check.codes}" if check else ""
        holds = all_of(mismatch, meanwhile.well)
        yield decisive(
            holds,
            asked(
                holds,
                "whether targets answer users well and only the check not",
                f"{_said(failing)}; {meanwhile.words}{wants}",
            ),
        ).resting_on(failing, of_targets(balancer))
        yield supporting(
            failing.together,
            "all targets became unhealthy at once"
            if failing.together
            else f"whether all targets became unhealthy at once; {failing.rhythm}",
        ).resting_on(failing)
        yield contradicting(
            None if steady is None else not steady,
            f"they become healthy and unhealthy in turn: {failing.rhythm}",
        ).resting_on(failing)
        yield _not_well(meanwhile).resting_on(of_targets(balancer))
        if (change := _changed(known_changes, anomaly, failing.group)) is not None:
            yield supporting(True, _before(change, anomaly)).resting_on(known_changes)

    @hypothesis(
        "A release changed what the health check asks for",
        actions=("rollback-ecs", "rollback-codedeploy"),
        explains=("endpoint-wrong", "no-healthy-targets"),
    )
    def release_broke_health_check(
        self,
        anomaly: AnomalyWindow,
        failing: FailingTargets,
        balancer: Balancer | Gap,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """As a release took effect, targets began to answer the check with another code."""
        onset = anomaly.onset
        if onset is None:
            yield necessary(None, "whether something was released before it began: onset not known")
            return
        found = suspect(known_changes.known, onset)
        meanwhile, mismatch = answers(balancer, anomaly), failing.only(MISMATCH)
        if found is None:
            known = None if not_all_known(known_changes, onset) else False
            yield necessary(known, "whether something was released: none is known").resting_on(
                known_changes
            )
        else:
            at_once = found.in_force <= thresholds.AT_ONCE
            yield necessary(
                at_once,
                f"{found.change.summary} ({found.change.actor}) {before_onset(found.lag)}, "
                f"in force for {lag(found.in_force)} by then",
            )
        yield necessary(
            mismatch, asked(mismatch, "whether targets answer with another code", failing.words)
        ).resting_on(failing)
        edited = _changed(known_changes, anomaly, failing.group)
        holds = all_of(mismatch, meanwhile.well, edited is None)
        yield decisive(
            holds,
            asked(
                holds,
                "whether the code alone decides what the check gets",
                f"{_said(failing)} since the release, nobody changed the health check, and "
                f"{meanwhile.words}"
                if edited is None
                else f"the health check itself was changed: {edited.summary} ({edited.actor})",
            ),
        ).resting_on(failing, known_changes, of_targets(balancer))

    @advice("health-check-too-aggressive")
    def give_checks_time(self, failing: FailingTargets, checks: HealthChecks) -> Iterator[Advice]:
        """How long the health path takes, on the target itself."""
        check = checks.get(failing.group)
        if check is not None and check.path:
            yield Advice(
                text=f"Measure how long {check.path} takes on a target, idle and under load",
                command=f"curl -s -o /dev/null -w '%{{time_total}}\\n' http://TARGET{check.path}",
            )

    @advice("endpoint-wrong", "release-broke-health-check")
    def ask_the_endpoint(self, failing: FailingTargets, checks: HealthChecks) -> Iterator[Advice]:
        """What the health path answers, and how the check's path is set back."""
        check = checks.get(failing.group)
        if check is None or not check.path:
            return
        yield Advice(
            text=f"Ask a target for {check.path}: the check wants {check.codes or '200'}",
            command=f"curl -si http://TARGET{check.path} | head -1",
        )
        yield Advice(
            text="If the path is wrong, set it to the one that worked",
            command="aws elbv2 modify-target-group --target-group-arn "
            f"$(aws elbv2 describe-target-groups --names {check.group} --query "
            "'TargetGroups[0].TargetGroupArn' --output text) --health-check-path PATH",
        )


def _tight(
    check: HealthCheck | None, balancer: Balancer | Gap, anomaly: AnomalyWindow, *, edited: bool
) -> tuple[bool | None, str]:
    """Whether a check leaves less time than targets need now and then, and how it is set.

    `edited`: somebody changed it in the hour before; then what it leaves need not be the least.
    """
    if check is None:
        return None, "whether the health check leaves time to answer: its settings were not read"
    slowest = None
    if isinstance(balancer, Balancer):
        slowest = anomaly.during(balancer.p99).quantile(0.75)
    took = f"; 1 % of the requests take longer than {milliseconds(slowest)}" if slowest else ""
    hurried = check.timeout <= IMPATIENT
    if slowest is not None:
        hurried = hurried or check.timeout * 1000 < PATIENCE * slowest
    elif not hurried:
        return None, f"whether {check.words} leaves time to answer: no response times"
    text = f"{check.words}: after {check.detection} s{took}"
    return hurried and (edited or check.detection <= HASTY), text


def _said(failing: FailingTargets) -> str:
    """What AWS says of the first unhealthy target: "Health checks failed with these codes: …"."""
    told = next((each.description for each in failing.unhealthy if each.description), None)
    return f"{failing.words}: {told}" if told else failing.words


def _not_well(meanwhile: Answers) -> Clue:
    return contradicting(
        None if meanwhile.failed is None and meanwhile.p99 is None else meanwhile.sick,
        f"{'users notice it: ' if meanwhile.sick else 'users are answered: '}{meanwhile.words}",
    )


def _changed(changes: Changes, anomaly: AnomalyWindow, group: str) -> Change | None:
    """The change of a health check shortly before the onset; None when none is known."""
    if anomaly.onset is None:
        return None
    found = [
        change
        for change in changes.known
        if change.summary.startswith("ModifyTargetGroup")
        and not change.summary.startswith("ModifyTargetGroupAttributes")
        and not change.error
        and (not change.touches or any(group in name for name in change.touches))
        and -thresholds.AFTERWARDS <= anomaly.onset - change.at <= thresholds.LATEST
    ]
    return max(found, key=lambda each: each.at, default=None)


def _before(change: Change, anomaly: AnomalyWindow) -> str:
    before = f" {before_onset(anomaly.onset - change.at)}" if anomaly.onset else ""
    return f"{change.actor} changed the health check{before}: {change.summary}"
