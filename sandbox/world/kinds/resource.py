"""What the rest of the sandbox may ask of any resource, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sandbox.world.api import LeverValue
from sandbox.world.changes import BaseChange
from sandbox.world.conditions import Condition
from sandbox.world.effects import BaseEffect
from sandbox.world.inventory import Inventory
from sandbox.world.levers import Levers
from sandbox.world.logs import Log, Stamp
from sandbox.world.metrics import Dimensions, Published
from sandbox.world.minute import MinuteRecords
from sandbox.world.parts import Loc, Part, Problem


@dataclass(frozen=True, slots=True)
class Seed:
    """An AWS call that creates a resource: boto3's service, operation and parameters."""

    service: str
    operation: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NamedBy:
    """How the parameters of a service's calls name a resource.

    service: boto3's name of it, which is also the service in the ARN.
    type: the CloudFormation type.
    tail: what the ARN has before the name, such as "table/".
    keys: the parameters that hold a name or an ARN, or a list of them.
    """

    service: str
    type: str
    tail: str
    keys: tuple[str, ...]


class Resource(Part):
    """A resource in a scenario file. A kind is a subclass; it overrides what it has.

    effects: the kinds of effects only such a resource can have.
    changes: the kinds of changes only such a resource can have.
    named_by: how API calls name it: what AccessDenied and CloudTrail say a call is about.
    """

    effects: ClassVar[tuple[type[BaseEffect], ...]] = ()
    changes: ClassVar[tuple[type[BaseChange], ...]] = ()
    named_by: ClassVar[tuple[NamedBy, ...]] = ()

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Names in it that lead nowhere, and claims AWS would refuse. `loc` is its place."""
        yield from ()

    @classmethod
    def condition_problems(
        cls, condition: Condition, inventory: Inventory, loc: Loc
    ) -> Iterator[Problem]:
        """What is wrong with the form of a condition that is about this kind."""
        yield from ()

    def levers(self) -> Mapping[str, LeverValue]:
        """Its levers and their values at the start."""
        return {}

    def steps(self) -> Iterator[tuple[str, float, LeverValue]]:
        """Levers that change by themselves: (key, seconds relative to the alarm, value)."""
        yield from ()

    def holds(
        self, condition: Condition, inventory: Inventory, levers: Levers, at: float
    ) -> float | None:
        """To what part a condition about this resource holds, 0 to 1; None: it is about another."""
        return None

    def metrics(self, minute: MinuteRecords) -> Iterator[Published]:
        """The CloudWatch metrics it publishes for a minute."""
        yield from ()

    def alarm_dimensions(self, namespace: str) -> Dimensions | None:
        """The dimensions of an alarm that names none; None: the namespace is not its own."""
        return None

    def group_dimensions(self, target_group: str) -> Dimensions | None:
        """The dimensions of an alarm on a target group; None: it has no such target group."""
        return None

    def logs(self, inventory: Inventory, stamp: Stamp) -> Iterable[Log]:
        """Its log groups."""
        return ()

    def catalogue(self) -> Iterable[tuple[str, object]]:
        """Its entries in the bot's catalogue: (list they belong to, entry)."""
        return ()

    def tagged(self, inventory: Inventory) -> Iterable[tuple[str, Mapping[str, str]]]:
        """What the tagging API knows of it: (ARN, tags)."""
        return ()

    def seeds(self) -> Iterable[Seed]:
        """The calls that create it in moto, where no handler of the endpoint answers for it."""
        return ()
