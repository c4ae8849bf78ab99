"""Point a Lambda alias back at the version it served before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import CodeDeployRef
from playbooks.probes.action_reads import (
    CODEDEPLOY_UNDER_WAY,
    Event,
    alias_is_called,
    alias_of,
    check,
    if_any,
    if_known,
    latest_events,
)


@dataclass(frozen=True, slots=True)
class _Alias:
    """An alias as it is: what it serves, and Lambda's optimistic lock (RevisionId)."""

    function: str
    name: str
    version: str
    weights: dict[str, float]
    revision: str
    arn: str

    @property
    def state(self) -> dict[str, Any]:
        return {"version": self.version, "weights": self.weights}


@dataclass(frozen=True, slots=True)
class _History:
    """The versions an alias was set to and when, by CloudTrail, newest first; `limits`: why others
    may be missing."""

    served: tuple[tuple[datetime, str], ...]
    limits: str

    @property
    def changed_at(self) -> float:
        return self.served[0][0].timestamp() if self.served else 0.0

    def proof(self, now: _Alias, version: str) -> Check:
        """Whether the alias served a version before. Having been published is no proof of it."""
        seen = [at for at, each in self.served if each == version]
        text = f"{now.function}:{now.name} served version {version} before"
        if seen:
            return Check(text=f"{text} (set at {max(seen):%Y-%m-%d %H:%M} UTC)", holds=True)
        return Check(text=f"{text} [{self.limits}]", holds=None)


class RollbackAlias(Action):
    """UpdateAlias to the version before, under the RevisionId that was read (Lambda API
    reference: another change in between gives PreconditionFailedException)."""

    id = "rollback-alias"
    title = "Roll back the Lambda alias"
    reads = (
        "apigateway:GET",
        "cloudtrail:LookupEvents",
        "cloudwatch:GetMetricData",
        "codedeploy:ListDeployments",
        "lambda:GetAlias",
        "lambda:GetFunctionConfiguration",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:ListVersionsByFunction",
    )
    writes = ("lambda:UpdateAlias",)

    def plan(self, aws: Aws, scope: Scope) -> Plan | None:
        served = [
            (each.name, each.alias) for each in scope.service.resources.functions if each.alias
        ]
        if not served:
            raise ReadFailed(
                GapReason.NOT_CONFIGURED,
                f"the catalogue names no Lambda alias of {scope.service.name}",
            )
        history = {each: _served(aws, *each) for each in served}
        name, alias = max(served, key=lambda each: history[each].changed_at)
        now = _read(aws, name, alias)
        previous = _previous(aws, now, history[name, alias])
        if previous is None:
            raise ReadFailed(
                GapReason.NOT_FOUND, f"no version of {name} before {now.version} is known"
            )
        return self._draft(aws, scope, now, previous, history[name, alias])

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        name, alias = alias_of(plan)
        history = _served(aws, name, alias)
        return self._draft(aws, scope, _read(aws, name, alias), plan.after["version"], history)

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        alias = _read(aws, *alias_of(plan))
        return Observed(alias.state, alias.revision)

    def undo_steps(self, plan: Plan, seen: Observed) -> tuple[Step, ...]:
        return tuple(
            step.model_copy(update={"params": step.params | {"RevisionId": seen.lock}})
            for step in plan.inverse or ()
        )

    def _draft(
        self, aws: Aws, scope: Scope, now: _Alias, previous: str, history: _History
    ) -> Plan | None:
        if now.version == previous and not now.weights:
            return None
        update = _update(now.function, now.name, previous, {})
        forward = update.model_copy(update={"params": update.params | {"RevisionId": now.revision}})
        return Plan(
            action=self.id,
            title=f"Roll {now.function}:{now.name} back from {now.version} to {previous}",
            service=scope.service.name,
            target=f"lambda:{now.function}:{now.name}/version",
            before=now.state,
            after={"version": previous, "weights": {}},
            steps=(forward,),
            inverse=(_update(now.function, now.name, now.version, now.weights),),
            checks=(history.proof(now, previous), *_checks(aws, scope, now, previous)),
            warnings=tuple(_warnings(aws, now, previous)),
            settles_within=60,
            resources=(now.arn, now.arn.removesuffix(f":{now.name}")),
        )


def _checks(aws: Aws, scope: Scope, now: _Alias, previous: str) -> Iterator[Check]:
    settings = if_known(lambda: _version(aws, now.function, previous))
    state = settings.get("State", "Active") if settings else "not known"
    yield Check(
        text=f"version {previous} exists and is Active (it is {state})",
        holds=None if settings is None else state == "Active",
    )
    yield alias_is_called(aws, scope, now.function, now.name)
    owners = scope.service.resources.codedeploy
    for owner in owners:
        yield check(
            f"CodeDeploy {owner.application}/{owner.group} has no deployment under way",
            partial(_at_rest, aws, owner),
        )
    if now.weights and not owners:
        shown = ", ".join(f"{share:.0%} to {each}" for each, share in now.weights.items())
        yield Check(text=f"nobody is shifting the alias's traffic ({shown})", holds=None)


def _warnings(aws: Aws, now: _Alias, previous: str) -> Iterator[str]:
    for version in (now.version, previous):
        settings = if_known(partial(_version, aws, now.function, version))
        if settings and settings.get("Description"):
            yield f"Version {version}: {settings['Description']}"
    yield (
        f"If {now.version} migrated data or closed a security hole, {previous} has to cope with "
        "that data and opens the hole again."
    )
    config = if_known(
        lambda: if_any(
            lambda: aws.read(
                "lambda",
                "get_provisioned_concurrency_config",
                FunctionName=now.function,
                Qualifier=now.name,
            )
        )
    )
    if config:
        executions = config.get("RequestedProvisionedConcurrentExecutions", "?")
        yield (
            f"{executions} provisioned executions are allocated anew for version {previous}: "
            "expect cold starts for some minutes."
        )


def _previous(aws: Aws, now: _Alias, history: _History) -> str | None:
    """The version served before this one; None when there is none.

    Never a later version: to go forward again is to undo a rollback. Where CloudTrail does not show
    it, the version published before is a guess, and the plan's check says so.
    """
    served = (version for _, version in history.served if _older(version, now.version))
    if (known := next(served, None)) is not None:
        return known
    published = [
        version["Version"]
        for page in aws.pages("lambda", "list_versions_by_function", FunctionName=now.function)
        for version in page.get("Versions", [])
    ]
    before = [each for each in published if _older(each, now.version)]
    return max(before, key=int, default=None)


def _older(version: str, than: str) -> bool:
    return version.isdigit() and (not than.isdigit() or int(version) < int(than))


def _served(aws: Aws, function: str, alias: str) -> _History:
    """The versions the alias was set to, as far as CloudTrail could be read."""

    def settings(events: Iterable[Event]) -> list[tuple[datetime, str]]:
        return [
            (event.at, str(event.request["functionVersion"]))
            for event in events
            if event.request.get("name") == alias and event.request.get("functionVersion")
        ]

    def two_versions(events: Iterable[Event]) -> bool:
        return len({version for _, version in settings(events)}) > 1

    try:
        found = latest_events(aws, function, "UpdateAlias", "CreateAlias", enough=two_versions)
    except ReadFailed as fault:
        return _History((), f"CloudTrail could not be read: {fault}")
    short = "" if found.complete else ", as far back as it was read"
    return _History(tuple(settings(found.events)), f"CloudTrail does not show it{short}")


def _read(aws: Aws, function: str, alias: str) -> _Alias:
    found = aws.read("lambda", "get_alias", FunctionName=function, Name=alias)
    weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return _Alias(
        function, alias, found["FunctionVersion"], weights, found["RevisionId"], found["AliasArn"]
    )


def _version(aws: Aws, function: str, version: str) -> dict[str, Any]:
    return aws.read(
        "lambda", "get_function_configuration", FunctionName=function, Qualifier=version
    )


def _at_rest(aws: Aws, owner: CodeDeployRef) -> bool:
    answer = aws.read(
        "codedeploy",
        "list_deployments",
        applicationName=owner.application,
        deploymentGroupName=owner.group,
        includeOnlyStatuses=list(CODEDEPLOY_UNDER_WAY),
    )
    return not answer.get("deployments")


def _update(function: str, alias: str, version: str, weights: dict[str, float]) -> Step:
    return Step(
        service="lambda",
        operation="update_alias",
        params={
            "FunctionName": function,
            "Name": alias,
            "FunctionVersion": version,
            "RoutingConfig": {"AdditionalVersionWeights": weights},
        },
    )
