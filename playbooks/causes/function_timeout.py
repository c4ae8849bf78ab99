"""Requests hang until a timeout ends them: something they call does not answer."""

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
from playbooks.evidence import durations, rivals, thresholds
from playbooks.evidence.errors import by_code, code_share, share_of_requests, timeouts
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.saturation import saturated
from playbooks.evidence.sources import BalancerSources, FunctionSources
from playbooks.evidence.targets import of_targets
from playbooks.evidence.wording import asked, count, figures, percent, times
from playbooks.evidence.zones import worst_zone
from playbooks.probes.access_log import AccessLog
from playbooks.probes.backends import Backends, DependenciesProbe, TasksProbe
from playbooks.probes.balancer import Balancer
from playbooks.probes.edge import Edge
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports, Tally
from playbooks.probes.metrics import ratio


class FunctionTimeout(FunctionSources, BalancerSources):
    """Some requests hang until Lambda or the load balancer ends them; those that finish are as
    fast as usual."""

    tasks = TasksProbe()
    dependencies = DependenciesProbe()

    @hypothesis(
        "Requests hang: something they call does not answer",
        explains=("concurrency-limit",),
    )
    def function_timeout(
        self,
        anomaly: AnomalyWindow,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap | None,
        balancer: Balancer | Gap | None,
        tasks: Backends | Gap | None,
        dependencies: Backends | Gap | None,
    ) -> Iterator[Clue]:
        """Requests end exactly at a timeout while those that finish are not slower."""
        if reports is None and counts is None:
            yield from at_balancers_timeout(anomaly, edge, access, balancer)
            yield from _at_its_limit(anomaly, (tasks, dependencies))
            yield from rivals.in_one_zone(anomaly, balancer)
            return
        yield from at_timeout(anomaly, edge, access, reports)
        yield from rivals.waited_for_nothing(anomaly, access, reports)
        yield from _at_its_limit(anomaly, (dependencies,))
        yield from rivals.throttled_instead(anomaly, counts, reports)


def at_timeout(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    reports: Reports | Gap | None,
) -> Iterator[Clue]:
    """Do warm requests end exactly at the function's timeout?"""
    if not isinstance(reports, Reports):
        yield necessary(None, "whether requests ran into the function's timeout (no REPORT lines)")
        yield decisive(None, "whether warm requests ended exactly at the function's timeout")
        return
    now, usual = durations.tallies(reports, anomaly)
    limit = f"the function's timeout of {reports.timeout:g} s"
    invoked = durations.invoked(reports, anomaly, now)
    enough = durations.accounts_for(anomaly, now.timed_out, invoked)
    yield necessary(
        enough,
        asked(
            enough,
            f"whether the function's timeout accounts for the {anomaly.label}",
            f"{count(now.timed_out)} of {count(invoked)} invocations ended at {limit}; "
            f"{share_of_requests(anomaly)}",
        ),
        **figures(timed=ratio(now.timed_out, invoked), share=anomaly.share),
    ).resting_on(reports, edge)
    all_hang = invoked > 0 and now.timed_out / invoked >= thresholds.NEARLY_ALL
    yield from _others_as_usual(reports, now, usual, limit, all_hang=all_hang)
    if reports.timeout < reports.deadline and not reports.deadline_assumed:
        yield _answered_early(anomaly, edge, access, reports)


def _others_as_usual(
    reports: Reports, now: Tally, usual: Tally, limit: str, *, all_hang: bool
) -> Iterator[Clue]:
    """Decisive: the late requests were warm and timed out, and those that finished took no longer
    than usual, or there are next to none. Against it: those that finished are slower as well."""
    slower = ratio(now.warm_p50, usual.warm_p50)
    most_slower = durations.rose(slower, now.warm_p50, thresholds.ALL_SLOWER)
    if now.missed < thresholds.FEW:
        yield decisive(
            None, f"whether warm requests end exactly at {limit}: only {count(now.missed)} late"
        )
    else:
        warm = max(0.0, now.timed_warm - min(now.hidden_cold, now.timed_warm)) / now.missed
        mostly = warm >= thresholds.MOSTLY
        text = f"{percent(warm)} of the late requests were warm and ended exactly at {limit}; "
        if mostly and not all_hang and most_slower is None:
            holds, question = None, "whether only some requests hang: "
            text = f"{question}{text}how long the others took is not known"
        else:
            holds = mostly and (all_hang or most_slower is False)
            text += f"those that finished took {times(slower)} their usual (median)"
        yield decisive(holds, text, **figures(timed_warm=warm, p50=slower)).resting_on(reports)
    if most_slower is not None and slower is not None:
        yield contradicting(
            most_slower and not all_hang,
            f"requests that finished took {times(slower)} their usual (median): "
            + ("all are slower, not only some hang" if most_slower else "only some hang"),
            p50=round(slower, 4),
        ).resting_on(reports)


def at_balancers_timeout(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    balancer: Balancer | Gap | None,
) -> Iterator[Clue]:
    """Do targets accept requests and not answer, until the front door gives up?

    The load balancer answers 504 when a target did not connect within 10 s, which it counts as a
    failed connection, or did not answer within the idle timeout of 60 s (Application Load Balancer
    user guide, "HTTP 504: Gateway timeout"). The response time is of those that answered.
    """
    if not isinstance(balancer, Balancer):
        missing = balancer is not None
        text = "no function and no load balancer whose requests could time out"
        question = "whether requests timed out at the targets: no metrics of the load balancer"
        yield necessary(None if missing else False, question if missing else text)
        return
    late = timeouts(edge, access, anomaly, None)
    yield necessary(
        None if late is None else late >= thresholds.PART,
        f"whether the {anomaly.label} are timeouts: their codes are not known"
        if late is None
        else f"{percent(late)} of the {anomaly.label} are timeouts (504)",
        **figures(timeouts=late),
    ).resting_on(edge, access)
    slower = anomaly.times_usual(balancer.p50)
    finished = anomaly.during(balancer.p50).typical()
    most_slower = durations.rose(slower, finished, thresholds.ALL_SLOWER)
    whole = anomaly.errors or anomaly.during(balancer.errors).total()
    unconnected = ratio(anomaly.during(balancer.connection_errors).total(), whole)
    worst = worst_zone(balancer, anomaly)
    if late is None or unconnected is None or most_slower is None:
        yield decisive(
            None,
            "whether targets take requests and do not answer: how many requests timed out, failed "
            "to connect, or how long the others took is not known",
        )
        return
    everywhere = worst is None or not worst.alone
    yield decisive(
        late >= thresholds.MOSTLY
        and unconnected < thresholds.PART
        and not most_slower
        and everywhere,
        f"{percent(late)} of the {anomaly.label} are timeouts, connections to targets failed for "
        f"{percent(unconnected)}, and what targets answered took {times(slower)} its usual",
        **figures(timeouts=late, connections=unconnected, p50=slower),
    ).resting_on(edge, access, of_targets(balancer))
    yield contradicting(
        most_slower,
        f"what targets answered took {times(slower)} its usual (median)"
        + (": all are slower, not only some hang" if most_slower else ""),
        **figures(p50=slower),
    ).resting_on(of_targets(balancer))


def _at_its_limit(
    anomaly: AnomalyWindow, backends: tuple[Backends | Gap | None, ...]
) -> Iterator[Clue]:
    """Against a hang: something is at its limit, which makes all requests slow."""
    full, text = saturated(backends, anomaly)
    if full is not None:
        yield contradicting(full, text).resting_on(*backends)


def _answered_early(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    reports: Reports,
) -> Clue:
    """Supporting: the codes are those of a function that ends before the front door's deadline."""
    early = code_share(by_code(edge, access, anomaly), "502", "500")
    return supporting(
        None if early is None else early >= thresholds.MOSTLY,
        f"whether the {anomaly.label} are 502 or 500, as when the function ends first: "
        "their codes are not known"
        if early is None
        else f"{percent(early)} of the {anomaly.label} are 502 or 500, as when the function ends "
        f"before the {reports.deadline:g} s of the front door",
        **figures(early=early),
    ).resting_on(edge, access)
