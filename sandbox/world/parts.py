"""What a scenario file is written with: models that refuse unknown keys, durations and shares."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Loc = tuple[str | int, ...]
"""A place in a scenario file: keys and list positions."""
Problem = tuple[Loc, str]
"""A place, and a sentence that says what is wrong there and what would be right."""

_DURATION = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


def seconds(value: object) -> object:
    """ "250ms", "29s", "-12m" or a plain number of seconds, as seconds. Raises ValueError."""
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is not a duration; write for example 250ms, 29s, 5m or -12m")
    return float(match[1]) * _UNIT_SECONDS[match[2]]


Seconds = Annotated[float, BeforeValidator(seconds, json_schema_input_type=float | str)]
"""A duration in seconds; in a file a number of seconds or text such as "250ms", "29s", "5m"."""


def share(value: object) -> object:
    """ "25%" as 0.25; numbers pass. Raises ValueError."""
    if not isinstance(value, str):
        return value
    number, percent, rest = value.strip().partition("%")
    try:
        if not rest:
            return float(number) / (100.0 if percent else 1.0)
    except ValueError:
        pass
    raise ValueError(f"{value!r} is not a share; write for example 0.25 or 25%")


Share = Annotated[
    float, BeforeValidator(share, json_schema_input_type=float | str), Field(ge=0.0, le=1.0)
]
"""A part of the whole: 0.25 (or "25%") is a quarter."""


class Part(BaseModel):
    """Base of everything in a scenario file: frozen, and an unknown key is an error."""

    # `version: 42` and `version: "42"` are the same to an author: YAML numbers become text.
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


def known(
    loc: Loc, what: str, name: str | None, names: Iterable[str], section: str
) -> Iterator[Problem]:
    """The problem that `name` is none of `names`, with the nearest one; nothing when it is None.

    Args:
        loc: where the name is written.
        what: what it names, such as "function".
        names: those that exist.
        section: where they are written, such as "resources.functions".
    """
    if name is None:
        return
    found = sorted(names)
    if name in found:
        return
    if not found:
        yield loc, f"there is no {what} {name!r}: {section} has none"
        return
    near = difflib.get_close_matches(name, found, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"{section} has {', '.join(map(repr, found))}"
    yield loc, f"there is no {what} {name!r}; {hint}"
