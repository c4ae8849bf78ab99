"""The author's contract: how an incident type is written down.

A playbook is a class. Its *probes* are attributes: reads only, all run at once. Its *hypotheses*
are methods whose parameter names are the probes they need:

    class FiveXX(Playbook):
        id = "5xx"
        edge = EdgeProbe()
        logs = ColdStartProbe()

        @hypothesis("Lambda cold starts in a surge", actions=("enable-provisioned-concurrency",))
        def cold_start_surge(self, edge: Edge, logs: ColdStarts | Gap) -> Iterator[Clue]:
            yield necessary(...)

Causes that several incident types share are written once, in a class of `Causes`: probes and
hypotheses without an incident. An incident type inherits those that can bring its symptom:

    class FiveXX(ColdStarts, Releases, Playbook): ...

A probe that failed is a `Gap`. A parameter that does not admit `Gap` makes the whole hypothesis
*untested* when its probe failed; one that does lets the hypothesis weigh what is left. A probe
that does not apply (the service has no such resource) gives None, and a hypothesis that does not
admit None is *refuted* by that. A misspelt parameter fails when the class is made.

`scope` and `since` are always available as parameters.
"""

from __future__ import annotations

import inspect
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from bot.domain.alarm import Alarm
from bot.domain.plan import Plan, Step
from bot.domain.ports import Aws
from bot.domain.report import Change, Clue, ClueKind, Gap, Overview, Window
from bot.domain.run import Answer, Verification
from bot.domain.service import Service

T_co = TypeVar("T_co", covariant=True)
Evidence = Mapping[str, object]
"""What the probes brought, by attribute name: a value, None (does not apply) or a Gap."""

RESERVED = frozenset({"self", "scope", "since"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What is being investigated: a service, the alarm if there is one, and the minutes."""

    service: Service
    alarm: Alarm | None
    window: Window
    # False when the service's tags were not read: what the catalogue leaves out may be there
    complete: bool = True


class Probe(ABC, Generic[T_co]):
    """A read. Stateless; `read` runs in a thread, beside the others."""

    title: ClassVar[str]  # what it looks at, for people: "access log of the API"
    permissions: ClassVar[tuple[str, ...]]  # IAM actions

    @abstractmethod
    def read(self, aws: Aws, scope: Scope) -> T_co | None:
        """The evidence; None when the service has nothing to read here.

        Raises ReadFailed when AWS gave no answer.
        """


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A possible cause: its stable id and title, what it needs, what may be done about it."""

    id: str
    title: str
    actions: tuple[str, ...]
    test: Callable[..., Iterator[Clue]]
    needs: Mapping[str, Admits]


@dataclass(frozen=True, slots=True)
class Admits:
    """Whether a parameter can take a Gap, and None (does not apply)."""

    gap: bool
    none: bool


Test = TypeVar("Test", bound=Callable[..., Iterator[Clue]])


def hypothesis(title: str, *, actions: tuple[str, ...] = ()) -> Callable[[Test], Test]:
    """Mark a method as a hypothesis; its id is the method's name with hyphens."""

    def mark(test: Test) -> Test:
        test.__hypothesis__ = (title, actions)  # type: ignore[attr-defined]
        return test

    return mark


def necessary(holds: bool | None, text: str, **figures: float) -> Clue:
    """Without it the cause is out."""
    return Clue(kind=ClueKind.NECESSARY, holds=holds, text=text, figures=figures)


def decisive(holds: bool | None, text: str, **figures: float) -> Clue:
    """Tells this cause from its rivals: +3."""
    return Clue(kind=ClueKind.DECISIVE, holds=holds, text=text, figures=figures)


def supporting(holds: bool | None, text: str, **figures: float) -> Clue:
    """Fits this cause, and others too: +1."""
    return Clue(kind=ClueKind.SUPPORTING, holds=holds, text=text, figures=figures)


def contradicting(holds: bool | None, text: str, **figures: float) -> Clue:
    """Speaks against it: -2."""
    return Clue(kind=ClueKind.CONTRADICTING, holds=holds, text=text, figures=figures)


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """Which alarms a playbook answers: namespace and metrics, or words in a name as last resort."""

    namespace: str
    metrics: frozenset[str]


class Causes:
    """Hypotheses and the probes they ask for. Incident types inherit the causes they need.

    Both are inherited like methods. Hypotheses stand in the order of the bases, a class's own
    first; probes of the furthest bases come first, as most causes ask for those. A subclass that
    sets a hypothesis to None does without it.
    """

    probes: ClassVar[Mapping[str, Probe[object]]] = {}
    hypotheses: ClassVar[tuple[Hypothesis, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Collect probes and hypotheses. Raises TypeError for a parameter that is no probe."""
        super().__init_subclass__()
        cls.probes = {
            name: each
            for name, each in _members(cls, reversed(cls.__mro__)).items()
            if isinstance(each, Probe)
        }
        cls.hypotheses = tuple(
            Hypothesis(
                id=name.replace("_", "-"),
                title=test.__hypothesis__[0],
                actions=test.__hypothesis__[1],
                test=test,
                needs=needs(cls, test),
            )
            for name, test in _members(cls, cls.__mro__).items()
            if hasattr(test, "__hypothesis__")
        )


def _members(cls: type, bases: Iterable[type]) -> dict[str, Any]:
    """What the class has under each name that a base declares, in the order of `bases`."""
    names = dict.fromkeys(name for base in bases for name in vars(base))
    return {name: getattr(cls, name, None) for name in names}


class Playbook(Causes, ABC):
    """An incident type. Subclasses declare; `bot.investigation.engine` runs them."""

    id: ClassVar[str]
    title: ClassVar[str]
    looks_like: ClassVar[str]  # the usual first guess, for `incident playbooks`
    alarms: ClassVar[tuple[AlarmRule, ...]] = ()
    name_words: ClassVar[frozenset[str]] = frozenset()  # alarm names without a known metric

    def __init_subclass__(cls) -> None:
        """Raises TypeError for a parameter of a method that is no probe."""
        super().__init_subclass__()
        for method in (cls.overview, cls.recovered):
            needs(cls, method)

    @abstractmethod
    def overview(self, *args: Any, **evidence: Any) -> Overview:
        """Headline, onset, breakdown, changes, chart; parameters are probes, all admitting Gap."""

    @abstractmethod
    def recovered(self, *args: Any, **evidence: Any) -> Verification:
        """The detector again: is it over since `since`? Parameters as for `overview`."""


def needs(playbook: type[Causes], method: Callable[..., object]) -> dict[str, Admits]:
    """The probes a method asks for. Raises TypeError for a name the class has no probe for."""
    wanted = {}
    hints = typing.get_type_hints(method)
    for name, parameter in inspect.signature(method).parameters.items():
        if name in RESERVED or parameter.kind in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        ):
            continue
        if name not in playbook.probes:
            known = ", ".join(sorted(playbook.probes)) or "none"
            raise TypeError(
                f"{playbook.__name__}.{method.__name__} asks for {name!r}, "
                f"which is no probe of it (it has: {known})"
            )
        hint = hints.get(name, object)
        is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
        choices = typing.get_args(hint) if is_union else (hint,)
        wanted[name] = Admits(gap=Gap in choices, none=type(None) in choices)
    return wanted


# --- actions --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Observed:
    """A resource's state now, comparable with a plan's before/after; and AWS's lock, if any."""

    state: dict[str, Any]
    lock: str | None = None  # RevisionId, HealthCheckVersion, zonalShiftId…
    changing: bool = False  # AWS may still be at work: `state` is not the last word
    said: str = ""  # what whoever made it so left beside it: a comment


class Action(ABC):
    """A reversible change. It computes plans; `bot.changes` guards, records, sends and verifies."""

    id: ClassVar[str]
    title: ClassVar[str]  # the button: "Enable provisioned concurrency"
    reads: ClassVar[tuple[str, ...]]  # IAM actions
    writes: ClassVar[tuple[str, ...]]
    also: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Of `writes`, what AWS asks for beside a call's own permission: by that permission."""

    @abstractmethod
    def plan(self, aws: Aws, scope: Scope) -> Plan | None:
        """The change, from the world as it is now; None when there is nothing to do.

        It reads what it needs by itself: a plan must not rest on what a probe saw minutes ago.

        Preconditions that fail are the plan's `checks`, so that a person sees them.
        Raises ReadFailed when the state could not be read.
        """

    @abstractmethod
    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        """The same choice (how many, which version, which zone) from the world as it is now.

        Everything but the choice is read again, so that the fingerprint differs exactly when what
        was approved is not what would happen. None and ReadFailed as for `plan`.
        """

    @abstractmethod
    def observe(self, aws: Aws, plan: Plan) -> Observed:
        """The target's state now, in the shape of `plan.before`. Raises ReadFailed."""

    def settled(self, aws: Aws, plan: Plan, results: tuple[dict[str, Any], ...]) -> Verification:
        """Is the change in force? YES; NO when it failed; INCONCLUSIVE while it is under way."""
        return Verification(answer=Answer.YES, text="in force at once", at=aws.now())

    def ownership_conflict(
        self, plan: Plan, seen: Observed, results: tuple[dict[str, Any], ...]
    ) -> str | None:
        """Why what is in force looks like the plan's and is not: undoing it would undo what
        somebody else did. `results` is what the calls returned; empty when the answer was lost.
        Default: what is as planned is the plan's."""
        return None

    def undo_steps(self, plan: Plan, seen: Observed) -> tuple[Step, ...]:
        """The inverse calls with AWS's lock of this moment put in. Default: the plan's inverse."""
        return plan.inverse or ()


def ranked(changes: tuple[Change, ...], onset: datetime | None) -> tuple[Change, ...]:
    """Changes with their lag to the onset, the nearest before it first."""
    if onset is None:
        return tuple(sorted(changes, key=lambda change: change.at, reverse=True))
    lags = [(onset - change.at).total_seconds() for change in changes]
    dated = sorted(zip(lags, changes, strict=True), key=lambda pair: (pair[0] < 0, abs(pair[0])))
    return tuple(change.model_copy(update={"lag": lag}) for lag, change in dated)
