"""Overload: the backend itself is slow, for all requests."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import contradicting, decisive, hypothesis, necessary
from bot.domain.report import Clue, Gap
from playbooks.evidence import durations, rivals, thresholds
from playbooks.evidence.coverage import of_one_function
from playbooks.evidence.durations import Slowness
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.saturation import saturated
from playbooks.evidence.sources import BalancerSources, ChangeSources, FunctionSources
from playbooks.evidence.traffic import more_traffic
from playbooks.evidence.wording import asked, figures, milliseconds, percent, times
from playbooks.probes.backends import Backends, DependenciesProbe, TasksProbe
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports, Tally
from playbooks.probes.metrics import ratio


class BackendOverload(FunctionSources, BalancerSources, ChangeSources):
    """Functions, tasks or what they wait for cannot keep up."""

    tasks = TasksProbe()
    dependencies = DependenciesProbe()

    @hypothesis("The backend itself is slow")
    def backend_overload(
        self,
        anomaly: AnomalyWindow,
        edge: Edge | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap | None,
        balancer: Balancer | Gap | None,
        tasks: Backends | Gap | None,
        dependencies: Backends | Gap | None,
        known_changes: Changes,
        unmeasured: Gap | None,
    ) -> Iterator[Clue]:
        """Requests take longer than usual, all of them, also with a warm backend."""
        slower = overload(anomaly, edge, counts, reports, balancer, (tasks, dependencies))
        yield from of_one_function(slower, unmeasured)
        yield from rivals.no_target_asked(anomaly, balancer)
        yield from rivals.in_one_zone(anomaly, balancer)
        yield from rivals.slower_since_release(anomaly, edge, known_changes)


def overload(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    balancer: Balancer | Gap | None,
    backends: tuple[Backends | Gap | None, Backends | Gap | None],
) -> Iterator[Clue]:
    """Is the backend slower for all, and is something at its limit?"""
    slow = durations.slowness(reports, counts, balancer, anomaly)
    yield from _slower(anomaly, reports, slow)
    full, text = saturated(backends, anomaly)
    slower = slow is not None and slow.p99 is not None and slow.p99 > thresholds.SAME
    yield decisive(full and slower if full is not None else None, text)
    yield more_traffic(anomaly, edge, thresholds.MORE_LOAD)
    if isinstance(reports, Reports):
        yield from _only_some_are_late(anomaly, reports, slow)


def _slower(
    anomaly: AnomalyWindow, reports: Reports | Gap | None, slow: Slowness | None
) -> Iterator[Clue]:
    """Is the backend slower, and did that make requests late?"""
    if slow is None or slow.p99 is None:
        yield necessary(None, "whether the backend is slower than usual: no durations to compare")
        everything = None
        measured = "whether all requests became much slower"
    else:
        slower = slow.p99 > thresholds.SAME
        yield necessary(
            slower,
            f"{slow.what} p99 {milliseconds(slow.p99_ms)}, {times(slow.p99)} its usual: "
            f"the backend is {'slower' if slower else 'not slower'}",
            **figures(p99=slow.p99),
        )
        much_slower = slow.p99 >= thresholds.MUCH_SLOWER
        everything = much_slower and (slow.p50 or 0.0) >= thresholds.ALL_SLOWER
        measured = f"{slow.what} p50 {times(slow.p50)} and p99 {times(slow.p99)} their usual"
    all_slower = _made_requests_late(everything, anomaly, reports)
    measured += _late_words(anomaly, reports)
    yield decisive(
        all_slower,
        measured
        if everything is None
        else asked(all_slower, "whether slowness made requests late", measured),
        **figures(p50=slow.p50 if slow else None, p99=slow.p99 if slow else None),
    )


def _only_some_are_late(
    anomaly: AnomalyWindow, reports: Reports, slow: Slowness | None
) -> Iterator[Clue]:
    """Against overload: only cold starts are late, or only requests that hang."""
    now, _ = durations.tallies(reports, anomaly)
    if now.missed < thresholds.FEW:
        return
    cold = now.late_cold / now.missed
    yield contradicting(
        durations.cold_starts_are_late(now),
        f"{percent(cold)} of the requests that came too late were cold starts",
        late_cold=round(cold, 4),
    )
    at_timeout = now.timed_warm / now.missed
    median = slow.p50 if slow is not None else None
    quick = median is not None and median <= thresholds.ABOUT_SAME
    yield contradicting(
        at_timeout >= thresholds.MOSTLY and quick,
        f"{percent(at_timeout)} of the late requests ended exactly at the function's timeout "
        f"of {reports.timeout:g} s, the median is {times(median)} its usual",
        at_timeout=round(at_timeout, 4),
    )


def _made_requests_late(
    slower: bool | None, anomaly: AnomalyWindow, reports: Reports | Gap | None
) -> bool | None:
    """Whether all became slower, and so many requests late by it that they account for errors.

    Late cold starts are left out. Slow targets count without being late: nothing measures a
    deadline for them.
    """
    if not slower or not isinstance(reports, Reports):
        return slower
    now, _ = durations.tallies(reports, anomaly)
    accounted = durations.accounts_for(anomaly, _late_by_slowness(now), now.total)
    late = durations.unless_assumed(reports, accounted)
    return True if late is None and not reports.deadline_assumed else late


def _late_words(anomaly: AnomalyWindow, reports: Reports | Gap | None) -> str:
    if not isinstance(reports, Reports):
        return ""
    now, _ = durations.tallies(reports, anomaly)
    which = "warm and" if durations.cold_starts_are_late(now) else "warm or cold alike and"
    return (
        f"; {percent(ratio(_late_by_slowness(now), now.total))} of the invocations were {which} "
        f"came too late{durations.assumed_words(reports)}"
    )


def _late_by_slowness(tally: Tally) -> float:
    """Late requests that slowness may have made late."""
    return tally.late_warm if durations.cold_starts_are_late(tally) else tally.missed
