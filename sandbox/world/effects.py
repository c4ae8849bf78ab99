"""What goes wrong in a scenario, by mechanism: the `effects` section.

An effect says what happens *inside* the service; the simulation derives what AWS would show. All
times are relative to the alarm. A `while` condition ties an effect to a lever, so that undoing what
caused it ends it. Effects of one kind of resource are in its file in `kinds`; those that any
backend can have are here. A new effect is a class that overrides what it changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from pydantic import Field, model_validator

from sandbox.world import routes
from sandbox.world.conditions import Condition
from sandbox.world.inventory import Inventory
from sandbox.world.names import Target
from sandbox.world.parts import Loc, Part, Problem, Seconds, Share
from sandbox.world.records import Caller, Request
from sandbox.world.routes import Arrival, Front

_CALM = 0.7  # share of its capacity up to which an overloaded backend keeps up

Sickness = tuple[str, bool]
"""Why a target fails its health checks (a reason code), and whether it is deregistered."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the backend has to bear at a time."""

    rpm: float  # requests a minute
    push: float = 1.0  # how much more of it provisioned concurrency lets in at once


@dataclass(frozen=True, slots=True)
class CodeResult:
    """What happens to a request in the code that serves it."""

    status: int | None = 200  # None: an unhandled exception
    exception: tuple[str, str] | None = None
    takes: float | None = None  # seconds; None: as long as a request normally takes
    hangs: bool = False


class BaseEffect(Part):
    """Keys every effect has. It is active in [from, until) while all `while` conditions hold."""

    start: Seconds = Field(default=float("-inf"), alias="from")
    until: Seconds = float("inf")
    conditions: tuple[Condition, ...] = Field(default=(), alias="while")

    @model_validator(mode="after")
    def _ordered(self) -> BaseEffect:
        if self.until <= self.start:
            raise ValueError("`until` must be later than `from`")
        return self

    def problems(self, inventory: Inventory, loc: Loc) -> Iterator[Problem]:
        """Names in it that lead nowhere, and resources it needs that are not there."""
        yield from ()

    def duration_factor(self, held: float, load: Load) -> float:
        """What warm durations multiply by; `held` is the part to which the conditions hold."""
        return 1.0

    def sick(self, group: str, targets: Sequence[Target]) -> Iterator[tuple[str, Sickness]]:
        """The ids of the targets of a target group that fail their health checks, and why."""
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


class Overload(BaseEffect):
    """The backend does not keep up: warm durations multiply with the request rate.

    At or below 70 % of `capacity` (requests a minute) nothing happens; at twice the capacity
    durations are `slowdown` times as long; linear between and beyond. Provisioned concurrency does
    not help: it lets more requests in at once and counts as up to 30 % more load.
    """

    kind: Literal["overload"]
    capacity: float = Field(gt=0)
    slowdown: float = Field(default=8.0, gt=1)
    database: str | None = None  # whose CPU, connections and latency follow the load

    def pressure(self, load: Load) -> float:
        """How far the overload goes: 0 keeps up, 1 at twice the capacity."""
        return max(0.0, (load.rpm / self.capacity * load.push - _CALM) / (2.0 - _CALM))

    def duration_factor(self, held: float, load: Load) -> float:
        """Grows with the load."""
        return 1.0 + (self.slowdown - 1.0) * self.pressure(load)


class Errors(FilteredEffect):
    """Code fails. `status` null: an unhandled exception; a number: the code answers it itself."""

    kind: Literal["errors"]
    exception: str = "RuntimeError"
    message: str = "unexpected error"
    status: int | None = Field(default=None, ge=400, le=599)
    takes: Seconds = Field(default=0.02, gt=0)

    def in_code(self) -> CodeResult:
        """The exception."""
        return CodeResult(self.status, (self.exception, self.message), self.takes)


class Hang(FilteredEffect):
    """A dependency never answers: the request runs into the function's or target's timeout."""

    kind: Literal["hang"]
    dependency: str = "dependency"

    def in_code(self) -> CodeResult:
        """The request waits for the dependency."""
        why = ("TimeoutError", f"no answer from {self.dependency}")
        return CodeResult(504, why, hangs=True)


class StatusShare(FilteredEffect):
    """A share of requests is answered with a status, by the gateway itself or by the backend."""

    kind: Literal["status_share"]
    status: int = Field(ge=400, le=599)
    by: Literal["gateway", "backend"] = "backend"
    response_type: str | None = None  # gateway: ACCESS_DENIED, THROTTLED…

    def in_code(self) -> CodeResult | None:
        """The backend's status."""
        return None if self.stops_outside else CodeResult(self.status, None, takes=0.02)

    @property
    def stops_outside(self) -> bool:
        """The gateway's own answers."""
        return self.by == "gateway"

    def outside(self, rng: Random, request: Arrival, front: Front) -> Request | None:
        """The gateway's answer, without an integration."""
        return routes.refused(request, self.status, self.response_type)


EFFECTS: tuple[type[BaseEffect], ...] = (Overload, Errors, Hang, StatusShare)
"""The effects that belong to no kind of resource."""
