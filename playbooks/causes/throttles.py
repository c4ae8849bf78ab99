"""Throttles: Lambda refuses calls because too many executions run at once."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.plan import Choice
from bot.domain.playbook_contract import (
    choosing,
    contradicting,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Clue, Gap
from playbooks.evidence import rivals, thresholds
from playbooks.evidence.coverage import of_one_function
from playbooks.evidence.durations import execution_time
from playbooks.evidence.errors import share_of_requests
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.sources import FunctionSources
from playbooks.evidence.traffic import calls, more_traffic, throttled_share
from playbooks.evidence.wording import asked, count, figures, percent, times
from playbooks.probes.access_log import AccessLog
from playbooks.probes.edge import Edge
from playbooks.probes.functions import FunctionCounts, Limits, LimitsProbe
from playbooks.probes.lambda_reports import Reports
from playbooks.probes.metrics import ratio


class ConcurrencyLimit(FunctionSources):
    """More calls at once than the function's or the account's concurrency allows."""

    limits = LimitsProbe()

    @hypothesis(
        "The function reached its concurrency limit", actions=("raise-reserved-concurrency",)
    )
    def concurrency_limit(
        self,
        anomaly: AnomalyWindow,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap,
        limits: Limits | Gap | None,
        reports: Reports | Gap | None,
        unmeasured: Gap | None,
    ) -> Iterator[Clue]:
        """Lambda throttled calls, as many as failed."""
        throttled = throttling(anomaly, edge, access, counts, limits, reports)
        yield from of_one_function(throttled, unmeasured)
        yield from rivals.raised_as_well(anomaly, counts, reports)


def throttling(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    counts: FunctionCounts | Gap,
    limits: Limits | Gap | None,
    reports: Reports | Gap | None,
) -> Iterator[Clue]:
    """Are as many calls throttled as fail, though executions take no longer than usual?

    Executions at once are calls a second times their mean duration (Little's law). When that
    duration rose, slowness uses up the limit, and the throttles are its consequence.
    """
    if isinstance(counts, Gap) or not calls(counts, anomaly):
        yield necessary(None, "whether Lambda throttled calls: no metrics of the function")
        yield decisive(None, f"whether throttles account for the {anomaly.label}")
        return
    throttled = anomaly.during(counts.throttles).total()
    called = calls(counts, anomaly).total()
    clue = necessary(
        throttled > 0, f"{count(throttled)} of {count(called)} calls throttled", throttles=throttled
    )
    yield choosing(Choice(target=f"lambda:{counts.name}/reserved-concurrency"), clue)
    share = throttled / called if called else 0.0
    explained = throttled_share(counts, anomaly)
    text = f"{percent(share)} of the calls were throttled; {share_of_requests(anomaly)}"
    what, longer = execution_time(counts, reports, anomaly)
    used_up = longer is not None and longer >= thresholds.ALL_SLOWER
    yield decisive(
        None if explained is None else explained >= thresholds.EXPLAINS and not used_up,
        asked(explained, f"whether throttles account for the {anomaly.label}", text),
        **figures(throttled=share, share=anomaly.share),
    )
    if longer is not None and throttled:
        yield contradicting(
            used_up,
            f"{what} takes {times(longer)} its usual"
            + (": that is what uses up the executions" if used_up else ""),
            longer=round(longer, 4),
        )
    if throttled and explained is not None:
        yield contradicting(explained < thresholds.PART, text)
    yield at_limit(anomaly, counts, limits)
    yield from _answered_429(anomaly, access)
    yield more_traffic(anomaly, edge, thresholds.MORE_LOAD)


def at_limit(anomaly: AnomalyWindow, counts: FunctionCounts, limits: Limits | Gap | None) -> Clue:
    """Supporting: executions at once reach what is allowed."""
    if not isinstance(limits, Limits):
        return supporting(None, "whether the function is at its limit: limits could not be read")
    if limits.reserved is None:
        running, whose = counts.unreserved, "left to all functions without reserved concurrency"
    else:
        running, whose = counts.concurrency, f"reserved for {counts.name}"
    peak, allowed = anomaly.during(running).peak(), limits.concurrency
    if peak is None:
        return supporting(None, f"how many of the {allowed:,} executions {whose} ran at once")
    return supporting(
        peak >= thresholds.AT_LIMIT * allowed,
        f"{count(peak)} executions at once of {count(allowed)} {whose}",
        peak=peak,
        limit=float(allowed),
    )


def _answered_429(anomaly: AnomalyWindow, access: AccessLog | Gap | None) -> Iterator[Clue]:
    """Supporting: by the access log, Lambda answered the API 429."""
    if not isinstance(access, AccessLog) or "integration_status" not in access.fields:
        return
    answers = access.between(anomaly.start, anomaly.end)
    throttled = sum(a.count for a in answers if a.integration_status == "429")
    share = ratio(throttled, sum(a.count for a in answers))
    if share is not None:
        yield supporting(
            share >= thresholds.EXPLAINS,
            f"Lambda answered 429 to {percent(share)} of the {anomaly.label}",
        )
