"""What an author of `playbooks/` writes: probes, playbooks (incident types) and actions.

**A probe** reads AWS and returns a small dataclass. It never changes anything.

**A playbook** is a class. Its probes are attributes; they are read at the same time. Its
hypotheses (possible causes) are methods. A parameter's name says which probe's result it takes:

    class FiveXX(Playbook):
        id = "5xx"
        title = "5XX errors"
        looks_like = "an overloaded backend"
        alarms = (AlarmRule("AWS/ApiGateway", frozenset({"5XXError"})),)

        edge = EdgeProbe()
        logs = ColdStartProbe()

        @hypothesis("Lambda cold starts in a surge", actions=("enable-provisioned-concurrency",))
        def cold_start_surge(self, edge: Edge, logs: ColdStarts | Gap) -> Iterator[Clue]:
            yield necessary(edge.errors > 0, "the API answered with 5XX")
            ...

The parameter's type says what the method can handle besides a value:

- `Gap`: the read failed. Without `| Gap` the hypothesis is then *untested*.
- `None`: the service has nothing this probe could read. Without `| None` the hypothesis is then
  *refuted*.

Causes that several incident types share are written once, in a subclass of `Causes`. An incident
type inherits those that can bring its symptom:

    class FiveXX(ColdStarts, Releases, Playbook): ...

`scope` (what is investigated) and `since` (a time; only in `recovered`) may be parameters too. Any
other parameter raises TypeError when the class is defined.

A hypothesis yields clues. Each is `necessary`, `decisive`, `supporting` or `contradicting`, holds
True, False or None (unknown), and has a sentence with its figure that is true whether or not the
clue holds. `bot.investigation.engine` adds up the points and decides how sure the report is.

**An action** computes a `Plan`: exact AWS calls, and the calls that undo them. It sends nothing:
`bot.changes` checks, records, sends and verifies.

tests/fundamentals has a whole small playbook, an investigation and a guarded change to read next.
"""

from __future__ import annotations

import inspect
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from bot.domain.alarm import Alarm
from bot.domain.plan import Choice, Plan, Step
from bot.domain.ports import Aws
from bot.domain.report import Clue, ClueKind, Gap, Overview, Window
from bot.domain.run import Answer, Verification
from bot.domain.service import Service

T_co = TypeVar("T_co", covariant=True)
Evidence = Mapping[str, object]
"""Results of probes by attribute name: a value, None (nothing to read) or a Gap (read failed)."""

# --- what is investigated, and reads of it --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scope:
    """What is investigated: a service, its alarm if there is one, and the time window.

    `complete` is False when the service's tagged resources could not be listed. The service may
    then have resources that `service.resources` does not show.
    """

    service: Service
    alarm: Alarm | None
    window: Window
    complete: bool = True


class Probe(ABC, Generic[T_co]):
    """A read of AWS. It has no state: `read` runs in a thread, at the same time as other probes."""

    title: ClassVar[str]  # what it reads, for people: "access log of the API"
    permissions: ClassVar[tuple[str, ...]]  # IAM actions its calls need

    @abstractmethod
    def read(self, aws: Aws, scope: Scope) -> T_co | None:
        """Read and return the evidence; None when the service has nothing to read here.

        Raises ReadFailed when AWS gave no complete answer.
        """


# --- playbooks ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """Alarms that a playbook answers, by the metric they watch."""

    namespace: str  # "AWS/ApiGateway"
    metrics: frozenset[str]  # {"5XXError"}


class Causes:
    """Hypotheses and the probes they need. Incident types inherit the causes they need.

    Both are inherited like methods. Hypotheses stand in the order of the bases, a class's own
    first; probes of the furthest bases come first, as most causes need those. A subclass that sets
    a hypothesis to None does without it. Raises TypeError when a method has a parameter that
    names no probe.
    """

    probes: ClassVar[Mapping[str, Probe[object]]] = {}
    hypotheses: ClassVar[tuple[Hypothesis, ...]] = ()

    def __init_subclass__(cls) -> None:
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
                parameters=probe_parameters(cls, test),
            )
            for name, test in _members(cls, cls.__mro__).items()
            if hasattr(test, "__hypothesis__")
        )


def _members(cls: type, bases: Iterable[type]) -> dict[str, Any]:
    """What the class has under each name that a base declares, in the order of `bases`."""
    names = dict.fromkeys(name for base in bases for name in vars(base))
    return {name: getattr(cls, name, None) for name in names}


class Playbook(Causes, ABC):
    """An incident type. A subclass declares it; `bot.investigation.engine` runs it."""

    id: ClassVar[str]
    title: ClassVar[str]
    looks_like: ClassVar[str]  # what people usually suspect first; `incident playbooks` shows it
    alarms: ClassVar[tuple[AlarmRule, ...]] = ()
    name_words: ClassVar[frozenset[str]] = frozenset()
    """Lower-case words in an alarm's name; used only when no playbook answers its metric."""

    def __init_subclass__(cls) -> None:
        """Raises TypeError for a parameter of a method that is no probe."""
        super().__init_subclass__()
        for method in (cls.overview, cls.recovered):
            probe_parameters(cls, method)  # raises TypeError for a misspelt parameter

    @abstractmethod
    def overview(self, *args: Any, **evidence: Any) -> Overview:
        """What the card shows besides causes. Every parameter is a probe and accepts Gap."""

    @abstractmethod
    def recovered(self, *args: Any, **evidence: Any) -> Verification:
        """Whether the incident has been over since `since`: YES, NO or INCONCLUSIVE.

        It is asked after a change. Parameters as for `overview`, and `since` (AWS time).
        """


Test = TypeVar("Test", bound=Callable[..., Iterator[Clue]])


def hypothesis(title: str, *, actions: tuple[str, ...] = ()) -> Callable[[Test], Test]:
    """Mark a playbook's method as a hypothesis. Its id is the method's name with hyphens.

    `title` is the cause as the card shows it; `actions` are ids of actions that can mend it, the
    best first.
    """

    def mark(test: Test) -> Test:
        test.__hypothesis__ = (title, actions)  # type: ignore[attr-defined]
        return test

    return mark


def necessary(holds: bool | None, text: str, **figures: float) -> Clue:
    """A clue without which this cause is impossible: False refutes it. No points."""
    return Clue(kind=ClueKind.NECESSARY, holds=holds, text=text, figures=figures)


def decisive(holds: bool | None, text: str, **figures: float) -> Clue:
    """A clue that only this cause explains: +3 points."""
    return Clue(kind=ClueKind.DECISIVE, holds=holds, text=text, figures=figures)


def supporting(holds: bool | None, text: str, **figures: float) -> Clue:
    """A clue that fits this cause and others too: +1 point."""
    return Clue(kind=ClueKind.SUPPORTING, holds=holds, text=text, figures=figures)


def contradicting(holds: bool | None, text: str, **figures: float) -> Clue:
    """A clue against this cause: -2 points when it holds."""
    return Clue(kind=ClueKind.CONTRADICTING, holds=holds, text=text, figures=figures)


def choosing(choice: Choice | None, clue: Clue) -> Clue:
    """The clue, with what the cause's actions have to act on if it holds: the version, the
    deployment, the zone."""
    return clue.model_copy(update={"choice": choice})


# --- actions --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Observed:
    """A resource's state now, in the shape of a plan's `before` and `after`."""

    state: dict[str, Any]
    lock: str | None = None  # AWS's version or id of it: RevisionId, HealthCheckVersion…
    changing: bool = False  # AWS is still working on it, so `state` may yet change by itself
    comment: str = ""  # the text that whoever set this state stored with it


class Action(ABC):
    """A reversible change. It computes plans; `bot.changes` checks, records, sends and verifies."""

    id: ClassVar[str]
    title: ClassVar[str]  # the button: "Enable provisioned concurrency"
    reads: ClassVar[tuple[str, ...]]  # IAM actions of the calls that read
    writes: ClassVar[tuple[str, ...]]  # IAM actions of the calls that change, implied ones included
    implied_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """IAM actions that AWS checks in addition to a call's own, by the call's own IAM action:
    {"ecs:UpdateService": ("iam:PassRole",)}."""

    @abstractmethod
    def plan(self, aws: Aws, scope: Scope, choice: Choice | None = None) -> Plan | None:
        """The change, computed from the state of AWS now; None when there is nothing to do.

        `choice` is what a cause's evidence names, or a number that a person chose. An action whose
        choice names another target has nothing to do. Where AWS is no longer as the evidence says
        (the alias serves another version by now), a check says so and blocks.

        It reads all it needs: what a probe read minutes ago may be out of date. A precondition
        that does not hold becomes one of the plan's `checks`, so that a person sees it.

        Raises ReadFailed when the state could not be read, with NOT_CONFIGURED when the service
        has no resource for this change.
        """

    @abstractmethod
    def replan(self, aws: Aws, scope: Scope, plan: Plan) -> Plan | None:
        """The plan computed again, with the same choice (how many, which version, which zone).

        Everything but the choice is read again. The fingerprint then differs exactly when what
        would happen is not what was approved. None and ReadFailed as for `plan`.
        """

    @abstractmethod
    def observe(self, aws: Aws, plan: Plan) -> Observed:
        """The target's state now, in the shape of `plan.before`.

        Raises ReadFailed when it could not be read.
        """

    def settled(self, aws: Aws, plan: Plan, results: tuple[dict[str, Any], ...]) -> Verification:
        """Whether the change is in force: YES; NO when it failed; INCONCLUSIVE while under way.

        `results` is what the calls returned. Default: YES, for changes that act at once.
        """
        return Verification(answer=Answer.YES, text="in force at once", at=aws.now())

    def ownership_conflict(
        self, plan: Plan, seen: Observed, results: tuple[dict[str, Any], ...]
    ) -> str | None:
        """Why the state seen is somebody else's change, not to be undone; None when it is ours.

        It is asked when the state equals the plan's `after`: somebody may have made the same
        change. `results` is what the calls returned; empty when their answers were lost.
        Default: None.
        """
        return None

    def undo_steps(self, plan: Plan, seen: Observed) -> tuple[Step, ...]:
        """The calls that undo the plan, with the current `seen.lock`. Default: `plan.inverse`."""
        return plan.inverse or ()


# --- how a playbook's class body is read ----------------------------------------------------------


RESERVED = frozenset({"self", "scope", "since"})  # parameters that name no probe


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A possible cause, made from a method marked with `@hypothesis`."""

    id: str  # the method's name with hyphens; does not change once published
    title: str
    actions: tuple[str, ...]  # ids of actions that can mend it, the best first
    test: Callable[..., Iterator[Clue]]
    parameters: Mapping[str, Accepts]  # by the probe's attribute name


@dataclass(frozen=True, slots=True)
class Accepts:
    """Whether a parameter's type accepts a Gap (read failed) and None (nothing to read)."""

    gap: bool
    none: bool


def probe_parameters(playbook: type[Causes], method: Callable[..., object]) -> dict[str, Accepts]:
    """A method's parameters that name probes, and what each accepts.

    Raises TypeError for a parameter that names no probe of the playbook.
    """
    parameters = {}
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
                f"{playbook.__name__}.{method.__name__} has a parameter {name!r}, "
                f"which is no probe of the playbook; its probes: {known}"
            )
        hint = hints.get(name, object)
        is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
        choices = typing.get_args(hint) if is_union else (hint,)
        parameters[name] = Accepts(gap=Gap in choices, none=type(None) in choices)
    return parameters
