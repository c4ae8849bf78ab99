"""Log events: what API Gateway, Lambda and the containers wrote about the same requests.

Formats: API Gateway access logs as the stage's format names them. (Functions: `function_log`.) A
record of weight n is one row of weight n.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from sandbox.insights import Row
from sandbox.world import names
from sandbox.world.records import Request

Stamp = Callable[[float], int]
"""Scenario seconds to epoch milliseconds."""


class Log(Protocol):
    """One log group."""

    @property
    def group(self) -> str:
        """Its name."""
        ...

    def rows(self, requests: Sequence[Request]) -> Iterator[Row]:
        """What was written about these requests."""
        ...


def identifier(*parts: object) -> str:
    """A UUID that stands for `parts`, the same in every run."""
    text = names.digest(*parts, length=32)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


class AccessLog:
    """The access log of an API's stage."""

    def __init__(
        self, account: str, group: str, log_format: Mapping[str, str], stamp: Stamp
    ) -> None:
        self.group = group
        self._log = f"{account}:{group}"
        self._format = log_format
        self._stamp = stamp

    def rows(self, requests: Sequence[Request]) -> Iterator[Row]:
        """One row a request, written when it ends."""
        for request in requests:
            at = self._stamp(request.end)
            fields = {
                key: str(_CONTEXT.get(variable, _nothing)(request, at))
                for key, variable in self._format.items()
            }
            stream = stream_id(self.group, request.key[-1])
            yield Row(at, json.dumps(fields), stream, self._log, request.weight, fields)


class TaskLog:
    """The application log of an ECS service: only what went wrong is written."""

    def __init__(
        self, account: str, group: str, service: str, target_group: str, stamp: Stamp
    ) -> None:
        self.group = group
        self._target_group = target_group
        self._log = f"{account}:{group}"
        self._service = service
        self._stamp = stamp

    def rows(self, requests: Sequence[Request]) -> Iterator[Row]:
        """One row for every request whose code met an error."""
        for request in requests:
            hop = request.hop
            if request.exception and hop and hop.target and hop.group == self._target_group:
                at = self._stamp(request.end)
                name, message = request.exception
                line = f"{iso(at)} ERROR {request.caller.path} {name}: {message}"
                task = stream_id("task", hop.target.target_id)
                stream = f"{self._service}/app/{task}"
                yield Row(at, line, stream, self._log, request.weight)


@lru_cache(maxsize=4096)
def stream_id(*parts: str) -> str:
    """What tells a log stream from others. There are few of them, and each has many rows."""
    return names.digest(*parts, length=32)


@lru_cache(maxsize=4096)
def second(seconds: int) -> str:
    """Epoch seconds as ISO 8601, without a zone."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def iso(milliseconds: int) -> str:
    """Epoch milliseconds as ISO 8601 in UTC."""
    return f"{second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


def _nothing(_request: Request, _at: int) -> str:
    return "-"


@lru_cache(maxsize=4096)
def _clf(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d/%b/%Y:%H:%M:%S} +0000"


@lru_cache(maxsize=4096)
def _source_ip(agent: str, tail: str) -> str:
    number = int(names.digest(agent, tail, length=6), 16)
    return f"203.0.{number % 113}.{number // 113 % 250 + 1}"


def _integration_error(request: Request, _at: int) -> str:
    """What API Gateway says of the integration; for a throttled function, Lambda's own words."""
    if request.authorization and request.call is None:
        return "-"
    if request.call and request.call.throttled:
        return "Rate Exceeded."
    if request.response_type == "INTEGRATION_TIMEOUT":
        return "Execution failed due to a timeout error"
    if request.call and request.call.failed:
        return "Lambda execution failed with status 200 due to customer function error"
    return "-"


def _integration_request_id(request: Request, _at: int) -> str:
    """Unknown to API Gateway when no answer came."""
    if request.call is None or request.response_type == "INTEGRATION_TIMEOUT":
        return "-"
    return identifier(request.call.key)


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


def _lambda_status(request: Request, _at: int) -> str:
    """What the Lambda service (not the code) answered."""
    if request.call is None or request.response_type == "INTEGRATION_TIMEOUT":
        return "-"
    return "429" if request.call.throttled else "200"


_CONTEXT: dict[str, Callable[[Request, int], object]] = {
    "$context.requestId": lambda r, _: identifier("request", r.key),
    "$context.extendedRequestId": lambda r, _: names.digest("extended", r.key),
    "$context.requestTime": lambda _, at: _clf(at // 1000),
    "$context.requestTimeEpoch": lambda _, at: at,
    "$context.httpMethod": lambda r, _: r.caller.method,
    "$context.path": lambda r, _: r.caller.path,
    "$context.resourcePath": lambda r, _: r.caller.path,
    "$context.routeKey": lambda r, _: f"{r.caller.method} {r.caller.path}",
    "$context.status": lambda r, _: r.status,
    "$context.protocol": lambda _r, _a: "HTTP/1.1",
    "$context.responseLength": lambda r, _: 512 if r.status < 400 else 36,
    "$context.responseLatency": lambda r, _: round(r.latency),
    "$context.identity.userAgent": lambda r, _: r.caller.agent,
    "$context.identity.sourceIp": lambda r, _: _source_ip(r.caller.agent, r.key[-2:]),
    "$context.error.message": lambda r, _: _or_dash(r.message),
    "$context.error.responseType": lambda r, _: _or_dash(r.response_type),
    "$context.integration.status": lambda r, _: _or_dash(r.integration_status),
    "$context.integration.integrationStatus": _lambda_status,
    "$context.integrationStatus": _lambda_status,
    "$context.integration.latency": lambda r, _: (
        "-" if r.integration is None else round(r.integration)
    ),
    "$context.integrationLatency": lambda r, _: (
        "-" if r.integration is None else round(r.integration)
    ),
    "$context.integration.requestId": _integration_request_id,
    "$context.awsEndpointRequestId": _integration_request_id,
    "$context.authorizer.error": lambda r, _: _or_dash(r.authorizer_error),
    "$context.authorizer.latency": lambda r, _: (
        "-" if r.authorization is None else round(r.authorization.duration)
    ),
    "$context.authorizer.status": lambda r, _: (
        "-" if r.authorization is None else "500" if r.authorizer_error else "200"
    ),
    "$context.authorizer.requestId": lambda r, _: (
        "-" if r.authorization is None else identifier(r.authorization.key)
    ),
    "$context.integration.error": _integration_error,
    "$context.integrationErrorMessage": _integration_error,
}
