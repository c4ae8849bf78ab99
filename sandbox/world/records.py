"""What the simulation writes down: requests, and what they met behind the front door.

A record stands for `weight` requests alike. Metrics, logs and alarms are all views of these, which
is why they agree. Times are seconds relative to the scenario's zero; durations are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.world.names import Target


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for what, and in which zone the balancer's node sits that hears it."""

    agent: str
    method: str
    path: str
    zone: str | None  # suffix; None when there is no load balancer


@dataclass(slots=True)
class Call:
    """One Lambda invocation. `duration` has no init time in it, as in AWS."""

    function: str
    qualifier: str | None
    version: str
    key: str  # identity; the request id is derived from it
    weight: int
    start: float = 0.0
    duration: float = 0.0
    init: float | None = None  # a cold start's init phase
    throttled: bool = False
    provisioned: bool = False
    timeout: float | None = None  # the limit it ran into, seconds
    exception: tuple[str, str] | None = None
    handled: bool = False  # the code answered the error itself
    crash: str | None = None  # the process ended: "memory", or "init" before it could serve

    @property
    def failed(self) -> bool:
        """Counted in the Errors metric: not handled by the code."""
        return self.timeout is not None or (self.exception is not None and not self.handled)


@dataclass(slots=True)
class Hop:
    """One request at the load balancer."""

    zone: str
    target: Target | None = None
    group: str | None = None  # its target group; None: answered before one was chosen
    fail_open: bool = False  # the target was unhealthy, as all were
    elb_status: int | None = None  # an error the balancer made itself
    target_status: int | None = None
    response: float | None = None  # ms the target took
    connect_error: bool = False
    tls_error: bool = False
    lambda_error: bool = False  # the function behind the target group failed


@dataclass(slots=True)
class Request:
    """One request at the front door."""

    key: str
    time: float
    weight: int
    caller: Caller
    status: int
    latency: float
    integration: float | None = None
    integration_status: int | None = None
    response_type: str | None = None
    message: str | None = None
    call: Call | None = None
    hop: Hop | None = None
    exception: tuple[str, str] | None = None  # an application error on a target
    authorization: Call | None = None  # of the Lambda authorizer, where it was not cached
    authorizer_error: str | None = None

    @property
    def calls(self) -> Iterator[Call]:
        """The invocations it made: of the authorizer and of the integration."""
        if self.authorization is not None:
            yield self.authorization
        if self.call is not None:
            yield self.call

    @property
    def end(self) -> float:
        return self.time + self.latency / 1000.0
