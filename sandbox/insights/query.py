"""A compiled query, and running it over rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from . import parser, rules
from .events import Event, Record, Row, pointer
from .functions import NOW
from .stages import Step, limiting, sorting, step
from .syntax import (
    Column,
    Command,
    Dedup,
    Display,
    Field,
    Fields,
    Limit,
    Parse,
    Sort,
    SortBy,
    Stats,
)
from .values import Value, text

LARGEST_LIMIT: Final = parser.LARGEST_LIMIT
_DEFAULT_COLUMNS: Final = ("@timestamp", "@message")
_STATS_DECIMALS: Final = 4  # that the service prints of what stats computed
_NEWEST_FIRST: Final = SortBy(Field("@timestamp", 0, 0), descending=True)


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a result row, as GetQueryResults returns it: the value is always a string."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """The `statistics` of GetQueryResults, by the names of the API."""

    recordsMatched: int
    recordsScanned: int
    bytesScanned: int


@dataclass(frozen=True, slots=True)
class Result:
    """Rows of cells; a field that a row misses has no cell in it."""

    rows: list[list[Cell]]
    statistics: Statistics


@dataclass(slots=True)
class _Tally:
    """Counts what flows past, weighted."""

    records: int = 0
    size: int = 0

    def scanned(self, rows: Iterable[Row], start_ms: int, end_ms: int) -> Iterator[Record]:
        for row in rows:
            if start_ms <= row.timestamp <= end_ms:
                self.records += row.weight
                self.size += row.weight * row.size
                yield Event(row)

    def matched(self, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            self.records += record.weight
            yield record


@dataclass(frozen=True, slots=True)
class Query:
    """A valid query, ready to run any number of times, from any thread."""

    text: str
    _select: Sequence[Step] = field(repr=False)  # up to the first stats, limit or dedup
    _shape: Sequence[Step] = field(repr=False)
    _columns: Sequence[str] = field(repr=False)
    _aggregates: bool = field(repr=False)

    def run(
        self,
        rows: Iterable[Row],
        *,
        start_ms: int,
        end_ms: int,
        now_ms: int,
        limit: int = LARGEST_LIMIT,
    ) -> Result:
        """Evaluate the query over the rows from start to end, both included.

        `limit` is StartQuery's parameter and works like a last `limit` command. Raises
        ValueError for a limit that AWS would refuse.
        """
        if not 1 <= limit <= LARGEST_LIMIT:
            raise ValueError(f"limit must be from 1 to {LARGEST_LIMIT}, not {limit}")
        scanned, matched = _Tally(), _Tally()
        token = NOW.set(now_ms)
        try:
            records: Iterable[Record] = scanned.scanned(rows, start_ms, end_ms)
            for select in self._select:
                records = select(records)
            records = matched.matched(records)
            for shape in (*self._shape, limiting(limit)):
                records = shape(records)
            cells = [row for record in records for row in self._rows(record)]
        finally:
            NOW.reset(token)
        return Result(cells, Statistics(matched.records, scanned.records, scanned.size))

    def _rows(self, record: Record) -> Iterator[list[Cell]]:
        """The rows this record stands for: as many as its weight, each with its own @ptr."""
        cells = [
            Cell(name, self._printed(value))
            for name in self._columns
            if (value := record[name]) is not None
        ]
        for copy in range(record.weight):
            if isinstance(record, Event):
                yield [*cells, Cell("@ptr", pointer(record.row, copy))]
            else:
                yield cells

    def _printed(self, value: Value) -> str:
        if self._aggregates and isinstance(value, float):
            value = round(value, _STATS_DECIMALS)
        return text(value)


def compile(query: str) -> Query:
    """Read a query. Raises MalformedQuery where AWS would (or might) refuse it."""
    stages = parser.parse(query)
    rules.check(query, stages)
    commands = [stage.command for stage in stages]
    shapes = [isinstance(command, Stats | Limit | Dedup) for command in commands]
    cut = shapes.index(True) if True in shapes else len(commands)
    aggregates = any(isinstance(command, Stats) for command in commands)
    select, shape = [step(one) for one in commands[:cut]], [step(one) for one in commands[cut:]]
    if not aggregates and not any(isinstance(command, Sort) for command in commands[:cut]):
        select.append(sorting([_NEWEST_FIRST]))
    return Query(query, select, shape, _columns(commands), aggregates)


def _columns(commands: Sequence[Command]) -> list[str]:
    """The columns of the result, in order: the last `display`, or all that was asked for.

    That is what `fields` lists and `parse` extracts; where `fields` lists nothing, the default
    columns come first. `stats` begins anew, with its groups before its aggregations.
    """
    default: Sequence[str] = _DEFAULT_COLUMNS
    asked: list[str] = []
    displayed: list[str] | None = None
    for command in commands:
        match command:
            case Fields(columns=columns):
                default, asked = (), [*asked, *_names(columns)]
            case Parse(names=names):
                asked = [*asked, *names]
            case Stats(columns=columns, by=by):
                default, asked, displayed = (), [*_names(by), *_names(columns)], None
            case Display(columns=columns):
                displayed = _names(columns)
    shown = [*default, *asked] if displayed is None else displayed
    return [name for name in dict.fromkeys(shown) if name != "@ptr"]


def _names(columns: Sequence[Column]) -> list[str]:
    return [column.name for column in columns]
