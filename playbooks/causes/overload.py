"""Overload: something in the backend is at its limit, and all requests are slow by it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.coverage import Coverage
from bot.domain.playbook_contract import contradicting, decisive, hypothesis, necessary
from bot.domain.report import Clue, Gap
from playbooks.evidence import durations, rivals, thresholds
from playbooks.evidence.durations import Slowness
from playbooks.evidence.errors import errors_of_targets, timeouts
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.saturation import measured, saturated
from playbooks.evidence.sources import BalancerSources, ChangeSources, FunctionSources
from playbooks.evidence.targets import answered_itself
from playbooks.evidence.traffic import more_traffic
from playbooks.evidence.wording import asked, figures, percent, times
from playbooks.probes.access_log import AccessLog
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

    @hypothesis(
        "The backend itself is slow",
        explains=("no-healthy-targets", "function-timeout", "concurrency-limit"),
    )
    def backend_overload(
        self,
        anomaly: AnomalyWindow,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap | None,
        balancer: Balancer | Gap | None,
        tasks: Backends | Gap | None,
        dependencies: Backends | Gap | None,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Something is at its limit, so that all requests are slow and many fail by it."""
        slow = durations.slowness(reports, counts, balancer, anomaly)
        # A function's slowness is told by what it calls, not by tasks beside it.
        backends = (tasks, dependencies) if slow is None or slow.of_targets else (dependencies,)
        yield _slower(slow)
        yield _overload(anomaly, edge, access, reports, balancer, slow, backends)
        yield more_traffic(anomaly, edge, thresholds.MORE_LOAD)
        if isinstance(reports, Reports):
            yield from _only_some_are_late(anomaly, reports, slow)
        yield from rivals.no_target_asked(anomaly, balancer)
        yield from rivals.in_one_zone(anomaly, balancer)
        yield from rivals.slower_since_release(anomaly, edge, known_changes)


def _slower(slow: Slowness | None) -> Clue:
    """Necessary: requests that finished took longer than usual."""
    if slow is None or slow.slower is None:
        return necessary(None, "whether the backend is slower than usual: no durations to compare")
    return necessary(
        slow.slower,
        slow.told(slow.slower),
        **figures(p99=slow.p99),
    ).resting_on(slow.source)


def _overload(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    reports: Reports | Gap | None,
    balancer: Balancer | Gap | None,
    slow: Slowness | None,
    backends: tuple[Backends | Gap | None, ...],
) -> Clue:
    """Decisive: all requests are much slower, many fail by it, and something is at its limit.

    Slowness alone is no overload: names that resolve badly and a slow partner bring it as well.
    Where nothing that could be at its limit is measured, slowness under more traffic stands in,
    which is not sure.
    """
    full, limit = saturated(backends, anomaly)
    all_slower = slow.all_much_slower if slow is not None else None
    failed = _failed_by_slowness(anomaly, edge, access, reports, balancer, slow)
    open_question = None
    if full is None and all_slower and failed and not measured(backends, anomaly):
        open_question = limit
        full = True if more_traffic(anomaly, edge, thresholds.MORE_LOAD).holds else None
    holds = all_of(all_slower, failed, full)
    compared = "whether all requests became much slower"
    if slow is not None and slow.p99 is not None:
        compared = slow.told_in_full()
    words = f"{compared}{_late_words(anomaly, reports)}; {limit}"
    question = "whether slowness made requests fail and something is at its limit"
    source = slow.source if slow is not None else None
    if all_slower is False:
        rests_on: tuple[object, ...] = (source,)
    elif failed is False:
        rests_on = (source, edge, access, reports, balancer)
    else:
        rests_on = (source, edge, *backends, Coverage.of(open_question))
    return decisive(
        holds,
        words if words.startswith("whether ") and holds is None else asked(holds, question, words),
        **figures(p50=slow.p50 if slow else None, p99=slow.p99 if slow else None),
    ).resting_on(*rests_on)


def all_of(*conditions: bool | None) -> bool | None:
    """Whether all hold: False when one is known not to, None when none is and one is not known."""
    if False in conditions:
        return False
    return None if None in conditions else True


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
    ).resting_on(reports)
    at_timeout = now.timed_warm / now.missed
    median = slow.p50 if slow is not None else None
    quick = median is not None and median <= thresholds.ABOUT_SAME
    yield contradicting(
        at_timeout >= thresholds.MOSTLY and quick,
        f"{percent(at_timeout)} of the late requests ended exactly at the function's timeout "
        f"of {reports.timeout:g} s, while those that finished took {times(median)} their usual",
        at_timeout=round(at_timeout, 4),
    ).resting_on(reports)


def _failed_by_slowness(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    reports: Reports | Gap | None,
    balancer: Balancer | Gap | None,
    slow: Slowness | None,
) -> bool | None:
    """Whether slowness accounts for a good part of the errors; None when that is not known.

    Of a function: requests that came too late, cold starts that alone are late left out. Of
    targets: timeouts of the front door, and what they answered themselves.
    """
    if slow is not None and slow.of_targets and isinstance(balancer, Balancer):
        late = timeouts(edge, access, anomaly, None)
        answered = errors_of_targets(balancer, anomaly)
        own = answered_itself(balancer, anomaly, "504")
        known = [share for share in (late, own) if share is not None]
        if not known and answered is None:
            return None
        return max(known, default=0.0) + (answered or 0.0) >= thresholds.PART
    if not isinstance(reports, Reports):
        return None
    now, _ = durations.tallies(reports, anomaly)
    invoked = durations.invoked(reports, anomaly, now)
    accounted = durations.accounts_for(anomaly, _late_by_slowness(now), invoked)
    return durations.unless_assumed(reports, accounted)


def _late_words(anomaly: AnomalyWindow, reports: Reports | Gap | None) -> str:
    if not isinstance(reports, Reports):
        return ""
    now, _ = durations.tallies(reports, anomaly)
    which = "invocations, all warm," if durations.cold_starts_are_late(now) else "invocations"
    late = ratio(_late_by_slowness(now), durations.invoked(reports, anomaly, now))
    return f"; {percent(late)} of the {which} came too late{durations.assumed_words(reports)}"


def _late_by_slowness(tally: Tally) -> float:
    """Late requests that slowness may have made late."""
    return tally.late_warm if durations.cold_starts_are_late(tally) else tally.missed
