"""What an author of `playbooks/` writes: probes, playbooks (incident types) and actions.

**A probe** reads AWS and returns a small dataclass. It never changes anything.

**A playbook** is a class. Its probes are attributes; they are read at the same time. Its facts
(measurements), hypotheses (possible causes) and advice (next steps for a person) are methods. A
parameter's name says which probe's result or which fact it takes:

    class FiveXX(Playbook):
        id = "5xx"
        title = "5XX errors"
        looks_like = "an overloaded backend"
        alarms = (AlarmRule("AWS/ApiGateway", frozenset({"5XXError"})),)

        edge = EdgeProbe()
        logs = ColdStartProbe()

        @fact
        def anomaly(self, edge: Edge) -> AnomalyWindow: ...

        @hypothesis("Lambda cold starts in a surge", actions=("enable-provisioned-concurrency",))
        def cold_start_surge(self, anomaly: AnomalyWindow, logs: ColdStarts) -> Iterator[Clue]:
            yield necessary(logs.late > 0, "12 cold starts took longer than 29 s")
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
clue holds. `Clue.resting_on` names the evidence of a clue that does not rest on all that the
method asks for. Incomplete evidence (see `bot.domain.coverage`) refutes nothing and makes
no report sure. `bot.investigation` adds up the points and decides what the report comes to.

**An action** computes a `Plan`: exact AWS calls, and the calls that undo them. It sends nothing:
`bot.changes` checks, records, sends and verifies.

tests/fundamentals has a whole small playbook, an investigation and a guarded change to read next.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from bot.domain.alarm import Alarm
from bot.domain.declarations import (
    Accepts,
    Adviser,
    Fact,
    Hypothesis,
    facts_in_order,
    members,
    parameters,
)
from bot.domain.plan import Choice, Plan, Step
from bot.domain.ports import Aws
from bot.domain.report import Change, Clue, ClueKind, Gap, Overview, Window
from bot.domain.run import Answer, Verification
from bot.domain.service import Service

T_co = TypeVar("T_co", covariant=True)
Evidence = Mapping[str, object]
"""Results of probes and facts by name: a value, None (nothing to read) or a Gap (read failed)."""


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


@runtime_checkable
class PartlyRead(Protocol):
    """A probe's value of which parts could not be read: each becomes a gap of the report."""

    def gaps(self, probe: str) -> tuple[Gap, ...]:
        """What could not be read; `probe` is the probe's attribute name."""
        ...

    def without(self, permission: str | None, detail: str) -> object:
        """The value as if this part had been read and told nothing: that of the gap with this
        permission, or with this detail where no permission is missing."""
        ...


@runtime_checkable
class TellsChanges(Protocol):
    """A probe's or a fact's value that says what was changed."""

    @property
    def known(self) -> tuple[Change, ...]:
        """Changes to the service, or to what it uses."""
        ...


# --- playbooks ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """Alarms that a playbook answers, by the metric they watch.

    Several playbooks may answer one metric. One for which the rule is not `primary` gives way to
    one for which it is: a failed connection to a target brings 5XX, but says more about targets.
    """

    namespace: str  # "AWS/ApiGateway"
    metrics: frozenset[str]  # {"5XXError"}
    primary: bool = True
    dimensions: frozenset[str] = frozenset()  # names the metric must have: {"ProxyName"}


class Causes:
    """Probes, facts, hypotheses and advice. Incident types inherit the causes they need.

    All are inherited like methods. Hypotheses stand in the order of the bases, a class's own
    first; probes of the furthest bases come first, as most causes need those. A subclass that sets
    a hypothesis to None does without it. Raises TypeError when a method has a parameter that
    names neither a probe nor a fact.
    """

    probes: ClassVar[Mapping[str, Probe[object]]] = {}
    facts: ClassVar[Mapping[str, Fact]] = {}  # each after the facts it needs
    hypotheses: ClassVar[tuple[Hypothesis, ...]] = ()
    advisers: ClassVar[tuple[Adviser, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        furthest_first = members(cls, reversed(cls.__mro__))
        nearest_first = members(cls, cls.__mro__)
        cls.probes = {
            name: each for name, each in furthest_first.items() if isinstance(each, Probe)
        }
        cls.facts = facts_in_order(cls, furthest_first, cls.probes)
        cls.hypotheses = tuple(
            Hypothesis(
                id=name.replace("_", "-"),
                test=method,
                parameters=evidence_parameters(cls, method),
                **method.__hypothesis__,
            )
            for name, method in nearest_first.items()
            if hasattr(method, "__hypothesis__")
        )
        cls.advisers = tuple(
            Adviser(
                causes=method.__advice__,
                advise=method,
                parameters=evidence_parameters(cls, method),
            )
            for method in nearest_first.values()
            if hasattr(method, "__advice__")
        )


def evidence_parameters(
    playbook: type[Causes], method: Callable[..., object]
) -> dict[str, Accepts]:
    """A method's parameters that name probes or facts, and what each accepts.

    Raises TypeError for a parameter that names neither.
    """
    return parameters(playbook, method, {*playbook.probes, *playbook.facts})


class Playbook(Causes, ABC):
    """An incident type. A subclass declares it; `bot.investigation.engine` runs it."""

    id: ClassVar[str]
    title: ClassVar[str]
    looks_like: ClassVar[str]  # what people usually suspect first; `incident playbooks` shows it
    first_guess: ClassVar[str] = ""
    """Id of the hypothesis that `looks_like` is about. Where it is ruled out, the card says so
    before all other causes that are."""
    alarms: ClassVar[tuple[AlarmRule, ...]] = ()
    metric_words: ClassVar[frozenset[str]] = frozenset()
    """Lower-case words in the name of a metric of any namespace, or in a dimension of a status or
    code, for metrics that no playbook lists. An entry of several words ("500 errors") fits when
    all of them are there."""
    name_words: ClassVar[frozenset[str]] = frozenset()
    """The same in an alarm's name; used only when its metric is not known."""
    for_any_alarm: ClassVar[bool] = False
    """Whether it is opened for alarms that no other playbook claims. It claims none itself, and
    each alarm has an incident of its own."""

    def __init_subclass__(cls) -> None:
        """Raises TypeError for a parameter of a method that names no evidence, and for a first
        guess that is no hypothesis."""
        super().__init_subclass__()
        if cls.first_guess and cls.first_guess not in {each.id for each in cls.hypotheses}:
            raise TypeError(f"{cls.__name__} has no hypothesis {cls.first_guess!r}")
        for method in (cls.overview, cls.recovered):
            evidence_parameters(cls, method)  # raises TypeError for a misspelt parameter

    @abstractmethod
    def overview(self, *args: Any, **evidence: Any) -> Overview:
        """What the card shows besides causes. Every parameter is evidence and accepts Gap."""

    @abstractmethod
    def recovered(self, *args: Any, **evidence: Any) -> Verification:
        """Whether the incident has been over since `since`: YES, NO or INCONCLUSIVE.

        It is asked after a change. Parameters as for `overview`, and `since` (AWS time).
        """


Method = TypeVar("Method", bound=Callable[..., object])


def fact(method: Method) -> Method:
    """Mark a method as a fact: a measurement from probes and other facts, which it asks for by
    parameter name. It is computed once a report. Where a parameter does not accept a Gap or None
    that it would get, the fact is that Gap or None itself.
    """
    method.__fact__ = True  # type: ignore[attr-defined]
    return method


def hypothesis(
    title: str, *, actions: tuple[str, ...] = (), explains: tuple[str, ...] = ()
) -> Callable[[Method], Method]:
    """Mark a method as a hypothesis. Its id is the method's name with hyphens.

    `title` is the cause as the card shows it; `actions` are ids of actions that can mend it, the
    best first. `explains` are ids of causes that this one can bring about: a release can make
    requests hang. These are no rivals; together they form the chain that the card shows.
    """

    def mark(method: Method) -> Method:
        declared = {"title": title, "actions": actions, "explains": explains}
        method.__hypothesis__ = declared  # type: ignore[attr-defined]
        return method

    return mark


def advice(*causes: str) -> Callable[[Method], Method]:
    """Mark a method that yields next steps for a person (`Advice`) when one of these causes is
    likely or still possible; without causes: when the report is inconclusive."""

    def mark(method: Method) -> Method:
        method.__advice__ = causes  # type: ignore[attr-defined]
        return method

    return mark


def necessary(holds: bool | None, text: str, **figures: float) -> Clue:
    """A clue without which this cause is impossible: False refutes it. No points."""
    return Clue(kind=ClueKind.NECESSARY, holds=holds, text=text, figures=figures)


def decisive(holds: bool | None, text: str, **figures: float) -> Clue:
    """A clue that only this cause explains: +3 points. That something came shortly before is
    timing, which many causes share: it is never decisive."""
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

    locked_by_aws: ClassVar[Mapping[str, str]] = {}
    """The calls that AWS itself refuses when somebody has changed the resource meanwhile, by IAM
    action, and what it knows that by: {"lambda:UpdateAlias": "RevisionId"}. Of every other call
    the plan warns that it would overwrite such a change."""

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
