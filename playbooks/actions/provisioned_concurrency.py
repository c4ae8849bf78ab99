"""Keep environments of a Lambda alias initialised, so that a surge meets no cold starts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.run import Answer, Verification
from playbooks.probes.action_reads import (
    KEPT_FREE,
    alias_is_called,
    alias_of,
    arns,
    called_function,
    check,
    if_any,
    if_known,
    reserved,
    unreserved,
)
from playbooks.probes.metrics import Metric, read_series

HEADROOM = 1.2
USD_PER_GB_SECOND = 0.0000041667  # x86, us-east-1: about, not a quote
_DIMENSION = "lambda:function:ProvisionedConcurrency"


class EnableProvisionedConcurrency(Action):
    """Environments for the peak of the surge, on the alias that callers use.

    Where Application Auto Scaling owns the alias's provisioned concurrency, its minimum is raised:
    it would overwrite a value put beside it.
    """

    id = "enable-provisioned-concurrency"
    title = "Enable provisioned concurrency"
    reads = (
        "apigateway:GET",
        "application-autoscaling:DescribeScalableTargets",
        "cloudwatch:GetMetricData",
        "lambda:GetAccountSettings",
        "lambda:GetAlias",
        "lambda:GetFunctionConcurrency",
        "lambda:GetFunctionConfiguration",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:ListProvisionedConcurrencyConfigs",
    )
    writes = (
        "application-autoscaling:RegisterScalableTarget",
        "lambda:DeleteProvisionedConcurrencyConfig",
        "lambda:PutProvisionedConcurrencyConfig",
    )

    def plan(self, aws: Aws, scope: Scope) -> Plan | None:
        function = called_function(aws, scope)
        if function is None or function.alias is None:
            raise ReadFailed(
                GapReason.NOT_CONFIGURED,
                f"the catalogue names no function of {scope.service.name} with its alias",
            )
        name, alias = function.name, function.alias
        wanted = _wanted(aws, scope, name, alias)
        limit, _ = if_known(lambda: _limit(aws, name, alias)) or (wanted, "")
        executions = min(wanted, limit) if limit > 0 else wanted
        plan = self._draft(aws, scope, name, alias, executions)
        if plan and executions < wanted:
            capped = f"{wanted} would fit the surge; {executions} is what the limits allow."
            plan = plan.model_copy(update={"warnings": (capped, *plan.warnings)})
        return plan

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        name, alias = alias_of(plan)
        return self._draft(aws, scope, name, alias, _executions(plan.after))

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        name, alias = alias_of(plan)
        if "minimum" in plan.before:
            return Observed(_bounds(_scaled(aws, name, alias) or {}))
        return Observed({"executions": _requested(_config(aws, name, alias))})

    def settled(self, aws: Aws, plan: Plan, results: tuple[dict[str, Any], ...]) -> Verification:
        config = _config(aws, *alias_of(plan))
        if config is None and "minimum" in plan.after:
            text = "autoscaling has not acted yet"
            return Verification(answer=Answer.INCONCLUSIVE, text=text, at=aws.now())
        return _judged(config, _executions(plan.after), aws)

    def _draft(self, aws: Aws, scope: Scope, name: str, alias: str, executions: int) -> Plan | None:
        settings = aws.read(
            "lambda", "get_function_configuration", FunctionName=name, Qualifier=alias
        )
        target = if_known(lambda: _scaled(aws, name, alias))
        before, after, steps, inverse = (
            _scaling(name, alias, target, executions)
            if target
            else _putting(name, alias, _requested(_config(aws, name, alias)), executions)
        )
        now = _executions(before)
        if executions <= now:
            return None
        gigabytes = settings.get("MemorySize", 128) / 1024
        usd = round((executions - now) * gigabytes * 3600 * USD_PER_GB_SECOND, 4)
        return Plan(
            action=self.id,
            title=f"{executions} provisioned executions on {name}:{alias}",
            service=scope.service.name,
            target=f"lambda:{name}:{alias}/provisioned-concurrency",
            before=before,
            after=after,
            steps=(steps,),
            inverse=(inverse,),
            checks=tuple(_checks(aws, scope, name, alias, executions, settings)),
            warnings=_of_autoscaling(before, executions) if target else (),
            usd_per_hour=usd,
            settles_within=300,
            resources=() if target else arns(aws, "lambda", f"function:{name}:{alias}"),
        )


def _wanted(aws: Aws, scope: Scope, name: str, alias: str) -> int:
    """1.2 x the executions that needed a new environment at once: the peak, less what usually
    runs on demand. Raises ReadFailed."""
    metric = Metric("AWS/Lambda", "ConcurrentExecutions", "Maximum", {"FunctionName": name})
    concurrency = read_series(aws, scope.window, {"concurrency": metric})["concurrency"]
    window = scope.window
    peak = concurrency.between(window.start, window.end).peak()
    if peak is None:
        raise ReadFailed(
            GapReason.NOT_FOUND, f"CloudWatch has no ConcurrentExecutions of {name} to size it from"
        )
    usual = concurrency.between(window.baseline_start, window.baseline_end).typical() or 0.0
    on_demand = max(0.0, usual - (_requested(_config(aws, name, alias)) or 0))
    return max(1, math.ceil(round((peak - on_demand) * HEADROOM, 6)))


def _limit(aws: Aws, name: str, alias: str) -> tuple[int, str]:
    """The most that can be provisioned, and why (Lambda developer guide, "Configuring provisioned
    concurrency": within the function's reservation, or leaving 100 unreserved)."""
    others = sum(
        int(config["RequestedProvisionedConcurrentExecutions"])
        for config in _configs(aws, name)
        if _qualifier(config) != alias
    )
    besides = f", {others} on other aliases" if others else ""
    own = reserved(aws, name)
    if own is not None:
        return own - others, f"{own} reserved for {name}{besides}"
    free = unreserved(aws)
    why = f"{free} unreserved in the account, of which {KEPT_FREE} stay free{besides}"
    return free - KEPT_FREE - others, why


def _checks(
    aws: Aws, scope: Scope, name: str, alias: str, executions: int, settings: dict[str, Any]
) -> Iterator[Check]:
    """What AWS requires, and what is needed for it to have an effect."""
    yield check(f"{alias} is an alias, not $LATEST", lambda: alias != "$LATEST")
    state, version = settings.get("State", "Active"), settings.get("Version", "?")
    seen = "" if state == "Active" else f" (it is {state})"
    yield Check(text=f"version {version} is Active{seen}", holds=state == "Active")
    snap = settings.get("SnapStart", {}).get("ApplyOn", "None")
    yield Check(text="SnapStart is off", holds=snap == "None")
    yield check(f"{alias} has no routing weights", lambda: not _weights(aws, name, alias))
    yield check(
        f"no other alias has provisioned concurrency on version {version}",
        lambda: not list(_same_version(aws, name, alias, version)),
    )
    yield alias_is_called(aws, scope, name, alias)
    yield _room(aws, name, alias, executions)
    yield check(
        "it is known whether autoscaling scales it", lambda: (_scaled(aws, name, alias), True)[1]
    )


def _room(aws: Aws, name: str, alias: str, executions: int) -> Check:
    try:
        limit, why = _limit(aws, name, alias)
    except ReadFailed as fault:
        return Check(text=f"{executions} are within the limits [{fault}]", holds=None)
    return Check(text=f"{executions} are within the limits ({why})", holds=executions <= limit)


def _weights(aws: Aws, name: str, alias: str) -> dict[str, float]:
    found = aws.read("lambda", "get_alias", FunctionName=name, Name=alias)
    weights: dict[str, float] = (found.get("RoutingConfig") or {}).get(
        "AdditionalVersionWeights", {}
    )
    return weights


def _same_version(aws: Aws, name: str, alias: str, version: str) -> Iterator[str]:
    """Other qualifiers of the same version that have provisioned concurrency."""
    for other in map(_qualifier, _configs(aws, name)):
        if other == alias:
            continue
        if other.isdigit():
            serves = other
        else:
            found = aws.read("lambda", "get_alias", FunctionName=name, Name=other)
            serves = found["FunctionVersion"]
        if serves == version:
            yield other


def _configs(aws: Aws, name: str) -> Iterator[dict[str, Any]]:
    """All provisioned concurrency configurations of a function. Raises ReadFailed."""
    operation = "list_provisioned_concurrency_configs"
    for page in aws.pages("lambda", operation, FunctionName=name):
        yield from page.get("ProvisionedConcurrencyConfigs", [])


def _qualifier(config: dict[str, Any]) -> str:
    return str(config["FunctionArn"]).rsplit(":", 1)[-1]


def _config(aws: Aws, name: str, alias: str) -> dict[str, Any] | None:
    return if_any(
        lambda: aws.read(
            "lambda", "get_provisioned_concurrency_config", FunctionName=name, Qualifier=alias
        )
    )


def _requested(config: dict[str, Any] | None) -> int | None:
    return None if config is None else int(config["RequestedProvisionedConcurrentExecutions"])


def _scaled(aws: Aws, name: str, alias: str) -> dict[str, Any] | None:
    """The alias's autoscaling target, if it has one. Raises ReadFailed."""
    answer = aws.read(
        "application-autoscaling",
        "describe_scalable_targets",
        ServiceNamespace="lambda",
        ResourceIds=[f"function:{name}:{alias}"],
        ScalableDimension=_DIMENSION,
    )
    targets: list[dict[str, Any]] = answer.get("ScalableTargets", [])
    return targets[0] if targets else None


_Change = tuple[dict[str, Any], dict[str, Any], Step, Step]


def _putting(name: str, alias: str, now: int | None, executions: int) -> _Change:
    where = {"FunctionName": name, "Qualifier": alias}

    def put(value: int) -> Step:
        return Step(
            service="lambda",
            operation="put_provisioned_concurrency_config",
            params={**where, "ProvisionedConcurrentExecutions": value},
        )

    gone = Step(service="lambda", operation="delete_provisioned_concurrency_config", params=where)
    back = gone if now is None else put(now)
    return {"executions": now}, {"executions": executions}, put(executions), back


def _scaling(name: str, alias: str, target: dict[str, Any], executions: int) -> _Change:
    before = _bounds(target)
    after = {"minimum": executions, "maximum": max(executions, before["maximum"])}

    def register(bounds: dict[str, Any]) -> Step:
        return Step(
            service="application-autoscaling",
            operation="register_scalable_target",
            params={
                "ServiceNamespace": "lambda",
                "ResourceId": f"function:{name}:{alias}",
                "ScalableDimension": _DIMENSION,
                "MinCapacity": bounds["minimum"],
                "MaxCapacity": bounds["maximum"],
            },
        )

    return before, after, register(after), register(before)


def _of_autoscaling(before: dict[str, Any], executions: int) -> tuple[str, ...]:
    """RegisterScalableTarget brings capacity within its bounds; it takes none away within them
    (Application Auto Scaling user guide, "Register a scalable target")."""
    return (
        "Autoscaling's minimum is raised; it may still scale above it.",
        f"Undoing puts the bounds back ({before['minimum']} to {before['maximum']}), not the "
        f"capacity: {executions} may stay, and cost, until your scaling policy scales in.",
    )


def _bounds(target: dict[str, Any]) -> dict[str, Any]:
    return {"minimum": target.get("MinCapacity"), "maximum": target.get("MaxCapacity")}


def _executions(state: dict[str, Any]) -> int:
    return int(state.get("minimum") or state.get("executions") or 0)


def _judged(config: dict[str, Any] | None, wanted: int, aws: Aws) -> Verification:
    """READY, FAILED or IN_PROGRESS, from GetProvisionedConcurrencyConfig."""
    if config is None:
        text = "there is no provisioned concurrency on the alias"
        return Verification(answer=Answer.NO, text=text, at=aws.now())
    status = config.get("Status")
    asked = _requested(config) or 0
    allocated = config.get("AllocatedProvisionedConcurrentExecutions", 0)
    if status == "READY" and asked >= wanted:
        answer, text = Answer.YES, f"READY: {allocated} of {asked} allocated"
    elif status == "FAILED":
        answer, text = Answer.NO, f"FAILED: {config.get('StatusReason', 'AWS gives no reason')}"
    else:
        answer, text = Answer.INCONCLUSIVE, f"{status}: {allocated} of {wanted} allocated"
    return Verification(answer=answer, text=text, at=aws.now())
