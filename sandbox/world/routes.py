"""How AWS turns what happened behind it into a status: the rules, without any randomness.

Sources. REST API: an integration that outlives its timeout is 504 INTEGRATION_TIMEOUT; a function
that fails or runs into its own shorter timeout is 502; a throttled function is 500 (re:Post
"malformed 502", "api-gateway-504", "API Gateway proxy integration does not forward Lambda
throttling"). HTTP API: a timeout or a throttle is 503, a failed function 500. Application Load
Balancer (user guide, "Troubleshoot"): a Lambda target that fails, times out or is throttled is 502;
a refused connection 502; a connection not open after 10 s or a target silent for the idle timeout
504; no target in service 503.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sandbox.world.names import Target
from sandbox.world.records import Call, Caller, Hop, Request

CONNECT_TIMEOUT = 10.0  # seconds the balancer waits for a connection
IDLE_TIMEOUT = 60.0  # seconds it waits for a silent target (idle_timeout.timeout_seconds)
_REFUSED = 2.0  # ms until a refused connection is known
_HANDSHAKE = 9.0  # ms until a TLS handshake has failed
_INVOKE = 6.0  # ms API Gateway or the balancer needs to invoke a function
_DOOR = 3.0  # ms of API Gateway's own
_THROTTLED = 28.0  # ms until an invocation is refused

Arrival = tuple[str, float, int, Caller]
"""A request that has no answer yet: its key, time, weight and caller."""


class Gateway(Protocol):
    """What the rules need to know of an API."""

    @property
    def kind(self) -> str:
        """rest or http."""
        ...

    @property
    def integration_timeout(self) -> float:
        """Seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Front:
    """What stands before the code: an API, the targets of a load balancer, or both."""

    api: Gateway | None
    targets: Sequence[Target]
    group: str | None = None  # the target group the request goes to


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back from behind the front door. `status` None: no usable answer."""

    status: int | None
    elapsed: float  # ms
    call: Call | None = None
    hop: Hop | None = None
    exception: tuple[str, str] | None = None


def invoked(call: Call, status: int) -> Outcome:
    """A function invocation; `status` is what its code answers if it gets to answer."""
    if call.throttled:
        return Outcome(None, _THROTTLED, call)
    elapsed = _INVOKE + (call.init or 0.0) + call.duration
    return Outcome(None if call.failed else status, elapsed, call)


def balanced(inner: Outcome, zone: str) -> Outcome:
    """A Lambda target behind a load balancer."""
    if inner.status is None:
        failed = inner.call is not None and inner.call.failed
        hop = Hop(zone, elb_status=502, lambda_error=failed)
        return Outcome(502, inner.elapsed, inner.call, hop)
    if inner.elapsed > IDLE_TIMEOUT * 1000.0:
        hop = Hop(zone, elb_status=504)
        return Outcome(504, IDLE_TIMEOUT * 1000.0, inner.call, hop)
    hop = Hop(zone, target_status=inner.status, response=inner.elapsed)
    return Outcome(inner.status, inner.elapsed, inner.call, hop)


def answered(
    zone: str,
    target: Target,
    status: int,
    milliseconds: float,
    exception: tuple[str, str] | None = None,
) -> Outcome:
    """A target that took the connection; one that is silent too long is 504."""
    if milliseconds > IDLE_TIMEOUT * 1000.0:
        hop = Hop(zone, target, elb_status=504)
        return Outcome(504, IDLE_TIMEOUT * 1000.0, hop=hop, exception=exception)
    hop = Hop(zone, target, target_status=status, response=milliseconds)
    return Outcome(status, milliseconds, hop=hop, exception=exception)


def unconnected(zone: str, target: Target | None, refused: bool) -> Outcome:
    """The balancer could not open a connection to the target."""
    hop = Hop(zone, target, elb_status=502 if refused else 504, connect_error=True)
    return Outcome(hop.elb_status, _REFUSED if refused else CONNECT_TIMEOUT * 1000.0, hop=hop)


def unencrypted(zone: str, target: Target | None) -> Outcome:
    """The balancer has a connection to the target, and they agree on no encryption."""
    hop = Hop(zone, target, elb_status=502, tls_error=True)
    return Outcome(502, _HANDSHAKE, hop=hop)


def closed(zone: str, target: Target | None) -> Outcome:
    """The target closed the connection before it answered: as it stops, or an idle one in the
    moment the balancer used it again."""
    return Outcome(502, _REFUSED, hop=Hop(zone, target, elb_status=502))


def no_target(zone: str) -> Outcome:
    """The balancer has no target in service."""
    return Outcome(503, 1.0, hop=Hop(zone, elb_status=503))


def through(api: Gateway | None, outcome: Outcome, request: Arrival) -> Request:
    """The request as the front door saw it; without an API that is the balancer itself."""
    key, time, weight, caller = request
    if api is None:
        status = outcome.status if outcome.status is not None else 502
        made = Request(key, time, weight, caller, status, outcome.elapsed)
    else:
        made = _gateway(api, outcome, key, time, weight, caller)
    made.call, made.hop, made.exception = outcome.call, outcome.hop, outcome.exception
    return made


def refused(
    api: Gateway | None, request: Arrival, status: int, response_type: str | None
) -> Request:
    """A request the gateway answered itself, without calling the integration; without an API the
    load balancer, without choosing a target."""
    key, time, weight, caller = request
    made = Request(
        key, time, weight, caller, status, _DOOR, response_type=response_type, message=_text(status)
    )
    if api is None:
        made.hop = Hop(caller.zone or "a", elb_status=status)
    return made


def unauthorized(request: Arrival, call: Call) -> Request:
    """A request whose Lambda authorizer failed, ran into its timeout or was throttled: 500, and
    no integration is called. (API Gateway developer guide: AUTHORIZER_CONFIGURATION_ERROR, 500.)
    """
    key, time, weight, caller = request
    latency = _DOOR + (_THROTTLED if call.throttled else _INVOKE + call.duration)
    made = Request(key, time, weight, caller, 500, latency)
    made.response_type, made.message = "AUTHORIZER_CONFIGURATION_ERROR", _text(500)
    call.start = time + 0.002
    made.authorization, made.authorizer_error = call, "Internal server error"
    return made


def unlinked(api: Gateway, request: Arrival, refused: bool) -> Request:
    """A request that does not get through the VPC link: it has no hop at the load balancer.

    REST: 500 INTEGRATION_FAILURE, or 504 at the timeout; HTTP: 503 both times.
    """
    key, time, weight, caller = request
    rest, limit = api.kind == "rest", api.integration_timeout * 1000.0
    status = (500 if refused else 504) if rest else 503
    spent = _HANDSHAKE if refused else limit
    made = Request(key, time, weight, caller, status, spent + _DOOR, spent)
    made.response_type = "INTEGRATION_FAILURE" if refused else "INTEGRATION_TIMEOUT"
    made.message = _text(status)
    return made


def _gateway(
    api: Gateway, outcome: Outcome, key: str, time: float, weight: int, caller: Caller
) -> Request:
    rest = api.kind == "rest"
    limit = api.integration_timeout * 1000.0
    if outcome.elapsed > limit:
        status, kind = (504, "INTEGRATION_TIMEOUT") if rest else (503, "INTEGRATION_TIMEOUT")
        made = Request(key, time, weight, caller, status, limit + _DOOR, limit)
        made.response_type, made.message = kind, _text(504 if rest else 503)
        return made
    latency = outcome.elapsed + _DOOR
    if outcome.status is not None:
        made = Request(key, time, weight, caller, outcome.status, latency, outcome.elapsed)
        made.integration_status = outcome.status
        return made
    throttled = outcome.call is not None and outcome.call.throttled
    status = (500 if rest else 503) if throttled else (502 if rest else 500)
    made = Request(key, time, weight, caller, status, latency, outcome.elapsed)
    made.response_type = "INTEGRATION_FAILURE" if throttled else "DEFAULT_5XX"
    made.message = _text(status)
    return made


def _text(status: int) -> str:
    return {
        401: "Unauthorized",
        403: "Forbidden",
        429: "Too Many Requests",
        503: "Service Unavailable",
        504: "Endpoint request timed out",
    }.get(status, "Internal server error")
