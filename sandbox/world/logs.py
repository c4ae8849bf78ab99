"""Log events: what API Gateway, Lambda and the containers wrote about the same requests.

Formats: API Gateway access logs as the stage's format names them; Lambda's text format (START,
END, REPORT) or its JSON format (platform.start, platform.report). A record of weight n is one row
of weight n.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from sandbox.insights import Row
from sandbox.world import names
from sandbox.world.records import Call, Request

_MEGABYTE = 1_000_000.0
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
            stream = _stream(self.group, request.key[-1])
            yield Row(at, json.dumps(fields), stream, self._log, request.weight, fields)


class LoggedFunction(Protocol):
    """What a function's log says of the function."""

    @property
    def name(self) -> str: ...

    @property
    def memory_mb(self) -> int: ...

    @property
    def runtime(self) -> str: ...

    @property
    def log_format(self) -> str:
        """text or json."""
        ...

    @property
    def log_group(self) -> str: ...


class FunctionLog:
    """The log of a function, in the format it is configured to."""

    def __init__(self, account: str, function: LoggedFunction, stamp: Stamp) -> None:
        self.group = function.log_group
        self.function = function
        self._log = f"{account}:{self.group}"
        self._stamp = stamp
        self._write = self._json if function.log_format == "json" else self._text

    def rows(self, requests: Sequence[Request]) -> Iterator[Row]:
        """The rows of every invocation; a throttled one never ran and wrote nothing."""
        for request in requests:
            call = request.call
            if call and not call.throttled and call.function == self.function.name:
                day = _second(self._stamp(call.start) // 1000)[:10].replace("-", "/")
                tail = _stream(call.key.rpartition("/")[2], call.version)
                stream = f"{day}/[{call.version}]{tail}"
                for at, message, fields in self._write(call):
                    yield Row(self._stamp(at), message, stream, self._log, call.weight, fields)

    def _text(self, call: Call) -> Iterator[tuple[float, str, Mapping[str, str | float]]]:
        request = identifier(call.key)
        started = call.start + (call.init or 0.0) / 1000.0
        ended = started + call.duration / 1000.0
        own: dict[str, str | float] = {"@requestId": request}
        if call.init is not None:
            runtime = self.function.runtime.replace("python", "python:")
            yield call.start, f"INIT_START Runtime Version: {runtime}.v24\t", {}
        start = f"START RequestId: {request} Version: {call.version}\n"
        yield started, start, {**own, "@type": "START"}
        for at, line, named in self._lines(call, request, ended):
            yield at, line, own if named else {}
        yield ended, f"END RequestId: {request}\n", {**own, "@type": "END"}
        yield ended, *self._report(call, request)

    def _lines(self, call: Call, request: str, ended: float) -> Iterator[tuple[float, str, bool]]:
        """What the code or the runtime wrote, and whether it has the request id in it."""
        if call.timeout is None and call.exception is None:
            return
        when = _iso(self._stamp(ended))
        if call.timeout is not None:
            yield ended, f"{when} {request} Task timed out after {call.timeout:.2f} seconds\n", True
        elif call.exception and call.handled:
            name, message = call.exception
            yield ended - 0.001, f"[ERROR]\t{when}\t{request}\t{name}: {message}\n", True
        elif call.exception:
            name, message = call.exception
            trace = (
                "Traceback (most recent call last):\n"
                '  File "/var/task/app.py", line 48, in handler\n'
                "    return respond(event)\n"
            )
            yield ended - 0.001, f"[ERROR] {name}: {message}\n{trace}", False

    def _report(self, call: Call, request: str) -> tuple[str, Mapping[str, str | float]]:
        used = self._used(call)
        fields: dict[str, str | float] = {
            "@requestId": request,
            "@type": "REPORT",
            "@duration": round(call.duration, 2),
            "@billedDuration": _billed(call),
            "@memorySize": self.function.memory_mb * _MEGABYTE,
            "@maxMemoryUsed": used * _MEGABYTE,
        }
        message = (
            f"REPORT RequestId: {request}\tDuration: {call.duration:.2f} ms\t"
            f"Billed Duration: {_billed(call)} ms\tMemory Size: {self.function.memory_mb} MB\t"
            f"Max Memory Used: {used} MB\t"
        )
        if call.init is not None:
            fields["@initDuration"] = round(call.init, 2)
            message += f"Init Duration: {call.init:.2f} ms\t"
        if call.timeout is not None:
            message += "Status: timeout"
        return message + "\n", fields

    def _json(self, call: Call) -> Iterator[tuple[float, str, None]]:
        request = identifier(call.key)
        started = call.start + (call.init or 0.0) / 1000.0
        ended = started + call.duration / 1000.0
        begin = {"requestId": request, "version": call.version}
        yield started, self._platform(started, "platform.start", begin), None
        status = "timeout" if call.timeout else "error" if call.failed else "success"
        if call.exception:
            name, message = call.exception
            line = {
                "timestamp": _iso(self._stamp(ended)),
                "level": "ERROR",
                "message": message,
                "errorType": name,
                "requestId": request,
            }
            yield ended - 0.001, json.dumps(line), None
        metrics: dict[str, float] = {
            "durationMs": round(call.duration, 3),
            "billedDurationMs": _billed(call),
            "memorySizeMB": self.function.memory_mb,
            "maxMemoryUsedMB": self._used(call),
        }
        if call.init is not None:
            metrics["initDurationMs"] = round(call.init, 3)
        record = {"requestId": request, "status": status, "metrics": metrics}
        yield ended, self._platform(ended, "platform.report", record), None

    def _platform(self, at: float, kind: str, record: Mapping[str, object]) -> str:
        return json.dumps({"time": _iso(self._stamp(at)), "type": kind, "record": record})

    def _used(self, call: Call) -> int:
        return round(self.function.memory_mb * (0.31 + 0.002 * (len(call.key) % 9)))


class TaskLog:
    """The application log of an ECS service: only what went wrong is written."""

    def __init__(self, account: str, group: str, service: str, stamp: Stamp) -> None:
        self.group = group
        self._log = f"{account}:{group}"
        self._service = service
        self._stamp = stamp

    def rows(self, requests: Sequence[Request]) -> Iterator[Row]:
        """One row for every request whose code met an error."""
        for request in requests:
            if request.exception and request.hop and request.hop.target:
                at = self._stamp(request.end)
                name, message = request.exception
                line = f"{_iso(at)} ERROR {request.caller.path} {name}: {message}"
                task = _stream("task", request.hop.target.target_id)
                stream = f"{self._service}/app/{task}"
                yield Row(at, line, stream, self._log, request.weight)


def _billed(call: Call) -> int:
    return int(call.duration + (call.init or 0.0)) + 1


@lru_cache(maxsize=4096)
def _stream(*parts: str) -> str:
    """What tells a log stream from others. There are few of them, and each has many rows."""
    return names.digest(*parts, length=32)


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def _iso(milliseconds: int) -> str:
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


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
    "$context.integration.error": _integration_error,
    "$context.integrationErrorMessage": _integration_error,
}
