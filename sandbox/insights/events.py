"""Log events: what goes in, and the fields that AWS discovers in them.

Source: Logs user guide, page CWL_AnalyzeLogData-discoverable-fields. Discovery is lazy: a query
that reads only system fields never parses a message.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from .values import Value, timestamp

MOST_FIELDS: Final = 200  # that AWS extracts from one JSON event
_MEGABYTE: Final = 1_000_000  # AWS's samples divide @memorySize by 1000 * 1000 to get MB


@dataclass(frozen=True, slots=True)
class Row:
    """One log event, or `weight` (at least 1) identical ones.

    `timestamp` is in milliseconds since the epoch; `log` is AWS's `account-id:group-name`.
    `fields`, when given, are the discovered fields, and the message is not parsed again.
    """

    timestamp: int
    message: str
    stream: str
    log: str
    weight: int = 1
    fields: Mapping[str, str | float] | None = None

    @property
    def size(self) -> int:
        """Bytes of the message in UTF-8, once."""
        message = self.message
        return len(message) if message.isascii() else len(message.encode("utf-8", "replace"))


class Record(dict[str, Value]):
    """What flows through the stages: fields by name, and how many identical rows this is."""

    __slots__ = ("weight",)

    weight: int


class Event(Record):
    """A log event; a field is looked up the first time it is asked for, and then kept."""

    __slots__ = ("_discovered", "row")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.weight = row.weight
        self._discovered: Mapping[str, Value] | None = row.fields

    def __missing__(self, name: str) -> Value:
        if name in _SYSTEM_FIELDS:
            value = _SYSTEM_FIELDS[name](self.row)
        else:
            if self._discovered is None:
                self._discovered = discover(self.row.message)
            value = self._discovered.get(name)
        self[name] = value
        return value


class Group(Record):
    """A row that `stats` made; what it does not hold is missing."""

    __slots__ = ()

    def __init__(self, fields: Mapping[str, Value]) -> None:
        super().__init__(fields)
        self.weight = 1

    def __missing__(self, name: str) -> Value:
        return None


def pointer(row: Row, copy: int = 0) -> str:
    """The opaque `@ptr` of the event; `copy` tells identical events apart."""
    identity = f"{row.log}\n{row.stream}\n{row.timestamp}\n{copy}\n{row.message}"
    digest = hashlib.sha256(identity.encode("utf-8", "replace")).digest()
    return base64.b64encode(digest).decode()


_SYSTEM_FIELDS: dict[str, Callable[[Row], Value]] = {
    "@timestamp": lambda row: timestamp(row.timestamp),
    "@ingestionTime": lambda row: timestamp(row.timestamp),
    "@message": lambda row: row.message,
    "@logStream": lambda row: row.stream,
    "@log": lambda row: row.log,
    "@ptr": pointer,
}


def discover(message: str) -> dict[str, Value]:
    """The fields AWS finds in a message by itself: JSON, and the lines of Lambda.

    In a Lambda line that is not JSON as a whole, AWS reads the first JSON object inside it.
    """
    if message.lstrip().startswith("{"):
        return _json_fields(message)
    fields = _lambda_fields(message)
    return {**fields, **_json_fields(message)} if fields else fields


_decoder = json.JSONDecoder(parse_constant=lambda _: None)


def _json_fields(message: str) -> dict[str, Value]:
    try:
        document, _ = _decoder.raw_decode(message, message.index("{"))
        leaves = islice(_flattened("", document), MOST_FIELDS)
        return {"@" + name if name.startswith("@") else name: value for name, value in leaves}
    except (ValueError, RecursionError):  # no JSON, or too deep to be a log event
        return {}


def _flattened(prefix: str, node: object) -> Iterator[tuple[str, Value]]:
    """Leaves by dotted path: objects by key, arrays by index, null as a missing field."""
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _flattened(f"{prefix}{key}.", child)
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _flattened(f"{prefix}{index}.", child)
    elif isinstance(node, int) and node.bit_length() > 63:
        yield prefix[:-1], str(node)
    elif isinstance(node, str | int | float):
        yield prefix[:-1], node


_ID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_REQUEST = re.compile(
    rf"RequestId: (?P<named>{_ID})"
    # What the runtimes prefix: `2026-11-23T03:07:00.123Z <id> …`, Python's after `[ERROR]`.
    rf"|^(?:\[\w+\]\s+)?\d{{4}}-\d\d-\d\dT[\d:.]+Z?\s+(?P<prefixed>{_ID})\s"
)
_MEASURE = re.compile(r"([A-Z][A-Za-z ]*): (\d+(?:\.\d+)?) (?:ms|MB)\b")
_MEASURED: Final = {
    "Duration": ("@duration", 1),
    "Billed Duration": ("@billedDuration", 1),
    "Init Duration": ("@initDuration", 1),
    "Memory Size": ("@memorySize", _MEGABYTE),
    "Max Memory Used": ("@maxMemoryUsed", _MEGABYTE),
}
_XRAY = re.compile(r"XRAY TraceId: (\S+)\tSegmentId: (\S+)")


def _lambda_fields(message: str) -> dict[str, Value]:
    request = _REQUEST.search(message)
    if request is None:
        return {}
    fields: dict[str, Value] = {"@requestId": request["named"] or request["prefixed"]}
    kind = message.split(" ", 1)[0]
    if kind in ("START", "END", "REPORT"):
        fields["@type"] = kind
    if kind == "REPORT":
        for label, amount in _MEASURE.findall(message):
            if label in _MEASURED:
                name, scale = _MEASURED[label]
                fields[name] = float(amount) * scale
        if traced := _XRAY.search(message):
            fields["@xrayTraceId"], fields["@xraySegmentId"] = traced.groups()
    return fields
