"""Clues about calls that Lambda refused to start."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.contract import contradicting, decisive, necessary, supporting
from bot.domain.report import Clue, Gap
from playbooks.causes.functions import answered, more_traffic
from playbooks.evidence import facts
from playbooks.evidence import thresholds as at
from playbooks.evidence.onset import Burn
from playbooks.evidence.wording import asked, count, figures, percent, times
from playbooks.probes.access_log import AccessLog
from playbooks.probes.edge import Edge
from playbooks.probes.functions import FunctionCounts, Limits
from playbooks.probes.reports import Reports


def throttling(
    burn: Burn,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    counts: FunctionCounts | Gap,
    limits: Limits | Gap | None,
    reports: Reports | Gap | None,
) -> Iterator[Clue]:
    """Does Lambda refuse calls, as many as fail, though each takes as long as ever?

    Executions at once are calls a second times their mean duration (Little's law): when that is
    longer, slowness is what uses the limit up, be it of all calls or of some that are stuck, and
    throttles are its consequence.
    """
    if isinstance(counts, Gap) or not facts.calls(counts, burn):
        yield necessary(None, "whether Lambda throttled calls: no metrics of the function")
        yield decisive(None, "whether throttles account for the 5XX")
        return
    throttled = burn.during(counts.throttles).total()
    calls = facts.calls(counts, burn).total()
    yield necessary(
        throttled > 0, f"{count(throttled)} of {count(calls)} calls throttled", throttles=throttled
    )
    share = throttled / calls if calls else 0.0
    explained = facts.throttled(counts, burn)
    text = f"{percent(share)} of the calls were throttled; {answered(burn)}"
    what, longer = held(burn, counts, reports)
    used_up = longer is not None and longer >= at.ALL_SLOWER
    yield decisive(
        None if explained is None else explained >= at.EXPLAINS and not used_up,
        asked(explained, "whether throttles account for the 5XX", text),
        **figures(throttled=share, share=burn.share),
    )
    if longer is not None and throttled:
        yield contradicting(
            used_up,
            f"{what} takes {times(longer)} its usual"
            + (": that is what uses up the executions" if used_up else ""),
            longer=round(longer, 4),
        )
    if throttled and explained is not None:
        yield contradicting(explained < at.PART, text)
    yield at_limit(burn, counts, limits)
    if isinstance(access, AccessLog) and "integration_status" in access.tells:
        answers = access.between(burn.start, burn.end)
        refused = sum(a.count for a in answers if a.integration_status == "429")
        of_errors = facts.rate(refused, sum(a.count for a in answers))
        if of_errors is not None:
            yield supporting(
                of_errors >= at.EXPLAINS, f"Lambda answered 429 to {percent(of_errors)} of the 5XX"
            )
    yield more_traffic(burn, edge, at.MORE_LOAD)


def held(
    burn: Burn, counts: FunctionCounts, reports: Reports | Gap | None
) -> tuple[str, float | None]:
    """How many times as long as usual an execution is held: on average, else the median one."""
    mean = burn.times(counts.mean)
    if mean is not None:
        return "an execution on average", mean
    slow = facts.slowness(reports, counts, None, burn)
    return "the median request", slow.p50 if slow else None


def instead(
    burn: Burn, counts: FunctionCounts | Gap | None, reports: Reports | Gap | None
) -> Iterator[Clue]:
    """Against what happens inside the function: calls it never got are nearly all of the 5XX, and
    no slowness brought that about."""
    if not isinstance(counts, FunctionCounts):
        return
    share = facts.throttled(counts, burn)
    what, longer = held(burn, counts, reports)
    if share and longer is not None:
        yield contradicting(
            share >= at.NEARLY_ALL and longer < at.ALL_SLOWER,
            f"throttled calls account for {percent(share)} of the 5XX, and {what} takes "
            f"{times(longer)} its usual",
            throttled=round(share, 4),
        )


def at_limit(burn: Burn, counts: FunctionCounts, limits: Limits | Gap | None) -> Clue:
    """Executions at once against what is allowed."""
    if not isinstance(limits, Limits):
        return supporting(None, "whether the function is at its limit: limits could not be read")
    if limits.reserved is None:
        running, whose = counts.unreserved, "left to all functions without reserved concurrency"
    else:
        running, whose = counts.concurrency, f"reserved for {counts.name}"
    peak, allowed = burn.during(running).peak(), limits.concurrency
    if peak is None:
        return supporting(None, f"how many of the {allowed:,} executions {whose} ran at once")
    return supporting(
        peak >= at.AT_LIMIT * allowed,
        f"{count(peak)} executions at once of {count(allowed)} {whose}",
        peak=peak,
        limit=float(allowed),
    )
