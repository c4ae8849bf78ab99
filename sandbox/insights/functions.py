"""The scalar functions (Logs user guide, page CWL_QuerySyntax-operations-functions).

All take and give values. A function whose argument is missing or of the wrong kind gives a
missing value; no function ever raises.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from .values import Value, finite, number, text, timestamp, truth

# When the running query was started, in milliseconds; set by Query.run.
NOW: ContextVar[int] = ContextVar("NOW")

_UNBOUNDED: Final = 100  # arguments
_MOST_PLACES: Final = 20  # of decimals; beyond them rounding changes no float


@dataclass(frozen=True, slots=True)
class Function:
    """What to apply, and how many arguments it takes."""

    apply: Callable[..., Value]
    fewest: int
    most: int

    @property
    def arity(self) -> str:
        """For messages: `2 arguments`, `2 to 3 arguments`."""
        if self.most == _UNBOUNDED:
            return f"{self.fewest} or more arguments"
        if self.fewest < self.most:
            return f"{self.fewest} to {self.most} arguments"
        return f"{self.most} argument{'' if self.most == 1 else 's'}"


def _of_numbers(apply: Callable[..., int | float]) -> Callable[..., Value]:
    """Lift a function of numbers to values."""

    def lifted(*arguments: Value) -> Value:
        numbers = [number(argument) for argument in arguments]
        if None in numbers:
            return None
        try:
            return finite(apply(*numbers))
        except (ValueError, ArithmeticError):  # log(0), 1 / 0, 10 ^ 1000
            return None

    return lifted


def _of_text(apply: Callable[..., Value]) -> Callable[..., Value]:
    """Lift a function of strings to values."""

    def lifted(*arguments: Value) -> Value:
        if None in arguments:
            return None
        return apply(*map(text, arguments))

    return lifted


ARITHMETIC: Final[dict[str, Callable[..., Value]]] = {
    "+": _of_numbers(lambda a, b: a + b),
    "-": _of_numbers(lambda a, b: a - b),
    "*": _of_numbers(lambda a, b: a * b),
    "/": _of_numbers(lambda a, b: a / b),
    "%": _of_numbers(math.fmod),
    "^": _of_numbers(math.pow),
    "negate": _of_numbers(lambda a: -a),
}

# -- time ----------------------------------------------------------------------------------------


def date_floor(moment: Value, period: int) -> Value:
    """`datefloor` and `bin`: the start of the period (in milliseconds) that the moment is in."""
    at = number(moment)
    return None if at is None else timestamp(at // period * period)


def date_ceil(moment: Value, period: int) -> Value:
    """`dateceil`: the first start of a period that is not before the moment."""
    at = number(moment)
    return None if at is None else timestamp(-(-at // period) * period)


def _from_millis(value: Value) -> Value:
    return timestamp(number(value))


def _to_millis(value: Value) -> Value:
    at = number(value)
    return None if at is None else int(at)


def _now() -> Value:
    return NOW.get() // 1000


# -- general -------------------------------------------------------------------------------------


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if value is not None), None)


def _if(condition: Value, then: Value, otherwise: Value) -> Value:
    return then if truth(condition) else otherwise


def _case(*arguments: Value) -> Value:
    """`case(condition, value, …, [default])`."""
    pairs = len(arguments) // 2
    for index in range(pairs):
        if truth(arguments[2 * index]):
            return arguments[2 * index + 1]
    return arguments[-1] if len(arguments) % 2 else None


# -- strings -------------------------------------------------------------------------------------


def _substr(value: Value, start: Value, *length: Value) -> Value:
    bounds = [number(bound) for bound in (start, *length)]
    if value is None or any(bound is None or bound < 0 for bound in bounds):
        return None
    first, *count = [int(bound or 0) for bound in bounds]
    tail = text(value)[first:]
    return tail[: count[0]] if count else tail


def _concat(*parts: Value) -> Value:
    return "".join(map(text, parts))


def _contains(whole: Value, part: Value, _ignore_case: Value = None) -> Value:
    """`strcontains`. Its documented third argument has no effect on the service either."""
    return whole is not None and part is not None and text(part) in text(whole)


# -- IP addresses --------------------------------------------------------------------------------


def _address(value: Value) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text(value))
    except ValueError:
        return None


def _is_ip(*versions: int) -> Callable[[Value], Value]:
    def valid(value: Value) -> Value:
        address = _address(value)
        return address is not None and address.version in versions

    return valid


def _in_subnet(*versions: int) -> Callable[[Value, Value], Value]:
    def inside(value: Value, subnet: Value) -> Value:
        address = _address(value)
        try:
            network = ipaddress.ip_network(text(subnet))
        except ValueError:
            return False
        return address is not None and address.version in versions and address in network

    return inside


# -- the table -----------------------------------------------------------------------------------


def _round(value: float, places: float = 0) -> float:
    return round(value, max(-_MOST_PLACES, min(int(places), _MOST_PLACES)))


FUNCTIONS: Final[dict[str, Function]] = {
    # numbers
    "abs": Function(_of_numbers(abs), 1, 1),
    "ceil": Function(_of_numbers(math.ceil), 1, 1),
    "floor": Function(_of_numbers(math.floor), 1, 1),
    "greatest": Function(_of_numbers(lambda *numbers: max(numbers)), 1, _UNBOUNDED),
    "least": Function(_of_numbers(lambda *numbers: min(numbers)), 1, _UNBOUNDED),
    "log": Function(_of_numbers(math.log), 1, 1),
    "round": Function(_of_numbers(_round), 1, 2),
    "sqrt": Function(_of_numbers(math.sqrt), 1, 1),
    "todouble": Function(_of_numbers(float), 1, 1),
    "toint": Function(_of_numbers(int), 1, 1),
    "tolong": Function(_of_numbers(int), 1, 1),
    "tonumber": Function(number, 1, 1),
    # time; bin, datefloor and dateceil take a period and are compiled by expressions.py
    "frommillis": Function(_from_millis, 1, 1),
    "now": Function(_now, 0, 0),
    "tomillis": Function(_to_millis, 1, 1),
    # general
    "case": Function(_case, 2, _UNBOUNDED),
    "coalesce": Function(_coalesce, 1, _UNBOUNDED),
    "if": Function(_if, 3, 3),
    "isnumeric": Function(lambda value: number(value) is not None, 1, 1),
    "ispresent": Function(lambda value: value is not None, 1, 1),
    # strings
    "concat": Function(_concat, 1, _UNBOUNDED),
    "endswith": Function(_of_text(str.endswith), 2, 2),
    "isblank": Function(lambda value: not text(value).strip(), 1, 1),
    "isempty": Function(lambda value: not text(value), 1, 1),
    "ltrim": Function(_of_text(str.lstrip), 1, 2),
    "replace": Function(_of_text(str.replace), 3, 3),
    "rtrim": Function(_of_text(str.rstrip), 1, 2),
    "startswith": Function(_of_text(str.startswith), 2, 2),
    "strcontains": Function(_contains, 2, 3),
    "strlen": Function(_of_text(len), 1, 1),
    "substr": Function(_substr, 2, 3),
    "tolower": Function(_of_text(str.lower), 1, 1),
    "toupper": Function(_of_text(str.upper), 1, 1),
    "trim": Function(_of_text(str.strip), 1, 2),
    # IP addresses
    "isipinsubnet": Function(_in_subnet(4, 6), 2, 2),
    "isipv4insubnet": Function(_in_subnet(4), 2, 2),
    "isipv6insubnet": Function(_in_subnet(6), 2, 2),
    "isvalidip": Function(_is_ip(4, 6), 1, 1),
    "isvalidipv4": Function(_is_ip(4), 1, 1),
    "isvalidipv6": Function(_is_ip(6), 1, 1),
}
