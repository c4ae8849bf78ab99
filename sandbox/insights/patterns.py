"""The two pattern languages of a query, as Python regular expressions.

Insights matches with an automaton engine (its documentation named Hyperscan, later RE2): named
groups are written `(?<name>…)`, a flag such as `(?i)` may stand anywhere, and look-around and
back-references do not exist. The last are refused here, because a query that uses them would
fail on AWS.
"""

from __future__ import annotations

import re

_FLAGS = re.compile(r"\(\?([ims]+)\)")
_GROUP_NAME = re.compile(r"\(\?P?<([A-Za-z_]\w*)>", re.ASCII)
_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
_BACK_REFERENCE = re.compile(r"\\[1-9]|\(\?P=")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)
_BARE_BRACKET = re.compile(r"(?<!\\)((?:\\\\)*)\[")


class BadPattern(ValueError):
    """Not a pattern Insights would accept; the text says why."""


def regex(source: str) -> re.Pattern[str]:
    """Compile a regular expression in the syntax of Insights. Raises BadPattern."""
    try:
        return re.compile(_translated(source))
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(f"invalid regular expression: {error}") from error


def glob(pattern: str) -> re.Pattern[str]:
    """Compile a glob: every `*` captures as little as it can, one at the end all the rest.

    The pattern may begin anywhere in the text, as in AWS's example `[*] * The error was: *`.
    """
    literals = [re.escape(part) for part in pattern.split("*")]
    found = "(.*?)".join(literals)
    if len(literals) > 1 and literals[-1] == "":
        found = found.removesuffix("(.*?)") + "(.*)"
    return re.compile(found, re.DOTALL)


def _translated(source: str) -> str:
    """Walk the pattern once, rewriting named groups and turning `(?i)x` into `(?i:x)`."""
    out: list[str] = []
    flags: list[list[str]] = [[]]  # for each open group: the flags switched on inside it
    position = 0
    while position < len(source):
        if refused := _LOOK_AROUND.match(source, position):
            raise BadPattern(f"invalid regular expression: {refused[0]} (look-around)")
        if refused := _BACK_REFERENCE.match(source, position):
            raise BadPattern(f"invalid regular expression: {refused[0]} (back-reference)")
        piece, length = _piece(source, position, flags)
        out.append(piece)
        position += length
    out.append(")" * len(flags[0]))
    return "".join(out)


def _piece(source: str, position: int, flags: list[list[str]]) -> tuple[str, int]:
    """The rewritten piece at this place and how much of the source it covers."""
    character = source[position]
    if character == "\\":
        return source[position : position + 2], 2
    if character == "[" and (group := _CLASS.match(source, position)):
        if "[:" in group[0]:
            raise BadPattern("POSIX character classes are not supported by this evaluator")
        return "[" + _BARE_BRACKET.sub(r"\1\\[", group[0][1:]), len(group[0])
    if switch := _FLAGS.match(source, position):
        flags[-1].append(switch[1])
        return f"(?{switch[1]}:", len(switch[0])
    if character == "(":
        flags.append([])
        if named := _GROUP_NAME.match(source, position):
            return f"(?P<{named[1]}>", len(named[0])
    elif character == ")" and len(flags) > 1:
        return ")" * (len(flags.pop()) + 1), 1
    elif character == "|":
        # A flag reaches to the end of its group, past the bar, without moving the bar inwards.
        switched = flags[-1]
        return ")" * len(switched) + "|" + "".join(f"(?{flag}:" for flag in switched), 1
    return character, 1
