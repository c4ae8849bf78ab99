"""Lambda's functions: versions, aliases and concurrency.

What an alias serves and what is reserved are levers of the world, changed by the scenario and by
callers alike. Past publications and alias moves are read from the trail.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sandbox.aws.account import Account, Store
from sandbox.aws.errors import AwsError
from sandbox.aws.history import scenario_changes
from sandbox.aws.names import unique
from sandbox.aws.provisioning import Provisioned
from sandbox.world.api import LeverValue, TrailEvent
from sandbox.world.kinds import Function

LATEST = "$LATEST"
_UNRESERVED_MINIMUM = 100  # Lambda keeps this many executions for functions without a reservation
_AGE = timedelta(days=30)
_PUBLISHED_BEFORE = timedelta(minutes=3)
_ROLLED_OUT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a function, or $LATEST."""

    name: str
    description: str
    memory_mb: int
    timeout: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Reference:
    """The function that FunctionName names, and the qualifier."""

    function: Function
    qualifier: str | None


class Functions(Store):
    """The account's functions."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._changes: dict[str, int] = {}
        self._descriptions: dict[tuple[str, str], str] = {}
        self._versions: dict[str, dict[str, Version]] = {}
        self._provisioned: dict[tuple[str, str], Provisioned] = {}
        for function in account.resources.functions:
            self._versions[function.name] = dict(self._initial_versions(function))
            for qualifier, wanted in function.provisioned.items():
                ready = self.lever(function.name, "provisioned", qualifier)
                count = ready if isinstance(ready, int) else wanted
                if not count:
                    continue  # the scenario took it away
                self._provisioned[function.name, qualifier] = Provisioned.ready(
                    count, account.opened - _AGE, self.target(function.name, qualifier)
                )

    # -- what there is

    def find(self, name: str, qualifier: str | None = None) -> Reference:
        """The function that a name, partial ARN or ARN names. Raises AwsError."""
        text = name.partition(":function:")[2] if ":function:" in name else name
        text, _, inner = text.partition(":")
        for function in self.account.resources.functions:
            if function.name == text:
                return Reference(function, qualifier or inner or None)
        raise AwsError("ResourceNotFoundException", f"Function not found: {self.arn(text)}")

    def arn(self, function: str, qualifier: str | None = None) -> str:
        """A function's ARN."""
        tail = f":{qualifier}" if qualifier else ""
        return self.account.arn("lambda", f"function:{function}{tail}")

    def versions(self, function: str) -> dict[str, Version]:
        """$LATEST and the published versions, oldest first."""
        return self._versions[function]

    def version(self, function: str, qualifier: str | None) -> Version:
        """The version a qualifier (alias, version or None) stands for. Raises AwsError."""
        name = qualifier or LATEST
        if name in self.aliases(function):
            name = self.target(function, name)
        if name not in self._versions[function]:
            arn = self.arn(function, qualifier)
            raise AwsError("ResourceNotFoundException", f"Function not found: {arn}")
        return self._versions[function][name]

    def code(self, function: str, version: str) -> str:
        """What the code of a version is: of $LATEST, what was last uploaded."""
        uploaded = self.lever(function, "code") if version == LATEST else None
        return version if uploaded is None else str(uploaded)

    def aliases(self, function: str) -> list[str]:
        """The aliases of a function."""
        found = next(f for f in self.account.resources.functions if f.name == function)
        return sorted(found.aliases)

    def target(self, function: str, alias: str) -> str:
        """The version an alias serves; a version serves itself."""
        value = self.lever(function, "alias", alias)
        return alias if value is None else str(value)

    def weights(self, function: str, alias: str) -> dict[str, float]:
        """The additional versions of an alias and their share of its traffic."""
        version, _, weight = str(self.lever(function, "weights", alias) or "").partition(":")
        return {version: float(weight)} if weight else {}

    def description(self, function: str, alias: str) -> str:
        """An alias's description."""
        return self._descriptions.get((function, alias), "")

    def revision(self, function: str, qualifier: str | None = None) -> str:
        """The RevisionId of a function or alias: another one after each change."""
        parts: list[object] = [function, qualifier, self._changes.get(f"{function}:{qualifier}", 0)]
        if qualifier in self.aliases(function):
            parts += [self.target(function, str(qualifier))]
            parts += [sorted(self.weights(function, str(qualifier)).items())]
            parts += [sum(1 for _ in self._moves(function, str(qualifier)))]
        return unique("revision", *parts)

    def check_revision(self, given: str | None, function: str, alias: str) -> None:
        """Raises AwsError when a caller's RevisionId is not the latest."""
        if given is not None and given != self.revision(function, alias):
            raise AwsError(
                "PreconditionFailedException",
                "The Revision Id provided does not match the latest Revision Id. Call the "
                "GetAlias API to retrieve the latest Revision Id",
            )

    # -- concurrency

    def reserved(self, function: str) -> int | None:
        """Reserved concurrency; None when the function uses the account's pool."""
        value = self.lever(function, "reserved")
        return None if value is None else int(value)

    def unreserved(self, without: str | None = None) -> int:
        """Concurrency left for functions without a reservation; `without` leaves one out."""
        names = [function.name for function in self.account.resources.functions]
        taken = sum(self.reserved(name) or 0 for name in names if name != without)
        return self.account.resources.account_concurrency - taken

    def check_unreserved(self, function: str, wanted: int, free: int) -> None:
        """Raises AwsError when taking `wanted` of `free` leaves less than the minimum."""
        del function
        if free - wanted < _UNRESERVED_MINIMUM:
            raise AwsError(
                "InvalidParameterValueException",
                "Specified ConcurrentExecutions for function decreases account's "
                "UnreservedConcurrentExecution below its minimum value of "
                f"[{_UNRESERVED_MINIMUM}].",
            )

    def provisioned(self, function: str) -> dict[str, Provisioned]:
        """Provisioned concurrency by qualifier."""
        return {
            qualifier: config
            for (name, qualifier), config in self._provisioned.items()
            if name == function
        }

    def provision(self, function: str, qualifier: str, wanted: int) -> Provisioned:
        """Start to provision concurrency; it becomes READY over time."""
        now = self.account.world.now()
        before = self._provisioned.get((function, qualifier))
        start = before.available(now) if before else 0
        lasts = timedelta(seconds=self.account.options.provisioning_seconds)
        made = Provisioned(
            wanted, min(start, wanted), now, lasts, now, self.target(function, qualifier)
        )
        self._provisioned[function, qualifier] = made
        self._pull_provisioned(function, qualifier, made)
        return made

    def unprovision(self, function: str, qualifier: str) -> None:
        """Remove provisioned concurrency, at once."""
        del self._provisioned[function, qualifier]
        self.pull(function, "provisioned", qualifier, value=None)

    # -- changes

    def move(
        self,
        function: str,
        alias: str,
        version: str | None,
        weights: dict[str, float] | None,
        description: str | None,
    ) -> None:
        """Change an alias, at once; None leaves a part as it is."""
        if description is not None:
            self._descriptions[function, alias] = description
        if weights is not None:
            text = next((f"{name}:{share:g}" for name, share in weights.items() if share), None)
            if text != self.lever(function, "weights", alias):
                self.pull(function, "weights", alias, value=text)
        if version is not None and version != self.target(function, alias):
            self.pull(function, "alias", alias, value=version)
        self.changed(function, alias)
        self._pull_configuration(function)
        self.advance()

    def changed(self, function: str, qualifier: str | None) -> None:
        """Count a change, so that the RevisionId becomes another."""
        key = f"{function}:{qualifier}"
        self._changes[key] = self._changes.get(key, 0) + 1

    def advance(self) -> None:
        """Let provisioned concurrency grow; allocate it anew on an alias that moved."""
        now = self.account.world.now()
        lasts = timedelta(seconds=self.account.options.provisioning_seconds)
        for item in self.account.resources.functions:
            self._adopt_configuration(item.name)
        for (function, qualifier), config in list(self._provisioned.items()):
            version = self.target(function, qualifier)
            if version != config.version:
                config = Provisioned(config.requested, 0, now, lasts, config.modified, version)
                self._provisioned[function, qualifier] = config
            self._pull_provisioned(function, qualifier, config)

    # -- levers

    def lever(self, function: str, *tail: str) -> LeverValue:
        """A lever of a function, now."""
        return self.account.world.lever("/".join(("lambda", function, *tail)))

    def pull(self, function: str, *tail: str, value: LeverValue) -> None:
        """Set a lever of a function."""
        self.account.world.pull("/".join(("lambda", function, *tail)), value)

    def _pull_provisioned(self, function: str, qualifier: str, config: Provisioned) -> None:
        ready = config.available(self.account.world.now())
        if self.lever(function, "provisioned", qualifier) != ready:
            self.pull(function, "provisioned", qualifier, value=ready)

    def _called(self, function: str) -> Version:
        """The version that is called: through the API's qualifier, or through the alias."""
        api = self.account.resources.api
        if api is not None and api.function == function:
            return self.version(function, api.qualifier)
        return self.version(function, next(iter(self.aliases(function)), None))

    def _pull_configuration(self, function: str) -> None:
        """Set the levers memory and timeout to those of the version that is called."""
        version = self._called(function)
        if self.lever(function, "memory") != version.memory_mb:
            self.pull(function, "memory", value=version.memory_mb)
        if self.lever(function, "timeout") != version.timeout:
            self.pull(function, "timeout", value=version.timeout)

    def _adopt_configuration(self, function: str) -> None:
        """Take over memory and timeout that the scenario changed, in $LATEST as well."""
        memory, timeout = self.lever(function, "memory"), self.lever(function, "timeout")
        called = self._called(function)
        if memory in (None, called.memory_mb) and timeout in (None, called.timeout):
            return
        for name in {called.name, LATEST}:
            self._versions[function][name] = replace(
                self._versions[function][name],
                memory_mb=int(memory or called.memory_mb),
                timeout=round(float(timeout or called.timeout)),
                modified=self.account.world.now(),
            )

    # -- the past

    def _moves(self, function: str, alias: str) -> Iterator[TrailEvent]:
        # A caller's own move is counted in `_changes`.
        for event in scenario_changes(self.account.world, "lambda", "UpdateAlias"):
            asked = event.request
            if asked.get("functionName") == function and asked.get("name") == alias:
                yield event

    def _initial_versions(self, function: Function) -> Iterator[tuple[str, Version]]:
        published = _publications(self.account, function)
        latest = Version(
            LATEST, "", function.memory_mb, round(function.timeout), self.account.opened - _AGE
        )
        dates = []
        for index, name in enumerate(function.versions):
            age = _AGE * (len(function.versions) - index) / len(function.versions)
            dates.append(published.get(name, self.account.opened - age))
        yield LATEST, replace(latest, modified=dates[-1] if dates else latest.modified)
        for name, date in zip(function.versions, dates, strict=True):
            described = function.descriptions.get(name, "")
            yield name, replace(latest, name=name, description=described, modified=date)


def _publications(account: Account, function: Function) -> dict[str, datetime]:
    """When versions were published, by version: shortly before they first served.

    A publication the trail shows counts; else what an alias move or a deployment tells.
    """
    found: dict[str, datetime] = {}
    names = {
        f"{group.application}/{group.group}": group.alias
        for group in account.resources.codedeploy
        if group.function == function.name and group.alias
    }
    for event in account.world.trail():
        asked = {**event.request, **(event.response or {})}
        version: object = None
        if event.name.startswith("PublishVersion") and asked.get("functionName") == function.name:
            found[str(asked.get("version"))] = event.time
        elif event.name.startswith("UpdateAlias") and asked.get("functionName") == function.name:
            version = asked.get("functionVersion")
        elif event.name == "CreateDeployment":
            alias = names.get(f"{asked.get('applicationName')}/{asked.get('deploymentGroupName')}")
            if alias:
                key = f"lambda/{function.name}/alias/{alias}"
                version = account.world.lever(key, event.time + _ROLLED_OUT)
                if version == account.world.lever(key, event.time):
                    version = None
        if version is not None and not event.error_code:
            found.setdefault(str(version), event.time - _PUBLISHED_BEFORE)
    return found


def code_hash(function: str, version: str) -> str:
    """The CodeSha256 of a version."""
    return base64.b64encode(hashlib.sha256(f"{function}:{version}".encode()).digest()).decode()
