"""What Lambda and the code of a function write to its log group.

Formats: Lambda's text format (INIT_START, START, END, REPORT) or its JSON format (platform.start,
platform.report).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from sandbox.insights import Row
from sandbox.world.logs import Stamp, identifier, iso, second, stream_id
from sandbox.world.records import Call, Request

_MEGABYTE = 1_000_000.0


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
    def system_log_level(self) -> str:
        """DEBUG, INFO or WARN; JSON only."""
        ...

    @property
    def log_group(self) -> str: ...


class FunctionLog:
    """The log of a function, in the format it is configured to."""

    def __init__(self, account: str, function: LoggedFunction, stamp: Stamp) -> None:
        self.group = function.log_group
        self.function = function
        self._log = f"{account}:{self.group}"
        # in a log group of another name, log streams have the function's name (Lambda developer
        # guide, "Configuring CloudWatch log groups")
        own = self.group == f"/aws/lambda/{function.name}"
        self._named = "" if own else function.name
        self._stamp = stamp
        self._write = self._json if function.log_format == "json" else self._text

    def rows(self, requests: Sequence[Request]) -> Iterator[Row]:
        """The rows of every invocation; a throttled one never ran and wrote nothing."""
        for call in (call for request in requests for call in request.calls):
            if not call.throttled and call.function == self.function.name:
                day = second(self._stamp(call.start) // 1000)[:10].replace("-", "/")
                tail = stream_id(call.key.rpartition("/")[2], call.version)
                stream = f"{day}/{self._named}[{call.version}]{tail}"
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
        if call.crash == "init" and call.exception:
            yield started, self._trace(call), {}
            yield started, _init_report(call), {"@type": "INIT_REPORT"}
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
        when = iso(self._stamp(ended))
        if call.timeout is not None:
            yield ended, f"{when} {request} Task timed out after {call.timeout:.2f} seconds\n", True
        elif call.exception and call.handled:
            name, message = call.exception
            yield ended - 0.001, f"[ERROR]\t{when}\t{request}\t{name}: {message}\n", True
        elif call.crash == "memory" and call.exception:
            name, message = call.exception
            yield ended - 0.001, f"RequestId: {request} Error: {message}\n{name}\n", True
        elif call.exception:
            yield ended - 0.001, self._trace(call), False

    def _trace(self, call: Call) -> str:
        assert call.exception is not None
        name, message = call.exception
        place = "" if call.crash else '  File "/var/task/app.py", line 48, in handler\n'
        code = "" if call.crash else "    return respond(event)\n"
        return f"[ERROR] {name}: {message}\nTraceback (most recent call last):\n{place}{code}"

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
        if call.init is not None and call.crash != "init":
            fields["@initDuration"] = round(call.init, 2)
            message += f"Init Duration: {call.init:.2f} ms\t"
        if call.timeout is not None:
            message += "Status: timeout"
        elif call.crash and call.exception:
            message += f"Status: error\tError Type: {call.exception[0]}"
        return message + "\n", fields

    def _json(self, call: Call) -> Iterator[tuple[float, str, None]]:
        request = identifier(call.key)
        started = call.start + (call.init or 0.0) / 1000.0
        ended = started + call.duration / 1000.0
        begin = {"requestId": request, "version": call.version}
        said = self.function.system_log_level
        if said != "WARN":
            yield started, self._platform(started, "platform.start", begin), None
        status = "timeout" if call.timeout else "error" if call.failed else "success"
        if call.exception and call.crash != "memory":
            name, message = call.exception
            line = {
                "timestamp": iso(self._stamp(ended)),
                "level": "ERROR",
                "message": message,
                "errorType": name,
                "requestId": request,
            }
            yield ended - 0.001, json.dumps(line), None
        if said == "WARN" and status == "success":
            return
        metrics: dict[str, float] = {
            "durationMs": round(call.duration, 3),
            "billedDurationMs": _billed(call),
            "memorySizeMB": self.function.memory_mb,
            "maxMemoryUsedMB": self._used(call),
        }
        if call.init is not None and call.crash != "init":
            metrics["initDurationMs"] = round(call.init, 3)
        record: dict[str, object] = {"requestId": request, "status": status, "metrics": metrics}
        if call.crash and call.exception:
            record["errorType"] = call.exception[0]
        yield ended, self._platform(ended, "platform.report", record), None

    def _platform(self, at: float, kind: str, record: Mapping[str, object]) -> str:
        return json.dumps({"time": iso(self._stamp(at)), "type": kind, "record": record})

    def _used(self, call: Call) -> int:
        if call.crash == "memory":
            return self.function.memory_mb
        return round(self.function.memory_mb * (0.31 + 0.002 * (len(call.key) % 9)))


def _billed(call: Call) -> int:
    return int(call.duration + (call.init or 0.0)) + 1


def _init_report(call: Call) -> str:
    """Source: Lambda developer guide, "Lambda execution environment lifecycle"."""
    assert call.exception is not None
    return (
        f"INIT_REPORT Init Duration: {call.init or 0.0:.2f} ms\tPhase: init\tStatus: error\t"
        f"Error Type: {call.exception[0]}\n"
    )
