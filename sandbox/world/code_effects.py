"""Effects that any backend can have: the code fails, waits, is slow, or runs out of something."""

from __future__ import annotations

from random import Random
from typing import Literal

from pydantic import Field

from sandbox.world import routes
from sandbox.world.effects import BaseEffect, CodeResult, FilteredEffect, Load
from sandbox.world.parts import Seconds, Share
from sandbox.world.records import Request
from sandbox.world.routes import Arrival, Front

_CALM = 0.7  # share of its capacity up to which an overloaded backend keeps up
_NOTICEABLE = 1.0  # s: what takes longer fills the places of a backend


class Overload(BaseEffect):
    """The backend does not keep up: warm durations multiply with the request rate.

    At or below 70 % of `capacity` (requests a minute) nothing happens; at twice the capacity
    durations are `slowdown` times as long; linear between and beyond. Provisioned concurrency does
    not help: it lets more requests in at once and counts as up to 30 % more load. With `per_target`
    the capacity is that of one target, so that fewer of them bear less.
    """

    kind: Literal["overload"]
    capacity: float = Field(gt=0)
    slowdown: float = Field(default=8.0, gt=1)
    database: str | None = None  # whose CPU, connections and latency follow the load
    per_target: bool = False

    def pressure(self, load: Load) -> float:
        """How far the overload goes: 0 keeps up, 1 at twice the capacity."""
        capacity = self.capacity * (max(1, load.targets) if self.per_target else 1)
        return max(0.0, (load.rpm / capacity * load.push - _CALM) / (2.0 - _CALM))

    def duration_factor(self, held: float, load: Load) -> float:
        """Grows with the load."""
        return 1.0 + (self.slowdown - 1.0) * self.pressure(load)


class Errors(FilteredEffect):
    """Code fails. `status` null: an unhandled exception; a number: the code answers it itself.

    With `phase: init` a function's module cannot be loaded: every request it strikes finds a new
    environment whose init phase ends in the exception. (Tasks that cannot start are `tasks_stop`.)
    """

    kind: Literal["errors"]
    exception: str = "RuntimeError"
    message: str = "unexpected error"
    status: int | None = Field(default=None, ge=400, le=599)
    takes: Seconds = Field(default=0.02, gt=0)
    phase: Literal["handler", "init"] = "handler"

    def in_code(self) -> CodeResult:
        """The exception."""
        crash: Literal["init"] | None = "init" if self.phase == "init" else None
        status = None if crash else self.status
        return CodeResult(status, (self.exception, self.message), self.takes, crash=crash)

    def occupies(self, limit: float) -> float | None:
        """The time until it fails, where that is long."""
        return min(self.takes, limit) if self.takes > _NOTICEABLE else None


class Hang(FilteredEffect):
    """A dependency never answers: the request runs into the function's or target's timeout.

    With `database` it waits for a lock or an answer of that database: its connections grow with the
    requests that wait, its CPU does not.
    """

    kind: Literal["hang"]
    dependency: str = "dependency"
    database: str | None = None

    def in_code(self) -> CodeResult:
        """The request waits for the dependency."""
        why = ("TimeoutError", f"no answer from {self.dependency}")
        return CodeResult(504, why, hangs=True)

    def occupies(self, limit: float) -> float:
        """Until the timeout."""
        return limit


class Slow(FilteredEffect):
    """Requests take long for a reason that is no load: name resolution, a slow partner, retries.

    They are answered well when the front door has the patience. CPU stays as it was.
    """

    kind: Literal["slow"]
    takes: Seconds = Field(gt=0)

    def in_code(self) -> CodeResult:
        """A good answer, late."""
        return CodeResult(takes=self.takes)

    def occupies(self, limit: float) -> float:
        """As long as it takes."""
        return min(self.takes, limit)


class OutOfMemory(FilteredEffect):
    """A function's environment needs more memory than it has and is killed; the next one is cold.

    `how`: `runtime` is told as Runtime.OutOfMemory, `killed` as "signal: killed". (Tasks that run
    out of memory are `tasks_stop` with that reason.)
    """

    kind: Literal["out_of_memory"]
    how: Literal["runtime", "killed"] = "killed"
    takes: Seconds = Field(default=2.0, gt=0)

    def in_code(self) -> CodeResult:
        """The process ends."""
        said = {
            "runtime": ("Runtime.OutOfMemory", "Runtime exited with error: out of memory"),
            "killed": ("Runtime.ExitError", "Runtime exited with error: signal: killed"),
        }
        return CodeResult(None, said[self.how], self.takes, crash="memory")

    def occupies(self, limit: float) -> float | None:
        """Until it is killed."""
        return min(self.takes, limit)


class StatusShare(FilteredEffect):
    """A share of requests is answered with a status, by the gateway itself or by the backend.

    The gateway is the API; where there is none, the load balancer.
    """

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
        return routes.refused(front.api, request, self.status, self.response_type)


class ConnectionPool(FilteredEffect):
    """The code has `size` connections to a database for all its requests, and some get lost.

    A request needs one as long as it runs; one that finds none free waits `wait` and then fails
    with `exception`. `leaks` is the part of the requests failing *in the code* that never give
    theirs back: they add up until the code is started anew (another version, another task
    definition, a forced deployment). The database's connections are all of the pool, mostly idle.
    """

    kind: Literal["connection_pool"]
    share: Share = 1.0
    database: str | None = None
    size: int = Field(gt=0)
    leaks: Share = 0.0
    wait: Seconds = Field(default=5.0, gt=0)
    exception: str = "TimeoutError"
    message: str = "QueuePool limit of size 20 overflow 0 reached, connection timed out"
    status: int | None = Field(default=500, ge=400, le=599)

    def in_code(self) -> CodeResult:
        """No connection in time."""
        return CodeResult(self.status, (self.exception, self.message), self.wait)


EFFECTS: tuple[type[BaseEffect], ...] = (
    ConnectionPool,
    Errors,
    Hang,
    OutOfMemory,
    Overload,
    Slow,
    StatusShare,
)
"""The effects that belong to no kind of resource."""
