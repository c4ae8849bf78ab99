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


class BaseChange(Part):
    """Keys every change has: its start relative to the alarm, and the user or role session."""

    at: Seconds
    by: str

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Names in it that lead nowhere, and resources it needs that are not there."""
        yield from ()

    def levers(self, inventory: Inventory) -> Mapping[str, tuple[float, LeverValue]]:
        """The levers it pulls: key to (delay in seconds after its start, value)."""
        return {}

    def before(self) -> LeverValue:
        """The value its levers had before, where the resources do not say it."""
        return None

    @abstractmethod
    def event(self, inventory: Inventory) -> EventFacts:
        """Its CloudTrail event."""


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
