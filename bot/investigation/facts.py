"""Computes a playbook's facts from what its probes brought."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping

from bot.domain.declarations import Accepts
from bot.domain.playbook_contract import Evidence, Playbook, Scope, evidence_parameters
from bot.domain.report import Gap


def with_facts(playbook: Playbook, scope: Scope, evidence: Evidence) -> dict[str, object]:
    """The evidence and every fact that can be computed from it, by name.

    A fact that would get a Gap or None it does not accept is that Gap or None itself.
    """
    known = dict(evidence)
    for fact in playbook.facts.values():
        if not fact.parameters.keys() <= known.keys():
            continue  # only some probes were read, and this fact needs others
        arguments = {name: known[name] for name in fact.parameters}
        stopped, value = _not_accepted(fact.parameters, arguments)
        if not stopped:
            value = fact.compute(playbook, **reserved_arguments(fact.compute, scope), **arguments)
        known[fact.name] = value
    return known


def _not_accepted(
    parameters: Mapping[str, Accepts], arguments: Mapping[str, object]
) -> tuple[bool, object]:
    """Whether an argument is a Gap or None its parameter does not accept, and that argument."""
    for name, accepts in parameters.items():
        value = arguments[name]
        if isinstance(value, Gap) and not accepts.gap:
            return True, value
        if value is None and not accepts.none:
            return True, None
    return False, None


def probes_for(playbook: type[Playbook], method: Callable[..., object]) -> tuple[str, ...]:
    """The names of the probes a method needs, through the facts it asks for as well."""
    return probes_behind(playbook, evidence_parameters(playbook, method))


def probes_behind(playbook: type[Playbook], names: Iterable[str]) -> tuple[str, ...]:
    """The probes among these names, and those that the facts among them are made of."""
    needed: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in playbook.facts:
            waiting += playbook.facts[name].parameters
        else:
            needed[name] = None
    return tuple(name for name in playbook.probes if name in needed)


def arguments_for(
    playbook: Playbook,
    method: Callable[..., object],
    scope: Scope,
    evidence: Evidence,
    since: object = None,
) -> dict[str, object]:
    """A method's arguments: the evidence its parameters name, `scope` and `since`."""
    names: Iterable[str] = evidence_parameters(type(playbook), method)
    return reserved_arguments(method, scope, since) | {name: evidence[name] for name in names}


def reserved_arguments(
    method: Callable[..., object], scope: Scope, since: object = None
) -> dict[str, object]:
    """`scope` and `since`, if the method has parameters of these names."""
    values: Mapping[str, object] = {"scope": scope, "since": since}
    parameters = inspect.signature(method).parameters
    return {name: value for name, value in values.items() if name in parameters}
