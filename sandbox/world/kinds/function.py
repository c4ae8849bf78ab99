"""Lambda functions: `resources.functions`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import Field

from sandbox.world.api import LeverValue
from sandbox.world.conditions import Condition
from sandbox.world.function_log import FunctionLog
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.function_base import (
    FunctionBase,
    function_arn,
    known_function,
    known_version,
)
from sandbox.world.kinds.function_changes import (
    AliasMove,
    ColdStarts,
    FunctionCode,
    FunctionConfig,
    ProvisionedChange,
    Throttle,
)
from sandbox.world.kinds.function_metrics import (
    EXECUTIONS,
    NAMESPACE,
    PROVISIONED,
    invocations,
    provisioned,
)
from sandbox.world.levers import Levers
from sandbox.world.logs import Stamp
from sandbox.world.metrics import Dimensions, Published, dimensions, incoming, plain
from sandbox.world.minute import Executions, MinuteRecords
from sandbox.world.parts import Loc, Problem, Seconds, known
from sandbox.world.records import Call

LONGEST_TIMEOUT = 900.0  # s; this and the next: Lambda quotas
KEPT_UNRESERVED = 100
_BYTES = 120  # of an event in its log, on average


class Function(FunctionBase):
    """A Lambda function with its published versions and aliases."""

    effects = (ColdStarts, Throttle)
    changes = (AliasMove, FunctionConfig, FunctionCode, ProvisionedChange)

    memory_mb: int = 1024
    timeout: Seconds = 30
    runtime: str = "python3.13"
    descriptions: dict[str, str] = Field(default_factory=dict)  # by version: commit, author
    reserved_concurrency: int | None = None
    provisioned: dict[str, int] = Field(default_factory=dict)  # alias -> executions at the start
    vpc: bool = False
    log_format: Literal["text", "json"] = "text"
    # with WARN (JSON format only) reports of invocations that went well are not written
    system_log_level: Literal["DEBUG", "INFO", "WARN"] = "INFO"
    logs_to: str | None = None  # another log group than /aws/lambda/NAME
    environment: dict[str, str] = Field(default_factory=dict)  # its variables
    tags: dict[str, str] = Field(default_factory=dict)

    @property
    def log_group(self) -> str:
        """Its log group."""
        return self.logs_to or f"/aws/lambda/{self.name}"

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Lambda's quotas, and versions and aliases that are not there."""
        if self.system_log_level != "INFO" and self.log_format != "json":
            yield (*loc, "system_log_level"), "needs `log_format: json`"
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
        yield from known_version(
            inventory, loc, condition.function, condition.alias, condition.version
        )

    def levers(self) -> Mapping[str, LeverValue]:
        """`lambda/{name}/`: alias/{alias} (the version it serves), provisioned/{qualifier}
        (executions that are READY), reserved (or None for the account's pool), memory (MB),
        timeout (seconds). Not set at the start: weights/{alias}, an additional version and its
        weight, "version:weight"; code, what $LATEST is.
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
        """AWS/Lambda of a function that is called; the first one also says the account's."""
        calls = [call for call in minute.calls if call.function == self.name]
        if calls:
            yield from self._called(calls, minute)
        if self.name == next((f.name for f in minute.inventory.every(Function)), None):
            yield from self._account(minute)
        for alias in self.aliases:
            if (self.name, alias) not in minute.called:
                yield from self._unused(alias, minute)
        ended = sum(c.weight for r in minute.ended for c in r.calls if c.function == self.name)
        yield from incoming(self.log_group, 3 * ended, 3 * ended * _BYTES)

    def _called(self, calls: Sequence[Call], minute: MinuteRecords) -> Iterator[Published]:
        alone = dimensions(FunctionName=self.name)
        yield from invocations([alone], calls)
        for qualifier in {call.qualifier for call in calls}:
            own = [call for call in calls if call.qualifier == qualifier]
            resource = self.name + (f":{qualifier}" if qualifier else "")
            qualified = dimensions(FunctionName=self.name, Resource=resource)
            yield from invocations([qualified], own)
            for version in {call.version for call in own} if qualifier else ():
                dims = dimensions(
                    FunctionName=self.name, Resource=resource, ExecutedVersion=version
                )
                yield from invocations([dims], [c for c in own if c.version == version])
            used = [gauge.functions.get(self.name, Executions()) for gauge in minute.gauges]
            running = plain([value for each in used for value in (each.mean, each.peak)], "Count")
            sets = [alone, qualified]
            yield Published(NAMESPACE, "ConcurrentExecutions", sets, running)
            if any(each.provisioned for each in used):
                yield from provisioned(sets, own, used)

    def _account(self, minute: MinuteRecords) -> Iterator[Published]:
        """Of all functions together. `ClaimedAccountConcurrency` is what meets the limit: what is
        reserved or provisioned counts as a whole, used or not (same page)."""
        yield from invocations([()], minute.calls) if minute.calls else ()
        others = float(minute.inventory.account_concurrency_used)
        running, unreserved, claimed = [], [], []
        for gauge in minute.gauges:
            free = taken = 0.0
            for function in minute.inventory.every(Function):
                used = gauge.functions.get(function.name, Executions())
                reserved = minute.levers.number(f"lambda/{function.name}/reserved", gauge.time)
                free += used.peak if reserved is None else 0.0
                taken += max(used.peak, used.provisioned) if reserved is None else reserved
            running += [
                others + sum(each.mean for each in gauge.functions.values()),
                others + sum(each.peak for each in gauge.functions.values()),
            ]
            unreserved.append(others + free)
            claimed.append(others + taken)
        for name, values in (
            ("ConcurrentExecutions", running),
            ("UnreservedConcurrentExecutions", unreserved),
            ("ClaimedAccountConcurrency", claimed),
        ):
            yield Published(NAMESPACE, name, [()], plain(values, "Count"))

    def _unused(self, alias: str, minute: MinuteRecords) -> Iterator[Published]:
        """Provisioned concurrency on a qualifier nobody calls: paid for and unused."""
        if not minute.levers.number(f"lambda/{self.name}/provisioned/{alias}", minute.start):
            return
        dims = [dimensions(FunctionName=self.name, Resource=f"{self.name}:{alias}")]
        for name in (EXECUTIONS, f"{PROVISIONED}Invocations", f"{PROVISIONED}Utilization"):
            yield Published(NAMESPACE, name, dims, plain([0.0], "Count"))

    def alarm_dimensions(self, namespace: str) -> Dimensions | None:
        """The function's name."""
        return dimensions(FunctionName=self.name) if namespace == NAMESPACE else None

    def logs(self, inventory: Inventory, stamp: Stamp) -> Iterable[FunctionLog]:
        """What the runtime and the code write."""
        return [FunctionLog(inventory.account, self, stamp)]

    def catalogue(self) -> Iterable[tuple[str, object]]:
        """The function with its first alias."""
        return [("functions", {"name": self.name, "alias": next(iter(self.aliases), None)})]

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """The function."""
        return [(function_arn(inventory, self.name), self.tags)]
