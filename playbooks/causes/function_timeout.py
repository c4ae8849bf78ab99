"""The function's own timeout: something it calls does not answer."""

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
from playbooks.evidence.coverage import of_one_function
from playbooks.evidence.errors import by_code, code_share, share_of_requests
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.saturation import saturated
from playbooks.evidence.sources import FunctionSources
from playbooks.evidence.wording import asked, count, figures, percent, times
from playbooks.probes.access_log import AccessLog
from playbooks.probes.backends import Backends, DependenciesProbe
from playbooks.probes.edge import Edge
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports
from playbooks.probes.metrics import ratio


class FunctionTimeout(FunctionSources):
    """Some requests hang until Lambda ends them; the others are as fast as usual."""

    dependencies = DependenciesProbe()

    @hypothesis("The function runs into its own timeout: something it calls hangs")
    def function_timeout(
        self,
        anomaly: AnomalyWindow,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap,
        dependencies: Backends | Gap | None,
        unmeasured: Gap | None,
    ) -> Iterator[Clue]:
        """Warm requests end exactly at the function's timeout while the others are not slower."""
        timed_out = at_timeout(anomaly, edge, access, reports, dependencies)
        yield from of_one_function(timed_out, unmeasured)
        yield from rivals.throttled_instead(anomaly, counts, reports)


def at_timeout(
    anomaly: AnomalyWindow,
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
    now, usual = durations.tallies(reports, anomaly)
    limit = f"the function's timeout of {reports.timeout:g} s"
    timed = now.timed_cold + now.timed_warm
    enough = durations.accounts_for(anomaly, timed, now.total)
    yield necessary(
        enough,
        asked(
            enough,
            f"whether the function's timeout accounts for the {anomaly.label}",
            f"{count(timed)} of {count(now.total)} invocations ended at {limit}; "
            f"{share_of_requests(anomaly)}",
        ),
        **figures(timed=ratio(timed, now.total), share=anomaly.share),
    )
    slower = ratio(now.warm_p50, usual.warm_p50)
    all_hang = now.total > 0 and timed / now.total >= thresholds.NEARLY_ALL
    others_as_usual = slower is not None and slower < thresholds.ALL_SLOWER
    warm = max(0.0, now.timed_warm - min(now.hidden_cold, now.timed_warm))
    if now.missed < thresholds.FEW:
        yield decisive(
            None, f"whether warm requests end exactly at {limit}: only {count(now.missed)} late"
        )
    else:
        yield decisive(
            warm / now.missed >= thresholds.MOSTLY and (all_hang or others_as_usual),
            f"{percent(warm / now.missed)} of the late requests were warm and ended exactly at "
            f"{limit}; the median request takes {times(slower)} its usual",
            **figures(timed_warm=warm / now.missed, p50=slower),
        )
    if slower is not None:
        all_slower = slower >= thresholds.ALL_SLOWER
        yield contradicting(
            all_slower and not all_hang,
            f"the median request takes {times(slower)} its usual: "
            + ("all are slower, not only some hang" if all_slower else "only some hang"),
            p50=round(slower, 4),
        )
    full, text = saturated((dependencies,), anomaly)
    if full is not None:
        yield contradicting(full, text)
    if reports.timeout < reports.deadline and not reports.deadline_assumed:
        yield _answered_early(anomaly, edge, access, reports)


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
    )
