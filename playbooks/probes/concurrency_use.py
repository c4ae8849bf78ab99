"""Concurrency of a Lambda function and of the account: what is allowed, and what is used of it.

A limit says nothing about what others need: whoever takes concurrency out of the account's pool
takes it from functions that may be using it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from playbooks.probes.action_reads import tried
from playbooks.probes.metrics import Metric, TimeSeries, read_series

HEADROOM = 1.2  # above the peak: of what is sized, and of what others used
KEPT_FREE = 100  # Lambda keeps at least this much of the account's concurrency unreserved
LOOKED_BACK = timedelta(hours=24)
PERMISSIONS = (
    "cloudwatch:GetMetricData",
    "lambda:GetAccountSettings",
    "lambda:GetFunctionConcurrency",
)


@dataclass(frozen=True, slots=True)
class Use:
    """Maxima a minute of the last 24 hours: executions at once of the function, of all functions,
    of those without a reservation, and what is claimed of the account (used without a reservation,
    reserved and provisioned). `invocations` and `throttles`: the function's, a minute."""

    own: TimeSeries
    invocations: TimeSeries
    throttles: TimeSeries
    account: TimeSeries
    unreserved: TimeSeries
    claimed: TimeSeries

    @property
    def calls(self) -> TimeSeries:
        """Calls attempted a minute: throttled ones are not among the invocations."""
        minutes = self.invocations.points.keys() | self.throttles.points.keys()
        return TimeSeries(
            {
                at: self.invocations.points.get(at, 0.0) + self.throttles.points.get(at, 0.0)
                for at in minutes
            }
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """The account's concurrency that no function has reserved, and what others used of it.

    `others`: the most that all other functions used at once in the last 24 hours; None when it is
    not known. `functions`: how many functions the account has.
    """

    size: int
    others: int | None
    functions: int | None
    unknown: str = ""  # why `others` is not known

    @property
    def needed(self) -> int:
        """What has to stay: 1.2 x the peak of the others, and what Lambda keeps."""
        return max(KEPT_FREE, math.ceil(round((self.others or 0) * HEADROOM, 6)))

    def leaves(self, taken: int, doing: str) -> Check:
        """Whether enough stays for the other functions when `taken` of the pool is this one's."""
        left = self.size - taken
        text = f"{doing} leaves {left} of {self.size} unreserved executions to the others"
        if self.others is None:
            return Check(text=f"{text}, who use [{self.unknown}]", holds=None)
        used = f"{self.others} at once at most in 24 h, × {HEADROOM:g}"
        return Check(
            text=f"{text}: they need {self.needed} ({used}; Lambda keeps {KEPT_FREE})",
            holds=left >= self.needed,
        )

    def shown(self) -> str:
        """Who else draws on the pool, in a sentence."""
        who, draws = "all other functions of the account", "draw"
        if self.functions is not None and self.functions > 1:
            number = self.functions - 1
            who = f"{number} other function{'s' if number > 1 else ''} of the account"
            draws = "draw" if number > 1 else "draws"
        used = "an unknown number" if self.others is None else f"at most {self.others}"
        return (
            f"{who} {draws} on the same {self.size} unreserved executions and used {used} of them "
            "at once in 24 h"
        )


def read_use(aws: Aws, scope: Scope, function: str) -> Use:
    """What the function and the account used, in one call. Raises ReadFailed."""
    of_function = {"FunctionName": function}
    window = scope.window
    start = min(window.end - LOOKED_BACK, window.baseline_start, window.start)
    asked = {
        "own": Metric("AWS/Lambda", "ConcurrentExecutions", "Maximum", of_function),
        "invocations": Metric("AWS/Lambda", "Invocations", "Sum", of_function),
        "throttles": Metric("AWS/Lambda", "Throttles", "Sum", of_function),
        "account": Metric("AWS/Lambda", "ConcurrentExecutions", "Maximum"),
        "unreserved": Metric("AWS/Lambda", "UnreservedConcurrentExecutions", "Maximum"),
        "claimed": Metric("AWS/Lambda", "ClaimedAccountConcurrency", "Maximum"),
    }
    long = window.model_copy(update={"baseline_start": start})
    return Use(**read_series(aws, long, asked))


def read_account(aws: Aws) -> dict[str, Any]:
    """GetAccountSettings: the account's limit of concurrency, and its use. Raises ReadFailed."""
    return aws.read("lambda", "get_account_settings")


def pool_of(settings: Mapping[str, Any], use: Use | ReadFailed, *, reserved: bool) -> Pool:
    """The account's pool, by GetAccountSettings, and what the other functions used of it.

    `reserved`: whether the function has a reservation, so that its own executions are not in the
    pool.
    """
    limit = settings["AccountLimit"]
    size = int(limit["UnreservedConcurrentExecutions"])
    functions = settings.get("AccountUsage", {}).get("FunctionCount")
    if isinstance(use, ReadFailed):
        return Pool(size, None, functions, str(use))
    others = others_peak(use, int(limit["ConcurrentExecutions"]) - size, reserved=reserved)
    return Pool(size, others, functions, "CloudWatch has no concurrency of the account")


def others_peak(use: Use, reserved_in_all: int, *, reserved: bool) -> int | None:
    """The most that all other functions used of the pool in a minute; None when not published.

    ClaimedAccountConcurrency is what counts against the limit: it has reservations and provisioned
    concurrency in full (Lambda developer guide, "Types of metrics for Lambda functions").
    """
    peak: float | None = None
    minutes = use.claimed.points.keys() | use.unreserved.points.keys() | use.account.points.keys()
    for at in minutes:
        own = use.own.points.get(at, 0.0)
        of_pool = [
            value - (0.0 if reserved else own)
            for value in (
                use.unreserved.points.get(at),
                _less(use.claimed.points.get(at), reserved_in_all),
            )
            if value is not None
        ]
        if not of_pool:
            of_pool = [use.account.points[at] - own]  # reservations' use too: never too little
        peak = max(peak or 0.0, *of_pool)
    return None if peak is None else math.ceil(peak)


def read_reserved(aws: Aws, function: str) -> int | None:
    """Reserved concurrency; None when the function draws on the account's pool."""
    answer = aws.read("lambda", "get_function_concurrency", FunctionName=function)
    value = answer.get("ReservedConcurrentExecutions")
    return None if value is None else int(value)


def try_use(aws: Aws, scope: Scope, function: str) -> Use | ReadFailed:
    """As `read_use`; the failure in place of the answer."""
    return tried(lambda: read_use(aws, scope, function))


def with_headroom(executions: float) -> int:
    """1.2 x, rounded up, at least 1."""
    return max(1, math.ceil(round(executions * HEADROOM, 6)))


def _less(value: float | None, reserved: int) -> float | None:
    return None if value is None else value - reserved
