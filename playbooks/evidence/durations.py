"""How long requests took: cold and warm Lambda requests, late ones, and slowness in general."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.domain.report import Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import milliseconds, times
from playbooks.probes.balancer import Balancer
from playbooks.probes.functions import NEAR_TIMEOUT, FunctionCounts
from playbooks.probes.lambda_reports import Reports, Tally
from playbooks.probes.metrics import ratio

# --- late requests, by REPORT lines ---------------------------------------------------------------


def tallies(reports: Reports, anomaly: AnomalyWindow) -> tuple[Tally, Tally]:
    """REPORT lines of the anomaly and of the baseline, added up.

    A late request reports after its error was counted, by as long as the function ran on: at most
    its timeout.
    """
    after = timedelta(seconds=reports.timeout)
    return (
        reports.tally(anomaly.start, anomaly.end + after),
        reports.tally(anomaly.baseline_start, anomaly.baseline_end),
    )


def late_rates(tally: Tally) -> tuple[float | None, float | None]:
    """Share of cold requests that were late, and of warm ones."""
    return ratio(tally.late_cold, tally.cold_starts), ratio(tally.late_warm, tally.warm_only)


def fail_more_often(cold: float | None, warm: float | None, factor: float) -> bool | None:
    """Whether cold requests are late `factor` times as often as warm ones."""
    if cold is None:
        return None
    return cold > 0 and cold >= factor * (warm or 0.0)


def cold_starts_are_late(tally: Tally) -> bool:
    """Whether the late requests are cold starts, and cold ones are late far more often.

    Where warm ones are late as often, slowness brought the cold starts and not the other way round.
    """
    if not tally.missed:
        return False
    cold, warm = late_rates(tally)
    mostly = tally.late_cold / tally.missed >= thresholds.MOSTLY
    return mostly and bool(fail_more_often(cold, warm, thresholds.COLD_LIFT_DECISIVE))


def invoked(reports: Reports, anomaly: AnomalyWindow, now: Tally) -> float:
    """Invocations in the anomaly: by CloudWatch's metric where the lines are fewer.

    A log that keeps the lines of failures only would show one failure as all there is.
    """
    if reports.invocations is None:
        return now.total
    return max(now.total, anomaly.during(reports.invocations).total())


def explained(anomaly: AnomalyWindow, part: float, whole: float) -> float | None:
    """How much of the errors `part` of `whole` invocations makes up; None when it is not known.

    By their share and by their number, whichever is less: a function that gets few of the requests
    does not explain the errors of all, and one that others call as well does not either.
    """
    if not whole:
        return None
    if not part:
        return 0.0
    share = anomaly.explains(part / whole)
    return min(share, part / anomaly.errors) if share is not None and anomaly.errors else share


def accounts_for(anomaly: AnomalyWindow, part: float, whole: float) -> bool | None:
    """Whether `part` of `whole` invocations makes up a good part of the errors; no part never
    does. None when it is not known."""
    share = explained(anomaly, part, whole)
    return None if share is None else share >= thresholds.PART


def unless_assumed(reports: Reports, late: bool | None) -> bool | None:
    """Whether requests were late. Against an assumed deadline only a yes is known: the front door's
    own deadline may be shorter."""
    return None if reports.deadline_assumed and not late else late


def assumed_words(reports: Reports) -> str:
    """What to add to a sentence about the deadline when that is AWS's default; else empty."""
    if not reports.deadline_assumed:
        return ""
    return f" ({reports.deadline:g} s is AWS's default; what the front door waits was not read)"


# --- slowness -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slowness:
    """The backend's median and 99th percentile as multiples of its baseline, and now, in ms.

    Of finished requests only: those that ended at a timeout took as long as it is. `what` says
    whose durations they are, `source` is the evidence they are from.
    """

    what: str
    source: Reports | FunctionCounts | Balancer
    p50: float | None
    p99: float | None
    p50_ms: float | None
    p99_ms: float | None

    def told(self, slower: bool) -> str:
        """ "warm requests take 47.4 s (p99), 16.0x their usual"; "… 871 ms (p99), as usual"."""
        compared = f"{times(self.p99)} their usual" if slower else "as usual"
        if not slower and self.p99 is not None and self.p99 >= thresholds.SAME:
            compared = f"{times(self.p99)} their usual, but still quick"
        return f"{self.what} take {milliseconds(self.p99_ms)} (p99), {compared}"

    def told_in_full(self) -> str:
        """ "warm requests take 17.4x (p50) and 16.0x (p99) their usual"."""
        return f"{self.what} take {times(self.p50)} (p50) and {times(self.p99)} (p99) their usual"

    @property
    def of_targets(self) -> bool:
        """Whether they are of a load balancer's targets; else of a function."""
        return isinstance(self.source, Balancer)

    @property
    def slower(self) -> bool | None:
        """Whether the slowest requests are slower than usual; None when it is not known."""
        return rose(self.p99, self.p99_ms, thresholds.SAME)

    @property
    def all_much_slower(self) -> bool | None:
        """Whether most requests are slower, and the slowest much; None when it is not known."""
        most = rose(self.p50, self.p50_ms, thresholds.ALL_SLOWER)
        slowest = rose(self.p99, self.p99_ms, thresholds.MUCH_SLOWER)
        return None if slowest is None else bool(most) and slowest


def rose(times_usual: float | None, now_ms: float | None, factor: float) -> bool | None:
    """Whether a duration (now, in ms) is `factor` times its usual or more, and by so much that
    somebody waits. None when it is not known."""
    if times_usual is None or now_ms is None:
        return None
    more = now_ms - now_ms / times_usual if times_usual else 0.0
    return times_usual >= factor and more >= thresholds.SLOWER_MS


def slowness(
    reports: Reports | Gap | None,
    counts: FunctionCounts | Gap | None,
    balancer: Balancer | Gap | None,
    anomaly: AnomalyWindow,
) -> Slowness | None:
    """From warm requests by their REPORT lines; else from the function's Duration, which has no
    init in it either; else from the targets. None when nothing measures durations of finished
    requests.

    The function's Duration contains the invocations that ended at its timeout; where there are any,
    it does not tell how long the others took.
    """
    if isinstance(reports, Reports):
        now, usual = tallies(reports, anomaly)
        if now.warm_p99 is not None and usual.warm_p99 is not None:
            return Slowness(
                "warm requests",
                reports,
                ratio(now.warm_p50, usual.warm_p50),
                ratio(now.warm_p99, usual.warm_p99),
                now.warm_p50,
                now.warm_p99,
            )
    finished = isinstance(counts, FunctionCounts) and not reaches_timeout(counts, reports, anomaly)
    if finished and isinstance(counts, FunctionCounts) and anomaly.during(counts.p99):
        return _by_metric("invocations, cold ones too,", counts, anomaly)
    if isinstance(balancer, Balancer) and anomaly.during(balancer.p99):
        return _by_metric("answers of targets", balancer, anomaly)
    return None


def _by_metric(what: str, source: FunctionCounts | Balancer, anomaly: AnomalyWindow) -> Slowness:
    return Slowness(
        what,
        source,
        anomaly.times_usual(source.p50),
        anomaly.times_usual(source.p99),
        anomaly.during(source.p50).typical(),
        anomaly.during(source.p99).typical(),
    )


def reaches_timeout(
    counts: FunctionCounts, reports: Reports | Gap | None, anomaly: AnomalyWindow
) -> bool:
    """Whether invocations in the anomaly ended at the function's timeout, by the longest of them;
    also when the REPORT lines say so."""
    if isinstance(reports, Reports) and tallies(reports, anomaly)[0].timed_out:
        return True
    timeout = reports.timeout if isinstance(reports, Reports) else counts.timeout
    longest = anomaly.during(counts.p99).peak()
    return timeout is not None and longest is not None and longest >= NEAR_TIMEOUT * timeout * 1000


def execution_time(
    counts: FunctionCounts, reports: Reports | Gap | None, anomaly: AnomalyWindow
) -> tuple[str, float | None]:
    """How long an execution takes as a multiple of the baseline: on average, else the median.

    The average is of all of them: those that ended at the timeout used up executions as well.
    """
    mean = anomaly.times_usual(counts.mean)
    if mean is not None:
        return "an execution on average", mean
    slow = slowness(reports, counts, None, anomaly)
    return "the median request", slow.p50 if slow else None
