"""Clues against a cause, from the mechanism of a rival that the same evidence shows."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import contradicting, necessary
from bot.domain.report import Clue, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.changes import came_with_release, suspect
from playbooks.evidence.durations import execution_time
from playbooks.evidence.errors import answered_sooner, raised_errors
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.targets import answered_itself
from playbooks.evidence.traffic import throttled_share
from playbooks.evidence.wording import figures, lag, percent, times
from playbooks.evidence.zones import worst_zone
from playbooks.probes.access_log import AccessLog
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports
from playbooks.probes.metrics import ratio


def in_one_zone(anomaly: AnomalyWindow, balancer: Balancer | Gap | None) -> Iterator[Clue]:
    """Against causes that act in every zone: nearly all errors come from one."""
    worst = worst_zone(balancer, anomaly)
    if worst is not None:
        yield contradicting(
            worst.alone,
            f"{percent(worst.share)} of the {anomaly.label} come from {worst.name} "
            f"({percent(worst.rate)} of its requests fail, {percent(worst.rate_elsewhere)} "
            "elsewhere)",
            **figures(share=worst.share, rate=worst.rate, elsewhere=worst.rate_elsewhere),
        ).resting_on(balancer)


def errors_as_usual(anomaly: AnomalyWindow, edge: Edge | Gap | None) -> Iterator[Clue]:
    """Against causes of errors, where something else is abnormal: there are no more than usual."""
    if not isinstance(edge, Edge) or anomaly.share is None:
        return
    errors, requests = anomaly.baseline(edge.errors), anomaly.baseline(edge.requests)
    usual = ratio(errors.total(), requests.total())
    if usual is not None and anomaly.share <= thresholds.AS_USUAL * usual:
        yield necessary(
            False,
            f"{anomaly.label} are {percent(anomaly.share)} of the requests, usually "
            f"{percent(usual)}",
            **figures(share=anomaly.share, usual=usual),
        ).resting_on()


def no_target_asked(anomaly: AnomalyWindow, balancer: Balancer | Gap | None) -> Iterator[Clue]:
    """Against slow targets: the balancer answers 503 itself only when it has no target to ask
    (Application Load Balancer user guide, "HTTP 503: Service unavailable")."""
    if not isinstance(balancer, Balancer):
        return
    share = answered_itself(balancer, anomaly, "503")
    if share:
        yield contradicting(
            share >= thresholds.EXPLAINS,
            f"{percent(share)} of the {anomaly.label} are the load balancer's own 503: no target "
            "was asked",
            refused=round(share, 4),
        ).resting_on(balancer)


def throttled_instead(
    anomaly: AnomalyWindow, counts: FunctionCounts | Gap | None, reports: Reports | Gap | None
) -> Iterator[Clue]:
    """Against causes inside the function: throttled calls, which never reached it, are nearly all
    of the errors, and executions do not take longer."""
    if not isinstance(counts, FunctionCounts):
        return
    share = throttled_share(counts, anomaly)
    what, longer = execution_time(counts, reports, anomaly)
    if share and longer is not None:
        yield contradicting(
            share >= thresholds.NEARLY_ALL and longer < thresholds.ALL_SLOWER,
            f"throttled calls account for {percent(share)} of the {anomaly.label}, and {what} "
            f"takes {times(longer)} its usual",
            throttled=round(share, 4),
        ).resting_on(counts, reports)


def throttled_as_well(
    anomaly: AnomalyWindow, counts: FunctionCounts | Gap | None, reports: Reports | Gap | None
) -> Iterator[Clue]:
    """Against code as the only cause: a good part of the calls was throttled and never ran."""
    throttled, raised = _throttled_and_raised(anomaly, counts, reports)
    if throttled and raised >= thresholds.EXPLAINS:
        yield contradicting(
            throttled >= thresholds.PART,
            f"throttled calls, which never ran, account for {percent(throttled)} of the "
            f"{anomaly.label}",
            throttled=round(throttled, 4),
        ).resting_on(counts, reports)


def waited_for_nothing(
    anomaly: AnomalyWindow, access: AccessLog | Gap | None, reports: Reports | Gap | None
) -> Iterator[Clue]:
    """Necessary for whatever makes requests late: that the errors are late answers. False where
    nearly all came long before the deadline or the function's timeout."""
    if not isinstance(reports, Reports):
        return
    limit = min(reports.deadline, reports.timeout)
    sooner = answered_sooner(access, anomaly, limit)
    if sooner is not None and sooner >= thresholds.NEARLY_ALL:
        yield necessary(
            False,
            f"{percent(sooner)} of the {anomaly.label} were answered long before {limit:g} s",
            sooner=round(sooner, 4),
        ).resting_on(access)


def raised_as_well(
    anomaly: AnomalyWindow, counts: FunctionCounts | Gap, reports: Reports | Gap | None
) -> Iterator[Clue]:
    """Against throttling as the only cause: a good part of the calls ran and raised."""
    throttled, raised = _throttled_and_raised(anomaly, counts, reports)
    if raised and throttled >= thresholds.EXPLAINS:
        yield contradicting(
            raised >= thresholds.PART,
            "errors the function raised, which throttled calls are not, account for "
            f"{percent(raised)} of the {anomaly.label}",
            raised=round(raised, 4),
        ).resting_on(counts, reports)


def _throttled_and_raised(
    anomaly: AnomalyWindow, counts: FunctionCounts | Gap | None, reports: Reports | Gap | None
) -> tuple[float, float]:
    """Shares of the errors that are throttled calls, and that the function raised; 0 if unknown."""
    if not isinstance(counts, FunctionCounts):
        return 0.0, 0.0
    raised = raised_errors(counts, reports, anomaly)
    return throttled_share(counts, anomaly) or 0.0, raised.share if raised else 0.0


def slower_since_release(
    anomaly: AnomalyWindow, edge: Edge | Gap | None, changes: Changes
) -> Iterator[Clue]:
    """Against overload: the backend became slower with a release, not with more traffic."""
    if anomaly.onset is None:
        return
    found = suspect(changes.known, anomaly.onset)
    if found is not None:
        yield contradicting(
            came_with_release(anomaly, edge, changes),
            f"{found.change.summary} came {lag(found.lag)} before, with traffic as usual",
        ).resting_on(edge, changes)
