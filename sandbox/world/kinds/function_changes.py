"""What goes wrong with a Lambda function as such, and who changes what of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange, EventFacts
from sandbox.world.effects import BaseEffect, FilteredEffect
from sandbox.world.inventory import Inventory
from sandbox.world.kinds.function_base import (
    function_arn,
    known_function,
    known_qualifier,
    known_version,
    needs_function,
)
from sandbox.world.parts import Loc, Problem, Seconds, Share


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
        yield from needs_function(self.kind, inventory, loc)


class Throttle(FilteredEffect):
    """Lambda refuses invocations. Needed only to force it: limits throttle by themselves."""

    kind: Literal["throttle"]

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """There must be a function."""
        yield from needs_function(self.kind, inventory, loc)


class AliasMove(BaseChange):
    """lambda:UpdateAlias to another version, or with `weight` only so much of its traffic."""

    kind: Literal["alias"]
    function: str
    alias: str
    version: str
    weight: Share | None = None
    description: str = ""

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Function, alias and version must exist."""
        yield from known_function(inventory, (*loc, "function"), self.function)
        yield from known_version(inventory, loc, self.function, self.alias, self.version)

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The alias, or its weights."""
        weights = f"lambda/{self.function}/weights/{self.alias}"
        if self.weight is not None:
            return {weights: (0.0, f"{self.version}:{self.weight:g}")}
        return {
            f"lambda/{self.function}/alias/{self.alias}": (0.0, self.version),
            weights: (0.0, None),
        }

    def event(self, inventory: Inventory) -> EventFacts:
        """UpdateAlias."""
        request: dict[str, object] = {
            "functionName": self.function,
            "name": self.alias,
            "description": self.description,
        }
        if self.weight is None:
            request["functionVersion"] = self.version
        else:
            weights = {self.version: self.weight}
            request["routingConfig"] = {"additionalVersionWeights": weights}
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


class FunctionCode(BaseChange):
    """lambda:UpdateFunctionCode: $LATEST has other code. It serves where nothing names a version;
    `code` is the value of the lever `lambda/{function}/code` for conditions."""

    kind: Literal["function_code"]
    function: str
    code: str

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """The function must exist."""
        yield from known_function(inventory, (*loc, "function"), self.function)

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The code of $LATEST."""
        return {f"lambda/{self.function}/code": (0.0, self.code)}

    def event(self, inventory: Inventory) -> EventFacts:
        """UpdateFunctionCode."""
        touched = (("AWS::Lambda::Function", self.function),)
        # CloudTrail leaves ZipFile out; what came from S3 it names.
        request = {"functionName": self.function, "s3Key": f"{self.function}/{self.code}.zip"}
        name = "UpdateFunctionCode20150331v2"
        return EventFacts("lambda.amazonaws.com", name, touched, request)


class ProvisionedChange(BaseChange):
    """lambda:PutProvisionedConcurrencyConfig, or with 0 executions its deletion."""

    kind: Literal["provisioned_concurrency"]
    function: str
    alias: str
    executions: int = Field(ge=0)
    takes: Seconds = Field(default=90.0, ge=0)  # until they are READY; a deletion is at once

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Function and alias must exist."""
        yield from known_function(inventory, (*loc, "function"), self.function)
        yield from known_qualifier(inventory, (*loc, "alias"), self.function, self.alias)

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The executions that are READY."""
        delay = self.takes if self.executions else 0.0
        return {f"lambda/{self.function}/provisioned/{self.alias}": (delay, self.executions)}

    def event(self, inventory: Inventory) -> EventFacts:
        """PutProvisionedConcurrencyConfig or DeleteProvisionedConcurrencyConfig."""
        touched = (("AWS::Lambda::Function", self.function),)
        request: dict[str, object] = {"functionName": self.function, "qualifier": self.alias}
        name = "DeleteProvisionedConcurrencyConfig"
        if self.executions:
            request["provisionedConcurrentExecutions"] = self.executions
            name = "PutProvisionedConcurrencyConfig"
        return EventFacts("lambda.amazonaws.com", name, touched, request)
