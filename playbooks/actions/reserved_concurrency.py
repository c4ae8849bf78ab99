"""Give a throttled Lambda function more of the account's concurrency, or take its cap away."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Choice, Number, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason, Window
from playbooks.probes.action_reads import aims_elsewhere, arns, metric_by_function, named_by
from playbooks.probes.concurrency_use import (
    HEADROOM,
    PERMISSIONS,
    Pool,
    Use,
    pool_of,
    read_account,
    read_reserved,
    try_use,
)

_KIND = ("lambda", "reserved-concurrency")
_READS = 3  # at the same time, beside the metrics


@dataclass(frozen=True, slots=True)
class _Size:
    """The reservation that the attempted calls need, and how it was derived."""

    wanted: int
    derived: str


@dataclass(frozen=True, slots=True)
class _Found:
    """What AWS says. `now`: the function's reservation; None: it has none."""

    now: int | None
    use: Use | ReadFailed
    pool: Pool
    arns: tuple[str, ...]


def _read(aws: Aws, scope: Scope, name: str) -> _Found:
    """All of it at the same time: none of these reads waits for another. Raises ReadFailed."""
    with ThreadPoolExecutor(_READS, thread_name_prefix="reserved") as reads:
        now = reads.submit(read_reserved, aws, name)
        settings = reads.submit(read_account, aws)
        ours = reads.submit(arns, aws, "lambda", f"function:{name}")
        use = try_use(aws, scope, name)
        pool = pool_of(settings.result(), use, reserved=True)
        return _Found(now.result(), use, pool, ours.result())


class RaiseReservedConcurrency(Action):
    """The reservation raised to what the throttled calls would have needed, as far as the other
    functions keep what they use.

    Where not even one execution more can be reserved, but the account has room, the reservation is
    deleted: the function then uses the account's unreserved concurrency.
    """

    id = "raise-reserved-concurrency"
    title = "Raise reserved concurrency"
    reads = PERMISSIONS
    writes = ("lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency")

    def plan(self, aws: Aws, scope: Scope, choice: Choice | None = None) -> Plan | None:
        if aims_elsewhere(choice, *_KIND):
            return None
        (name,) = named_by(choice, *_KIND) or (_throttled_most(aws, scope),)
        found = _read(aws, scope, name)
        if found.now is None:
            raise ReadFailed(
                GapReason.NOT_FOUND,
                f"{name} has no reservation: what throttles it is the account's limit of "
                "concurrency, which AWS raises on request",
            )
        size = _size(found.use, scope.window, name, found.now)
        wanted: int | None = choice.amount if choice and choice.amount is not None else None
        if wanted is None:
            wanted = _as_far_as_it_is_safe(found.now, size.wanted, found.pool)
        return self._draft(scope, name, wanted, size, found, choice)

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        name = _target_of(plan)
        found = _read(aws, scope, name)
        if found.now is None:
            return None
        size = _size(found.use, scope.window, name, found.now)
        return self._draft(scope, name, plan.after["reserved"], size, found, plan.choice)

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        return Observed({"reserved": read_reserved(aws, _target_of(plan))})

    def _draft(
        self,
        scope: Scope,
        name: str,
        wanted: int | None,
        size: _Size,
        found: _Found,
        choice: Choice | None,
    ) -> Plan | None:
        now, pool = found.now, found.pool
        if now is None or (wanted is not None and wanted <= now):
            return None
        shown = "no reservation" if wanted is None else str(wanted)
        warnings = ["The function may call its own backends that much more often at once."]
        if wanted is None:
            warnings.append(
                "Without a reservation nothing keeps it from taking more of the account's "
                f"concurrency than {size.wanted}: the others are then throttled."
            )
        elif wanted < size.wanted:
            warnings.append(f"{size.wanted} would fit the calls; {wanted} leave some throttled.")
        if now == 0:
            warnings.append("A reservation of 0 is how a function is switched off on purpose: ask.")
        return Plan(
            action=self.id,
            title=f"Reserved concurrency of {name} from {now} to {shown}"[:75],
            service=scope.service.name,
            target=f"lambda:{name}/reserved-concurrency",
            before={"reserved": now},
            after={"reserved": wanted},
            steps=(_set(name, wanted),),
            inverse=(_set(name, now),),
            checks=tuple(_checks(now, wanted, size, pool)),
            warnings=tuple(warnings),
            settles_within=60,
            resources=found.arns,
            others=(pool.shown(),),
            number=_number(now, wanted, size, pool),
            choice=choice,
        )


def _most(now: int, pool: Pool) -> int:
    """The largest reservation that leaves the others what they need."""
    return now + pool.size - pool.needed


def _as_far_as_it_is_safe(now: int, wanted: int, pool: Pool) -> int | None:
    """The reservation to propose; None: delete it."""
    most = _most(now, pool)
    if most > now:
        return min(wanted, most)
    return None if _when_deleted(now, wanted, pool).holds else wanted


def _checks(now: int, wanted: int | None, size: _Size, pool: Pool) -> tuple[Check, ...]:
    if wanted is not None:
        return (pool.leaves(wanted - now, f"reserving {wanted - now} more"),)
    back = pool.size
    undone = f"undone, it reserves {now} again and leaves {back} to the others"
    return (
        _when_deleted(now, size.wanted, pool),
        Check(
            text=undone,
            holds=None if pool.others is None else back >= pool.others * HEADROOM,
        ),
    )


def _when_deleted(now: int, wanted: int, pool: Pool) -> Check:
    """Whether the others keep what they use once the function draws on the pool as well. Nothing
    is reserved then, so that Lambda's own minimum does not count."""
    left = pool.size + now - wanted
    text = (
        f"without its {now} reserved, the {wanted} that the function needs leave {left} of "
        f"{pool.size + now} unreserved executions to the others"
    )
    if pool.others is None:
        return Check(text=f"{text}, who use [{pool.unknown}]", holds=None)
    need = math.ceil(round(pool.others * HEADROOM, 6))
    text += f": they need {need} ({pool.others} at once at most in 24 h, × {HEADROOM:g})"
    return Check(text=text, holds=left >= need)


def _number(now: int, wanted: int | None, size: _Size, pool: Pool) -> Number | None:
    if wanted is None:
        return None
    return Number(
        name="Reserved concurrency",
        value=wanted,
        least=now + 1,
        most=_most(now, pool),
        derived=size.derived,
        bounds=f"now {now}, and {pool.needed} of {pool.size} unreserved stay for the others",
    )


def _throttled_most(aws: Aws, scope: Scope) -> str:
    """The service's function that was throttled most. Raises ReadFailed."""
    window = scope.window
    throttles = {
        name: series.between(window.start, window.end).total()
        for name, series in metric_by_function(aws, scope, "Throttles", "Sum").items()
    }
    name = max(throttles, key=lambda each: throttles[each])
    if not throttles[name]:
        raise ReadFailed(GapReason.NOT_FOUND, "CloudWatch shows no throttled call in these minutes")
    return name


def _size(use: Use | ReadFailed, window: Window, name: str, now: int) -> _Size:
    """What the calls of the worst minute would have needed. Raises ReadFailed."""
    if isinstance(use, ReadFailed):
        raise use
    throttles = use.throttles.between(window.start, window.end)
    if not throttles.total():
        raise ReadFailed(
            GapReason.NOT_FOUND, f"CloudWatch shows no throttled call of {name} in these minutes"
        )
    admitted = {at: use.invocations.points.get(at, 0.0) for at in throttles.points}
    worst = max(
        throttles.points,
        key=lambda at: (throttles.points[at] + admitted[at]) / max(admitted[at], 1.0),
    )
    attempted = throttles.points[worst] + admitted[worst]
    factor = attempted / max(admitted[worst], 1.0)
    wanted = max(now + 1, math.ceil(round(max(now, 1) * factor * HEADROOM, 6)))
    return _Size(
        wanted,
        f"{now} reserved × {attempted:.0f} calls attempted in the worst minute / "
        f"{admitted[worst]:.0f} admitted × {HEADROOM:g} = {wanted}",
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
