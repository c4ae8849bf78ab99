"""Which Lambda function the API or load balancer invokes, and which others.

The evidence about Lambda is of this one function, so it is read and not guessed: from the API's
integrations, or from the targets of the load balancer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef, FunctionRef
from playbooks.probes.balancer import PERMISSIONS as BALANCER_PERMISSIONS
from playbooks.probes.balancer import targets_of
from playbooks.probes.front_door import (
    Call,
    balancer_of,
    calls_of,
    find_balancer,
    front_door,
    function_in,
)
from playbooks.probes.metrics import MINUTE, PERMISSION, Metric, TimeSeries, ratio, read_series
from playbooks.probes.target_groups import find_groups

PERMISSIONS = (PERMISSION, "apigateway:GET", *BALANCER_PERMISSIONS)
MOST_COMPARED = 100  # functions; three metrics each, of the 500 GetMetricData takes


@dataclass(frozen=True, slots=True)
class InvokedFunction:
    """The function whose metrics and logs are read.

    `calls`: the API's integrations. `unmeasured`: names of functions that are invoked as well and
    not read. `unread`: the failed read that leaves open what is invoked; the service's only
    function is then taken.
    """

    function: FunctionRef
    calls: tuple[Call, ...] = ()
    unmeasured: tuple[str, ...] = ()
    unread: ReadFailed | None = None


def invoked_function(aws: Aws, scope: Scope) -> InvokedFunction | None:
    """The function that the API or load balancer invokes; None when it invokes none.

    Of several in the catalogue, the one that fails or slowed down most. Raises ReadFailed when
    the choice depends on a read that failed, or the catalogue lists no function that is invoked.
    """
    listed, front = scope.service.resources.functions, front_door(scope)
    calls: tuple[Call, ...] = ()
    if front is None:
        return _without_front_door(scope)
    if isinstance(front, ApiRef):
        try:
            calls = integrations_of(aws, front)
        except ReadFailed as failed:
            if len(listed) != 1:
                raise
            return InvokedFunction(listed[0], unread=failed)
    called = tuple(dict.fromkeys(call.function for call in calls if call.function))
    if not called:
        called = called_by_balancer(aws, scope)
    if not called:
        return None
    known = [function for function in listed if function.name in called]
    if not known:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED,
            f"{front.name} calls {', '.join(called)}, which the catalogue does not list under "
            f"{scope.service.name}",
        )
    chosen = known[0] if len(known) == 1 else most_troubled(aws, scope, known[:MOST_COMPARED])
    return InvokedFunction(chosen, calls, tuple(name for name in called if name != chosen.name))


def _without_front_door(scope: Scope) -> InvokedFunction | None:
    """Without an API or load balancer: the function the alarm names, or the only one. Raises
    ReadFailed when there are several."""
    listed = scope.service.resources.functions
    named = scope.alarm.dimensions.get("FunctionName") if scope.alarm else None
    chosen = [function for function in listed if function.name == named] or listed
    if len(chosen) > 1:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED,
            f"which of {', '.join(each.name for each in chosen)} answers the requests: the "
            f"catalogue names neither an API nor a load balancer of {scope.service.name}",
        )
    return InvokedFunction(chosen[0]) if chosen else None


def integrations_of(aws: Aws, api: ApiRef) -> tuple[Call, ...]:
    """The API's integrations. Raises ReadFailed, also when an integration's function cannot be read
    from its URI."""
    calls = calls_of(aws, api)
    if not calls:
        raise ReadFailed(GapReason.NOT_FOUND, f"no integrations found in {api.name}")
    unclear = [call.target for call in calls if not call.function and ":function:" in call.target]
    if unclear:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED, f"which function {api.name} calls as {unclear[0]}"
        )
    return calls


def called_by_balancer(aws: Aws, scope: Scope) -> tuple[str, ...]:
    """Functions registered as targets of the service's load balancer. Raises ReadFailed, also when
    a target group for functions has none registered: what is called is then unknown."""
    balancer = balancer_of(scope)
    if balancer is None:
        return ()
    found: list[str] = []
    for group in find_groups(aws, find_balancer(aws, balancer), balancer):
        if group.kind == "lambda":
            answer = aws.read("elbv2", "describe_target_health", TargetGroupArn=group.arn)
            named = [function_in(target.id)[0] for target in targets_of(group.name, answer)]
            if not named:
                raise ReadFailed(
                    GapReason.NOT_FOUND, f"target group {group.name} has no function registered"
                )
            found += [name for name in named if name]
    return tuple(dict.fromkeys(found))


def most_troubled(aws: Aws, scope: Scope, functions: list[FunctionRef]) -> FunctionRef:
    """The one with the most errors and throttles beyond its usual, else the most slowed down.
    Raises ReadFailed."""
    asked = {
        f"{label}\t{function.name}": Metric(
            "AWS/Lambda", name, stat, {"FunctionName": function.name}
        )
        for function in functions
        for label, name, stat in (
            ("errors", "Errors", "Sum"),
            ("throttles", "Throttles", "Sum"),
            ("p99", "Duration", "p99"),
        )
    }
    measured = read_series(aws, scope.window, asked)
    window = scope.window

    def split(series: TimeSeries) -> tuple[TimeSeries, TimeSeries]:
        """From the baseline's end to now, and the baseline."""
        baseline = series.between(window.baseline_start, window.baseline_end)
        return series.between(window.baseline_end, window.end), baseline

    def beyond_usual(series: TimeSeries) -> float:
        """How many more a minute than in the baseline."""
        now, baseline = split(series)
        minutes = (window.end - window.baseline_end) / MINUTE
        baseline_minutes = (window.baseline_end - window.baseline_start) / MINUTE
        return now.total() / minutes - baseline.total() / baseline_minutes

    def slowed(series: TimeSeries) -> float:
        now, baseline = (part.quantile(0.75) for part in split(series))
        return ratio(now, baseline) or 0.0

    def trouble(function: FunctionRef) -> tuple[float, float]:
        errors, throttles, p99 = (
            measured[f"{label}\t{function.name}"] for label in ("errors", "throttles", "p99")
        )
        return max(0.0, beyond_usual(errors) + beyond_usual(throttles)), slowed(p99)

    return max(functions, key=trouble)


class IntegrationProbe(Probe[tuple[Call, ...]]):
    title: ClassVar[str] = "what the API calls, and how long it waits"
    permissions: ClassVar[tuple[str, ...]] = ("apigateway:GET",)

    def read(self, aws: Aws, scope: Scope) -> tuple[Call, ...] | None:
        front = front_door(scope)
        return integrations_of(aws, front) if isinstance(front, ApiRef) else None
