"""Text of a query -> tokens, with the place of each, so that every error can say where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

LONGEST_QUERY = 10_000  # characters; StartQuery's own bound on queryString


class MalformedQuery(ValueError):
    """The query is not valid: what `StartQuery` answers with MalformedQueryException.

    `position` and `end` are character offsets into the query (AWS puts them into
    `queryCompileError.location`); `message` is worded like AWS's where that wording is known.
    """

    def __init__(self, message: str, position: int, end: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.end = position if end is None else end


class Kind(Enum):
    """What a token is."""

    NAME = auto()
    QUOTED = auto()  # a field name with a part in backticks: never a keyword or a function
    NUMBER = auto()
    PERIOD = auto()  # 5m
    STRING = auto()
    REGEX = auto()
    SYMBOL = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `value` is the text without its quotes, slashes or backticks."""

    kind: Kind
    text: str
    value: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def is_word(self, *words: str) -> bool:
        """Whether this is one of these keywords; keywords know no case."""
        return self.kind is Kind.NAME and self.text.lower() in words

    def is_symbol(self, *symbols: str) -> bool:
        return self.kind is Kind.SYMBOL and self.text in symbols


def unexpected(query: str, token: Token) -> MalformedQuery:
    """The error AWS gives for nearly everything: `unexpected symbol found i at line 1 and …`."""
    line = query.count("\n", 0, token.start) + 1
    column = token.start - (query.rfind("\n", 0, token.start) + 1)
    return MalformedQuery(
        f"unexpected symbol found {token.text or '<EOF>'} at line {line} and position {column}",
        token.start,
        token.end,
    )


# A field name is made of letters, digits, `_`, `@` and dots; any other character needs backticks.
_NAME = r"(?:[A-Za-z_@][A-Za-z0-9_@]*|`[^`]+`)(?:\.(?:[A-Za-z0-9_@]+|`[^`]+`))*"

_TOKEN = re.compile(
    rf"""
      (?P<blank>\s+|\#[^\n]*)
    | (?P<NAME>{_NAME})
    | (?P<NUMBER>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z0-9_@]))
    | (?P<PERIOD>\d+[A-Za-z]+(?![A-Za-z0-9_@]))
    | (?P<STRING>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<SYMBOL>!=|<=|>=|=~|[=<>!+\-*/%^(),|\[\]])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_REGEX = re.compile(r"/(?:[^/\\]|\\.)+/", re.DOTALL)
_ESCAPED_QUOTE = re.compile(r"""\\(["'\\])""")


def tokenize(query: str) -> list[Token]:
    """All tokens of the query, the last one being END. Raises MalformedQuery."""
    if len(query) > LONGEST_QUERY:
        raise MalformedQuery(f"the query is longer than {LONGEST_QUERY} characters", LONGEST_QUERY)
    return list(_scan(query))


def _scan(query: str) -> Iterator[Token]:
    position = 0
    before = last = Token(Kind.END, "", "", 0)
    while position < len(query):
        kind, text = _match(query, position, _regex_may_follow(before, last))
        if kind is not None:
            before, last = last, Token(kind, text, _value(kind, text), position)
            yield last
        position += len(text)
    yield Token(Kind.END, "", "", position)


def _match(query: str, position: int, regex_allowed: bool) -> tuple[Kind | None, str]:
    """The token at this place; no kind for white space and comments."""
    if regex_allowed and (regex := _REGEX.match(query, position)):
        return Kind.REGEX, regex[0]
    match = _TOKEN.match(query, position)
    if match is None:
        raise unexpected(query, Token(Kind.SYMBOL, query[position], query[position], position))
    name = match.lastgroup or "blank"
    if name == "blank":
        return None, match[0]
    if name == "NAME" and "`" in match[0]:
        return Kind.QUOTED, match[0]
    return Kind[name], match[0]


def _regex_may_follow(before: Token, last: Token) -> bool:
    """A slash opens a regex after `like`, `=~`, `parse` and `parse <field>`; else it divides."""
    names_the_source = last.kind in (Kind.NAME, Kind.QUOTED) and before.is_word("parse")
    return last.is_word("like", "parse") or last.is_symbol("=~") or names_the_source


def _value(kind: Kind, text: str) -> str:
    if kind is Kind.STRING:
        return _ESCAPED_QUOTE.sub(r"\1", text[1:-1])
    if kind is Kind.REGEX:
        return text[1:-1].replace(r"\/", "/")
    if kind is Kind.QUOTED:
        return text.replace("`", "")
    return text
