"""Releases: code or configuration that came shortly before raises or answers the errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from bot.domain.playbook_contract import (
    Scope,
    choosing,
    contradicting,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Clue, Gap
from playbooks.evidence import rivals, thresholds
from playbooks.evidence.changes import AllChanges, all_changes, came_with_release, suspect
from playbooks.evidence.coverage import of_one_function
from playbooks.evidence.durations import slowness
from playbooks.evidence.errors import CodeErrors, code_errors, median_latency, timeouts
from playbooks.evidence.exceptions import LeadingException, leading_exception
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.sources import BalancerSources, ChangeSources, FunctionSources
from playbooks.evidence.traffic import growth
from playbooks.evidence.wording import asked, count, figures, lag, milliseconds, percent, times
from playbooks.probes.access_log import AccessLog
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions, ExceptionsProbe
from playbooks.probes.front_door import Call
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.invoked_function import IntegrationProbe
from playbooks.probes.lambda_reports import Reports


class BadDeployment(FunctionSources, BalancerSources, ChangeSources):
    """A release brought the errors."""

    integration = IntegrationProbe()
    exceptions = ExceptionsProbe()

    @hypothesis(
        "A deployment brought the errors",
        actions=("rollback-alias", "rollback-codedeploy", "rollback-ecs"),
    )
    def bad_deployment(
        self,
        scope: Scope,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap | None,
        exceptions: Exceptions | Gap | None,
        balancer: Balancer | Gap | None,
        integration: tuple[Call, ...] | Gap | None,
        codedeploy: Changes | Gap | None,
        rollouts: Changes | Gap | None,
        versions: Changes | Gap | None,
        trail: Changes | Gap | None,
        trail_rest: Gap | None,
        unmeasured: Gap | None,
    ) -> Iterator[Clue]:
        """Code released shortly before raises or answers errors; timing alone proves nothing."""
        anomaly = self.anomaly(scope, edge)
        changes = all_changes(codedeploy, rollouts, versions, trail, trail_rest)
        yield from release(anomaly, scope, changes)
        own = code_errors(counts, reports, access, balancer, anomaly)
        answers = code_answers(anomaly, edge, counts, reports, access, balancer, exceptions, own)
        yield from of_one_function(answers, unmeasured)
        yield from rivals.throttled_as_well(anomaly, counts, reports)
        yield from late_answers(anomaly, edge, access, reports, integration, changes)
        yield from rivals.in_one_zone(anomaly, balancer)


def release(anomaly: AnomalyWindow, scope: Scope, changes: AllChanges) -> Iterator[Clue]:
    """Was something released before the onset, and how long had it been in force by then?"""
    if anomaly.onset is None:
        yield necessary(None, "whether something was released before it began: onset not known")
        return
    found = suspect(changes.known, anomaly.onset)
    if found is None:
        yield no_release(anomaly, scope, changes)
        return
    before = f"{found.change.summary} ({found.change.actor}) {lag(found.lag)} before it began"
    clue = necessary(True, before, lag=found.lag.total_seconds())
    yield choosing(found.change.choice, clue)
    yield supporting(
        found.in_force <= thresholds.AT_ONCE,
        f"it began {lag(found.in_force)} after {found.change.summary} was in force"
        if found.in_force
        else f"it began as {found.change.summary} took effect",
        in_force=found.in_force.total_seconds(),
    )
    yield contradicting(
        found.in_force >= thresholds.SERVED_WELL,
        f"{found.change.summary} had been in force for {lag(found.in_force)} without more errors",
        in_force=found.in_force.total_seconds(),
    )


def no_release(anomaly: AnomalyWindow, scope: Scope, changes: AllChanges) -> Clue:
    """Necessary: no release is known. Unknown while a source was not read or may be late."""
    if changes.unread:
        sources = ", ".join(changes.unread)
        return necessary(None, f"whether something was released: {sources} could not be read")
    if not changes.sources:
        return necessary(
            None, "whether something was released: no resource of the service shows it"
        )
    if not scope.complete:
        return necessary(
            None,
            "whether something was released: the service's tags were not read, it may have more",
        )
    text = f"no release in the {lag(thresholds.LATEST)} before it began"
    onset = anomaly.onset
    if onset is not None and scope.window.end - onset < thresholds.TRAIL_IS_LATE:
        return necessary(
            None, f"whether something was released: {text}, but CloudTrail may be minutes behind"
        )
    return necessary(False, text)


def code_answers(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    access: AccessLog | Gap | None,
    balancer: Balancer | Gap | None,
    exceptions: Exceptions | Gap | None,
    own: CodeErrors | None,
) -> Iterator[Clue]:
    """Did the code itself raise or answer the errors: one exception, or fast failures?"""
    mostly = None if own is None else own.share >= thresholds.EXPLAINS
    counted = (
        "whether the code itself answered the errors: nothing counts its answers"
        if own is None
        else f"{own.counted_as} account for {percent(own.share)} of the {anomaly.label}"
    )
    yield contradicting(None if own is None else own.share < thresholds.PART, counted)
    if isinstance(exceptions, Exceptions):
        top = leading_exception(exceptions, anomaly, growth(edge, anomaly))
        yield _one_exception(top, own, mostly, counted)
        if top is not None and _stands_out(top) and _part_only(own):
            yield supporting(
                True,
                f"{top.name} is part of it: {own.counted_as} are {percent(own.share)} of the "
                f"{anomaly.label}",
            )
            return  # how long the errors take is about the others, which are more
    elif isinstance(exceptions, Gap):
        holds = False if mostly is False else None
        text = f"the logs were not read; {counted}"
        yield decisive(holds, asked(holds, "which exceptions were raised", text))
    quick, text = _answered_quickly(anomaly, counts, reports, access, balancer)
    question = "whether the code answered the errors at once"
    if exceptions is None:
        holds = None if quick is None or mostly is None else quick and mostly
        yield decisive(holds, asked(holds, question, f"{text}; {counted}"))
    elif quick is None:
        yield supporting(None, f"{question}: {text}")
    else:
        yield supporting(quick, f"{text}: {'at once' if quick else 'not at once'}")


def _one_exception(
    top: LeadingException | None, own: CodeErrors | None, mostly: bool | None, counted: str
) -> Clue:
    """Decisive: one exception stands out, and the code answered most errors (`mostly`)."""
    if top is None:
        holds = False if mostly is False else None
        text = f"no exceptions in the logs since it began; {counted}"
        return decisive(holds, asked(holds, "whether the code raised the errors", text))
    one = _stands_out(top)
    holds = False if one is False or mostly is False else one and mostly
    of_version = f", all of version {top.version}" if top.version else ""
    return decisive(
        holds,
        asked(
            holds,
            f"whether {top.name} is what fails the requests",
            f"{top.name}: {count(top.count)} log lines, {percent(top.share)} of all "
            f"exceptions, {top.compared()}{of_version}; {counted}",
        ),
        **figures(exceptions=float(top.count), own=own.share if own else None),
    )


def _stands_out(top: LeadingException) -> bool | None:
    """Whether most exceptions are of this class, and far more than usual."""
    main = top.count >= thresholds.FEW and top.share >= thresholds.MOSTLY
    return top.rose if main else False


def _part_only(own: CodeErrors | None) -> TypeGuard[CodeErrors]:
    """Whether the code answered a good part of the errors, and not most."""
    return own is not None and thresholds.PART <= own.share < thresholds.EXPLAINS


def _answered_quickly(
    anomaly: AnomalyWindow,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    access: AccessLog | Gap | None,
    balancer: Balancer | Gap | None,
) -> tuple[bool | None, str]:
    """Whether the errors came at once, by their latency or else by all durations; with a phrase."""
    latency = median_latency(access, anomaly)
    if latency is not None:
        text = f"the {anomaly.label} take {milliseconds(latency)} (median)"
        return latency <= thresholds.AT_ONCE_MS, text
    slow = slowness(reports, counts, balancer, anomaly)
    if slow is not None and slow.p50 is not None:
        return slow.p50 <= thresholds.SAME, f"requests take {times(slow.p50)} their usual (median)"
    return None, "no access log and no durations"


def late_answers(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    reports: Reports | Gap | None,
    integration: tuple[Call, ...] | Gap | None,
    changes: AllChanges,
) -> Iterator[Clue]:
    """Against code that raises: the errors are timeouts. Says nothing when slowness came with the
    release itself."""
    deadline = None
    if isinstance(reports, Reports):
        deadline = reports.deadline
    elif isinstance(integration, tuple) and integration:
        deadline = max(call.timeout for call in integration)
    share = timeouts(edge, access, anomaly, deadline)
    if share is None or came_with_release(anomaly, edge, changes):
        return
    yield contradicting(
        share >= thresholds.TIMEOUTS,
        f"{percent(share)} of the {anomaly.label} are timeouts: nothing was raised",
        **figures(timeouts=share),
    )
