"""The errors in the anomaly: by code, by latency, and how many the code itself answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.report import Gap
from playbooks.evidence import thresholds
from playbooks.evidence.durations import tallies
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import percent
from playbooks.probes.access_log import AccessLog
from playbooks.probes.balancer import Balancer
from playbooks.probes.edge import TARGETS, Edge
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports
from playbooks.probes.metrics import TimeSeries, ratio, weighted_median

WELL_BEFORE = 0.5  # of the deadline: an answer that came sooner did not wait it out
AT_DEADLINE = 0.95  # of the deadline: an answer that took so long waited it out


def share_of_requests(anomaly: AnomalyWindow) -> str:
    """The errors' share of all requests, as the end of a sentence."""
    if anomaly.share is None:
        return "how many requests failed is not known"
    return f"{anomaly.label} are {percent(anomaly.share)} of the requests"


def by_code(
    edge: Edge | Gap | None, access: AccessLog | Gap | None, anomaly: AnomalyWindow
) -> dict[str, float]:
    """Errors in the anomaly by code, the most frequent first; empty where codes are not known.

    What the targets of a load balancer answered is one entry, as AWS counts it.
    """
    counted: dict[str, float] = {}
    if isinstance(access, AccessLog):
        for answer in access.between(anomaly.start, anomaly.end):
            counted[answer.status] = counted.get(answer.status, 0.0) + answer.count
    elif isinstance(edge, Edge):
        counted = {
            of_targets(anomaly) if code == TARGETS else code: anomaly.during(series).total()
            for code, series in edge.codes.items()
        }
    return dict(
        sorted(
            ((code, count) for code, count in counted.items() if count),
            key=lambda pair: -pair[1],
        )
    )


def of_targets(anomaly: AnomalyWindow) -> str:
    """What the errors that targets answered are called."""
    return f"{anomaly.label} of targets"


def code_share(counted: Mapping[str, float], *codes: str) -> float | None:
    """Share of the errors with one of `codes`; None when none are counted."""
    return ratio(sum(counted.get(code, 0.0) for code in codes), sum(counted.values()))


def timeouts(
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    anomaly: AnomalyWindow,
    deadline: float | None,
) -> float | None:
    """Share of the errors that are timeouts of the front door, which waits `deadline` seconds.

    By what the access log says of them or how long they took; else by the balancer's 504s. HTTP
    APIs answer a timeout with 503, as they do other failures: without either, it is not known.
    """
    if isinstance(access, AccessLog):
        answers = access.between(anomaly.start, anomaly.end)
        if access.kind == "http" and not access.fields & {"response_type", "latency"}:
            return None if any(answer.status == "503" for answer in answers) else 0.0
        late = [
            answer
            for answer in answers
            if answer.status == "504"
            or answer.response_type == "INTEGRATION_TIMEOUT"
            or (deadline and answer.p50 is not None and answer.p50 >= AT_DEADLINE * deadline * 1000)
        ]
        return ratio(sum(each.count for each in late), sum(each.count for each in answers))
    if isinstance(edge, Edge) and edge.codes and "504" in edge.codes:
        return ratio(anomaly.during(edge.codes["504"]).total(), anomaly.errors or 0.0)
    # by target group, what the balancer answers itself is not counted
    return 0.0 if isinstance(edge, Edge) and edge.codes and not edge.groups else None


def median_latency(access: AccessLog | Gap | None, anomaly: AnomalyWindow) -> float | None:
    """The median latency of the errors in ms, by the access log; None when it has none."""
    if not isinstance(access, AccessLog):
        return None
    answers = [a for a in access.between(anomaly.start, anomaly.end) if a.p50 is not None]
    return weighted_median([(answer.p50, answer.count) for answer in answers])


def answered_sooner(
    access: AccessLog | Gap | None, anomaly: AnomalyWindow, seconds: float
) -> float | None:
    """Share of the errors that were answered well before `seconds` had passed, by the access log;
    None when it does not tell."""
    if not isinstance(access, AccessLog) or "latency" not in access.fields:
        return None
    answers = access.between(anomaly.start, anomaly.end)
    if any(answer.p99 is None for answer in answers):
        return None
    limit = WELL_BEFORE * seconds * 1000
    sooner = [answer for answer in answers if answer.p99 is not None and answer.p99 < limit]
    return ratio(sum(each.count for each in sooner), sum(each.count for each in answers))


# --- who answered ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CodeErrors:
    """Share of the errors that the service's code itself answered or raised; `counted_as` says
    which count it is from."""

    share: float
    counted_as: str


def code_errors(
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    access: AccessLog | Gap | None,
    balancer: Balancer | Gap | None,
    anomaly: AnomalyWindow,
) -> CodeErrors | None:
    """The largest of three counts: function errors without timeouts, backend answers that the
    gateway passed on, errors of targets. None when nothing counts them.

    When a function raises, the front door answers for it. So few backend answers say nothing while
    the function's own errors are not known. Neither do few errors of a function behind an API while
    it is not known what the API passed on: a 500 that the code returns is no error of the function.
    """
    raised = None if counts is None else raised_errors(counts, reports, anomaly)
    found = [] if raised is None else [raised]
    unknown = counts is not None and raised is None
    if isinstance(access, AccessLog):
        share = passed_on(access, anomaly, by_lambda=counts is not None)
        if share is not None:
            found.append(CodeErrors(share, "the backend's own answers"))
        elif counts is not None:
            unknown = True
    if isinstance(balancer, Balancer):
        share = errors_of_targets(balancer, anomaly)
        if share is not None:
            found.append(CodeErrors(share, of_targets(anomaly)))
    most = max(found, key=lambda each: each.share, default=None)
    few = most is not None and most.share < thresholds.EXPLAINS
    return None if few and unknown else most


def beyond_usual(series: TimeSeries, anomaly: AnomalyWindow) -> float:
    """The count in the anomaly without what is usual in as many minutes."""
    now = anomaly.during(series)
    usual = anomaly.baseline(series).typical() or 0.0
    return max(0.0, now.total() - usual * len(now.points))


def errors_of_targets(balancer: Balancer, anomaly: AnomalyWindow) -> float | None:
    """Share of the errors that the balancer's targets answered; None when none are counted.

    Of the errors at the front door: where an API is in front, what it answered itself never came
    to the balancer, whose usual few errors do not explain it.
    """
    whole = anomaly.errors or anomaly.during(balancer.errors).total()
    share = ratio(beyond_usual(balancer.targets, anomaly), whole)
    return None if share is None else min(1.0, share)


def passed_on(access: AccessLog, anomaly: AnomalyWindow, *, by_lambda: bool) -> float | None:
    """Share of the errors that the backend answered and the API passed on; None when the access log
    does not tell.

    What Lambda answers the API says nothing of the code: it is 200 when the code returns 500. Of
    other backends it is their own answer.
    """
    answers = access.between(anomaly.start, anomaly.end)
    if "integration_status" in access.fields:
        told = [(each.integration_status, each) for each in answers]
    elif "invoke_status" in access.fields and not by_lambda:
        told = [(each.invoke_status, each) for each in answers]
    elif "response_type" in access.fields:
        # without a response type, it is the backend's own answer
        told = [(each.status, each) for each in answers]
    else:
        return None
    count = sum(
        each.count
        for status, each in told
        if each.response_type is None and (status or "").startswith("5")
    )
    return ratio(count, sum(each.count for each in answers))


def raised_errors(
    counts: FunctionCounts | Gap, reports: Reports | Gap | None, anomaly: AnomalyWindow
) -> CodeErrors | None:
    """Share of the errors that the function raised, its timeouts left out; throttled calls raise
    nothing.

    Lambda counts timeouts among the errors. Without REPORT lines to subtract them the count is an
    upper bound, which says something only when it is small.
    """
    if not isinstance(counts, FunctionCounts) or not anomaly.share:
        return None
    invocations = anomaly.during(counts.invocations).total()
    errors = ratio(anomaly.during(counts.errors).total(), invocations)
    if errors is None:
        return None
    timed = None
    if isinstance(reports, Reports):
        now, _ = tallies(reports, anomaly)
        timed = ratio(now.timed_cold + now.timed_warm, now.total)
    ran = invocations / (invocations + anomaly.during(counts.throttles).total())
    share = anomaly.explains(max(0.0, errors - (timed or 0.0)) * ran) or 0.0
    if timed is not None:
        return CodeErrors(share, "the function's own errors, without timeouts,")
    if share < thresholds.PART:
        return CodeErrors(share, "the function's own errors, with timeouts,")
    return None
