"""Who changed what, and when: the `changes` section.

A change pulls its levers at its time and leaves its CloudTrail event; whether it did any harm is
said by the effects that depend on the lever. A change no effect depends on is harmless. The changes
of one kind of resource are in its file in `kinds`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from sandbox.world.api import LeverValue
from sandbox.world.inventory import Inventory
from sandbox.world.parts import Loc, Part, Problem, Seconds


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What CloudTrail records of a change."""

    source: str  # "lambda.amazonaws.com"
    name: str  # Lambda's carry API dates: "UpdateAlias20150331"
    resources: tuple[tuple[str, str], ...]  # (resource type, resource name)
    request: Mapping[str, object] = field(default_factory=dict)
    error_code: str | None = None
    region: str | None = None  # where CloudTrail has it; None: the region of the account


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """What a service writes of itself: an RDS event, an event of an ECS service, a stopped task."""

    source: str  # "rds", "ecs", "ecs-task"
    subject: str  # the instance's or service's name
    message: str
    details: Mapping[str, str] = field(default_factory=dict)


class BaseChange(Part):
    """Keys every change has: its start relative to the alarm, and the user or role session."""

    at: Seconds
    by: str
    invoked_by: str | None = None  # the AWS service that made the call for `by`, if one did

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Names in it that lead nowhere, and resources it needs that are not there."""
        yield from ()

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The levers it pulls: key to (delay in seconds after its start, value)."""
        return {}

    def steps(self, inventory: Inventory) -> Iterator[tuple[str, float, LeverValue]]:
        """Every pull of a lever: (key, seconds after its start, value). A change that goes in
        several steps overrides this one."""
        for key, (delay, value) in self.levers(inventory).items():
            yield key, delay, value

    def before(self, inventory: Inventory) -> Mapping[str, LeverValue]:
        """The values its levers had before, where the resources do not say it."""
        return {}

    @abstractmethod
    def event(self, inventory: Inventory) -> EventFacts | None:
        """Its CloudTrail event; None when nobody called an API for it."""

    def notices(self, inventory: Inventory) -> Iterator[tuple[float, ServiceEvent]]:
        """What AWS itself writes of it: (seconds after its start, event)."""
        yield from ()


class OtherEvent(BaseChange):
    """Any other CloudTrail event, word for word."""

    kind: Literal["event"]
    source: str  # "iam.amazonaws.com"
    name: str  # "PutRolePolicy"
    resources: dict[str, str] = Field(default_factory=dict)  # type -> name
    request: dict[str, object] = Field(default_factory=dict)
    error_code: str | None = None

    def event(self, inventory: Inventory) -> EventFacts:
        """The event as written."""
        touched = tuple(self.resources.items())
        return EventFacts(self.source, self.name, touched, dict(self.request), self.error_code)


CHANGES: tuple[type[BaseChange], ...] = (OtherEvent,)
"""The changes that belong to no kind of resource."""
