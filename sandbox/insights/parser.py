"""Tokens -> stages: a recursive-descent parser with precedence climbing for expressions."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import ascii_letters
from typing import NoReturn, TypeVar

from . import patterns
from .syntax import (
    Binary,
    Call,
    Column,
    Command,
    Dedup,
    Display,
    Expression,
    Field,
    Fields,
    Filter,
    In,
    Junction,
    Like,
    Limit,
    Literal,
    Parse,
    Period,
    Sort,
    SortBy,
    Stage,
    Stats,
    Unary,
)
from .tokens import Kind, MalformedQuery, Token, tokenize, unexpected
from .values import Value, number

LARGEST_LIMIT = 10_000  # rows; the bound of both `limit` and StartQuery's parameter
_DEEPEST = 64  # nested parentheses, or operators in one arithmetic chain

# Commands AWS knows and this evaluator does not.
_NOT_EVALUATED = (
    *("addtotals", "anomaly", "diff", "expand", "filterindex", "head", "join", "lookup"),
    *("order", "pattern", "relevantfields", "search", "source", "tail", "unmask", "unnest"),
    "where",
)

_OR, _AND, _NOT, _COMPARE, _ADD, _MULTIPLY, _NEGATE, _POWER = range(1, 9)
_ARITHMETIC = {"+": _ADD, "-": _ADD, "*": _MULTIPLY, "/": _MULTIPLY, "%": _MULTIPLY, "^": _POWER}
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_OPERATOR_WORDS = ("and", "or", "not", "like", "in", "as", "by")

_SECOND, _MINUTE, _HOUR, _DAY = 1000, 60_000, 3_600_000, 86_400_000  # milliseconds
_UNITS = {
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), _SECOND),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), _MINUTE),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), _HOUR),
    **dict.fromkeys(("d", "day", "days"), _DAY),
    **dict.fromkeys(("w", "week", "weeks"), 7 * _DAY),
}
# AWS cuts a count silently at the next unit: bin(300s) is bin(60s)
# (Logs user guide, page CWL_QuerySyntax-operations-functions).
_CAPS = {1: 1000, _SECOND: 60, _MINUTE: 60, _HOUR: 24}
_CALENDAR_UNITS = ("mo", "mon", "month", "q", "qtr", "quarter", "y", "yr", "year")

Part = TypeVar("Part")


def parse(query: str) -> tuple[Stage, ...]:
    """The stages of a query. Raises MalformedQuery."""
    return _Parser(query).stages()


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query
        self._tokens = tokenize(query)
        self._next = 0
        self._depth = 0
        self._commands: dict[str, Callable[[], Command]] = {
            "fields": lambda: Fields(self._list(self._column)),
            "display": lambda: Display(self._list(self._shown)),
            "filter": lambda: Filter(self._expression()),
            "parse": self._parse,
            "stats": self._stats,
            "sort": lambda: Sort(self._list(self._sort_key)),
            "limit": lambda: Limit(self._count()),
            "dedup": lambda: Dedup(self._list(self._field)),
        }

    # -- tokens ------------------------------------------------------------------------------

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._token
        self._next += token.kind is not Kind.END
        return token

    def _accept(self, *symbols_or_words: str) -> Token | None:
        token = self._token
        if token.is_symbol(*symbols_or_words) or token.is_word(*symbols_or_words):
            return self._take()
        return None

    def _expect(self, *symbols_or_words: str) -> Token:
        return self._accept(*symbols_or_words) or self._fail()

    def _expect_kind(self, *kinds: Kind) -> Token:
        return self._take() if self._token.kind in kinds else self._fail()

    def _fail(self, token: Token | None = None) -> NoReturn:
        raise unexpected(self._query, token or self._token)

    def _last_end(self) -> int:
        return self._tokens[self._next - 1].end

    def _list(self, item: Callable[[], Part]) -> tuple[Part, ...]:
        items = [item()]
        while self._accept(","):
            items.append(item())
        return tuple(items)

    # -- commands ----------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        stages = [self._stage()]
        while self._accept("|"):
            stages.append(self._stage())
        if self._token.kind is not Kind.END:
            self._fail()
        return tuple(stages)

    def _stage(self) -> Stage:
        word = self._token
        if word.is_word(*_NOT_EVALUATED):
            raise MalformedQuery(
                f"the command {word.text} is not supported by this evaluator", word.start, word.end
            )
        if not word.is_word(*self._commands):
            self._fail()
        self._take()
        return Stage(self._commands[word.text.lower()](), word.text, word.start)

    def _parse(self) -> Parse:
        start = self._token.start
        named = self._token.kind in (Kind.NAME, Kind.QUOTED)
        source = self._field() if named else Field("@message", start, start)
        token = self._expect_kind(Kind.STRING, Kind.REGEX)
        if token.kind is Kind.REGEX:
            pattern = self._regex(token)
            if not pattern.groupindex:
                raise MalformedQuery(
                    "the regular expression of parse names no group, as (?<name>…) does",
                    token.start,
                    token.end,
                )
            names = tuple(sorted(pattern.groupindex, key=pattern.groupindex.__getitem__))
            return Parse(source, pattern, names, start, token.end)
        self._expect("as")
        names = tuple(field.name for field in self._list(self._field))
        stars = token.value.count("*")
        if stars != len(names):
            raise MalformedQuery(
                f"the pattern of parse has {stars} wildcards for {len(names)} names",
                token.start,
                self._last_end(),
            )
        return Parse(source, patterns.glob(token.value), names, start, self._last_end())

    def _stats(self) -> Stats:
        columns = self._list(self._column)
        return Stats(columns, self._list(self._column) if self._accept("by") else ())

    def _column(self) -> Column:
        start = self._token.start
        expression = self._expression()
        written = self._query[start : self._last_end()]
        alias = self._field().name if self._accept("as") else None
        name = expression.name if isinstance(expression, Field) else written
        return Column(expression, alias or name, alias is not None, start, self._last_end())

    def _shown(self) -> Column:
        column = self._column()
        if column.has_alias:
            raise MalformedQuery("display takes no alias; give it with fields", column.start)
        return column

    def _sort_key(self) -> SortBy:
        field = self._field()
        direction = self._accept("asc", "desc")
        return SortBy(field, direction is not None and direction.is_word("desc"))

    def _count(self) -> int:
        token = self._expect_kind(Kind.NUMBER)
        if not token.text.isdigit() or not 1 <= int(token.text) <= LARGEST_LIMIT:
            raise MalformedQuery(
                f"limit takes a whole number from 1 to {LARGEST_LIMIT}", token.start, token.end
            )
        return int(token.text)

    def _field(self) -> Field:
        token = self._expect_kind(Kind.NAME, Kind.QUOTED)
        return Field(token.value, token.start, token.end)

    # -- expressions -------------------------------------------------------------------------

    def _expression(self, binding: int = _OR) -> Expression:
        """An expression whose operators bind at least this tightly."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise MalformedQuery("the expression is nested too deeply", self._token.start)
        left = self._operand()
        chain = 0
        while (strength := self._strength()) >= binding:
            chain += 1
            if chain > _DEEPEST:
                raise MalformedQuery("the expression is too long", self._token.start)
            left = self._infix(left, strength)
            if strength == _COMPARE and self._strength() == _COMPARE:
                self._fail()  # a < b < c
        self._depth -= 1
        return left

    def _strength(self) -> int:
        """How tightly the operator at hand binds; 0 where there is none."""
        token = self._token
        if token.is_word("or"):
            return _OR
        if token.is_word("and"):
            return _AND
        if token.is_symbol("=~", *_COMPARISONS) or token.is_word("like", "in", "not"):
            return _COMPARE
        return _ARITHMETIC.get(token.text, 0) if token.kind is Kind.SYMBOL else 0

    def _infix(self, left: Expression, strength: int) -> Expression:
        if strength in (_OR, _AND):
            word = "or" if strength == _OR else "and"
            operands = [left]
            while self._accept(word):
                operands.append(self._expression(strength + 1))
            return Junction(word, tuple(operands))
        token = self._take()
        if token.is_word("like", "in", "not") or token.is_symbol("=~"):
            return self._membership(left, token)
        # Powers group to the right, everything else to the left.
        right = self._expression(strength if strength == _POWER else strength + 1)
        return Binary(token.text, left, right)

    def _membership(self, left: Expression, token: Token) -> Expression:
        negated = token.is_word("not")
        verb = self._expect("like", "in") if negated else token
        if verb.is_word("in"):
            return In(left, self._values(), negated)
        pattern = self._expect_kind(Kind.STRING, Kind.REGEX)
        if pattern.kind is Kind.REGEX:
            return Like(left, self._regex(pattern), negated)
        return Like(left, pattern.value, negated)

    def _values(self) -> tuple[Value, ...]:
        self._expect("[")
        values = self._list(self._literal)
        self._expect("]")
        return values

    def _literal(self) -> Value:
        negative = self._accept("-") is not None
        token = self._expect_kind(*((Kind.NUMBER,) if negative else (Kind.NUMBER, Kind.STRING)))
        if token.kind is Kind.STRING:
            return token.value
        value = number(token.text)
        return -value if negative and value is not None else value

    def _operand(self) -> Expression:
        token = self._take()
        if token.is_word("not") or token.is_symbol("!"):
            return Unary("not", self._expression(_NOT + 1))
        if token.is_symbol("-"):
            return Unary("-", self._expression(_NEGATE))
        if token.is_symbol("("):
            inner = self._expression()
            self._expect(")")
            return inner
        if token.kind is Kind.STRING:
            return Literal(token.value)
        if token.kind is Kind.NUMBER:
            return Literal(number(token.text))
        if token.kind is Kind.PERIOD:
            return self._period(token)
        if token.is_word("true", "false"):
            return Literal(token.is_word("true"))
        if token.kind is Kind.NAME and self._token.is_symbol("("):
            return self._call(token)
        if token.kind not in (Kind.NAME, Kind.QUOTED) or token.is_word(*_OPERATOR_WORDS):
            self._fail(token)
        return Field(token.value, token.start, token.end)

    def _call(self, name: Token) -> Call:
        self._expect("(")
        arguments: tuple[Expression, ...] = ()
        if name.is_word("count") and self._accept("*"):
            self._expect(")")
        elif not self._accept(")"):
            arguments = self._list(self._expression)
            self._expect(")")
        return Call(name.text.lower(), arguments, name.start, self._last_end())

    def _period(self, token: Token) -> Period:
        digits = token.text.rstrip(ascii_letters)
        unit = token.text[len(digits) :]
        if unit.removesuffix("s") in _CALENDAR_UNITS:
            unsupported = "months, quarters and years are not supported by this evaluator"
            raise MalformedQuery(unsupported, token.start, token.end)
        if unit not in _UNITS or len(digits) > 9 or int(digits) == 0:
            self._fail(token)
        milliseconds = _UNITS[unit]
        count = min(int(digits), _CAPS.get(milliseconds, int(digits)))
        return Period(count * milliseconds, token.start, token.end)

    def _regex(self, token: Token) -> re.Pattern[str]:
        try:
            return patterns.regex(token.value)
        except patterns.BadPattern as error:
            raise MalformedQuery(str(error), token.start, token.end) from error
