"""Cold starts: new Lambda environments take so long to start that their first requests are late."""

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
from playbooks.evidence import durations, rivals, thresholds
from playbooks.evidence.errors import share_of_requests, timeouts
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.sources import FunctionSources
from playbooks.evidence.traffic import calls, more_traffic
from playbooks.evidence.wording import asked, count, figures, milliseconds, percent, times
from playbooks.probes.access_log import AccessLog
from playbooks.probes.edge import Edge
from playbooks.probes.front_door import Call
from playbooks.probes.functions import FunctionCounts, Provisioned, ProvisionedProbe
from playbooks.probes.invoked_function import IntegrationProbe
from playbooks.probes.lambda_reports import Reports, Tally
from playbooks.probes.metrics import ratio


class ColdStartSurge(FunctionSources):
    """A surge of traffic needs new environments; their cold starts outlast the deadline."""

    integration = IntegrationProbe()
    provisioned = ProvisionedProbe()

    @hypothesis(
        "Lambda cold starts take longer than the API waits",
        actions=("enable-provisioned-concurrency",),
    )
    def cold_start_surge(
        self,
        anomaly: AnomalyWindow,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap,
        integration: tuple[Call, ...] | Gap | None,
        provisioned: Provisioned | Gap | None,
    ) -> Iterator[Clue]:
        """Late requests are cold starts, and cold requests are late far more often than warm."""
        for clue in late_cold_starts(anomaly, reports):
            yield choosing(alias_to_provision(counts), clue.resting_on(reports, edge))
        yield from rivals.waited_for_nothing(anomaly, access, reports)
        yield more_traffic(anomaly, edge, thresholds.SURGE)
        yield from around_cold_starts(anomaly, edge, access, counts, reports)
        yield from provisioning(anomaly, counts, provisioned, integration)
        yield from rivals.throttled_instead(anomaly, counts, reports)


def alias_to_provision(counts: FunctionCounts | Gap | None) -> Choice | None:
    """The alias whose calls were measured; None when it is not known."""
    if not isinstance(counts, FunctionCounts) or counts.alias is None:
        return None
    return Choice(target=f"lambda:{counts.name}:{counts.alias}/provisioned-concurrency")


def late_cold_starts(anomaly: AnomalyWindow, reports: Reports | Gap) -> Iterator[Clue]:
    """Were the requests that came too late the cold ones?"""
    if isinstance(reports, Gap):
        yield necessary(None, "whether any request came too late (no REPORT lines)")
        yield decisive(None, "whether the requests that came too late were cold starts")
        return
    now, usual = durations.tallies(reports, anomaly)
    limit = f"{min(reports.deadline, reports.timeout):g} s"
    if not now.total:
        yield necessary(None, f"whether any request came too late ({reports.group} has no REPORTs)")
        yield decisive(None, f"whether the requests past {limit} were cold starts")
        return
    yield from _explained(anomaly, reports, now, limit)
    yield from _told_from_warm(now, limit)
    yield from _against_a_surge(now, usual)


def _explained(anomaly: AnomalyWindow, reports: Reports, now: Tally, limit: str) -> Iterator[Clue]:
    """Are there as many late cold starts as errors?"""
    invoked = durations.invoked(reports, anomaly, now)
    accounted = durations.accounts_for(anomaly, now.late_cold, invoked)
    enough = durations.unless_assumed(reports, accounted)
    yield necessary(
        enough,
        asked(
            enough,
            f"whether cold starts account for the {anomaly.label}",
            f"{count(now.late_cold)} of {count(invoked)} invocations were cold starts that took "
            f"longer than {limit}{durations.assumed_words(reports)}; {share_of_requests(anomaly)}",
        ),
        **figures(late_cold=now.late_cold / invoked, share=anomaly.share),
    )
    explained = durations.explained(anomaly, now.late_cold, invoked) if now.late_cold else None
    if explained is not None and not reports.deadline_assumed:
        yield contradicting(
            explained < thresholds.EXPLAINS,
            f"cold starts account for {percent(explained)} of the {anomaly.label}",
            explained=round(explained, 4),
        )


def _told_from_warm(now: Tally, limit: str) -> Iterator[Clue]:
    """Are cold requests late, and warm ones not?"""
    cold, warm = durations.late_rates(now)
    few = now.missed < thresholds.FEW
    more_often = durations.fail_more_often(cold, warm, thresholds.COLD_LIFT_NEEDED)
    yield necessary(
        None if few else now.cold_starts > 0 and more_often,
        "whether cold starts fail more often than warm requests: too few came too late"
        if few
        else f"{percent(cold)} of {count(now.cold_starts)} cold starts took longer than {limit}, "
        f"against {percent(warm)} of {count(now.warm_only)} warm requests",
        **figures(cold=cold, warm=warm),
    )
    in_time = ratio(now.cold_starts - now.late_cold, now.total - now.missed)
    of_late = ratio(now.late_cold, now.missed)
    if of_late is None or few:
        yield decisive(
            None, f"whether the requests past {limit} were cold starts: only {count(now.missed)}"
        )
    else:
        yield decisive(
            durations.cold_starts_are_late(now),
            f"{count(now.late_cold)} of {count(now.cold_starts)} cold starts took over {limit}; "
            f"{percent(of_late)} of the requests that took over {limit} were cold starts, "
            f"against {percent(in_time)} of the others",
            **figures(of_late=of_late, in_time=in_time),
        )


def _against_a_surge(now: Tally, usual: Tally) -> Iterator[Clue]:
    """Is the share of cold starts as usual, or did starting itself become slower?"""
    usual_share, share = ratio(usual.cold_starts, usual.total), now.cold_starts / now.total
    if usual_share is not None:
        yield contradicting(
            share <= thresholds.COLD_SHARE_FLAT * usual_share,
            f"{percent(share)} of the invocations were cold, usually {percent(usual_share)}",
            share=round(share, 4),
            usual=round(usual_share, 4),
        )
    slower = ratio(now.init_p50, usual.init_p50) if usual.cold >= thresholds.FEW else None
    if slower is not None:
        waited_for = (now.init_p50 or 0.0) >= thresholds.INIT_SLOW_MS
        yield contradicting(
            slower >= thresholds.INIT_SLOWER and waited_for,
            f"an init takes {milliseconds(now.init_p50)}, {times(slower)} its usual"
            + (": something in it changed" if slower >= thresholds.INIT_SLOWER else ""),
            **figures(init=slower),
        )


def around_cold_starts(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap,
) -> Iterator[Clue]:
    """What goes with a surge of cold starts: timeouts, warm requests as fast as usual, and no
    throttles."""
    deadline = reports.deadline if isinstance(reports, Reports) else None
    share = timeouts(edge, access, anomaly, deadline)
    yield supporting(
        None if share is None else share >= thresholds.TIMEOUTS,
        f"whether the {anomaly.label} are timeouts: their codes are not known"
        if share is None
        else f"{percent(share)} of the {anomaly.label} are timeouts",
        **figures(timeouts=share),
    ).resting_on(edge, access)
    slow = durations.slowness(reports, None, None, anomaly)
    if slow is None or slow.slower is None:
        yield supporting(None, "whether warm requests are slower than usual (no REPORT lines)")
    else:
        as_usual = not durations.rose(slow.p99, slow.p99_ms, thresholds.ABOUT_SAME)
        yield supporting(
            as_usual,
            slow.told(not as_usual),
            **figures(warm=slow.p99),
        ).resting_on(reports)
    if isinstance(counts, FunctionCounts):
        throttled = anomaly.during(counts.throttles).total()
        none = throttled == 0 if calls(counts, anomaly) else None
        yield supporting(
            none,
            "whether Lambda throttled calls: no metrics of the function"
            if none is None
            else f"Lambda throttled {count(throttled)} calls",
            **figures(throttles=None if none is None else throttled),
        ).resting_on(counts)


def provisioning(
    anomaly: AnomalyWindow,
    counts: FunctionCounts | Gap | None,
    provisioned: Provisioned | Gap | None,
    integration: tuple[Call, ...] | Gap | None,
) -> Iterator[Clue]:
    """Is there provisioned concurrency that the API does not call, or that was used up?"""
    if not isinstance(provisioned, Provisioned) or not provisioned.available:
        return
    ready = ", ".join(f"{name} {number}" for name, number in provisioned.available.items())
    if isinstance(integration, tuple) and isinstance(counts, FunctionCounts):
        of_function = [call for call in integration if call.function == counts.name]
        called = {call.qualifier or "$LATEST" for call in of_function}
        if called and not called & set(provisioned.available):
            yield supporting(
                True,
                f"provisioned concurrency ({ready}) is not used: the API calls "
                f"{', '.join(sorted(called))}",
            ).resting_on(provisioned)
            return
    if isinstance(counts, FunctionCounts) and counts.spillover:
        spilled = anomaly.during(counts.spillover).total()
        yield supporting(
            spilled > 0,
            f"{count(spilled)} invocations found no provisioned environment free ({ready})",
            spillover=spilled,
        ).resting_on(counts, provisioned)
