"""What a query is made of, after parsing: stages that hold expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from .values import Value


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a field."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a string or a boolean written in the query."""

    value: Value


@dataclass(frozen=True, slots=True)
class Period:
    """A time span such as `5m`, in milliseconds; only the date functions take one."""

    milliseconds: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an aggregation. `name` is in lower case; `count(*)` has no arguments."""

    name: str
    arguments: tuple[Expression, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`not x`, `-x`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """A comparison or arithmetic."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Junction:
    """`a and b and c`, or the same with `or`."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """`x like "part"`, `x like /regex/`, `x =~ /regex/`, and their negation."""

    operand: Expression
    pattern: str | re.Pattern[str]
    negated: bool


@dataclass(frozen=True, slots=True)
class In:
    """`x in [1, "a"]` and its negation."""

    operand: Expression
    values: tuple[Value, ...]
    negated: bool


Expression: TypeAlias = "Field | Literal | Period | Call | Unary | Binary | Junction | Like | In"


@dataclass(frozen=True, slots=True)
class Column:
    """An expression and what it is called: its alias, or else its text as written.

    `start` and `end` enclose expression and alias, as in AWS's messages about aliases.
    """

    expression: Expression
    name: str
    has_alias: bool
    start: int
    end: int

    @property
    def selects(self) -> bool:
        """Whether this names a field that exists already, instead of making a new one."""
        return isinstance(self.expression, Field) and not self.has_alias


@dataclass(frozen=True, slots=True)
class Fields:
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Display:
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    condition: Expression


@dataclass(frozen=True, slots=True)
class Parse:
    """Each name gets what its group of the pattern captured, or stays missing."""

    source: Field
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Stats:
    columns: tuple[Column, ...]
    by: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class SortBy:
    field: Field
    descending: bool


@dataclass(frozen=True, slots=True)
class Sort:
    keys: tuple[SortBy, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    count: int


@dataclass(frozen=True, slots=True)
class Dedup:
    fields: tuple[Field, ...]


Command: TypeAlias = "Fields | Display | Filter | Parse | Stats | Sort | Limit | Dedup"


@dataclass(frozen=True, slots=True)
class Stage:
    """One command, with the place of its keyword for messages about the order of commands."""

    command: Command
    keyword: str
    start: int


# Functions that read @timestamp without naming it (Logs user guide, page CWL_QuerySyntax-Stats).
READS_TIMESTAMP = frozenset({"bin", "earliest", "latest"})


def children(node: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside this one."""
    match node:
        case Call(arguments=inner) | Junction(operands=inner):
            return inner
        case Binary(left=left, right=right):
            return (left, right)
        case Unary(operand=operand) | Like(operand=operand) | In(operand=operand):
            return (operand,)
        case _:
            return ()


def walk(node: Expression) -> Iterator[Expression]:
    """The expression and everything inside it, outermost first."""
    yield node
    for child in children(node):
        yield from walk(child)


def references(node: Expression) -> Iterator[Field]:
    """Every field the expression reads, the silent `@timestamp` of `bin` included."""
    for part in walk(node):
        if isinstance(part, Field):
            yield part
        elif isinstance(part, Call) and part.name in READS_TIMESTAMP:
            yield Field("@timestamp", part.start, part.end)
