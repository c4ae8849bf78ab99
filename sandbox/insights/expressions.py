"""Expressions -> closures over a record, built once per query."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import TypeAlias

from .events import Record
from .functions import ARITHMETIC, FUNCTIONS, date_ceil, date_floor
from .syntax import (
    Binary,
    Call,
    Expression,
    Field,
    In,
    Junction,
    Like,
    Literal,
    Period,
    Unary,
)
from .tokens import MalformedQuery
from .values import Value, number, relation, text, truth

Evaluator: TypeAlias = Callable[[Record], Value]
Condition: TypeAlias = Callable[[Record], object]  # true or false in Python's sense


def compiled(node: Expression) -> Evaluator:
    """The closure that evaluates this expression. Raises MalformedQuery.

    Aggregations have no value for one record: `grouping.py` replaces them before it comes here.
    """
    match node:
        case Field(name=name):
            return operator.itemgetter(name)
        case Literal(value=value):
            return lambda _: value
        case Call():
            return _call(node)
        case Unary(operator="not", operand=operand):
            return _not(condition(operand))
        case Unary(operand=operand):
            return _applied(ARITHMETIC["negate"], [compiled(operand)])
        case Junction(operator=word, operands=operands):
            return _junction(word, [condition(operand) for operand in operands])
        case Binary(operator=symbol, left=left, right=right):
            apply = ARITHMETIC.get(symbol) or relation(symbol)
            return _applied(apply, [compiled(left), compiled(right)])
        case Like(operand=operand, pattern=pattern, negated=negated):
            return _like(compiled(operand), pattern, negated)
        case In(operand=operand, values=values, negated=negated):
            return _in(compiled(operand), values, negated)
        case Period(start=start, end=end):
            raise MalformedQuery("a time span belongs into bin, datefloor or dateceil", start, end)


def condition(node: Expression) -> Condition:
    """The closure that says whether a filter keeps a record. Raises MalformedQuery."""
    evaluate = compiled(node)
    match node:
        case Junction() | Like() | In() | Unary(operator="not"):
            return evaluate
        case Binary(operator=symbol) if symbol not in ARITHMETIC:
            return evaluate
        case _:
            return lambda record: truth(evaluate(record))


def _not(operand: Condition) -> Evaluator:
    return lambda record: not operand(record)


def _junction(word: str, operands: list[Condition]) -> Evaluator:
    decisive = word == "or"  # the first operand that is this decides

    def decide(record: Record) -> Value:
        for operand in operands:
            if bool(operand(record)) is decisive:
                return decisive
        return not decisive

    return decide


def _like(operand: Evaluator, pattern: str | re.Pattern[str], negated: bool) -> Evaluator:
    if isinstance(pattern, str):

        def contains(record: Record) -> Value:
            value = operand(record)
            return value is not None and (pattern in text(value)) is not negated

        return contains
    search = pattern.search

    def matches(record: Record) -> Value:
        value = operand(record)
        return value is not None and (search(text(value)) is None) is negated

    return matches


def _in(operand: Evaluator, values: tuple[Value, ...], negated: bool) -> Evaluator:
    words = {text(value) for value in values}
    numbers = {number(value) for value in values} - {None}

    def member(record: Record) -> Value:
        value = operand(record)
        if value is None:
            return False
        return (text(value) in words or number(value) in numbers) is not negated

    return member


def _call(node: Call) -> Evaluator:
    match node.name, node.arguments:
        case "bin", (Period(milliseconds=period),):
            return _rounded(date_floor, operator.itemgetter("@timestamp"), period)
        case "datefloor", (moment, Period(milliseconds=period)):
            return _rounded(date_floor, compiled(moment), period)
        case "dateceil", (moment, Period(milliseconds=period)):
            return _rounded(date_ceil, compiled(moment), period)
        case ("bin" | "datefloor" | "dateceil") as name, _:
            usage = "bin(5m)" if name == "bin" else f"{name}(@timestamp, 5m)"
            raise MalformedQuery(f"{name} is used as in {usage}", node.start, node.end)
        case name, arguments:
            function = FUNCTIONS.get(name)
    if function is None:
        unknown = f"the function {name} is unknown or not supported by this evaluator"
        raise MalformedQuery(unknown, node.start, node.end)
    if not function.fewest <= len(arguments) <= function.most:
        raise MalformedQuery(f"{name} takes {function.arity}", node.start, node.end)
    return _applied(function.apply, [compiled(argument) for argument in arguments])


def _rounded(rounding: Callable[[Value, int], Value], moment: Evaluator, period: int) -> Evaluator:
    return lambda record: rounding(moment(record), period)


def _applied(apply: Callable[..., Value], arguments: list[Evaluator]) -> Evaluator:
    """The common arities without building a list for every record."""
    match arguments:
        case [only]:
            return lambda record: apply(only(record))
        case [first, second]:
            return lambda record: apply(first(record), second(record))
        case _:
            return lambda record: apply(*[argument(record) for argument in arguments])
