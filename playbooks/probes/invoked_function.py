"""Which function answers behind the front door, and what else is called there.

All that is measured of a function rests on this choice, so it is read and not guessed: the API's
integrations name functions, and so do a load balancer's target groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.domain.contract import Probe, Scope
from bot.domain.errors import ReadFailed
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import ApiRef, FunctionRef
from playbooks.probes.balancer import PERMISSIONS as BALANCER_PERMISSIONS
from playbooks.probes.balancer import find_groups, targets_of
from playbooks.probes.front import (
    Call,
    balancer_of,
    calls_of,
    find_balancer,
    front_door,
    function_in,
)
from playbooks.probes.metrics import MINUTE, PERMISSION, Line, Metric, read_lines

PERMISSIONS = (PERMISSION, "apigateway:GET", *BALANCER_PERMISSIONS)
MOST_COMPARED = 100  # functions; three metrics each, of the 500 GetMetricData takes


@dataclass(frozen=True, slots=True)
class Behind:
    """The function that is measured. `others` are called as well, and are not measured; `unread`
    says why it is not known what is called, and then the service's only function stands in."""

    function: FunctionRef
    calls: tuple[Call, ...] = ()
    others: tuple[str, ...] = ()
    unread: ReadFailed | None = None


def behind(aws: Aws, scope: Scope) -> Behind | None:
    """The function behind the front door; None when no function is called there.

    Of several in the catalogue, the one that fails or slowed down most. Raises ReadFailed when
    the choice hangs on a read that failed, or the catalogue lists none of what is called.
    """
    listed, front = scope.service.resources.functions, front_door(scope)
    calls: tuple[Call, ...] = ()
    if front is None:
        return _without_a_front(scope)
    if isinstance(front, ApiRef):
        try:
            calls = integrations_of(aws, front)
        except ReadFailed as failed:
            if len(listed) != 1:
                raise
            return Behind(listed[0], unread=failed)
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
    return Behind(chosen, calls, tuple(name for name in called if name != chosen.name))


def _without_a_front(scope: Scope) -> Behind | None:
    """What the alarm names, or the only function."""
    listed = scope.service.resources.functions
    named = scope.alarm.dimensions.get("FunctionName") if scope.alarm else None
    chosen = [function for function in listed if function.name == named] or listed
    if len(chosen) > 1:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED,
            f"which of {', '.join(each.name for each in chosen)} answers the requests: the "
            f"catalogue names neither an API nor a load balancer of {scope.service.name}",
        )
    return Behind(chosen[0]) if chosen else None


def integrations_of(aws: Aws, api: ApiRef) -> tuple[Call, ...]:
    """What the API calls. Raises ReadFailed, also when a call names its function in a way that
    cannot be told."""
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
    a target group for functions has none: that no function is called is then not known."""
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
    lines = read_lines(aws, scope.window, asked)
    window = scope.window

    def split(line: Line) -> tuple[Line, Line]:
        quiet = line.between(window.baseline_start, window.baseline_end)
        return line.between(window.baseline_end, window.end), quiet

    def beyond_usual(line: Line) -> float:
        now, quiet = split(line)
        minutes = (window.end - window.baseline_end) / MINUTE
        before = (window.baseline_end - window.baseline_start) / MINUTE
        return now.total() / minutes - quiet.total() / before

    def slowed(line: Line) -> float:
        now, quiet = (part.quantile(0.75) for part in split(line))
        return now / quiet if now and quiet else 0.0

    def trouble(function: FunctionRef) -> tuple[float, float]:
        name = function.name
        failed = beyond_usual(lines[f"errors\t{name}"]) + beyond_usual(lines[f"throttles\t{name}"])
        return max(0.0, failed), slowed(lines[f"p99\t{name}"])

    return max(functions, key=trouble)


class IntegrationProbe(Probe[tuple[Call, ...]]):
    title: ClassVar[str] = "what the API calls, and how long it waits"
    permissions: ClassVar[tuple[str, ...]] = ("apigateway:GET",)

    def read(self, aws: Aws, scope: Scope) -> tuple[Call, ...] | None:
        front = front_door(scope)
        return integrations_of(aws, front) if isinstance(front, ApiRef) else None


class OthersProbe(Probe[None]):
    """Fails when more is called than is measured: what one function does not show, those may."""

    title: ClassVar[str] = "the other functions behind the front door"
    permissions: ClassVar[tuple[str, ...]] = PERMISSIONS

    def read(self, aws: Aws, scope: Scope) -> None:
        found = behind(aws, scope)
        if found is None:
            return
        if found.unread is not None:
            raise found.unread
        if found.others:
            raise ReadFailed(
                GapReason.BUDGET,
                f"{found.function.name} is measured; {', '.join(found.others)} "
                f"{'is' if len(found.others) == 1 else 'are'} called as well and not measured",
            )
