"""Lambda's REPORT lines by minute: cold and warm invocations, and how many were late.

`Duration` does not contain the init, so a cold request took init + duration. An init that runs past
10 s is stopped and done again inside the invocation: its REPORT line has no init duration, only an
INIT_REPORT line with the status "timeout" shows it (Lambda, "execution environment lifecycle").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.resources import ApiRef, FunctionRef
from playbooks.probes import logs_insights
from playbooks.probes.front_door import DEFAULT_DEADLINE, balancer_of, find_balancer, front_door
from playbooks.probes.invoked_function import PERMISSIONS, InvokedFunction, invoked_function
from playbooks.probes.metrics import weighted_median


@dataclass(frozen=True, slots=True)
class Reported:
    """Invocations of one minute, cold or warm. `slow`: took longer than the front door waits;
    `timed`: ended at the function's own timeout; `missed`: either. Durations in ms."""

    at: datetime
    cold: bool
    count: float
    slow: float
    timed: float
    missed: float
    p50: float | None
    p99: float | None
    init_p50: float | None


@dataclass(frozen=True, slots=True)
class Tally:
    """REPORT lines of several minutes added up; durations (ms) are medians of the minutes, weighted
    by count."""

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

    def tally(self, start: datetime, end: datetime) -> Tally:
        """The minutes in [start, end)."""
        rows = [row for row in self.rows if start <= row.at < end]
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
        found = invoked_function(aws, scope)
        if found is None:
            return None
        function = found.function
        settings = aws.read("lambda", "get_function_configuration", **qualified(function))
        timeout = float(settings["Timeout"])
        deadline, assumed = deadline_of(aws, scope, found)
        structured = settings.get("LoggingConfig", {}).get("LogFormat") == "JSON"
        query = report_query(deadline, timeout, structured=structured)
        rows = logs_insights.run(aws, scope.window, (function.logs,), query)
        return Reports(
            function=function.name,
            group=function.logs,
            query=str(query),
            deadline=deadline,
            deadline_assumed=assumed,
            timeout=timeout,
            rows=tuple(reported(row) for row in rows if not logs_insights.count(row, "stopped")),
            init_timeouts={
                logs_insights.minute_of(row): logs_insights.count(row, "n")
                for row in rows
                if logs_insights.count(row, "stopped")
            },
        )


def qualified(function: FunctionRef) -> dict[str, str]:
    """Parameters that name the function and, when there is one, its alias."""
    alias = {"Qualifier": function.alias} if function.alias else {}
    return {"FunctionName": function.name, **alias}


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


def report_query(deadline: float, timeout: float, *, structured: bool) -> logs_insights.Query:
    """Cold and warm invocations a minute, and inits that Lambda stopped.

    Flags are numbers, 0 or 1, made by `floor` and `least`: that a comparison can be summed is
    nowhere documented. A millisecond less than the timeout counts as reached: Lambda rounds.
    """
    if structured:
        report, kind = 'type = "platform.report"', "type"
        init_report, failed = 'type = "platform.initReport"', 'record.status = "timeout"'
        duration, init = "record.metrics.durationMs", "record.metrics.initDurationMs"
    else:
        report, kind = '@type = "REPORT"', "@message"
        init_report, failed = '@message like "INIT_REPORT"', '@message like "Status: timeout"'
        duration, init = "@duration", "@initDuration"
    marker = "initReport" if structured else "INIT_REPORT"
    return (
        logs_insights.Query()
        .filter(f"{report} or ({init_report} and {failed})")
        .fields(
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
        .stats(
            "cold",
            "stopped",
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
    return Reported(
        at=logs_insights.minute_of(row),
        cold=cold,
        count=logs_insights.count(row, "n"),
        slow=logs_insights.count(row, "late"),
        timed=logs_insights.count(row, "ended"),
        missed=logs_insights.count(row, "failed"),
        p50=logs_insights.number(row, "p50"),
        p99=logs_insights.number(row, "p99"),
        init_p50=logs_insights.number(row, "init_p50") if cold else None,
    )
