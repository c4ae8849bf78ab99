"""What the actions read. A read that fails makes a precondition unknown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Choice, Plan
from bot.domain.playbook_contract import Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import FunctionRef
from playbooks.probes.front_door import calls_of
from playbooks.probes.metrics import Metric, TimeSeries, read_series

T = TypeVar("T")

CODEDEPLOY_UNDER_WAY = ("Created", "Queued", "InProgress", "Baking", "Ready")


def check(text: str, holds: Callable[[], bool]) -> Check:
    """A precondition. When `holds` raises ReadFailed it is unknown, which blocks like a no."""
    try:
        return Check(text=text, holds=holds())
    except ReadFailed as fault:
        return Check(text=f"{text} [{fault}]", holds=None)


def if_any(read: Callable[[], T]) -> T | None:
    """The read's answer; None when AWS says that there is no such resource. Raises ReadFailed."""
    try:
        return read()
    except ReadFailed as fault:
        if fault.reason is GapReason.NOT_FOUND:
            return None
        raise


def if_known(read: Callable[[], T]) -> T | None:
    """The read's answer; None when it failed. For what a plan only mentions."""
    try:
        return read()
    except ReadFailed:
        return None


def set_again(
    plan: Plan, seen: Observed, results: tuple[dict[str, Any], ...], mark: str
) -> str | None:
    """Why the value seen is somebody else's, although it is the one that the plan set.

    Args:
        plan: what was done.
        seen: the target now; its lock is the mark that AWS renews whenever somebody sets a value.
        results: what AWS replied to the plan's calls.
        mark: the mark's name in that reply.
    """
    ours = {str(each[mark]) for each in results if each.get(mark)}
    if not ours or seen.lock is None or str(seen.lock) in ours:
        return None
    return f"somebody has set {plan.target} to the same value since (its {mark} is another)"


def named_by(choice: Choice | None, service: str, aspect: str) -> tuple[str, ...] | None:
    """What the choice's target names: ("checkout", "live") of "lambda:checkout:live/version" for
    the service "lambda" and the aspect "version"; None when it names none of this kind."""
    resource, _, changed = (choice.target if choice else "").rpartition("/")
    kind, *parts = resource.split(":")
    return tuple(parts) if (kind, changed) == (service, aspect) else None


def aims_elsewhere(choice: Choice | None, service: str, aspect: str) -> bool:
    """Whether the evidence names a target that is another action's to change."""
    return bool(choice and choice.target) and named_by(choice, service, aspect) is None


def tried(read: Callable[[], T]) -> T | ReadFailed:
    """The read's answer, or why it failed."""
    try:
        return read()
    except ReadFailed as fault:
        return fault


def arns(aws: Aws, service: str, *tails: str) -> tuple[str, ...]:
    """ARNs in the account and region that are read, for resources whose ARN AWS does not return.

    They name the account, as CodeDeploy accepts no wildcard there (CodeDeploy user guide,
    "CodeDeploy permissions reference"). Raises ReadFailed.
    """
    _, partition, _, _, account, _ = aws.read("sts", "get_caller_identity")["Arn"].split(":", 5)
    return tuple(f"arn:{partition}:{service}:{aws.region}:{account}:{tail}" for tail in tails)


# --- Lambda -------------------------------------------------------------------------------------


def metric_by_function(aws: Aws, scope: Scope, name: str, stat: str) -> dict[str, TimeSeries]:
    """A metric of AWS/Lambda for every function of the service, by function name. Raises
    ReadFailed."""
    functions = scope.service.resources.functions
    if not functions:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED, f"the catalogue knows no function of {scope.service.name}"
        )
    asked = {
        each.name: Metric("AWS/Lambda", name, stat, {"FunctionName": each.name})
        for each in functions
    }
    return read_series(aws, scope.window, asked)


def called_function(aws: Aws, scope: Scope) -> FunctionRef | None:
    """The service's function that its API calls, else its first with an alias."""
    functions = scope.service.resources.functions
    called: set[str | None] = set()
    for api in scope.service.resources.apis:
        called |= {each.function for each in if_known(partial(calls_of, aws, api)) or ()}
    invoked = [each for each in functions if each.name in called]
    return next((each for each in invoked or functions if each.alias), None)


def alias_is_called(aws: Aws, scope: Scope, name: str, alias: str) -> Check:
    """Whether callers name the alias: a change of it does nothing for calls of other qualifiers."""
    apis = scope.service.resources.apis
    try:
        if not apis:
            dimensions = {"FunctionName": name, "Resource": f"{name}:{alias}"}
            metric = Metric("AWS/Lambda", "Invocations", "Sum", dimensions)
            calls = read_series(aws, scope.window, {"calls": metric})["calls"].total()
            return Check(text=f"{name}:{alias} is called ({calls:.0f} times)", holds=calls > 0)
        called = {
            call.qualifier or "$LATEST"
            for api in apis
            for call in calls_of(aws, api)
            if call.function == name
        }
    except ReadFailed as fault:
        return Check(text=f"{name}:{alias} is what gets called [{fault}]", holds=None)
    seen = ", ".join(f"{name}:{each}" for each in sorted(called)) or f"{name} not at all"
    told = "" if called == {alias} else f" (it calls {seen})"
    return Check(text=f"the API calls {name}:{alias}{told}", holds=called == {alias})


def alias_of(plan: Plan) -> tuple[str, str]:
    """Function and alias of a plan whose target is "lambda:function:alias/…"."""
    _, function, alias = plan.target.split("/", 1)[0].split(":")
    return function, alias


# --- CloudTrail ----------------------------------------------------------------------------------


MOST_PAGES = 6  # of 50 events; LookupEvents allows two calls a second


@dataclass(frozen=True, slots=True)
class Event:
    """A management event that succeeded, with its request parameters. `service`: the AWS service
    that made the call for somebody ("codedeploy.amazonaws.com"); "" for a caller's own."""

    at: datetime
    request: Mapping[str, Any]
    service: str = ""


@dataclass(frozen=True, slots=True)
class EventHistory:
    """Events of some names, newest first. Unless `complete`, older ones were not read."""

    events: tuple[Event, ...]
    complete: bool


def latest_events(
    aws: Aws, names: Sequence[str], *, enough: Callable[[Sequence[Event]], bool]
) -> EventHistory:
    """Events with these names in the account and region, the latest until there are `enough`, of
    at most MOST_PAGES pages.

    They are looked up by name: by resource, hundreds of reads would stand among them. Raises
    ReadFailed.
    """
    found: list[Event] = []
    pages, complete = MOST_PAGES, True
    for name in names:
        asked: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}],
            "MaxResults": 50,
        }
        while not enough(found):
            if not pages:
                complete = False
                break
            pages -= 1
            answer = aws.read("cloudtrail", "lookup_events", **asked)
            found += _succeeded(answer.get("Events", []))
            if not answer.get("NextToken"):
                break
            asked["NextToken"] = answer["NextToken"]
        else:
            complete = False  # there were enough: what is older was not read
    found.sort(key=lambda each: each.at, reverse=True)
    return EventHistory(tuple(found), complete)


def _succeeded(events: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
    for event in events:
        record = json.loads(event.get("CloudTrailEvent") or "{}")
        if not record.get("errorCode"):
            service = (record.get("userIdentity") or {}).get("invokedBy") or ""
            yield Event(event["EventTime"], record.get("requestParameters") or {}, str(service))
