"""Lambda's REPORT lines by minute: cold and warm invocations, and how many were late.

`Duration` does not contain the init, so a cold request took init + duration. An init that runs past
10 s is stopped and done again inside the invocation: its REPORT line has no init duration, only an
INIT_REPORT line with the status "timeout" shows it (Lambda, "execution environment lifecycle"). The
init that is done again may be stopped too and has a line of its own, "Phase: invoke": of one
request only the first is counted.

Durations are of finished requests only. Those that ended at the function's timeout are counted
apart: they say how long the timeout is, not how long the work takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from bot.domain.coverage import Coverage
from bot.domain.errors import ReadFailed
from bot.domain.figures import percent
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.resources import ApiRef, FunctionRef
from playbooks.probes import log_groups, log_volume, logs_insights
from playbooks.probes.exception_patterns import VERSION
from playbooks.probes.front_door import DEFAULT_DEADLINE, balancer_of, find_balancer, front_door
from playbooks.probes.functions import MOST_AT_ONCE, function_metrics, provisioned_of
from playbooks.probes.invoked_function import PERMISSIONS, InvokedFunction, invoked_function
from playbooks.probes.metrics import TimeSeries, read_series, settled_until, weighted_median

ENOUGH_LINES = 0.9  # of the invocations; with fewer, the lines are a sample
KEEPS_ALL = ("INFO", "DEBUG")  # system log levels at which REPORT lines of successes are written


@dataclass(frozen=True, slots=True)
class Reported:
    """Invocations of one minute, cold or warm. `slow`: took longer than the front door waits;
    `timed`: ended at the function's own timeout; `missed`: either. Durations in ms, of finished
    ones; None when none finished."""

    at: datetime
    cold: bool
    count: float
    slow: float
    timed: float
    missed: float
    p50: float | None
    p99: float | None
    init_p50: float | None
    version: str | None = None  # of the function, by the name of the log stream


@dataclass(frozen=True, slots=True)
class Tally:
    """REPORT lines of several minutes added up; durations (ms) are medians of the minutes, weighted
    by count, of requests that finished."""

    cold: float
    warm: float
    missed_cold: float
    missed_warm: float
    timed_cold: float
    timed_warm: float
    hidden_cold: float  # inits stopped at 10 s; their requests count among the warm ones
    warm_p50: float | None
    warm_p99: float | None
    init_p50: float | None

    @property
    def total(self) -> float:
        return self.cold + self.warm

    @property
    def timed_out(self) -> float:
        """Invocations that ended at the function's timeout."""
        return self.timed_cold + self.timed_warm

    @property
    def finished(self) -> float:
        """Invocations that ended before it: those the durations are of."""
        return self.total - self.timed_out

    @property
    def missed(self) -> float:
        return self.missed_cold + self.missed_warm

    @property
    def late_cold(self) -> float:
        """Late cold requests, with those whose init was itself stopped."""
        return self.missed_cold + min(self.hidden_cold, self.missed_warm)

    @property
    def late_warm(self) -> float:
        return self.missed - self.late_cold

    @property
    def cold_starts(self) -> float:
        return self.cold + min(self.hidden_cold, self.missed_warm)

    @property
    def warm_only(self) -> float:
        return self.total - self.cold_starts


@dataclass(frozen=True, slots=True)
class Reports:
    """REPORT lines of the function that the front door invokes. `deadline`: how long the front door
    waits, `timeout`: the function's own, both in seconds."""

    function: str
    group: str
    query: str
    deadline: float
    deadline_assumed: bool  # AWS's default, because the front door's own could not be read
    timeout: float
    rows: tuple[Reported, ...]
    init_timeouts: Mapping[datetime, float]
    invocations: TimeSeries | None = None  # by CloudWatch's metric; None when it was not read
    settled: datetime | None = None  # invocations that began until here have ended by now
    unread: tuple[str, ...] = ()  # sentences: what the lines do not tell
    others: tuple[str, ...] = ()  # sentences: functions that are called and have other lines

    @property
    def kept(self) -> float | None:
        """REPORT lines as a share of the invocations of the same minutes; None when these are not
        known."""
        if self.invocations is None or self.settled is None:
            return None
        minutes = [at for at in self.invocations.points if at < self.settled]
        invoked = sum(self.invocations.points[at] for at in minutes)
        if not invoked:
            return None
        return (
            sum(row.count for row in self.rows if min(minutes) <= row.at < self.settled) / invoked
        )

    @property
    def coverage(self) -> Coverage:
        """Complete when there is a line for nearly every invocation of all functions that are
        called, and each tells cold from warm."""
        return Coverage.of(*self.of_the_function.missing, *self.others)

    @property
    def of_the_function(self) -> Coverage:
        """The same for this function alone."""
        kept, few = self.kept, None
        if kept is None and self.invocations is None:
            few = f"how many invocations of {self.function} have no REPORT line was not read"
        elif kept is not None and kept < ENOUGH_LINES:
            few = f"{self.group} has a REPORT line for {percent(kept)} of the invocations: a sample"
        return Coverage.of(few, *self.unread)

    def tally(self, start: datetime, end: datetime, version: str | None = None) -> Tally:
        """The minutes in [start, end), of one version only if it is given."""
        rows = [
            row for row in self.rows if start <= row.at < end and version in (None, row.version)
        ]
        cold, warm = [r for r in rows if r.cold], [r for r in rows if not r.cold]
        return Tally(
            cold=sum(r.count for r in cold),
            warm=sum(r.count for r in warm),
            missed_cold=sum(r.missed for r in cold),
            missed_warm=sum(r.missed for r in warm),
            timed_cold=sum(r.timed for r in cold),
            timed_warm=sum(r.timed for r in warm),
            hidden_cold=sum(n for at, n in self.init_timeouts.items() if start <= at < end),
            warm_p50=weighted_median([(r.p50, r.count) for r in warm]),
            warm_p99=weighted_median([(r.p99, r.count) for r in warm]),
            init_p50=weighted_median([(r.init_p50, r.count) for r in cold]),
        )


class ReportsProbe(Probe[Reports]):
    title: ClassVar[str] = "REPORT lines of the function"
    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:GetFunctionConfiguration",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        *PERMISSIONS,
        *logs_insights.PERMISSIONS,
    )

    def read(self, aws: Aws, scope: Scope) -> Reports | None:
        listed = scope.service.resources.functions[:MOST_AT_ONCE]
        volume = log_volume.begin(aws, scope.window, [each.logs for each in listed])
        found = invoked_function(aws, scope)
        if found is None:
            return None
        function = found.function
        settings = log_groups.function_settings(aws, function)
        source = log_groups.of_function(function, settings)
        timeout = float(settings["Timeout"])
        deadline, assumed = deadline_of(aws, scope, found)
        query = report_query(deadline, timeout, settings, source.streams)
        part = log_volume.affordable(aws, scope.window, (source.group,), volume.result())
        rows = logs_insights.run(aws, scope.window, (source.group,), query, part.since)
        reports = Reports(
            function=function.name,
            group=source.group,
            query=str(query),
            deadline=deadline,
            deadline_assumed=assumed,
            timeout=timeout,
            rows=tuple(reported(row) for row in rows if not logs_insights.count(row, "stopped")),
            init_timeouts=stopped_inits(rows),
            settled=settled_until(scope.window) - timedelta(seconds=timeout),
            unread=(*not_told(function, settings), *((part.unread,) if part.unread else ())),
            others=others(found),
        )
        reports = without_provisioned(aws, scope, function, reports)
        return with_invocations(aws, scope, reports, part.since)


def others(found: InvokedFunction) -> tuple[str, ...]:
    """A sentence on the functions that are called and not measured, if there are any."""
    unread = () if found.unread is None else (f"what is called: {found.unread}",)
    names = ", ".join(found.unmeasured)
    return (f"{names} called as well and not measured", *unread) if names else unread


def stopped_inits(rows: logs_insights.Rows) -> dict[datetime, float]:
    """Inits that Lambda stopped, by minute."""
    found: dict[datetime, float] = {}
    for row in rows:
        if stopped := logs_insights.count(row, "stopped") and logs_insights.count(row, "n"):
            at = logs_insights.minute_of(row)
            found[at] = found.get(at, 0.0) + stopped
    return found


def not_told(function: FunctionRef, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """What REPORT lines of a function with these settings do not tell, in sentences.

    With JSON logs at system log level WARN or above, Lambda keeps the REPORT lines of failures only
    (Lambda developer guide, "Log level filtering"). Managed Instances report no init.
    """
    told = []
    logging = settings.get("LoggingConfig", {})
    level = logging.get("SystemLogLevel", "INFO")
    if logging.get("LogFormat") == "JSON" and level not in KEEPS_ALL:
        told.append(
            f"{function.name} logs at system level {level}: lines of failures only, so what they "
            "say of all requests is biased"
        )
    if settings.get("CapacityProviderConfig"):
        told.append(f"{function.name} runs on Managed Instances, which report no cold starts")
    return tuple(told)


def without_provisioned(aws: Aws, scope: Scope, function: FunctionRef, reports: Reports) -> Reports:
    """The reports with inits that nobody waited for counted as warm.

    Provisioned environments log their init when they are allocated and each time they are recycled
    (Lambda developer guide, "Configuring provisioned concurrency"). With provisioned concurrency on
    the alias, a request waited for an init only in minutes with spillover.
    """
    try:
        pages = aws.pages(
            "lambda", "list_provisioned_concurrency_configs", FunctionName=function.name
        )
        configs = [each for page in pages for each in page.get("ProvisionedConcurrencyConfigs", [])]
        if not provisioned_of(configs).requested.get(function.alias or ""):
            return reports
        metric = {"spillover": function_metrics(function)["spillover"]}
        spilled = read_series(aws, scope.window, metric)["spillover"]
    except ReadFailed as failed:
        text = f"whether cold starts are of provisioned environments was not read ({failed})"
        return replace(reports, unread=(*reports.unread, text))
    waited = {at for at, count in spilled.points.items() if count > 0}
    return replace(
        reports,
        rows=tuple(row if row.at in waited else as_warm(row) for row in reports.rows),
        init_timeouts={at: n for at, n in reports.init_timeouts.items() if at in waited},
    )


def as_warm(row: Reported) -> Reported:
    """The row without its init. Which of its requests were slow without it is not told: only those
    at the timeout count as late."""
    if not row.cold:
        return row
    return replace(row, cold=False, init_p50=None, slow=0.0, missed=row.timed)


def with_invocations(aws: Aws, scope: Scope, reports: Reports, since: datetime) -> Reports:
    """The reports with the number of invocations to compare with, from `since` on as the lines;
    without it when the metric could not be read."""
    metric = function_metrics(FunctionRef(name=reports.function))["invocations"]
    try:
        read = read_series(aws, scope.window, {"invocations": metric})["invocations"]
    except ReadFailed:
        return reports
    return replace(reports, invocations=read.between(since, scope.window.end))


def deadline_of(aws: Aws, scope: Scope, found: InvokedFunction) -> tuple[float, bool]:
    """How long the front door waits for the function, in seconds, and whether that is assumed.

    A deadline that cannot be read is no reason to read nothing: AWS's default stands in, and what
    is then found not to be late stays unknown.
    """
    front = front_door(scope)
    if isinstance(front, ApiRef):
        waits = [call.timeout for call in found.calls if call.function == found.function.name]
        waits = waits or [call.timeout for call in found.calls]  # it is called by a balancer
        return max(waits, default=DEFAULT_DEADLINE[front.kind]), not waits
    balancer = balancer_of(scope)
    if balancer is None:
        return DEFAULT_DEADLINE["alb"], True
    try:
        answer = aws.read(
            "elbv2",
            "describe_load_balancer_attributes",
            LoadBalancerArn=find_balancer(aws, balancer).arn,
        )
    except ReadFailed:
        return DEFAULT_DEADLINE["alb"], True
    set_to = {each["Key"]: each["Value"] for each in answer.get("Attributes", [])}
    idle = set_to.get("idle_timeout.timeout_seconds")
    return (float(idle), False) if idle else (DEFAULT_DEADLINE["alb"], True)


def report_query(
    deadline: float, timeout: float, settings: Mapping[str, Any], streams: str | None = None
) -> logs_insights.Query:
    """Cold and warm invocations a minute, finished and timed out apart, and inits that Lambda
    stopped. `settings` are the function's; `streams` the pattern of its log streams, if any.

    Flags are numbers, 0 or 1, made by `floor` and `least`: that a comparison can be summed is
    nowhere documented. A millisecond less than the timeout counts as reached: Lambda rounds.
    """
    structured = settings.get("LoggingConfig", {}).get("LogFormat") == "JSON"
    restores = settings.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
    if structured:
        report, kind = 'type = "platform.report"', "type"
        init_report, failed = 'type = "platform.initReport"', 'record.status = "timeout"'
        again = 'record.phase = "invoke" or record.initializationType = "provisioned-concurrency"'
        duration = "record.metrics.durationMs"
        starts = ["record.metrics.initDurationMs", "record.metrics.restoreDurationMs"]
    else:
        report, kind = '@type = "REPORT"', "@message"
        init_report, failed = '@message like "INIT_REPORT"', '@message like "Status: timeout"'
        again = '@message like "Phase: invoke"'
        duration, starts = "@duration", ["@initDuration", "restored"]
    marker = "initReport" if structured else "INIT_REPORT"
    query = logs_insights.Query().filter(
        f"{report} or ({init_report} and {failed} and not ({again}))"
    )
    if streams is not None:
        query = query.filter(f"@logStream like {logs_insights.pattern(streams)}")
    if restores and not structured:  # SnapStart: a restore is what others' init is
        query = query.parse("@message", r"\tRestore Duration: (?<restored>[\d.]+) ms")
    init = ", ".join(starts if restores else starts[:1])
    return (
        query.fields(
            init=f"coalesce({init}, 0)",
            ran=duration,
            stopped=f"strcontains({kind}, {logs_insights.text(marker)})",
        )
        .fields(
            cold="least(1, ceil(init))",
            slow=f"least(1, floor((init + ran) / {deadline * 1000:.0f}))",
            timed=f"least(1, floor(ran / {timeout * 1000 - 1:.0f}))",
        )
        .fields(missed="greatest(slow, timed)")
        .parse("@logStream", VERSION)
        .stats(
            "cold",
            "stopped",
            "timed",
            "stream_version",
            n="count(*)",
            late="sum(slow)",
            ended="sum(timed)",
            failed="sum(missed)",
            p50="pct(ran, 50)",
            p99="pct(ran, 99)",
            init_p50="pct(init, 50)",
        )
    )


def reported(row: Mapping[str, str]) -> Reported:
    cold = logs_insights.count(row, "cold") > 0
    timed = logs_insights.count(row, "ended")
    finished = not logs_insights.count(row, "timed")
    return Reported(
        at=logs_insights.minute_of(row),
        cold=cold,
        count=logs_insights.count(row, "n"),
        slow=logs_insights.count(row, "late"),
        timed=timed,
        missed=logs_insights.count(row, "failed"),
        p50=logs_insights.number(row, "p50") if finished else None,
        p99=logs_insights.number(row, "p99") if finished else None,
        init_p50=logs_insights.number(row, "init_p50") if cold else None,
        version=row.get("stream_version"),
    )
