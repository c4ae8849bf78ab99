"""Point a Lambda alias back at the version it served before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.domain.errors import ReadFailed
from bot.domain.plan import Check, Choice, Plan, Step
from bot.domain.playbook_contract import Action, Observed, Scope
from bot.domain.ports import Aws
from bot.domain.report import GapReason
from bot.domain.resources import CodeDeployRef
from playbooks.probes.action_reads import (
    CODEDEPLOY_UNDER_WAY,
    aims_elsewhere,
    alias_is_called,
    alias_of,
    check,
    if_any,
    named_by,
    tried,
)
from playbooks.probes.alias_history import (
    Alias,
    AliasHistory,
    older,
    other_aliases,
    published_before,
    read_alias,
    read_history,
)
from playbooks.probes.concurrency_use import read_use

_KIND = ("lambda", "version")
_READS = 10  # at the same time


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
        "lambda:ListAliases",
        "lambda:ListEventSourceMappings",
        "lambda:ListVersionsByFunction",
    )
    writes = ("lambda:UpdateAlias",)

    def plan(self, aws: Aws, scope: Scope, choice: Choice | None = None) -> Plan | None:
        if aims_elsewhere(choice, *_KIND):
            return None
        named = named_by(choice, *_KIND)
        if named is not None:
            name, alias = named
            now, history = _alias_and_history(aws, name, alias)
        else:
            name, alias, history = _changed_last(aws, scope)
            now = read_alias(aws, name, alias)
        previous = _previous(aws, now, history, choice or Choice())
        return self._draft(aws, scope, now, previous, history, choice)

    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        name, alias = alias_of(plan)
        now, history = _alias_and_history(aws, name, alias)
        return self._draft(aws, scope, now, plan.after["version"], history, plan.choice)

    def observe(self, aws: Aws, plan: Plan) -> Observed:
        alias = read_alias(aws, *alias_of(plan))
        return Observed(alias.state, alias.revision)

    def undo_steps(self, plan: Plan, seen: Observed) -> tuple[Step, ...]:
        return tuple(
            step.model_copy(update={"params": step.params | {"RevisionId": seen.lock}})
            for step in plan.inverse or ()
        )

    def _draft(
        self,
        aws: Aws,
        scope: Scope,
        now: Alias,
        previous: str,
        history: AliasHistory,
        choice: Choice | None,
    ) -> Plan | None:
        if now.version == previous and not now.weights:
            return None
        around = _read_around(aws, scope, now, previous)
        update = _update(now.function, now.name, previous, {})
        forward = update.model_copy(update={"params": update.params | {"RevisionId": now.revision}})
        return Plan(
            action=self.id,
            title=f"Roll {now.function}:{now.name} back from {now.shown()} to {previous}"[:75],
            service=scope.service.name,
            target=f"lambda:{now.function}:{now.name}/version",
            before=now.state,
            after={"version": previous, "weights": {}},
            steps=(forward,),
            inverse=(_update(now.function, now.name, now.version, now.weights),),
            checks=(
                *_as_the_evidence_says(now, previous, choice),
                _served_before(now, previous, history, choice),
                *_checks(scope, now, previous, choice, around),
            ),
            warnings=tuple(_warnings(now, previous, around)),
            settles_within=60,
            resources=(now.arn, now.arn.removesuffix(f":{now.name}")),
            others=(*around.other_aliases, *_sources(now, around), around.at_once),
            choice=choice,
        )


@dataclass(frozen=True, slots=True)
class _Around:
    """What there is besides the alias itself. What could not be read is the failure.

    `settings`: GetFunctionConfiguration by version. `provisioned`: the alias's provisioned
    concurrency, if any. `sources`: queues, streams and tables that call the alias.
    """

    settings: Mapping[str, dict[str, Any] | ReadFailed]
    provisioned: dict[str, Any] | ReadFailed | None
    sources: list[str] | ReadFailed
    other_aliases: tuple[str, ...]
    at_once: str
    called: Check
    at_rest: tuple[Check, ...]


def _read_around(aws: Aws, scope: Scope, now: Alias, previous: str) -> _Around:
    """All of it at the same time: none of these reads waits for another."""
    versions = dict.fromkeys((now.version, *now.weights, previous))
    where = {"FunctionName": now.function, "Qualifier": now.name}
    configuration = partial(aws.read, "lambda", "get_provisioned_concurrency_config", **where)
    with ThreadPoolExecutor(_READS, thread_name_prefix="alias") as reads:
        settings = {
            each: reads.submit(tried, partial(_version, aws, now.function, each))
            for each in versions
        }
        provisioned = reads.submit(tried, partial(if_any, configuration))
        sources = reads.submit(tried, partial(_event_sources, aws, now))
        others = reads.submit(lambda: tuple(other_aliases(aws, now.function, now.name)))
        at_once = reads.submit(_at_once, aws, scope, now.function, previous)
        called = reads.submit(alias_is_called, aws, scope, now.function, now.name)
        at_rest = [
            reads.submit(
                check,
                f"CodeDeploy {owner.application}/{owner.group} has no deployment under way",
                partial(_at_rest, aws, owner),
            )
            for owner in scope.service.resources.codedeploy
        ]
    return _Around(
        settings={version: each.result() for version, each in settings.items()},
        provisioned=provisioned.result(),
        sources=sources.result(),
        other_aliases=others.result(),
        at_once=at_once.result(),
        called=called.result(),
        at_rest=tuple(each.result() for each in at_rest),
    )


def _alias_and_history(aws: Aws, name: str, alias: str) -> tuple[Alias, AliasHistory]:
    """Both at the same time: CloudTrail is slow to answer. Raises ReadFailed."""
    with ThreadPoolExecutor(1, thread_name_prefix="alias") as other:
        history = other.submit(read_history, aws, name, alias)
        now = read_alias(aws, name, alias)
    return now, history.result()


def _changed_last(aws: Aws, scope: Scope) -> tuple[str, str, AliasHistory]:
    """The service's function and alias that were changed last. Raises ReadFailed."""
    served = [(each.name, each.alias) for each in scope.service.resources.functions if each.alias]
    if not served:
        raise ReadFailed(
            GapReason.NOT_CONFIGURED, f"the catalogue names no Lambda alias of {scope.service.name}"
        )
    known = [(name, alias, read_history(aws, name, alias)) for name, alias in served]
    return max(known, key=lambda each: each[2].changed_at)


def _previous(aws: Aws, now: Alias, history: AliasHistory, choice: Choice) -> str:
    """The version served before the suspect, else before the one that is served now.

    Of a suspect that gets a part of the traffic: the version that gets the rest. Without a suspect
    never a later version: to go forward again is to undo a rollback. CloudTrail says it, else the
    evidence (the log streams); where neither does, the version published before is a guess, and
    the plan's check says so.
    """
    suspect = choice.suspect
    if suspect is not None:
        if suspect in now.weights and suspect != now.version:
            return now.version
        known = history.before(suspect) or choice.previous
        return known or published_before(aws, now.function, suspect)
    earlier = (version for _, version in history.served if older(version, now.version))
    return next(earlier, None) or published_before(aws, now.function, now.version)


def _served_before(
    now: Alias, previous: str, history: AliasHistory, choice: Choice | None
) -> Check:
    """Whether the alias served the version before; one that serves most of the traffic does."""
    name = f"{now.function}:{now.name}"
    if previous == now.version:
        return Check(text=f"{name} serves version {previous} already, to a part", holds=True)
    proof = history.proof(name, previous)
    if proof.holds or choice is None or choice.previous != previous:
        return proof
    until = f", until {choice.since:%H:%M} UTC" if choice.since else ""
    text = f"version {previous} of {now.function} served before, by its log streams{until}"
    return Check(text=text, holds=True)


def _as_the_evidence_says(now: Alias, previous: str, choice: Choice | None) -> Iterator[Check]:
    """Whether the alias still serves what the evidence names, and goes back from it."""
    suspect = choice.suspect if choice else None
    if suspect is None:
        return
    yield Check(
        text=f"{now.function}:{now.name} serves version {suspect}, which the evidence names "
        f"(it serves {now.shown()})",
        holds=now.serves(suspect),
    )
    yield Check(
        text=f"version {previous} is older than {suspect}: going forward undoes a rollback",
        holds=older(previous, suspect),
    )


def _checks(
    scope: Scope, now: Alias, previous: str, choice: Choice | None, around: _Around
) -> Iterator[Check]:
    settings = around.settings[previous]
    state = None if isinstance(settings, ReadFailed) else settings.get("State", "Active")
    yield Check(
        text=f"version {previous} exists and is Active (it is {state or 'not known'})",
        holds=None if state is None else state == "Active",
    )
    yield around.called
    yield from around.at_rest
    owners = scope.service.resources.codedeploy
    named = choice.suspect if choice else None
    if now.weights and not owners and named not in now.weights:
        shown = ", ".join(f"{share:.0%} to {each}" for each, share in now.weights.items())
        yield Check(text=f"nobody is shifting the alias's traffic ({shown})", holds=None)


def _warnings(now: Alias, previous: str, around: _Around) -> Iterator[str]:
    for version, settings in around.settings.items():
        if not isinstance(settings, ReadFailed) and settings.get("Description"):
            yield f"Version {version}: {settings['Description']}"
    left = " and ".join(each for each in (now.version, *now.weights) if each != previous)
    yield (
        f"If {left} migrated data or closed a security hole, {previous} has to cope with "
        "that data and opens the hole again."
    )
    config = around.provisioned
    if config and not isinstance(config, ReadFailed):
        executions = config.get("RequestedProvisionedConcurrentExecutions", "?")
        yield (
            f"{executions} provisioned executions are allocated anew for version {previous}: "
            "expect cold starts for some minutes."
        )


def _at_once(aws: Aws, scope: Scope, function: str, previous: str) -> str:
    """How many executions the change moves: environments of a version serve no other."""
    use = tried(lambda: read_use(aws, scope, function))
    if isinstance(use, ReadFailed):
        return f"how many executions of {function} run at once could not be read [{use}]"
    most = use.own.between(scope.window.began, scope.window.end).peak()
    if most is None:
        return f"how many executions of {function} run at once is not known"
    return f"{most:.0f} executions of {function} at once since the alarm: {previous} starts cold"


def _sources(now: Alias, around: _Around) -> Iterator[str]:
    """Event sources that call the alias too."""
    if isinstance(around.sources, ReadFailed):
        yield f"whether queues or streams call {now.name} too could not be read"
    elif around.sources:
        named = ", ".join(around.sources[:6])
        yield f"{named} call {now.name} too, and get the other version as well"


def _event_sources(aws: Aws, now: Alias) -> list[str]:
    """Names of queues, streams and tables that call the alias. Raises ReadFailed."""
    answer = aws.read(
        "lambda", "list_event_source_mappings", FunctionName=f"{now.function}:{now.name}"
    )
    return [
        str(each.get("EventSourceArn", "an event source")).rsplit(":", 1)[-1]
        for each in answer.get("EventSourceMappings", [])
    ]


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
