"""Clues about Lambda: cold starts, slowness, its own timeout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.domain.contract import contradicting, decisive, necessary, supporting
from bot.domain.report import Clue, ClueKind, Gap
from playbooks.evidence import facts
from playbooks.evidence import thresholds as at
from playbooks.evidence.onset import Burn
from playbooks.evidence.wording import asked, count, figures, milliseconds, percent, times
from playbooks.probes.access_log import AccessLog
from playbooks.probes.backends import Backends
from playbooks.probes.balancer import Balancer
from playbooks.probes.edge import Edge
from playbooks.probes.front import Call
from playbooks.probes.functions import FunctionCounts, Provisioned
from playbooks.probes.reports import Reports, Tally

# --- one function of several ----------------------------------------------------------------------


def of_one(clues: Iterable[Clue], others: Gap | None) -> Iterator[Clue]:
    """The clues, while more is called than is measured: what speaks against the cause is then true
    of the one function only, and acquits none of the others."""
    for clue in clues:
        acquits = clue.holds is (clue.kind is ClueKind.CONTRADICTING)
        if others is None or clue.kind is ClueKind.SUPPORTING or not acquits:
            yield clue
        else:
            text = f"whether it is so of all functions that are called: {clue.text}"
            yield clue.model_copy(update={"holds": None, "text": text})


# --- cold starts ----------------------------------------------------------------------------------


def cold_starts(burn: Burn, reports: Reports | Gap) -> Iterator[Clue]:
    """Were the requests that came too late the cold ones?"""
    if isinstance(reports, Gap):
        yield necessary(None, "whether any request came too late (no REPORT lines)")
        yield decisive(None, "whether the requests that came too late were cold starts")
        return
    now, then = facts.tallies(reports, burn)
    limit = f"{min(reports.deadline, reports.timeout):g} s"
    if not now.total:
        yield necessary(None, f"whether any request came too late ({reports.group} has no REPORTs)")
        yield decisive(None, f"whether the requests past {limit} were cold starts")
        return
    enough = unless_assumed(reports, accounts(burn, now.late_cold, now.total))
    yield necessary(
        enough,
        asked(
            enough,
            "whether cold starts account for the 5XX",
            f"{count(now.late_cold)} of {count(now.total)} invocations were cold starts that took "
            f"longer than {limit}{assumed_words(reports)}; {answered(burn)}",
        ),
        **figures(late_cold=now.late_cold / now.total, share=burn.share),
    )
    explained = burn.explains(now.late_cold / now.total) if now.late_cold else None
    if explained is not None and not reports.deadline_assumed:
        yield contradicting(
            explained < at.EXPLAINS,
            f"cold starts account for {percent(explained)} of the 5XX",
            explained=round(explained, 4),
        )
    cold, warm = facts.late_rates(now)
    yield necessary(
        now.cold_starts > 0 and facts.lifted(cold, warm, at.COLD_LIFT_NEEDED)
        if now.missed >= at.FEW
        else None,
        "whether cold starts fail more often than warm requests: too few came too late"
        if now.missed < at.FEW
        else f"{percent(cold)} of {count(now.cold_starts)} cold starts took longer than {limit}, "
        f"against {percent(warm)} of {count(now.warm_only)} warm requests",
        **figures(cold=cold, warm=warm),
    )
    in_time = facts.rate(now.cold_starts - now.late_cold, now.total - now.missed)
    of_late = facts.rate(now.late_cold, now.missed)
    if of_late is None or now.missed < at.FEW:
        yield decisive(
            None, f"whether the requests past {limit} were cold starts: only {count(now.missed)}"
        )
    else:
        yield decisive(
            facts.cold_ones_fail(now),
            f"{percent(of_late)} of the requests that took over {limit} were cold starts, "
            f"against {percent(in_time)} of the others",
            **figures(of_late=of_late, in_time=in_time),
        )
    usual, share = facts.rate(then.cold_starts, then.total), now.cold_starts / now.total
    if usual is not None:
        yield contradicting(
            share <= at.COLD_SHARE_FLAT * usual,
            f"{percent(share)} of the invocations were cold, usually {percent(usual)}",
            share=round(share, 4),
            usual=round(usual, 4),
        )
    slower = facts.times(now.init_p50, then.init_p50) if then.cold >= at.FEW else None
    if slower is not None:
        yield contradicting(
            slower >= at.INIT_SLOWER,
            f"the init itself takes {times(slower)} its usual time "
            f"({milliseconds(now.init_p50)}): something in it changed",
            **figures(init=slower),
        )


def accounts(burn: Burn, part: float, whole: float) -> bool | None:
    """Whether so many of the invocations make up a good part of the 5XX; none at all never do."""
    if not whole:
        return None
    explained = burn.explains(part / whole) if part else 0.0
    return None if explained is None else explained >= at.PART


def unless_assumed(reports: Reports, late: bool | None) -> bool | None:
    """Whether requests came too late; by a deadline that is assumed only a yes is known, as the
    front door's own may be shorter."""
    return None if reports.deadline_assumed and not late else late


def assumed_words(reports: Reports) -> str:
    if not reports.deadline_assumed:
        return ""
    return f" ({reports.deadline:g} s is AWS's default; what the front door waits was not read)"


def answered(burn: Burn) -> str:
    if burn.share is None:
        return "how many requests failed is not known"
    return f"5XX are {percent(burn.share)} of the requests"


def around_cold_starts(
    burn: Burn,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap,
) -> Iterator[Clue]:
    """What goes with a surge of cold starts: traffic, timeouts, and a backend as quick as ever."""
    yield more_traffic(burn, edge, at.SURGE)
    deadline = reports.deadline if isinstance(reports, Reports) else None
    share = facts.timeouts(edge, access, burn, deadline)
    yield supporting(
        None if share is None else share >= at.TIMEOUTS,
        "whether the 5XX are timeouts: nothing tells their codes"
        if share is None
        else f"{percent(share)} of the 5XX are timeouts",
        **figures(timeouts=share),
    )
    slow = facts.slowness(reports, None, None, burn)
    if slow is None or slow.p99 is None:
        yield supporting(None, "whether warm requests are slower than usual (no REPORT lines)")
    else:
        yield supporting(
            slow.p99 <= at.ABOUT_SAME,
            f"{slow.what} p99 {milliseconds(slow.p99_ms)}, {times(slow.p99)} its usual: "
            f"the backend is {'not slower' if slow.p99 <= at.ABOUT_SAME else 'slower'}",
            warm=round(slow.p99, 4),
        )
    if isinstance(counts, FunctionCounts):
        throttled = burn.during(counts.throttles).total()
        none = throttled == 0 if facts.calls(counts, burn) else None
        yield supporting(
            none,
            "whether Lambda throttled calls: no metrics of the function"
            if none is None
            else f"{count(throttled)} throttles",
            **figures(throttles=None if none is None else throttled),
        )


def provisioning(
    burn: Burn,
    counts: FunctionCounts | Gap | None,
    provisioned: Provisioned | Gap | None,
    integration: tuple[Call, ...] | Gap | None,
) -> Iterator[Clue]:
    """Provisioned concurrency that is paid for and passed by."""
    if not isinstance(provisioned, Provisioned) or not provisioned.available:
        return
    ready = ", ".join(f"{name} {number}" for name, number in provisioned.available.items())
    if isinstance(integration, tuple) and isinstance(counts, FunctionCounts):
        calls = [call for call in integration if call.function == counts.name]
        called = {call.qualifier or "$LATEST" for call in calls}
        if called and not called & set(provisioned.available):
            yield supporting(
                True,
                f"provisioned concurrency ({ready}) is passed by: the API calls "
                f"{', '.join(sorted(called))}",
            )
            return
    if isinstance(counts, FunctionCounts) and counts.spillover:
        spilled = burn.during(counts.spillover).total()
        yield supporting(
            spilled > 0,
            f"{count(spilled)} invocations found no provisioned environment free ({ready})",
            spillover=spilled,
        )


def more_traffic(burn: Burn, edge: Edge | Gap | None, factor: float) -> Clue:
    """The trigger of a surge."""
    grown = facts.growth(edge, burn)
    return supporting(
        None if grown is None else grown >= factor,
        "whether traffic rose: too few minutes to compare"
        if grown is None
        else f"traffic {'rose to' if grown >= factor else 'is'} {times(grown)} its usual",
        **figures(traffic=grown),
    )


# --- slowness -------------------------------------------------------------------------------------


def overload(
    burn: Burn,
    edge: Edge | Gap | None,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    balancer: Balancer | Gap | None,
    backends: tuple[Backends | Gap | None, Backends | Gap | None],
) -> Iterator[Clue]:
    """Is the backend slower for all, and is something at its limit?"""
    slow = facts.slowness(reports, counts, balancer, burn)
    if slow is None or slow.p99 is None:
        yield necessary(None, "whether the backend is slower than usual: no durations to compare")
        slower = everything = None
        measured = "whether all requests became much slower"
    else:
        slower = slow.p99 > at.SAME
        verdict = "slower" if slower else "not slower"
        yield necessary(
            slower,
            f"{slow.what} p99 {milliseconds(slow.p99_ms)}, {times(slow.p99)} its usual: "
            f"the backend is {verdict}",
            **figures(p99=slow.p99),
        )
        everything = slow.p99 >= at.MUCH_SLOWER and (slow.p50 or 0.0) >= at.ALL_SLOWER
        measured = f"{slow.what} p50 {times(slow.p50)} and p99 {times(slow.p99)} their usual"
    all_slower = _all_late(everything, burn, reports)
    measured += _late_words(burn, reports)
    yield decisive(
        all_slower,
        measured
        if everything is None
        else asked(all_slower, "whether slowness made requests late", measured),
        **figures(p50=slow.p50 if slow else None, p99=slow.p99 if slow else None),
    )
    full, text = facts.saturated(backends, burn)
    yield decisive(full and bool(slower) if full is not None else None, text)
    yield more_traffic(burn, edge, at.MORE_LOAD)
    if isinstance(reports, Reports):
        now, _ = facts.tallies(reports, burn)
        if now.missed >= at.FEW:
            cold = now.late_cold / now.missed
            yield contradicting(
                facts.cold_ones_fail(now),
                f"{percent(cold)} of the requests that came too late were cold starts",
                late_cold=round(cold, 4),
            )
            pinned = now.timed_warm / now.missed
            quick = slow is not None and slow.p50 is not None and slow.p50 <= at.ABOUT_SAME
            yield contradicting(
                pinned >= at.MOSTLY and quick,
                f"{percent(pinned)} of the late requests ended exactly at the function's timeout "
                f"of {reports.timeout:g} s, the median is {times(slow.p50 if slow else None)} "
                "its usual",
                pinned=round(pinned, 4),
            )


def _all_late(slower: bool | None, burn: Burn, reports: Reports | Gap | None) -> bool | None:
    """Whether all became slower, and requests late by it often enough to be the 5XX, cold starts'
    own failures left out. Targets that answer late count by themselves: none measures a deadline
    of theirs."""
    if not slower or not isinstance(reports, Reports):
        return slower
    now, _ = facts.tallies(reports, burn)
    late = unless_assumed(reports, accounts(burn, _slow(now), now.total))
    return True if late is None and not reports.deadline_assumed else late


def _late_words(burn: Burn, reports: Reports | Gap | None) -> str:
    if not isinstance(reports, Reports):
        return ""
    now, _ = facts.tallies(reports, burn)
    which = "warm and came" if facts.cold_ones_fail(now) else "warm or cold alike and came"
    return (
        f"; {percent(facts.rate(_slow(now), now.total))} of the invocations were {which} too late"
        f"{assumed_words(reports)}"
    )


def _slow(tally: Tally) -> float:
    """Late requests that slowness may have made late."""
    return tally.late_warm if facts.cold_ones_fail(tally) else tally.missed


# --- its own timeout ------------------------------------------------------------------------------


def own_timeout(
    burn: Burn,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    reports: Reports | Gap,
    dependencies: Backends | Gap | None,
) -> Iterator[Clue]:
    """Do warm requests end exactly at the function's timeout?"""
    if isinstance(reports, Gap):
        yield necessary(None, "whether requests ran into the function's timeout (no REPORT lines)")
        yield decisive(None, "whether warm requests ended exactly at the function's timeout")
        return
    now, then = facts.tallies(reports, burn)
    limit = f"the function's timeout of {reports.timeout:g} s"
    timed = now.timed_cold + now.timed_warm
    enough = accounts(burn, timed, now.total)
    yield necessary(
        enough,
        asked(
            enough,
            "whether the function's timeout accounts for the 5XX",
            f"{count(timed)} of {count(now.total)} invocations ended at {limit}; {answered(burn)}",
        ),
        **figures(timed=facts.rate(timed, now.total), share=burn.share),
    )
    slower = facts.times(now.warm_p50, then.warm_p50)
    all_pinned = now.total > 0 and timed / now.total >= at.NEARLY_ALL
    apart = all_pinned or (slower is not None and slower < at.ALL_SLOWER)
    warm = max(0.0, now.timed_warm - min(now.hidden_cold, now.timed_warm))
    if now.missed < at.FEW:
        yield decisive(
            None, f"whether warm requests end exactly at {limit}: only {count(now.missed)} late"
        )
    else:
        yield decisive(
            warm / now.missed >= at.MOSTLY and apart,
            f"{percent(warm / now.missed)} of the late requests were warm and ended exactly at "
            f"{limit}; the median request takes {times(slower)} its usual",
            **figures(timed_warm=warm / now.missed, p50=slower),
        )
    if slower is not None:
        yield contradicting(
            slower >= at.ALL_SLOWER and not all_pinned,
            f"the median request takes {times(slower)} its usual: "
            + ("all are slower, not some stuck" if slower >= at.ALL_SLOWER else "some are stuck"),
            p50=round(slower, 4),
        )
    full, text = facts.saturated((dependencies,), burn)
    if full is not None:
        yield contradicting(full, text)
    if reports.timeout < reports.deadline and not reports.deadline_assumed:
        counted = facts.by_code(edge, access, burn)
        early = facts.code_share(counted, "502", "500")
        yield supporting(
            None if early is None else early >= at.MOSTLY,
            "whether the 5XX are 502 or 500, as when the function ends first: nothing tells codes"
            if early is None
            else f"{percent(early)} of the 5XX are 502 or 500, as when the function ends before "
            f"the {reports.deadline:g} s of the front door",
            **figures(early=early),
        )
