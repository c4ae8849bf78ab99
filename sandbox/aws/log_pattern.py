"""Filter patterns of FilterLogEvents (Logs user guide, "Filter pattern syntax").

Terms, "quoted phrases", -excluded and ?optional terms, and JSON selectors such as
`{ $.status >= 500 && $.path = "/pay*" }`. Regular expressions (%…%) and space-delimited patterns
([a, b]) raise PatternError: they are not evaluated here.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

Matcher = Callable[[str], bool]

_TERM = re.compile(r'\s*(?P<sign>[-?]?)(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))')
_JSON_TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<sign>&&|\|\||!=|<=|>=|[=<>()])'
    r"|(?P<word>[^\s=<>!()&|]+))"
)
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


class PatternError(ValueError):
    """The pattern is malformed, or of a kind that is not evaluated here."""


def compile_pattern(pattern: str) -> Matcher:
    """Whether a message matches. Raises PatternError."""
    text = pattern.strip()
    if not text:
        return lambda _: True
    if text[0] == "{":
        if text[-1] != "}":
            raise PatternError("Invalid filter pattern: the closing } is missing")
        return _json_matcher(text[1:-1])
    if text[0] in "[%":
        raise PatternError(
            "this sandbox evaluates terms and JSON selectors, not space-delimited or regular "
            "expression patterns"
        )
    return _terms(text)


def _terms(text: str) -> Matcher:
    needed: list[str] = []
    excluded: list[str] = []
    optional: list[str] = []
    at = 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            raise PatternError(f"Invalid filter pattern near: {text[at:]}")
        term = match["quoted"] if match["quoted"] is not None else match["plain"]
        {"-": excluded, "?": optional, "": needed}[match["sign"]].append(term)
        at = match.end()

    def matches(message: str) -> bool:
        if any(term in message for term in excluded):
            return False
        if not all(term in message for term in needed):
            return False
        return bool(needed) or not optional or any(term in message for term in optional)

    return matches


def _json_matcher(text: str) -> Matcher:
    selector = _Selector(text)

    def matches(message: str) -> bool:
        try:
            value = json.loads(message)
        except ValueError:
            return False
        return isinstance(value, dict) and selector.holds(value)

    return matches


class _Selector:
    """`$.a.b = 1 && ($.c < 2 || $.d = "x*")`"""

    def __init__(self, text: str) -> None:
        self._tokens = self._split(text)
        self._at = 0
        self._test = self._either()
        if self._at < len(self._tokens):
            raise PatternError(f"Invalid filter pattern near: {self._tokens[self._at]}")

    def holds(self, value: dict[str, Any]) -> bool:
        return self._test(value)

    @staticmethod
    def _split(text: str) -> list[str]:
        tokens, at = [], 0
        text = text.strip()
        while at < len(text):
            match = _JSON_TOKEN.match(text, at)
            if match is None:
                raise PatternError(f"Invalid filter pattern near: {text[at:]}")
            tokens.append(match[0].strip())
            at = match.end()
        return tokens

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        if not token:
            raise PatternError("Invalid filter pattern: it ends too early")
        self._at += 1
        return token

    def _either(self) -> Callable[[Any], bool]:
        tests = [self._both()]
        while self._peek() == "||":
            self._take()
            tests.append(self._both())
        return lambda value: any(test(value) for test in tests)

    def _both(self) -> Callable[[Any], bool]:
        tests = [self._one()]
        while self._peek() == "&&":
            self._take()
            tests.append(self._one())
        return lambda value: all(test(value) for test in tests)

    def _one(self) -> Callable[[Any], bool]:
        token = self._take()
        if token == "(":
            inner = self._either()
            if self._take() != ")":
                raise PatternError("Invalid filter pattern: a ) is missing")
            return inner
        if not token.startswith("$"):
            raise PatternError(f"Invalid filter pattern near: {token}")
        path = [part for part in re.split(r"[.\[\]]", token[1:]) if part]
        sign = self._take()
        if sign in ("IS", "NOT"):
            return self._special(path, sign)
        if sign not in _NUMERIC:
            raise PatternError(f"Invalid filter pattern near: {sign}")
        return _comparison(path, sign, self._take())

    def _special(self, path: list[str], sign: str) -> Callable[[Any], bool]:
        word = self._take()
        known = {"NULL": None, "TRUE": True, "FALSE": False}
        if sign == "NOT" and word == "EXISTS":
            return lambda value: _at(value, path) is _ABSENT
        if sign == "IS" and word in known:
            return lambda value: _at(value, path) is known[word]
        raise PatternError(f"Invalid filter pattern near: {sign} {word}")


_ABSENT = object()


def _at(value: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _ABSENT
    return value


def _comparison(path: list[str], sign: str, token: str) -> Callable[[Any], bool]:
    quoted = token.startswith('"')
    text = token[1:-1] if quoted else token
    number = None if quoted else _number(text)
    if number is not None:
        compute = _NUMERIC[sign]

        def numeric(value: Any) -> bool:
            found = _at(value, path)
            real = isinstance(found, int | float) and not isinstance(found, bool)
            return real and compute(float(found), number)

        return numeric
    if sign not in ("=", "!="):
        raise PatternError(f"Invalid filter pattern: {sign} needs a number, not {token}")

    def textual(value: Any) -> bool:
        found = _at(value, path)
        if not isinstance(found, str):
            return False
        return fnmatchcase(found, text.replace("[", "[[]").replace("?", "[?]")) == (sign == "=")

    return textual


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
