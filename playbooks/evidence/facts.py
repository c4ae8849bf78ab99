"""What the evidence amounts to while it burns: shares and ratios, None where it does not tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.report import Gap
from playbooks.evidence import thresholds as at
from playbooks.evidence.onset import Burn
from playbooks.probes.access_log import AccessLog
from playbooks.probes.backends import Backends
from playbooks.probes.balancer import Balancer
from playbooks.probes.edge import TARGETS, Edge
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.metrics import MINUTE, Line, summed
from playbooks.probes.reports import Reports, Tally

LEAD_IN = timedelta(minutes=5)  # traffic rises before the errors do
RISE = timedelta(minutes=15)


# --- REPORT lines ---------------------------------------------------------------------------------


def tallies(reports: Reports, burn: Burn) -> tuple[Tally, Tally]:
    """While it burns, and in the quiet minutes. A late request reports after its 5XX was counted,
    by as long as the function ran on: at most its timeout."""
    after = timedelta(seconds=reports.timeout)
    return (
        reports.tally(burn.start, burn.end + after),
        reports.tally(burn.quiet_start, burn.quiet_end),
    )


def rate(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def times(now: float | None, then: float | None) -> float | None:
    """How many times `then` is `now`."""
    return now / then if now is not None and then else None


def late_rates(tally: Tally) -> tuple[float | None, float | None]:
    """Share of cold requests that came too late, and of the others."""
    return rate(tally.late_cold, tally.cold_starts), rate(tally.late_warm, tally.warm_only)


def lifted(cold: float | None, warm: float | None, factor: float) -> bool | None:
    """Whether cold requests fail `factor` times as often as the others."""
    if cold is None:
        return None
    return cold > 0 and cold >= factor * (warm or 0.0)


def cold_ones_fail(tally: Tally) -> bool:
    """Whether the late requests were cold starts, and cold ones fail far more often: where warm
    ones fail as often, slowness brought the cold starts and not the other way round."""
    if not tally.missed:
        return False
    cold, warm = late_rates(tally)
    mostly = tally.late_cold / tally.missed >= at.MOSTLY
    return mostly and bool(lifted(cold, warm, at.COLD_LIFT_DECISIVE))


# --- durations ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slowness:
    """How many times its usual duration the backend takes: its median and 99th percentile."""

    what: str
    p50: float | None
    p99: float | None
    p99_ms: float | None


def slowness(
    reports: Reports | Gap | None,
    counts: FunctionCounts | Gap | None,
    balancer: Balancer | Gap | None,
    burn: Burn,
) -> Slowness | None:
    """Of warm requests by their REPORT lines; else of the function's Duration, which has no init in
    it either; else of the targets."""
    if isinstance(reports, Reports):
        now, then = tallies(reports, burn)
        if now.warm_p99 is not None and then.warm_p99 is not None:
            return Slowness(
                "warm",
                times(now.warm_p50, then.warm_p50),
                times(now.warm_p99, then.warm_p99),
                now.warm_p99,
            )
    for what, source in (("Duration (cold ones included)", counts), ("target response", balancer)):
        if isinstance(source, (FunctionCounts, Balancer)) and burn.during(source.p99):
            return Slowness(
                what,
                burn.times(source.p50),
                burn.times(source.p99),
                burn.during(source.p99).typical(),
            )
    return None


# --- traffic and answers --------------------------------------------------------------------------


def growth(edge: Edge | Gap | None, burn: Burn) -> float | None:
    """How many times the usual the requests were around the onset (their upper quartile)."""
    if edge is None or isinstance(edge, Gap):
        return None
    around = edge.requests.between(burn.start - LEAD_IN, min(burn.end, burn.start + RISE))
    return times(around.quantile(0.75), burn.before(edge.requests).typical())


def timeouts(
    edge: Edge | Gap | None, access: AccessLog | Gap | None, burn: Burn, deadline: float | None
) -> float | None:
    """Share of the 5XX that are timeouts of the front door: by what the access log says of them or
    how long they took, else by the balancer's 504s."""
    if isinstance(access, AccessLog):
        answers = access.between(burn.start, burn.end)
        late = [
            answer
            for answer in answers
            if answer.status == "504"
            or answer.response_type == "INTEGRATION_TIMEOUT"
            or (deadline and answer.p50 is not None and answer.p50 >= 0.95 * deadline * 1000)
        ]
        return rate(sum(each.count for each in late), sum(each.count for each in answers))
    if isinstance(edge, Edge) and edge.codes and "504" in edge.codes:
        return rate(burn.during(edge.codes["504"]).total(), burn.errors or 0.0)
    return 0.0 if isinstance(edge, Edge) and edge.codes else None


def failing_p50(access: AccessLog | Gap | None, burn: Burn) -> float | None:
    """The median latency (ms) of the 5XX, by the most usual kind of answer."""
    if not isinstance(access, AccessLog):
        return None
    answers = [a for a in access.between(burn.start, burn.end) if a.p50 is not None]
    if not answers:
        return None
    ordered = sorted((a.p50 or 0.0, a.count) for a in answers)
    half, reached = sum(count for _, count in ordered) / 2, 0.0
    for latency, count in ordered:
        reached += count
        if reached >= half:
            return latency
    return ordered[-1][0]


def by_code(
    edge: Edge | Gap | None, access: AccessLog | Gap | None, burn: Burn
) -> dict[str, float]:
    """5XX while it burns by code, the most frequent first; empty where nothing tells the codes."""
    counted: dict[str, float] = {}
    if isinstance(access, AccessLog):
        for answer in access.between(burn.start, burn.end):
            counted[answer.status] = counted.get(answer.status, 0.0) + answer.count
    elif isinstance(edge, Edge):
        counted = {code: burn.during(line).total() for code, line in edge.codes.items()}
    return dict(
        sorted(
            ((code, count) for code, count in counted.items() if count),
            key=lambda pair: -pair[1],
        )
    )


def code_share(counted: Mapping[str, float], *codes: str) -> float | None:
    return rate(sum(counted.get(code, 0.0) for code in codes), sum(counted.values()))


# --- who answered ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Own:
    """How much of the 5XX the code itself answered or raised, and by which count."""

    share: float
    by: str


def own_errors(
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    access: AccessLog | Gap | None,
    balancer: Balancer | Gap | None,
    burn: Burn,
) -> Own | None:
    """The largest of the counts that tell: function errors without timeouts, answers of the backend
    that the gateway passed on, 5XX of targets. None when none of them tells.

    What a function raises is passed on by nobody: the front door answers for it. So few answers
    passed on say nothing while the function's own errors are not known.
    """
    raised = None if counts is None else own_raised(counts, reports, burn)
    found = [] if raised is None else [raised]
    if isinstance(access, AccessLog) and "integration_status" in access.tells:
        answers = access.between(burn.start, burn.end)
        passed = sum(
            answer.count
            for answer in answers
            if answer.response_type is None and (answer.integration_status or "").startswith("5")
        )
        share = rate(passed, sum(answer.count for answer in answers))
        if share is not None:
            found.append(Own(share, "answers of the backend that the API passed on"))
    if isinstance(balancer, Balancer):
        share = rate(burn.during(balancer.targets).total(), burn.during(balancer.errors).total())
        if share is not None:
            found.append(Own(share, TARGETS))
    most = max(found, key=lambda own: own.share, default=None)
    if most is not None and most.share < at.EXPLAINS and counts is not None and raised is None:
        return None
    return most


def own_raised(
    counts: FunctionCounts | Gap, reports: Reports | Gap | None, burn: Burn
) -> Own | None:
    """Share of the 5XX the function raised, timeouts left out; throttled calls raise nothing.

    Its errors count timeouts too. Without REPORT lines to take them off, they are an upper bound,
    which tells something only when it is small.
    """
    if not isinstance(counts, FunctionCounts) or not burn.share:
        return None
    invocations = burn.during(counts.invocations).total()
    errors = rate(burn.during(counts.errors).total(), invocations)
    if errors is None:
        return None
    timed = None
    if isinstance(reports, Reports):
        now, _ = tallies(reports, burn)
        timed = rate(now.timed_cold + now.timed_warm, now.total)
    ran = invocations / (invocations + burn.during(counts.throttles).total())
    share = burn.explains(max(0.0, errors - (timed or 0.0)) * ran) or 0.0
    if timed is not None:
        return Own(share, "errors of the function, timeouts not counted")
    return Own(share, "errors of the function, timeouts among them") if share < at.PART else None


@dataclass(frozen=True, slots=True)
class Dominant:
    """The exception most log lines name while it burns."""

    name: str
    count: int
    share: float  # of all exceptions
    rose: bool | None  # against the quiet minutes, a minute; None when none of those was read
    usual: float | None  # lines in the quiet minutes, for as many minutes as it burns
    version: str | None  # of the function, when nearly all of them are of one


def dominant(exceptions: Exceptions, burn: Burn, grown: float | None) -> Dominant | None:
    """`grown`: how much more traffic there is; as many more exceptions are nothing new."""
    now = exceptions.classes(burn.start, burn.end)
    quiet_start = max(burn.quiet_start, exceptions.since)
    then = exceptions.classes(quiet_start, burn.quiet_end)
    minutes = (burn.end - burn.start) / MINUTE
    read = (burn.quiet_end - quiet_start) / MINUTE
    quiet = max(1.0, read)
    if not now:
        return None
    more = {name: now[name] / minutes - then[name] / quiet for name in now}
    name = max(more, key=lambda each: more[each])
    versions = exceptions.versions(burn.start, burn.end, name)
    top = max(versions, key=lambda each: versions[each], default=None)
    share = versions[top] / versions.total() if top else 0.0
    usual = then[name] / quiet * minutes if read >= at.QUIET_ENOUGH else None
    return Dominant(
        name=name,
        count=now[name],
        share=now[name] / now.total(),
        rose=None
        if usual is None
        else now[name] >= at.EXCEPTION_ROSE * max(1.0, grown or 1.0) * usual,
        usual=usual,
        version=top if share >= at.NEARLY_ALL else None,
    )


def calls(counts: FunctionCounts, burn: Burn) -> Line:
    """Calls while it burns, refused ones too: invocations alone are silent when all are refused."""
    return burn.during(summed((counts.invocations, counts.throttles)))


def throttled(counts: FunctionCounts, burn: Burn) -> float | None:
    """Share of the 5XX that are calls Lambda refused to start."""
    refused = burn.during(counts.throttles).total()
    return burn.explains(refused / calls(counts, burn).total()) if refused else 0.0


# --- saturation -----------------------------------------------------------------------------------


def saturated(sources: Iterable[Backends | Gap | None], burn: Burn) -> tuple[bool | None, str]:
    """Whether a backend that is measured is at its limit, with the figures; None when none is.

    How many connections a database takes no metric tells, so many more of them than usual prove
    nothing, and leave the question open.
    """
    high: list[str] = []
    seen: list[str] = []
    unclear: list[str] = []
    for backend in (each for source in sources if isinstance(source, tuple) for each in source):
        for label, what, limit in (
            ("cpu", "CPU", at.CPU_HIGH),
            ("memory", "memory", at.MEMORY_HIGH),
        ):
            used = burn.during(backend.line(label)).quantile(0.75)
            if used is not None:
                text = f"{what} of {backend.name} {used:.0f} %"
                seen.append(text)
                usual = burn.before(backend.line(label)).typical()
                if used >= limit and (usual is None or used >= at.SAME * usual):
                    high.append(text)
        more = burn.times(backend.line("connections"))
        if more is not None and more >= at.CONNECTIONS_MANY:
            unclear.append(f"connections to {backend.name} {more:.1f}x their usual")
        for label, line in backend.lines.items():
            if label.endswith("latency") and (slower := burn.times(line)) is not None:
                text = f"{label} of {backend.name} {slower:.1f}x its usual"
                seen.append(text)
                if slower >= at.LATENCY_HIGH:
                    high.append(text)
            if label.endswith("throttles") and (events := burn.during(line).total()):
                text = f"{events:,.0f} {label} of {backend.name}"
                seen.append(text)
                if burn.errors and events >= at.PART * burn.errors:
                    high.append(text)
    if high:
        return True, "; ".join(high)
    if unclear:
        told = "; ".join((*unclear, *seen))
        return None, f"whether a database takes no more connections: {told}"
    if seen:
        return False, "; ".join(seen)
    return None, "whether a database or the tasks are at their limit: no metrics of them"
