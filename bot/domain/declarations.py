"""How the class body of a playbook is read: which methods are facts, hypotheses and advice, and
which evidence each asks for by the names of its parameters."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from bot.domain.report import Advice, Clue, Gap

RESERVED = frozenset({"self", "scope", "since"})  # parameters that name no evidence


@dataclass(frozen=True, slots=True)
class Accepts:
    """Whether a parameter's type accepts a Gap (read failed) and None (nothing to read)."""

    gap: bool
    none: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """A measurement made from evidence, from a method marked with `@fact`."""

    name: str
    compute: Callable[..., object]
    parameters: Mapping[str, Accepts]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A possible cause, made from a method marked with `@hypothesis`."""

    id: str  # the method's name with hyphens; does not change once published
    title: str
    actions: tuple[str, ...]  # ids of actions that can mend it, the best first
    explains: tuple[str, ...]  # ids of causes that this one can bring about
    test: Callable[..., Iterator[Clue]]
    parameters: Mapping[str, Accepts]  # by the name of the probe or fact


@dataclass(frozen=True, slots=True)
class Adviser:
    """Next steps for a person, from a method marked with `@advice`."""

    causes: tuple[str, ...]  # ids of the causes it is for; empty: for any inconclusive report
    advise: Callable[..., Iterator[Advice]]
    parameters: Mapping[str, Accepts]


def members(cls: type, bases: Iterable[type]) -> dict[str, Any]:
    """What the class has under each name that a base declares, in the order of `bases`."""
    names = dict.fromkeys(name for base in bases for name in vars(base))
    return {name: getattr(cls, name, None) for name in names}


def facts_in_order(cls: type, names: Mapping[str, Any], probes: Iterable[str]) -> dict[str, Fact]:
    """The class's facts, each after the facts it needs.

    Raises TypeError for a parameter that names neither a probe nor a fact, and for facts that need
    each other.
    """
    methods = {name: each for name, each in names.items() if hasattr(each, "__fact__")}
    known = {*probes, *methods}
    facts = {
        name: Fact(name, method, parameters(cls, method, known)) for name, method in methods.items()
    }
    needed = {name: set(each.parameters) & set(facts) for name, each in facts.items()}
    try:
        order = tuple(TopologicalSorter(needed).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise TypeError(f"{cls.__name__}: facts that need each other: {circle}") from None
    return {name: facts[name] for name in order}


def parameters(
    cls: type, method: Callable[..., object], known: Iterable[str]
) -> dict[str, Accepts]:
    """A method's parameters that name evidence, and what each accepts.

    Raises TypeError for a parameter that names none of `known`.
    """
    known = frozenset(known)
    found = {}
    hints = typing.get_type_hints(method)
    for name, parameter in inspect.signature(method).parameters.items():
        if name in RESERVED or parameter.kind in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        ):
            continue
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise TypeError(
                f"{cls.__name__}.{method.__name__} has a parameter {name!r}, which is no probe "
                f"and no fact of the playbook; it has: {listed}"
            )
        hint = hints.get(name, object)
        is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
        choices = typing.get_args(hint) if is_union else (hint,)
        found[name] = Accepts(gap=Gap in choices, none=type(None) in choices)
    return found
