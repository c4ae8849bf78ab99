"""`stats`: records -> one record for each group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from .aggregates import AGGREGATIONS, Aggregate, Maker, maker
from .events import Group, Record
from .expressions import compiled
from .syntax import (
    Binary,
    Call,
    Expression,
    Field,
    In,
    Junction,
    Like,
    Stats,
    Unary,
)
from .values import Timestamp, Value, text


def grouping(stats: Stats) -> Callable[[Iterable[Record]], Iterator[Record]]:
    """Groups come in the order of their first record; no records, no groups."""
    names = [column.name for column in stats.by]
    keys = [compiled(column.expression) for column in stats.by]
    makers: list[Maker] = []
    columns = [
        (column.name, compiled(_with_slots(column.expression, makers))) for column in stats.columns
    ]

    def group(records: Iterable[Record]) -> Iterator[Record]:
        groups: dict[tuple[Value, ...], tuple[list[Value], list[Aggregate]]] = {}
        for record in records:
            values = [key(record) for key in keys]
            identity = tuple(map(_identity, values))
            found = groups.get(identity)
            if found is None:
                found = groups[identity] = (values, [make() for make in makers])
            for aggregate in found[1]:
                aggregate.add(record)
        for values, aggregates in groups.values():
            results = Group({_slot(i): one.result() for i, one in enumerate(aggregates)})
            row = Group(dict(zip(names, values, strict=True)))
            row.update((name, evaluate(results)) for name, evaluate in columns)
            yield row

    return group


def _identity(value: Value) -> Value:
    """What tells groups apart. Logs are text, so 403 and "403" are one group."""
    if value is None or isinstance(value, str | Timestamp):
        return value
    return text(value)


def _slot(index: int) -> str:
    """The field that holds the result of an aggregation; no query can write this name."""
    return f"`{index}`"


def _with_slots(node: Expression, makers: list[Maker]) -> Expression:
    """The expression with each aggregation replaced by its slot; the aggregations go to makers.

    So `sum(x) / count(*)` becomes the division of two fields.
    """
    match node:
        case Call(name=name, start=start, end=end) if name in AGGREGATIONS:
            makers.append(maker(node))
            return Field(_slot(len(makers) - 1), start, end)
        case Call(arguments=arguments):
            return replace(node, arguments=tuple(_with_slots(one, makers) for one in arguments))
        case Junction(operands=operands):
            return replace(node, operands=tuple(_with_slots(one, makers) for one in operands))
        case Binary(left=left, right=right):
            return replace(node, left=_with_slots(left, makers), right=_with_slots(right, makers))
        case Unary(operand=operand) | Like(operand=operand) | In(operand=operand):
            return replace(node, operand=_with_slots(operand, makers))
        case _:
            return node
