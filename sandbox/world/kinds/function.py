"""Lambda functions: `resources.functions`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import Field

from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.conditions import Condition
from sandbox.world.effects import BaseEffect, FilteredEffect
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.resource import Resource
from sandbox.world.levers import Levers
from sandbox.world.logs import FunctionLog, Stamp
from sandbox.world.metrics import (
    Dimensions,
    Published,
    dimensions,
    flags,
    incoming,
    plain,
    total,
    weighted,
)
from sandbox.world.minute import Gauges, MinuteRecords
from sandbox.world.parts import Loc, Problem, Seconds, Share, known
from sandbox.world.records import Call

LONGEST_TIMEOUT = 900.0  # s; this and the next: Lambda quotas
KEPT_UNRESERVED = 100
_NAMESPACE = "AWS/Lambda"
_PROVISIONED = "ProvisionedConcurrency"
_EXECUTIONS = "ProvisionedConcurrentExecutions"
_BYTES = 120  # of an event in its log, on average


class ColdStarts(BaseEffect):
    """Requests meet no warm execution environment.

    With `share`: this part of the requests that provisioned concurrency does not cover. Without:
    only the mechanism decides (a surge needs more environments than are warm), and `churn` is the
    part of new environments that are gone before they serve a second request, which is what keeps
    a burst cold for minutes instead of seconds.
    """

    kind: Literal["cold_starts"]
    share: Share | None = None
    churn: Share = 0.0

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """There must be a function."""
        yield from _no_function(self.kind, inventory, loc)


class Throttle(FilteredEffect):
    """Lambda refuses invocations. Needed only to force it: limits throttle by themselves."""

    kind: Literal["throttle"]

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """There must be a function."""
        yield from _no_function(self.kind, inventory, loc)


class AliasMove(BaseChange):
    """lambda:UpdateAlias to another version."""

    kind: Literal["alias"]
    function: str
    alias: str
    version: str
    description: str = ""

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Function, alias and version must exist."""
        yield from known_function(inventory, (*loc, "function"), self.function)
        yield from _known_version(inventory, loc, self.function, self.alias, self.version)

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The alias."""
        return {f"lambda/{self.function}/alias/{self.alias}": (0.0, self.version)}

    def event(self, inventory: Inventory) -> EventFacts:
        """UpdateAlias."""
        request = {
            "functionName": self.function,
            "name": self.alias,
            "functionVersion": self.version,
            "description": self.description,
        }
        touched = (
            ("AWS::Lambda::Function", self.function),
            ("AWS::Lambda::Alias", function_arn(inventory, self.function, self.alias)),
        )
        return EventFacts("lambda.amazonaws.com", "UpdateAlias20150331", touched, request)


class FunctionConfig(BaseChange):
    """lambda:UpdateFunctionConfiguration or PutFunctionConcurrency; name what was set."""

    kind: Literal["function_config"]
    function: str
    memory_mb: int | None = None
    timeout: Seconds | None = None
    reserved_concurrency: int | None = None
    environment: tuple[str, ...] = ()  # names of environment variables that changed

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The function must exist."""
        yield from known_function(inventory, (*loc, "function"), self.function)

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """Memory, timeout and reserved concurrency, where they were set."""
        values = {
            "memory": self.memory_mb,
            "timeout": self.timeout,
            "reserved": self.reserved_concurrency,
        }
        return {
            f"lambda/{self.function}/{key}": (0.0, value)
            for key, value in values.items()
            if value is not None
        }

    def event(self, inventory: Inventory) -> EventFacts:
        """PutFunctionConcurrency or UpdateFunctionConfiguration."""
        touched = (("AWS::Lambda::Function", self.function),)
        request: dict[str, object] = {"functionName": self.function}
        name = "UpdateFunctionConfiguration20150331v2"
        if self.reserved_concurrency is not None:
            request["reservedConcurrentExecutions"] = self.reserved_concurrency
            name = "PutFunctionConcurrency20171031"
            return EventFacts("lambda.amazonaws.com", name, touched, request)
        if self.memory_mb is not None:
            request["memorySize"] = self.memory_mb
        if self.timeout is not None:
            request["timeout"] = int(self.timeout)
        if self.environment:
            # CloudTrail leaves the values out; only names are known here as well.
            request["environment"] = {"variables": "HIDDEN_DUE_TO_SECURITY_REASONS"}
            request["environmentVariableNames"] = [*self.environment]
        return EventFacts("lambda.amazonaws.com", name, touched, request)


class Function(Resource):
    """A Lambda function with its published versions and aliases."""

    effects = (ColdStarts, Throttle)
    changes = (AliasMove, FunctionConfig)

    name: str
    memory_mb: int = 1024
    timeout: Seconds = 30
    runtime: str = "python3.13"
    versions: tuple[str, ...] = ("1",)  # published, oldest first; consecutive numbers
    descriptions: dict[str, str] = Field(default_factory=dict)  # by version: commit, author
    aliases: dict[str, str] = Field(default_factory=dict)  # name -> version served at the start
    reserved_concurrency: int | None = None
    provisioned: dict[str, int] = Field(default_factory=dict)  # alias -> executions at the start
    vpc: bool = False
    log_format: Literal["text", "json"] = "text"
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def log_group(self) -> str:
        """Its log group."""
        return f"/aws/lambda/{self.name}"

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Lambda's quotas, and versions and aliases that are not there."""
        if self.timeout > LONGEST_TIMEOUT:
            yield (*loc, "timeout"), "Lambda lets no function run longer than 15m"
        most = inventory.account_concurrency - KEPT_UNRESERVED
        if self.reserved_concurrency is not None and self.reserved_concurrency > most:
            yield (
                (*loc, "reserved_concurrency"),
                f"the account has {inventory.account_concurrency} executions and Lambda keeps "
                f"{KEPT_UNRESERVED} of them unreserved: write at most {most}",
            )
        for alias, version in self.aliases.items():
            place = (*loc, "aliases", alias)
            yield from known(place, "version", version, self.versions, "versions")
        for alias in self.provisioned:
            yield from known((*loc, "provisioned", alias), "alias", alias, self.aliases, "aliases")
        for version in self.descriptions:
            place = (*loc, "descriptions", version)
            yield from known(place, "version", version, self.versions, "versions")

    @classmethod
    def condition_problems(
        cls, condition: Condition, inventory: Inventory, loc: Loc
    ) -> Iterator[Problem]:
        """The form {function, alias, version}."""
        yield from known_function(inventory, (*loc, "function"), condition.function)
        yield from _known_version(
            inventory, loc, condition.function, condition.alias, condition.version
        )

    def levers(self) -> Mapping[str, LeverValue]:
        """`lambda/{name}/`: alias/{alias} (the version it serves), provisioned/{qualifier}
        (executions that are READY), reserved (or None for the account's pool), memory (MB),
        timeout (seconds). Not set at the start: weights/{alias}, an additional version and its
        weight, "version:weight".
        """
        base = f"lambda/{self.name}"
        return {
            **{f"{base}/alias/{name}": version for name, version in self.aliases.items()},
            **{f"{base}/provisioned/{q}": count for q, count in self.provisioned.items()},
            f"{base}/reserved": self.reserved_concurrency,
            f"{base}/memory": self.memory_mb,
            f"{base}/timeout": self.timeout,
        }

    def served(self, levers: Levers, qualifier: str | None, at: float) -> dict[str, float]:
        """Version to the share of the traffic a qualifier sends to it."""
        if qualifier is None:
            return {"$LATEST": 1.0}
        main = levers.get(f"lambda/{self.name}/alias/{qualifier}", at)
        if main is None:
            return {qualifier: 1.0}
        weights = levers.get(f"lambda/{self.name}/weights/{qualifier}", at)
        version, _, weight = str(weights or "").partition(":")
        if not weight:
            return {str(main): 1.0}
        extra = min(1.0, max(0.0, float(weight)))
        return {str(main): 1.0 - extra, version: extra}

    def holds(
        self, condition: Condition, inventory: Inventory, levers: Levers, at: float
    ) -> float | None:
        """The share of the alias' traffic that the version gets."""
        if condition.function != self.name or condition.version is None:
            return None
        return self.served(levers, condition.alias, at).get(condition.version, 0.0)

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        """AWS/Lambda of a function that is called, and of the account it is alone in.

        "The timestamp on a metric reflects when the function was invoked"; `Duration` has no init
        time, and a throttled invocation is no invocation (Lambda developer guide, "Types of
        metrics for Lambda functions").
        """
        calls = [r.call for r in minute.arrived if r.call and r.call.function == self.name]
        if calls:
            yield from self._called(calls, minute.gauges)
        for alias in self.aliases:
            if minute.called != (self.name, alias):
                yield from self._unused(alias, minute)
        events = 3 * sum(r.weight for r in minute.ended if r.call and r.call.function == self.name)
        yield from incoming(self.log_group, events, events * _BYTES)

    def _called(self, calls: Sequence[Call], gauges: Sequence[Gauges]) -> Iterator[Published]:
        qualifier = calls[0].qualifier
        resource = self.name + (f":{qualifier}" if qualifier else "")
        alone = dimensions(FunctionName=self.name)
        qualified = dimensions(FunctionName=self.name, Resource=resource)
        every: list[Dimensions] = [(), alone, qualified]
        yield from _invocations(every, calls)
        if qualifier:
            for version in {call.version for call in calls}:
                dims = dimensions(
                    FunctionName=self.name, Resource=resource, ExecutedVersion=version
                )
                yield from _invocations([dims], [c for c in calls if c.version == version])
        running = plain([value for gauge in gauges for value in gauge.concurrency], "Count")
        yield Published(_NAMESPACE, "ConcurrentExecutions", every, running)
        yield Published(_NAMESPACE, "UnreservedConcurrentExecutions", [()], running)
        yield Published(_NAMESPACE, "ClaimedAccountConcurrency", [()], running)
        if any(gauge.provisioned for gauge in gauges):
            yield from _provisioned([alone, qualified], calls, gauges)

    def _unused(self, alias: str, minute: MinuteRecords) -> Iterator[Published]:
        """Provisioned concurrency on a qualifier nobody calls: paid for and unused."""
        if not minute.levers.number(f"lambda/{self.name}/provisioned/{alias}", minute.start):
            return
        dims = [dimensions(FunctionName=self.name, Resource=f"{self.name}:{alias}")]
        for name in (_EXECUTIONS, f"{_PROVISIONED}Invocations", f"{_PROVISIONED}Utilization"):
            yield Published(_NAMESPACE, name, dims, plain([0.0], "Count"))

    def alarm_dimensions(self, namespace: str) -> Dimensions | None:
        """The function's name."""
        return dimensions(FunctionName=self.name) if namespace == _NAMESPACE else None

    def logs(self, inventory: Inventory, stamp: Stamp) -> Iterable[FunctionLog]:
        """What the runtime and the code write."""
        return [FunctionLog(inventory.account, self, stamp)]

    def catalogue(self) -> Iterable[tuple[str, object]]:
        """The function with its first alias."""
        return [("functions", {"name": self.name, "alias": next(iter(self.aliases), None)})]

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The function."""
        return [(function_arn(inventory, self.name), self.tags)]


def function_arn(inventory: Inventory, function: str, qualifier: str | None = None) -> str:
    """The ARN of a function, or of one of its aliases or versions."""
    return inventory.arn("lambda", f"function:{function}" + (f":{qualifier}" if qualifier else ""))


def known_function(inventory: Inventory, loc: Loc, name: str | None) -> Iterator[Problem]:
    """The problem that there is no function of this name."""
    functions = [function.name for function in inventory.every(Function)]
    yield from known(loc, "function", name, functions, "resources.functions")


def known_qualifier(
    inventory: Inventory, loc: Loc, function: str | None, qualifier: str | None
) -> Iterator[Problem]:
    """The problem that a function has no such alias or version."""
    for found in inventory.every(Function):
        if found.name == function:
            names = [*found.aliases, *found.versions]
            yield from known(loc, "alias or version", qualifier, names, found.name)


def _known_version(
    inventory: Inventory, loc: Loc, function: str | None, alias: str | None, version: str | None
) -> Iterator[Problem]:
    for found in inventory.every(Function):
        if found.name == function:
            yield from known((*loc, "alias"), "alias", alias, found.aliases, "aliases")
            yield from known((*loc, "version"), "version", version, found.versions, "versions")


def _no_function(kind: str, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
    if not inventory.every(Function):
        yield loc, f"{kind} is about Lambda: resources.functions has none"


def _invocations(sets: Sequence[Dimensions], calls: Sequence[Call]) -> Iterator[Published]:
    run = [call for call in calls if not call.throttled]
    count = sum(call.weight for call in run)
    failed = sum(call.weight for call in run if call.failed)
    refused = sum(call.weight for call in calls if call.throttled)
    times = weighted(((call.duration, call.weight) for call in run), "Milliseconds")
    yield Published(_NAMESPACE, "Invocations", sets, total(count))
    yield Published(_NAMESPACE, "Errors", sets, flags(failed, count))
    yield Published(_NAMESPACE, "Throttles", sets, flags(refused, count + refused))
    yield Published(_NAMESPACE, "Duration", sets, times)


def _provisioned(
    sets: Sequence[Dimensions], calls: Sequence[Call], gauges: Sequence[Gauges]
) -> Iterator[Published]:
    served = sum(call.weight for call in calls if call.provisioned)
    spilled = sum(call.weight for call in calls if not (call.provisioned or call.throttled))
    busy = [gauge.provisioned_busy for gauge in gauges]
    used = [g.provisioned_busy / g.provisioned if g.provisioned else 0.0 for g in gauges]
    for name, sample in (
        (_EXECUTIONS, plain(busy, "Count")),
        (f"{_PROVISIONED}Invocations", total(served)),
        (f"{_PROVISIONED}SpilloverInvocations", total(spilled)),
        (f"{_PROVISIONED}Utilization", plain(used, "None")),
    ):
        yield Published(_NAMESPACE, name, sets, sample)
