"""Commands -> functions from records to records, built once per query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from .events import Record
from .expressions import compiled, condition
from .grouping import grouping
from .syntax import (
    Column,
    Command,
    Dedup,
    Display,
    Fields,
    Filter,
    Limit,
    Parse,
    Sort,
    SortBy,
    Stats,
)
from .values import SortKey, sort_key, text

Step: TypeAlias = Callable[[Iterable[Record]], Iterable[Record]]


def step(command: Command) -> Step:
    """What the command does to the records that reach it. Raises MalformedQuery."""
    match command:
        case Fields(columns=columns) | Display(columns=columns):
            return _computing([column for column in columns if not column.selects])
        case Filter(condition=test):
            keep = condition(test)
            return lambda records: filter(keep, records)
        case Parse():
            return _parsing(command)
        case Stats():
            return grouping(command)
        case Sort(keys=keys):
            return sorting(keys)
        case Limit(count=count):
            return limiting(count)
        case Dedup(fields=fields):
            return _deduplicating([field.name for field in fields])


def _computing(columns: Sequence[Column]) -> Step:
    """Write the value of each expression into the record, under the column's name."""
    evaluators = [(column.name, compiled(column.expression)) for column in columns]

    def compute(records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            for name, evaluate in evaluators:
                record[name] = evaluate(record)
            yield record

    return compute if evaluators else lambda records: records


def _parsing(command: Parse) -> Step:
    read = compiled(command.source)
    search = command.pattern.search
    named = command.pattern.groupindex
    groups = [(name, named.get(name, index)) for index, name in enumerate(command.names, start=1)]

    def parse(records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            value = read(record)
            found = None if value is None else search(text(value))
            for name, group in groups:
                record[name] = found[group] if found else None
            yield record

    return parse


def sorting(keys: Sequence[SortBy]) -> Step:
    """Sort by several keys; records that tie keep their order."""

    def sort(records: Iterable[Record]) -> Iterable[Record]:
        ordered = list(records)
        for key in reversed(keys):
            ordered.sort(key=_by(key.field.name), reverse=key.descending)
        return ordered

    return sort


def _by(name: str) -> Callable[[Record], SortKey]:
    return lambda record: sort_key(record[name])


def limiting(count: int) -> Step:
    """The first `count` rows. A record of weight w is w rows, and may be cut."""

    def limit(records: Iterable[Record]) -> Iterator[Record]:
        left = count
        # To the end even when full, because the stages before this one count what they see.
        for record in records:
            if left > 0:
                record.weight = min(record.weight, left)
                left -= record.weight
                yield record

    return limit


def _deduplicating(names: Sequence[str]) -> Step:
    """The first row for each combination of values; rows that miss one of them all stay."""

    def deduplicate(records: Iterable[Record]) -> Iterator[Record]:
        seen: set[tuple[str, ...]] = set()
        for record in records:
            values = [record[name] for name in names]
            if None not in values:
                key = tuple(map(text, values))
                if key in seen:
                    continue
                seen.add(key)
                record.weight = 1
            yield record

    return deduplicate
