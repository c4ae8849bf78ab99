"""What an effect is: the `effects` section, by mechanism.

An effect says what happens *inside* the service; the simulation derives what AWS would show. All
times are relative to the alarm. A `while` condition ties an effect to a lever, so that undoing what
caused it ends it. Effects of one kind of resource are in its file in `kinds`; those that any
backend can have are in `code_effects`. A new effect is a class that overrides what it changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from pydantic import Field, model_validator

from sandbox.world.conditions import Condition
from sandbox.world.inventory import Inventory
from sandbox.world.names import Target
from sandbox.world.parts import Loc, Part, Problem, Seconds, Share
from sandbox.world.records import Caller, Request
from sandbox.world.routes import Arrival, Front

Sickness = tuple[str, bool]
"""Why a target fails its health checks (a reason code), and whether it is deregistered."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the backend has to bear at a time."""

    rpm: float  # requests a minute
    push: float = 1.0  # how much more of it provisioned concurrency lets in at once
    targets: int = 1  # targets in service; 1 for a function


@dataclass(frozen=True, slots=True)
class CodeResult:
    """What happens to a request in the code that serves it."""

    status: int | None = 200  # None: an unhandled exception
    exception: tuple[str, str] | None = None
    takes: float | None = None  # seconds; None: as long as a request normally takes
    hangs: bool = False
    crash: Literal["memory", "init"] | None = (
        None  # the process ends: out of memory, or in its init
    )


class BaseEffect(Part):
    """Keys every effect has. It is active in [from, until) while all `while` conditions hold."""

    start: Seconds = Field(default=float("-inf"), alias="from")
    until: Seconds = float("inf")
    conditions: tuple[Condition, ...] = Field(default=(), alias="while")
    backends: tuple[str, ...] = ()  # functions and target groups it is about; none: all

    @model_validator(mode="after")
    def _ordered(self) -> BaseEffect:
        if self.until <= self.start:
            raise ValueError("`until` must be later than `from`")
        return self

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Names in it that lead nowhere, and resources it needs that are not there."""
        yield from ()

    def about(self, names: Collection[str]) -> bool:
        """Whether it is about a backend with these names (its function's and target group's)."""
        return not self.backends or any(name in names for name in self.backends)

    def duration_factor(self, held: float, load: Load) -> float:
        """What warm durations multiply by; `held` is the part to which the conditions hold."""
        return 1.0

    def occupies(self, limit: float) -> float | None:
        """Seconds a request it strikes keeps its place in the code; None: as long as others."""
        return None

    def sick(self, group: str, targets: Sequence[Target]) -> Iterator[tuple[str, Sickness]]:
        """The ids of the targets of a target group that answer nobody, and why."""
        yield from ()

    def failing_checks(
        self, group: str, targets: Sequence[Target], at: float
    ) -> Iterator[tuple[str, Sickness]]:
        """The ids of targets whose health checks fail although they answer requests, and why."""
        yield from ()

    def stopped(self, group: str, targets: Sequence[Target], at: float) -> Iterator[str]:
        """The ids of targets that are gone at a time: their tasks stopped."""
        yield from ()


class SelectiveEffect(BaseEffect):
    """An effect on a share of the requests of some callers."""

    share: Share

    def concerns(self, caller: Caller) -> bool:
        """Whether this caller's requests can meet the effect."""
        return True

    def in_code(self) -> CodeResult | None:
        """What the code does with a request it strikes; None: the effect is not in the code."""
        return None

    @property
    def stops_outside(self) -> bool:
        """Whether the requests it strikes never reach the code."""
        return False

    def outside(self, rng: Random, request: Arrival, front: Front) -> Request | None:
        """The answer to a request that never reaches the code; None where it does reach it."""
        return None


class FilteredEffect(SelectiveEffect):
    """An effect on a share of the requests of some callers: all given filters must match."""

    user_agents: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()  # suffixes; behind a load balancer only

    def concerns(self, caller: Caller) -> bool:
        """An empty filter passes everybody."""
        return (
            (not self.user_agents or caller.agent in self.user_agents)
            and (not self.paths or f"{caller.method} {caller.path}" in self.paths)
            and (not self.zones or caller.zone in self.zones)
        )
