"""Small composable rules that say what is wrong with a piece of JSON, and where.

A rule walks one value and yields sentences in Slack's own wording, each ending in the
JSON pointer of the offending value, e.g.
``must be less than 151 characters [json-pointer:/blocks/0/text/text]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Rule(Protocol):
    """Anything that can judge one JSON value found at ``path``."""

    def check(self, value: object, path: str) -> Iterator[str]: ...


def fault(sentence: str, path: str) -> str:
    """One finding, worded as Slack words it."""
    return f"{sentence} [json-pointer:{path}]"


@dataclass(frozen=True, slots=True)
class Anything:
    """A value this workspace stores but does not look into."""

    def check(self, value: object, path: str) -> Iterator[str]:
        del value, path
        yield from ()


@dataclass(frozen=True, slots=True)
class Str:
    """A string of ``least`` to ``most`` characters."""

    most: int
    least: int = 1

    def check(self, value: object, path: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield fault("must be a string", path)
        elif len(value) > self.most:
            yield fault(f"must be less than {self.most + 1} characters", path)
        elif len(value) < self.least:
            yield fault(f"must be more than {self.least - 1} characters", path)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a closed list of values."""

    values: tuple[str, ...]

    def check(self, value: object, path: str) -> Iterator[str]:
        if value not in self.values:
            yield fault(f"must be one of: {', '.join(self.values)}", path)


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    def check(self, value: object, path: str) -> Iterator[str]:
        if not isinstance(value, bool):
            yield fault("must be a boolean", path)


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number within bounds; ``above`` excludes its bound."""

    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    whole: bool = False

    def check(self, value: object, path: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield fault("must be a number", path)
        elif not math.isfinite(value) or (self.whole and value != int(value)):
            yield fault("must be a finite number" if not self.whole else "must be an integer", path)
        elif value < self.least or value <= self.above:
            bound = self.least if value < self.least else self.above
            yield fault(f"must be greater than {bound:g}", path)
        elif value > self.most:
            yield fault(f"must be less than or equal to {self.most:g}", path)


@dataclass(frozen=True, slots=True)
class Many:
    """A list of ``least`` to ``most`` values that all follow one rule."""

    item: Rule
    most: int
    least: int = 1

    def check(self, value: object, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield fault("must be an array", path)
            return
        if len(value) > self.most:
            yield fault(f"no more than {self.most} items allowed", path)
        if len(value) < self.least:
            yield fault(f"must have at least {self.least} items", path)
        for index, entry in enumerate(value):
            yield from self.item.check(entry, f"{path}/{index}")


@dataclass(frozen=True, slots=True)
class Shape:
    """An object with known fields. A field it doesn't know is refused, as Slack refuses it."""

    fields: Mapping[str, Rule]
    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()

    def check(self, value: object, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield fault("must provide an object", path)
            return
        for name in self.required:
            if value.get(name) is None:
                yield fault(f"missing required field: {name}", path)
        if self.any_of and all(value.get(name) is None for name in self.any_of):
            yield fault(f"must define at least one of: {', '.join(self.any_of)}", path)
        for name, content in value.items():
            rule = self.fields.get(name)
            if rule is None:
                yield fault(f"invalid additional property: {name}", path)
            elif content is not None:
                yield from rule.check(content, f"{path}/{name}")


@dataclass(frozen=True, slots=True)
class Tagged:
    """An object whose ``type`` picks the rule it must follow."""

    kinds: Mapping[str, Rule]
    default: str | None = None

    def check(self, value: object, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield fault("must provide an object", path)
            return
        kind = value.get("type", self.default)
        if kind is None:
            yield fault("missing required field: type", path)
        elif (rule := self.kinds.get(str(kind))) is None:
            yield fault(f"unsupported type: {kind}", f"{path}/type")
        else:
            yield from rule.check(value, path)

    def only(self, *kinds: str) -> Tagged:
        """The same rule for a place where only some kinds may stand."""
        return Tagged({kind: self.kinds[kind] for kind in kinds})


@dataclass(frozen=True, slots=True)
class Later:
    """A rule named before it exists: blocks hold blocks."""

    rule: Callable[[], Rule]

    def check(self, value: object, path: str) -> Iterator[str]:
        yield from self.rule().check(value, path)


@dataclass(frozen=True, slots=True)
class Also:
    """A rule, followed by a check across its fields."""

    rule: Rule
    check_also: Callable[[dict[str, object], str], Iterator[str]] = field()

    def check(self, value: object, path: str) -> Iterator[str]:
        findings = list(self.rule.check(value, path))
        yield from findings
        if not findings and isinstance(value, dict):
            yield from self.check_also(value, path)
