"""What a query that parses may still not do, as far as it is documented or was seen on AWS.

- At most two `stats`; `sort` and `limit` only after the last (CWL_QuerySyntax-Stats).
- After the first `stats` only its columns exist (same page). `sort` is let off: sorting by a
  field that is gone is accepted, and common in AWS's own dashboards.
- After `dedup` only `limit` (CWL_QuerySyntax-Dedup).
- A name is given once: an alias may not repeat a name in use, and `fields` may not list a name
  that an alias made ("Ephemeral field is already defined", reported by many users).
- Aggregations stand in `stats` and nowhere else, and not within each other; outside of them
  `stats` computes with constants only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from .aggregates import AGGREGATIONS
from .syntax import (
    Call,
    Column,
    Command,
    Dedup,
    Display,
    Expression,
    Field,
    Fields,
    Filter,
    Limit,
    Parse,
    Sort,
    Stage,
    Stats,
    children,
    references,
    walk,
)
from .tokens import Kind, MalformedQuery, Token, unexpected

_MOST_STATS = 2


def check(query: str, stages: Sequence[Stage]) -> None:
    """Raises MalformedQuery where a rule is broken."""
    _check_order(query, stages)
    names = _Names()
    for command in (stage.command for stage in stages):
        if isinstance(command, Stats):
            _check_stats(command)
            names.aggregate(command)
            continue
        for node in _read_by(command):
            _check_free_of_aggregations(node)
            names.read(node)
        if isinstance(command, Fields):
            for column in command.columns:
                names.select(column)
        elif isinstance(command, Parse):
            for name in command.names:
                names.define(name, command.start, command.end)


def _read_by(command: Command) -> Sequence[Expression]:
    """What a command evaluates; `sort` may name anything, and `stats` has rules of its own."""
    match command:
        case Fields(columns=columns) | Display(columns=columns):
            return [column.expression for column in columns]
        case Filter(condition=condition):
            return [condition]
        case Parse(source=source):
            return [source]
        case Dedup(fields=fields):
            return fields
        case _:
            return []


def _check_order(query: str, stages: Sequence[Stage]) -> None:
    stats = [index for index, stage in enumerate(stages) if isinstance(stage.command, Stats)]
    dedups = [index for index, stage in enumerate(stages) if isinstance(stage.command, Dedup)]
    for index, stage in enumerate(stages):
        too_many = index in stats[_MOST_STATS:]
        too_early = isinstance(stage.command, Limit) and index < max(stats, default=0)
        sorts_between = isinstance(stage.command, Sort) and len(stats) > 1 and index < stats[1]
        after_dedup = index > min(dedups, default=index) and not isinstance(stage.command, Limit)
        if too_many or too_early or sorts_between or after_dedup:
            raise unexpected(query, Token(Kind.NAME, stage.keyword, stage.keyword, stage.start))


def _check_stats(stats: Stats) -> None:
    for column in stats.by:
        _check_free_of_aggregations(column.expression)
    for column in stats.columns:
        if not any(map(_is_aggregation, walk(column.expression))):
            raise MalformedQuery(f"stats aggregates: {column.name} does not", column.start)
        _check_aggregated(column.expression)


def _check_aggregated(node: Expression) -> None:
    """Fields inside aggregations only, aggregations not inside aggregations."""
    if isinstance(node, Field):
        raise MalformedQuery(f"stats aggregates: {node.name} does not", node.start, node.end)
    check_child = _check_free_of_aggregations if _is_aggregation(node) else _check_aggregated
    for child in children(node):
        check_child(child)


def _check_free_of_aggregations(node: Expression) -> None:
    for part in walk(node):
        if _is_aggregation(part):
            message = f"the aggregation {part.name} is not allowed here"
            raise MalformedQuery(message, part.start, part.end)


def _is_aggregation(node: Expression) -> TypeGuard[Call]:
    return isinstance(node, Call) and node.name in AGGREGATIONS


class _Names:
    """Which names are in use at a stage, and since `stats` which exist at all."""

    def __init__(self) -> None:
        self._ephemeral: set[str] = set()
        self._selected: set[str] = set()
        self._existing: set[str] | None = None  # None: any field of the log events

    def read(self, node: Expression) -> None:
        for field in references(node):
            if self._existing is not None and field.name not in self._existing:
                raise MalformedQuery(
                    f"the field {field.name} does not exist after stats", field.start, field.end
                )

    def define(self, name: str, start: int, end: int) -> None:
        if name in self._ephemeral or name in self._selected:
            raise MalformedQuery(
                f"Ephemeral field is already defined: {name} ([{start},{end}])", start, end
            )
        self._ephemeral.add(name)
        self._make(name)

    def select(self, column: Column) -> None:
        """A column of `fields`; naming an ephemeral field there defines it again."""
        if column.has_alias or column.name in self._ephemeral:
            self.define(column.name, column.start, column.end)
        elif column.selects:
            self._selected.add(column.name)
        self._make(column.name)

    def _make(self, name: str) -> None:
        if self._existing is not None:
            self._existing.add(name)

    def aggregate(self, stats: Stats) -> None:
        for column in (*stats.by, *stats.columns):
            self.read(column.expression)
        for column in (*stats.by, *stats.columns):
            if column.has_alias:
                self.define(column.name, column.start, column.end)
        self._existing = {column.name for column in (*stats.by, *stats.columns)}
