"""Give a throttled Lambda function more of the account's concurrency, or take its cap away."""

from __future__ import annotations

import math

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from playbooks.probes.action_reads import KEPT_FREE, arns, metric_by_function, reserved, unreserved

HEADROOM = 1.2


class RaiseReservedConcurrency(Action):
    """The reservation raised to what the throttled calls would have needed.

    Where the account cannot spare that much it is deleted: the function then uses the account's
    unreserved concurrency.
    """

    id = "raise-reserved-concurrency"
    title = "Raise reserved concurrency"
    reads = (
        "cloudwatch:GetMetricData",
        "lambda:GetAccountSettings",
        "lambda:GetFunctionConcurrency",
    )
    writes = ("lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency")

    def plan(self, aws: Aws, scope: Scope) -> Plan | None:
        name, factor = _throttled(aws, scope)
        now = reserved(aws, name)
        if now is None:
            raise ReadFailed(
                GapReason.NOT_FOUND,
                f"{name} has no reservation: what throttles it is the account's limit of "
                "concurrency, which AWS raises on request",
            )
        wanted = max(now + 1, math.ceil(round(max(now, 1) * factor * HEADROOM, 6)))
        spare = unreserved(aws) - KEPT_FREE
        return self._draft(aws, scope, name, wanted if wanted <= now + spare else None)

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        return self._draft(aws, scope, _target_of(plan), plan.after["reserved"])

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        return Observed({"reserved": reserved(aws, _target_of(plan))})

    def _draft(self, aws: Aws, scope: Scope, name: str, wanted: int | None) -> Plan | None:
        now = reserved(aws, name)
        if now is None or (wanted is not None and wanted <= now):
            return None
        free = unreserved(aws)
        shown = "no reservation" if wanted is None else str(wanted)
        warnings = ["The function may call its own backends that much more often at once."]
        if wanted is None:
            warnings.append("Without a reservation it shares the account's pool with the others.")
        if now == 0:
            warnings.append("A reservation of 0 is how a function is switched off on purpose: ask.")
        return Plan(
            action=self.id,
            title=f"Reserved concurrency of {name} from {now} to {shown}",
            service=scope.service.name,
            target=f"lambda:{name}/reserved-concurrency",
            before={"reserved": now},
            after={"reserved": wanted},
            steps=(_set(name, wanted),),
            inverse=(_set(name, now),),
            checks=(_spare(now, wanted, free),),
            warnings=tuple(warnings),
            settles_within=60,
            resources=arns(aws, "lambda", f"function:{name}"),
        )


def _spare(now: int, wanted: int | None, free: int) -> Check:
    """PutFunctionConcurrency leaves at least 100 unreserved (Lambda developer guide)."""
    if wanted is None:
        text = f"the account has more unreserved than {now} ({free + now} once it is given back)"
        return Check(text=text, holds=free > 0)
    left = free - (wanted - now)
    text = f"{left} of {free} unreserved executions stay, at least {KEPT_FREE} have to"
    return Check(text=text, holds=left >= KEPT_FREE)


def _throttled(aws: Aws, scope: Scope) -> tuple[str, float]:
    """The function throttled most, and calls attempted per call admitted in its worst minute."""
    window = scope.window
    throttles = {
        name: series.between(window.start, window.end)
        for name, series in metric_by_function(aws, scope, "Throttles", "Sum").items()
    }
    name = max(throttles, key=lambda each: throttles[each].total())
    if not throttles[name].total():
        raise ReadFailed(GapReason.NOT_FOUND, "CloudWatch shows no throttled call in these minutes")
    calls = metric_by_function(aws, scope, "Invocations", "Sum")[
        name
    ]  # Throttles are not among them
    return name, max(
        (count + calls.points.get(at, 0.0)) / max(calls.points.get(at, 0.0), 1.0)
        for at, count in throttles[name].points.items()
    )


def _set(name: str, value: int | None) -> Step:
    where = {"FunctionName": name}
    if value is None:
        return Step(service="lambda", operation="delete_function_concurrency", params=where)
    return Step(
        service="lambda",
        operation="put_function_concurrency",
        params={**where, "ReservedConcurrentExecutions": value},
    )


def _target_of(plan: Plan) -> str:
    return plan.target.split("/", 1)[0].split(":")[1]
