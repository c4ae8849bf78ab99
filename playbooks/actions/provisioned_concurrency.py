"""Keep environments of a Lambda alias initialised, so that a surge meets no cold starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Choice, Number, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.run import Answer, Verification
from playbooks.probes.action_reads import (
    aims_elsewhere,
    alias_of,
    called_function,
    named_by,
    set_again,
    tried,
)
from playbooks.probes.alias_history import Alias
from playbooks.probes.concurrency_use import Pool
from playbooks.probes.provisioned_now import (
    DIMENSION,
    ProvisionedNow,
    config_of,
    read_now,
    target_of,
)
from playbooks.probes.provisioned_size import Size, size_of_surge, usd_per_hour

_KIND = ("lambda", "provisioned-concurrency")


@dataclass(frozen=True, slots=True)
class _Room:
    """The most that may be provisioned, and why; `taken`: on other aliases and versions.

    `reserved`: the function's reservation; None when it draws on the account's pool.
    """

    most: int
    why: str
    taken: int
    reserved: int | None
    pool: Pool


class EnableProvisionedConcurrency(Action):
    """Environments for the peak of the surge, on the alias that callers use.

    Provisioned environments take traffic first, and what is above them still starts cold: they are
    sized to the whole peak. Where Application Auto Scaling owns the alias's provisioned
    concurrency, its minimum is raised: it would overwrite a value put beside it.
    """

    id = "enable-provisioned-concurrency"
    title = "Enable provisioned concurrency"
    reads = (
        "apigateway:GET",
        "application-autoscaling:DescribeScalableTargets",
        "cloudwatch:GetMetricData",
        "lambda:GetAccountSettings",
        "lambda:GetFunctionConcurrency",
        "lambda:GetFunctionConfiguration",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:ListAliases",
        "lambda:ListProvisionedConcurrencyConfigs",
    )
    writes = (
        "application-autoscaling:RegisterScalableTarget",
        "lambda:DeleteProvisionedConcurrencyConfig",
        "lambda:PutProvisionedConcurrencyConfig",
    )

    def plan(self, aws: Aws, scope: Scope, choice: Choice | None = None) -> Plan | None:
        if aims_elsewhere(choice, *_KIND):
            return None
        name, alias = named_by(choice, *_KIND) or _called(aws, scope)
        return self._draft(aws, scope, name, alias, None, choice)

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        name, alias = alias_of(plan)
        return self._draft(aws, scope, name, alias, _executions(plan.after), plan.choice)

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        name, alias = alias_of(plan)
        if "minimum" in plan.before:
            return Observed(_bounds(target_of(aws, name, alias) or {}))
        config = config_of(aws, name, alias)
        return Observed({"executions": _requested(config)}, lock=(config or {}).get("LastModified"))

    def ownership_conflict(
        self, plan: Plan, seen: Observed, results: tuple[dict[str, Any], ...]
    ) -> str | None:
        return set_again(plan, seen, results, "LastModified")

    def settled(self, aws: Aws, plan: Plan, results: tuple[dict[str, Any], ...]) -> Verification:
        config = config_of(aws, *alias_of(plan))
        if config is None and "minimum" in plan.after:
            text = "autoscaling has not acted yet"
            return Verification(answer=Answer.INCONCLUSIVE, text=text, at=aws.now())
        return _judged(config, _executions(plan.after), aws)

    def _draft(
        self,
        aws: Aws,
        scope: Scope,
        name: str,
        alias: str,
        fixed: int | None,
        choice: Choice | None,
    ) -> Plan | None:
        """The plan for `fixed` executions, else for the number chosen, else for the peak."""
        found = read_now(aws, scope, name, alias)
        size = size_of_surge(found.use, scope.window, name)
        room = tried(lambda: _room(found, name, alias))
        most = size.wanted if isinstance(room, ReadFailed) else room.most
        chosen = choice.amount if choice and choice.amount is not None else fixed
        executions = chosen or (min(size.wanted, most) if most > 0 else size.wanted)
        target = None if isinstance(found.target, ReadFailed) else found.target
        before, after, steps, inverse = (
            _scaling(name, alias, target, executions)
            if target
            else _putting(name, alias, _requested(found.configs.get(alias)), executions)
        )
        now = _executions(before)
        if executions <= now:
            return None
        capped = executions < size.wanted and chosen is None
        return Plan(
            action=self.id,
            title=f"{executions} provisioned executions on {name}:{alias}"[:75],
            service=scope.service.name,
            target=f"lambda:{name}:{alias}/provisioned-concurrency",
            before=before,
            after=after,
            steps=(steps,),
            inverse=(inverse,),
            checks=tuple(_checks(found, alias, executions, room)),
            warnings=(
                *([_too_small(size.wanted, executions)] if capped else ()),
                *(_of_autoscaling(before, executions) if target else ()),
            ),
            usd_per_hour=usd_per_hour(found.settings, aws.region, executions - now),
            settles_within=300,
            resources=() if target else (found.alias_arn,),
            others=tuple(_others(name, alias, found, room)),
            number=_number(executions, now, size, room),
            choice=choice,
        )


def _called(aws: Aws, scope: Scope) -> tuple[str, str]:
    """The function and alias that callers use. Raises ReadFailed."""
    function = called_function(aws, scope)
    if function is None or function.alias is None:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED,
            f"the catalogue names no function of {scope.service.name} with its alias",
        )
    return function.name, function.alias


def _room(found: ProvisionedNow, name: str, alias: str) -> _Room:
    """The most that can be provisioned, and why (Lambda developer guide, "Configuring provisioned
    concurrency": within the function's reservation, or leaving 100 unreserved), so that the other
    functions keep what they use. Raises ReadFailed."""
    configs = found.configs.items()
    taken = sum(_requested(each) or 0 for other, each in configs if other != alias)
    besides = f", {taken} on its other aliases" if taken else ""
    pool, own = found.pool, found.reserved
    if isinstance(own, int):
        return _Room(own - taken, f"{own} reserved for {name}{besides}", taken, own, pool)
    why = f"{pool.size} unreserved in the account, {pool.needed} for the others{besides}"
    return _Room(pool.size - pool.needed - taken, why, taken, None, pool)


def _number(executions: int, now: int, size: Size, room: _Room | ReadFailed) -> Number | None:
    if isinstance(room, ReadFailed):
        return None
    return Number(
        name="Provisioned executions",
        value=executions,
        least=now + 1,
        most=room.most,
        derived=size.derived,
        bounds=f"{room.why}; now {now}",
    )


def _too_small(wanted: int, executions: int) -> str:
    return (
        f"{wanted} would fit the surge; {executions} is what the limits allow. What is above them "
        "still starts cold."
    )


def _checks(
    found: ProvisionedNow, alias: str, executions: int, room: _Room | ReadFailed
) -> Iterator[Check]:
    """What AWS requires, what the others need, and what is needed for it to have an effect."""
    settings, aliases = found.settings, found.aliases
    yield Check(text=f"{alias} is an alias, not $LATEST", holds=alias != "$LATEST")
    state, version = settings.get("State", "Active"), settings.get("Version", "?")
    seen = "" if state == "Active" else f" (it is {state})"
    yield Check(text=f"version {version} is Active{seen}", holds=state == "Active")
    snap = settings.get("SnapStart", {}).get("ApplyOn", "None")
    yield Check(text="SnapStart is off", holds=snap == "None")
    if isinstance(aliases, ReadFailed):
        yield Check(text=f"{alias} has no routing weights [{aliases}]", holds=None)
    else:
        own = aliases.get(alias)
        yield Check(text=f"{alias} has no routing weights", holds=own is None or not own.weights)
        rivals = _same_version(aliases, found.configs, alias, version)
        shown = f" ({', '.join(rivals)})" if rivals else ""
        text = f"no other alias has provisioned concurrency on version {version}{shown}"
        yield Check(text=text, holds=not rivals)
    yield found.called
    yield _fits(executions, room)
    text = "its autoscaling settings were read"
    if isinstance(found.target, ReadFailed):
        yield Check(text=f"{text} [{found.target}]", holds=None)
    else:
        yield Check(text=text, holds=True)


def _fits(executions: int, room: _Room | ReadFailed) -> Check:
    if isinstance(room, ReadFailed):
        return Check(text=f"{executions} are within the limits [{room}]", holds=None)
    if room.reserved is not None:
        text = f"{executions} are within the limits ({room.why}): no other function is affected"
        return Check(text=text, holds=executions <= room.most)
    return room.pool.leaves(executions + room.taken, f"provisioning {executions}")


def _same_version(
    aliases: dict[str, Alias], configs: Mapping[str, dict[str, Any]], alias: str, version: str
) -> list[str]:
    """Other qualifiers of the same version that have provisioned concurrency."""
    serves = {name: each.version for name, each in aliases.items()}
    return [each for each in configs if each != alias and serves.get(each, each) == version]


def _others(
    name: str, alias: str, found: ProvisionedNow, room: _Room | ReadFailed
) -> Iterator[str]:
    """Other aliases of the function, and the functions that share the account's concurrency."""
    aliases = found.aliases
    if isinstance(aliases, dict):
        shown = []
        for other in sorted(aliases.keys() - {alias}):
            executions = _requested(found.configs.get(other))
            has = f", {executions} provisioned" if executions else ""
            shown.append(f"{other} (serves {aliases[other].shown()}{has})")
        if shown:
            yield f"other aliases of {name} get none of them: {', '.join(shown[:6])}"
    if isinstance(room, _Room) and room.reserved is None:
        yield room.pool.shown()


def _requested(config: dict[str, Any] | None) -> int | None:
    return None if config is None else int(config["RequestedProvisionedConcurrentExecutions"])


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
                "ScalableDimension": DIMENSION,
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
