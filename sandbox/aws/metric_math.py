"""Metric math (CloudWatch User Guide, "Using math expressions with CloudWatch metrics").

Arithmetic, comparison, parentheses, lists, and FILL, IF, SUM, AVG, MIN, MAX, METRICS, RATE. What
is not here raises AwsError; it is never skipped. Two series meet where both have a datapoint; a
division by zero leaves none.
"""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from sandbox.aws.errors import AwsError
from sandbox.aws.metrics import Series

Value: TypeAlias = "float | Series | list[Series]"

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^()<>,\[\]]))"
)

_OPERATORS: tuple[tuple[str, ...], ...] = (
    ("||", "OR"),
    ("&&", "AND"),
    ("==", "!=", "<=", ">=", "<", ">"),
    ("+", "-"),
    ("*", "/"),
    ("^",),
)
_FUNCTIONS: Mapping[str, Callable[[float, float], float]] = {
    "||": lambda a, b: float(bool(a) or bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
    "&&": lambda a, b: float(bool(a) and bool(b)),
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<=": lambda a, b: float(a <= b),
    ">=": lambda a, b: float(a >= b),
    "<": lambda a, b: float(a < b),
    ">": lambda a, b: float(a > b),
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}


def names_in(expression: str) -> set[str]:
    """The ids of the queries an expression may refer to."""
    return {match["name"] for match in _TOKEN.finditer(expression) if match["name"]}


def evaluate(
    query_id: str,
    expression: str,
    series: Mapping[str, Series],
    metrics: Mapping[str, Series],
    times: list[datetime],
) -> list[Series]:
    """The series an expression gives. `series` are the other queries' by id, `metrics` those that
    are plain metrics, `times` the periods asked for. Raises AwsError."""
    value = _Expression(query_id, expression, series, metrics, times).value()
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    raise AwsError(
        "ValidationError",
        f"Error in expression '{query_id}': the expression must return a time series",
    )


class _Expression:
    def __init__(
        self,
        query_id: str,
        text: str,
        series: Mapping[str, Series],
        metrics: Mapping[str, Series],
        times: list[datetime],
    ) -> None:
        self._id = query_id
        self._series = series
        self._metrics = metrics
        self._times = times
        self._tokens = self._split(text)
        self._at = 0

    def value(self) -> Value:
        found = self._level(0)
        if self._at < len(self._tokens):
            raise self._error(f"unexpected '{self._tokens[self._at]}'")
        return found

    def _error(self, what: str) -> AwsError:
        return AwsError("ValidationError", f"Error in expression '{self._id}': {what}")

    def _split(self, text: str) -> list[str]:
        tokens, at = [], 0
        text = text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._error(f"cannot read '{text[at : at + 20]}'")
            tokens.append(match[0].strip())
            at = match.end()
        return tokens

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str | None = None) -> str:
        token = self._peek()
        if not token or (wanted is not None and token != wanted):
            raise self._error(f"expected {wanted or 'a value'} where {token or 'it ends'}")
        self._at += 1
        return token

    def _level(self, depth: int) -> Value:
        if depth == len(_OPERATORS):
            return self._unary()
        left = self._level(depth + 1)
        while self._peek() in _OPERATORS[depth]:
            sign = self._take()
            right = self._level(depth + 1)
            left = self._combine(sign, left, right)
        return left

    def _unary(self) -> Value:
        if self._peek() == "-":
            self._take()
            return self._combine("-", 0.0, self._unary())
        return self._atom()

    def _atom(self) -> Value:
        token = self._take()
        if token == "(":
            inner = self._level(0)
            self._take(")")
            return inner
        if token == "[":
            items = self._arguments("]")
            if not all(isinstance(item, dict) for item in items):
                raise self._error("a list holds time series")
            return [item for item in items if isinstance(item, dict)]
        if token[0].isdigit():
            return float(token)
        if self._peek() == "(" and token[0].isalpha():
            self._take()
            return self._function(token)
        if token in self._series:
            return self._series[token]
        raise self._error(f"'{token}' is neither a metric id nor supported by this sandbox")

    def _arguments(self, closing: str) -> list[Value]:
        found: list[Value] = []
        while self._peek() != closing:
            found.append(self._level(0))
            if self._peek() == ",":
                self._take()
        self._take(closing)
        return found

    def _combine(self, sign: str, left: Value, right: Value) -> Value:
        if isinstance(left, list) and isinstance(right, list):
            raise self._error("two lists cannot be combined")
        if isinstance(left, list):
            return [self._pair(sign, item, right) for item in left]  # type: ignore[misc,arg-type]
        if isinstance(right, list):
            return [self._pair(sign, left, item) for item in right]  # type: ignore[misc]
        return self._pair(sign, left, right)

    def _pair(self, sign: str, left: float | Series, right: float | Series) -> float | Series:
        compute = _FUNCTIONS[sign]
        if not isinstance(left, dict) and not isinstance(right, dict):
            if sign == "/" and right == 0:
                raise self._error("division by zero")
            return compute(left, right)
        if isinstance(left, dict) and isinstance(right, dict):
            times = [time for time in left if time in right]
        else:
            times = list(left if isinstance(left, dict) else right)  # type: ignore[arg-type]
        found: Series = {}
        for time in times:
            one = left[time] if isinstance(left, dict) else left
            other = right[time] if isinstance(right, dict) else right
            if not (sign == "/" and other == 0):
                found[time] = compute(one, other)
        return found

    def _function(self, name: str) -> Value:
        if name == "FILL":
            return self._fill()
        given = self._arguments(")")
        if name == "METRICS" and not given:
            return list(self._metrics.values())
        if name == "IF" and len(given) in (2, 3):
            return self._if(*given)
        if name == "RATE" and len(given) == 1 and isinstance(given[0], dict):
            return _rate(given[0])
        if name in ("SUM", "AVG", "MIN", "MAX") and len(given) == 1:
            return self._across(name, given[0])
        raise self._error(f"{name} with {len(given)} arguments is not supported by this sandbox")

    def _fill(self) -> Value:
        subject = self._level(0)
        self._take(",")
        with_what: float | str = self._peek()
        if with_what in ("REPEAT", "LINEAR"):
            self._take()
        else:
            value = self._level(0)
            if not isinstance(value, float):
                raise self._error("FILL takes a number, REPEAT or LINEAR")
            with_what = value
        self._take(")")
        series = subject if isinstance(subject, list) else [subject]
        filled = []
        for item in series:
            if not isinstance(item, dict):
                raise self._error("FILL takes time series")
            filled.append(_filled(item, with_what, self._times))
        return filled if isinstance(subject, list) else filled[0]

    def _if(self, condition: Value, yes: Value, no: Value | None = None) -> Value:
        if not isinstance(condition, dict):
            raise self._error("IF takes a time series as its condition")
        found: Series = {}
        for time, holds in condition.items():
            chosen = yes if holds else no
            value = chosen.get(time) if isinstance(chosen, dict) else chosen
            if isinstance(value, float | int):
                found[time] = float(value)
        return found

    def _across(self, name: str, given: Value) -> Value:
        whole: Mapping[str, Callable[[list[float]], float]] = {
            "SUM": sum,
            "AVG": lambda values: sum(values) / len(values),
            "MIN": min,
            "MAX": max,
        }
        if isinstance(given, list):
            times = sorted({time for item in given for time in item})
            return {
                time: whole[name]([item[time] for item in given if time in item]) for time in times
            }
        if isinstance(given, dict):
            return whole[name](list(given.values())) if given else 0.0
        raise self._error(f"{name} takes time series")


def _rate(series: Series) -> Series:
    times = sorted(series)
    found: Series = {}
    for before, time in itertools.pairwise(times):
        found[time] = (series[time] - series[before]) / (time - before).total_seconds()
    return found


def _filled(series: Series, how: float | str, times: list[datetime]) -> Series:
    found: Series = {}
    for time in times:
        if time in series:
            found[time] = series[time]
        elif isinstance(how, float):
            found[time] = how
        else:
            before = max((known for known in series if known < time), default=None)
            after = min((known for known in series if known > time), default=None)
            if before is not None and how == "REPEAT":
                found[time] = series[before]
            elif before is not None and after is not None:
                share = (time - before) / (after - before)
                found[time] = series[before] + (series[after] - series[before]) * share
    return found
