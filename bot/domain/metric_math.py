"""Which metrics a CloudWatch expression is about: of a rate, those it counts, not all requests.

The grammar is that of the CloudWatch user guide, "Using math expressions with CloudWatch metrics";
the query language that of "Query your metrics with CloudWatch Metrics Insights". Pure; text that
is no expression names no metric.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_]\w*)
    |(?P<text>"[^"]*"|'[^']*')|(?P<mark>&&|\|\||==|!=|<=|>=|[-+*/^<>=(),\[\]]))""",
    re.VERBOSE,
)
_CONSTANT = frozenset(
    {"PERIOD", "TIME_SERIES", "MINUTE", "HOUR", "DAY", "DATE", "MONTH", "YEAR", "EPOCH"}
)
_COMPARISONS = frozenset({"==", "=", "!=", "<", ">", "<=", ">="})
_DEEPEST = 40  # brackets and expressions of expressions

_QUERY = re.compile(
    r"""SELECT\s+(\w+)\s*\(\s*["']?([^"')]+?)["']?\s*\)\s+FROM\s+
    (?:SCHEMA\(\s*)?(?:"([^"]+)"|'([^']+)'|([\w/.]+))""",
    re.IGNORECASE | re.VERBOSE,
)
_WHERE = re.compile(r"""["']?([\w.]+)["']?\s*=\s*'([^']*)'""")
_STATISTICS = {
    "SUM": "Sum",
    "AVG": "Average",
    "MAX": "Maximum",
    "MIN": "Minimum",
    "COUNT": "SampleCount",
}


@dataclass(frozen=True, slots=True)
class Query:
    """The metric in a Metrics Insights query."""

    namespace: str
    metric: str
    statistic: str
    dimensions: Mapping[str, str]  # those that WHERE sets to one value
    account: str | None  # WHERE AWS.AccountId = '…'


def query_in(expression: str) -> Query | None:
    """The metric of a Metrics Insights query; None for any other expression."""
    found = _QUERY.search(expression)
    if found is None:
        return None
    dimensions = dict(_WHERE.findall(expression[found.end() :]))
    account = dimensions.pop("AWS.AccountId", None)
    return Query(
        namespace=found[3] or found[4] or found[5],
        metric=found[2].strip(),
        statistic=_STATISTICS.get(found[1].upper(), found[1]),
        dimensions=dimensions,
        account=account,
    )


def subjects(
    returned: str,
    expressions: Mapping[str, str],
    metrics: Iterable[str],
    *,
    when_low: bool = False,
) -> tuple[str, ...]:
    """The ids of the metrics that the value of an id is about, in the order they are named.

    - of a quotient, the numerator; of a success rate `(all - errors) / all`, the errors;
    - of `good / (good + bad)` that must not be low, the bad;
    - of a product, not the factor that only switches it on: `(requests > 10) * errors`;
    - of IF, the branches; where these are numbers, the condition, without what it divides by.

    Args:
        returned: the id whose value the alarm compares.
        expressions: the expressions by id.
        metrics: the ids of metrics.
        when_low: whether the alarm goes off when the value is low.
    """
    value = _Evaluation(expressions, tuple(metrics)).value_of(returned, 0)
    return value.rest if value.rest and when_low != value.is_negated else value.about


@dataclass(frozen=True, slots=True)
class _Value:
    """What a part of an expression is about; about nothing when it is constant."""

    added: tuple[str, ...] = ()
    subtracted: tuple[str, ...] = ()
    divisors: tuple[str, ...] = ()
    is_switch: bool = False  # true or false, or one of two numbers
    rest: tuple[str, ...] = ()  # of a part of a whole, the other parts
    is_negated: bool = False  # a number minus it

    @property
    def about(self) -> tuple[str, ...]:
        return _joined(self.added, self.subtracted)


@dataclass(slots=True)
class _Evaluation:
    """Reads expressions by recursive descent, lowest precedence first."""

    expressions: Mapping[str, str]
    metrics: tuple[str, ...]
    tokens: list[str] = field(default_factory=list)
    depth: int = 0

    def value_of(self, name: str, depth: int) -> _Value:
        if name in self.metrics:
            return _Value((name,))
        text = self.expressions.get(name)
        if text is None or depth > _DEEPEST:
            return _Value()
        inner = _Evaluation(self.expressions, self.metrics, _tokens(text), depth)
        return inner.alternatives()

    def alternatives(self) -> _Value:
        self.depth += 1
        try:
            if self.depth > _DEEPEST:
                self.tokens.clear()
            return self._chain(self._comparison, _either, {"AND", "OR", "&&", "||"})
        finally:
            self.depth -= 1

    def _comparison(self) -> _Value:
        return self._chain(self._sum, _compared, _COMPARISONS)

    def _sum(self) -> _Value:
        value = self._product()
        while self._next() in ("+", "-"):
            sign, other = self.tokens.pop(0), self._product()
            value = _sum(value, other, minus=sign == "-")
        return value

    def _product(self) -> _Value:
        value = self._power()
        while self._next() in ("*", "/"):
            value = (_product if self.tokens.pop(0) == "*" else _quotient)(value, self._power())
        return value

    def _power(self) -> _Value:
        return self._chain(self._atom, lambda base, _: base, {"^"})

    def _atom(self) -> _Value:
        if not self.tokens:
            return _Value()
        part = self.tokens.pop(0)
        if part in ("-", "+"):
            return self._atom()
        if part in ("(", "["):
            values = self._arguments(")" if part == "(" else "]")
            return values[0] if len(values) == 1 else _union(values)
        if self._next() == "(" and re.match(r"[A-Za-z]", part):
            self.tokens.pop(0)
            return self._call(part.upper())
        return self.value_of(part, self.depth + 1)

    def _call(self, function: str) -> _Value:
        if function == "METRICS":
            wanted = (self._next() or "").strip("\"'") if self._next() != ")" else ""
            self._arguments(")")
            return _Value(tuple(name for name in self.metrics if wanted in name))
        arguments = self._arguments(")")
        if function in _CONSTANT or not arguments:
            return _Value()
        if function == "IF":
            return _branches(arguments[0], arguments[1:])
        if function == "FILL":
            return arguments[0]
        return _union(arguments)

    def _arguments(self, end: str) -> list[_Value]:
        values = []
        while self.tokens and self._next() != end:
            values.append(self.alternatives())
            if self._next() not in (",", end):
                self.tokens.clear()  # no expression: nothing can be said about the rest
            elif self._next() == ",":
                self.tokens.pop(0)
        if self.tokens:
            self.tokens.pop(0)
        return values

    def _chain(
        self,
        part: Callable[[], _Value],
        join: Callable[[_Value, _Value], _Value],
        marks: set[str] | frozenset[str],
    ) -> _Value:
        value = part()
        while (self._next() or "").upper() in marks:
            self.tokens.pop(0)
            value = join(value, part())
        return value

    def _next(self) -> str | None:
        return self.tokens[0] if self.tokens else None


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while match := _TOKEN.match(text, at):
        found.append(match[0].strip())
        at = match.end()
    return found


def _sum(left: _Value, right: _Value, *, minus: bool) -> _Value:
    if not left.about:
        return replace(right, is_negated=right.is_negated != minus)
    if not right.about:
        return left
    added, subtracted = (left.added, left.subtracted)
    if minus:
        added, subtracted = _joined(added, right.subtracted), _joined(subtracted, right.added)
    else:
        added, subtracted = _joined(added, right.added), _joined(subtracted, right.subtracted)
    return _Value(added, subtracted, _joined(left.divisors, right.divisors))


def _product(left: _Value, right: _Value) -> _Value:
    divisors = _joined(left.divisors, right.divisors)
    for one, other in ((left, right), (right, left)):
        if not one.about or (one.is_switch and other.about and not other.is_switch):
            return replace(other, divisors=divisors)
    return replace(_union((left, right)), is_switch=left.is_switch and right.is_switch)


def _quotient(left: _Value, right: _Value) -> _Value:
    if not left.about:
        return right
    divisors = _joined(left.divisors, right.about, right.divisors)
    if left.subtracted and set(left.added) <= set(right.about):  # (all - errors) / all
        return _Value(left.subtracted, (), divisors)
    others = tuple(name for name in right.added if name not in left.about)
    part = bool(left.about) and set(left.about) <= set(right.added) and not right.subtracted
    rest = others if part else left.rest
    return replace(left, divisors=divisors, is_switch=False, rest=rest)


def _compared(left: _Value, right: _Value) -> _Value:
    return replace(_union((left, right)), is_switch=True)


def _either(left: _Value, right: _Value) -> _Value:
    """AND, OR: what one side divides by is not what the other side is about."""
    value = _union((left, right))
    kept = tuple(name for name in value.about if name not in value.divisors)
    return _Value(kept or value.about, (), value.divisors, is_switch=True)


def _branches(condition: _Value, branches: list[_Value]) -> _Value:
    value = _union(branches)
    variable = [each for each in branches if each.about]
    if len(variable) == 1:
        return replace(variable[0], divisors=_joined(value.divisors, condition.divisors))
    if value.about:
        return replace(value, is_switch=all(each.is_switch for each in branches if each.about))
    return _either(condition, _Value())


def _union(values: Iterable[_Value]) -> _Value:
    values = tuple(values)
    return _Value(
        _joined(*(value.added for value in values)),
        _joined(*(value.subtracted for value in values)),
        _joined(*(value.divisors for value in values)),
        is_switch=bool(values) and all(value.is_switch for value in values),
    )


def _joined(*names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in names for name in each))
