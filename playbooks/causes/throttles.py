"""Throttles: Lambda refuses calls because too many executions run at once."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.coverage import Coverage
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
from playbooks.evidence.durations import execution_time
from playbooks.evidence.errors import share_of_requests
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.saturation import Concurrency, Limit, concurrency
from playbooks.evidence.sources import FunctionSources
from playbooks.evidence.traffic import calls, more_traffic, throttled_share
from playbooks.evidence.wording import asked, count, figures, percent, times
from playbooks.probes.access_log import AccessLog
from playbooks.probes.edge import Edge
from playbooks.probes.functions import FunctionCounts, Limits, LimitsProbe
from playbooks.probes.lambda_reports import Reports
from playbooks.probes.metrics import ratio

TOLD = {"integration_status", "invoke_status"}  # parts of an access log with Lambda's refusal


class ConcurrencyLimit(FunctionSources):
    """More calls at once than the function's or the account's concurrency allows."""

    limits = LimitsProbe()

    @hypothesis(
        "Lambda throttles the function: too many executions at once",
        actions=("raise-reserved-concurrency",),
    )
    def concurrency_limit(
        self,
        anomaly: AnomalyWindow,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap,
        limits: Limits | Gap | None,
        reports: Reports | Gap | None,
    ) -> Iterator[Clue]:
        """Lambda throttled calls, as many as failed."""
        yield from throttling(anomaly, edge, access, counts, limits, reports)
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
    reached = concurrency(counts, limits, anomaly)
    throttled = anomaly.during(counts.throttles).total()
    called = calls(counts, anomaly).total()
    clue = necessary(
        throttled > 0, f"{count(throttled)} of {count(called)} calls throttled", throttles=throttled
    ).resting_on(counts)
    yield choosing(_to_raise(counts, reached), clue)
    share = throttled / called if called else 0.0
    explained = throttled_share(counts, anomaly)
    text = f"{percent(share)} of the calls were throttled; {share_of_requests(anomaly)}"
    what, longer = execution_time(counts, reports, anomaly)
    used_up = longer is not None and longer >= thresholds.ALL_SLOWER
    yield _accounted(anomaly, explained, text, used_up=used_up).resting_on(
        counts, edge, _which_limit(reached) if explained and not used_up else None
    )
    if longer is not None and throttled:
        yield contradicting(
            used_up,
            f"{what} takes {times(longer)} its usual"
            + (": that is what uses up the executions" if used_up else ""),
            longer=round(longer, 4),
        ).resting_on(counts, reports)
    if throttled and explained is not None:
        yield contradicting(explained < thresholds.PART, text).resting_on(counts, edge)
    if throttled:
        yield from at_limit(reached, counts, limits)
    yield from _answered_429(anomaly, access)
    yield more_traffic(anomaly, edge, thresholds.MORE_LOAD)


def _accounted(
    anomaly: AnomalyWindow, explained: float | None, text: str, *, used_up: bool
) -> Clue:
    """Decisive: throttles account for the errors, and executions take no longer than usual."""
    return decisive(
        None if explained is None else explained >= thresholds.EXPLAINS and not used_up,
        asked(explained, f"whether throttles account for the {anomaly.label}", text),
        **figures(throttled=explained, share=anomaly.share),
    )


def _to_raise(counts: FunctionCounts, reached: Concurrency) -> Choice:
    """What would have to be raised: the reservation only where that was reached."""
    limit = reached.limit if reached.limit is not None else "unknown"
    return Choice(target=f"lambda:{counts.name}/{limit}-concurrency")


def _which_limit(reached: Concurrency) -> Coverage:
    """Throttled is not at the limit: while it is not known which one, nothing is sure."""
    if reached.limit is not None:
        return Coverage()
    return Coverage.of(f"which limit of concurrency was reached: {reached.text}")


WHICH = {
    Limit.RESERVED: "the function's reserved concurrency was reached",
    Limit.ACCOUNT: "the account's concurrency was reached",
    Limit.RATE: "environments were needed more quickly than Lambda starts them",
}


def at_limit(
    reached: Concurrency, counts: FunctionCounts, limits: Limits | Gap | None
) -> Iterator[Clue]:
    """Which limit the executions reached; against the cause when it is none that is measured."""
    known = figures(peak=reached.peak, limit=reached.allowed)
    if reached.limit is not None:
        text = f"{WHICH[reached.limit]}: {reached.text}"
        yield supporting(True, text, **known).resting_on(counts, limits)
    elif reached.measured:
        yield contradicting(True, reached.text, **known).resting_on(counts, limits)
    else:
        yield supporting(None, reached.text, **known)


def _answered_429(anomaly: AnomalyWindow, access: AccessLog | Gap | None) -> Iterator[Clue]:
    """Supporting: by the access log, Lambda answered the API 429."""
    if not isinstance(access, AccessLog) or not access.fields & TOLD:
        return
    answers = access.between(anomaly.start, anomaly.end)
    throttled = sum(a.count for a in answers if "429" in (a.integration_status, a.invoke_status))
    share = ratio(throttled, sum(a.count for a in answers))
    if share is not None:
        yield supporting(
            share >= thresholds.EXPLAINS,
            f"Lambda answered 429 to {percent(share)} of the {anomaly.label}",
        ).resting_on(access)
