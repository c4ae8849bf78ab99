"""What the code raised in the anomaly, by kind, and how many of the errors it answered itself.

A cause that lies in something the code calls is told by two things together: the exceptions name
it, and it shows something itself, or was changed. The class of an exception alone is not enough
for a sure report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.coverage import Coverage, coverage_of
from bot.domain.playbook_contract import contradicting, decisive, necessary
from bot.domain.report import Clue, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.errors import CodeErrors
from playbooks.evidence.exception_classes import Origin, origin_of
from playbooks.evidence.exception_kinds import Kind, KindOfExceptions, kinds_of, of_kinds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.served_versions import Sides
from playbooks.evidence.wording import asked, figures, percent
from playbooks.probes.exceptions import Exceptions


@dataclass(frozen=True, slots=True)
class Shown:
    """What something that is called shows of itself, or what was done to it.

    `holds`: it explains the failure; False: it is measured and shows nothing; None: not known.
    `missing`: what was not read of it.
    """

    holds: bool | None
    text: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Raised:
    """Exceptions in the anomaly, and the share of the errors that the code answered or raised.

    `traffic`: requests as a multiple of the usual; `beside`: the version of a function that raises
    the leading exception, beside those that serve at the same time; `silent`: the function's log
    has not one line of its invocations, so it is not where the function logs.
    """

    anomaly: AnomalyWindow
    exceptions: Exceptions | Gap | None
    own: CodeErrors | None
    traffic: float | None = None
    beside: Sides | None = None
    silent: bool = False

    @property
    def coverage(self) -> Coverage:
        """That of the logs."""
        return coverage_of(self.exceptions)

    def of(self, *kinds: Kind) -> KindOfExceptions | None:
        """The exceptions of these kinds; None when none is known."""
        return self._those(frozenset(kinds))

    def all(self) -> KindOfExceptions | None:
        """The exceptions of every kind; None when none is known."""
        return self._those(None)

    def _those(self, kinds: frozenset[Kind] | None) -> KindOfExceptions | None:
        if not isinstance(self.exceptions, Exceptions):
            return None
        return of_kinds(self.exceptions, self.anomaly, self.traffic, kinds)

    def unread(self) -> str:
        """Why no exceptions are known; empty when the logs were read."""
        if self.silent:
            return "the log has no line of the function, which was invoked"
        if isinstance(self.exceptions, Exceptions):
            return ""
        return "the logs were not read" if isinstance(self.exceptions, Gap) else "no log is known"

    def names_nothing(self) -> str:
        """Why exceptions do not tell what failed: the logs were not read, or most are of a class of
        the service's own that says neither. Empty where they tell it, or there are none."""
        if unread := self.unread():
            return unread
        if not isinstance(self.exceptions, Exceptions):
            return ""
        now = self.exceptions.between(self.anomaly.start, self.anomaly.end)
        vague = Counter[str]()
        for each in now:
            told = kinds_of(each.name, each.says, each.message)
            if not told and origin_of(each.name, each.message) is not Origin.CODE:
                vague[each.name] += int(each.count)
        if vague.total() < thresholds.MOSTLY * sum(each.count for each in now) or not vague:
            return ""
        return f"{vague.most_common(1)[0][0]} does not say what failed"

    def mostly_own(self) -> bool | None:
        """Whether the code itself answered or raised most errors."""
        return None if self.own is None else self.own.share >= thresholds.EXPLAINS

    def counted(self) -> str:
        """How many of the errors the code answered, in words."""
        if self.own is None:
            return "nothing counts what the code itself answered"
        return f"{self.own.counted_as} account for {percent(self.own.share)} of the " + (
            self.anomaly.label
        )


def names_it(raised: Raised, kind: Kind, *others: Kind) -> Iterator[Clue]:
    """Necessary: exceptions name this kind, or one of the others. Against it: the code answered few
    of the errors."""
    found, unread = raised.of(kind, *others), raised.unread()
    if unread:
        yield necessary(None, f"whether exceptions name {kind}: {unread}")
    elif found is None:
        yield necessary(False, f"no exception in the logs names {kind}")
    else:
        enough = found.share >= thresholds.PART and found.rose is not False
        yield necessary(enough, found.told(), lines=float(found.count))
    yield hardly_own(raised)


def of_one_version(raised: Raised) -> bool:
    """Whether one version raises it, and those that serve beside it do not: then it is that code,
    and nothing that all of them call."""
    return raised.beside is not None and raised.beside.only_this is True


def hardly_own(raised: Raised) -> Clue:
    """Contradicting: the code itself answered few of the errors, or only one version of it does."""
    if raised.beside is not None and of_one_version(raised):
        return contradicting(True, raised.beside.told("exceptions"))
    few = None if raised.own is None else raised.own.share < thresholds.PART
    question = "whether the code itself answered the errors"
    return contradicting(few, asked(few, question, raised.counted()))


def shows_itself(raised: Raised, kind: Kind, shown: Shown) -> Iterator[Clue]:
    """Where exceptions do not tell what failed, what is called may show it itself, while the code
    answers most errors. Nothing says that the code fails for it, so it makes no report sure."""
    why = raised.names_nothing()
    if not (why and shown.holds and raised.mostly_own()):
        return
    text = f"{shown.text}; {raised.counted()}; {why}"
    yield necessary(True, text).resting_on()
    clue = decisive(True, text).resting_on()
    missing = (f"no exception names {kind}", *shown.missing)
    yield clue.model_copy(update={"missing": missing})


def decided(raised: Raised, kind: Kind, *others: Kind, shown: Shown, class_alone: bool) -> Clue:
    """Decisive: exceptions of this kind (or the others) are most of the errors, and what they name
    shows it too.

    `class_alone`: where nothing is known of what they name, the exceptions decide, but make no
    report sure. So do exceptions that say themselves what failed, whatever brought it. Nothing
    measured that speaks against it refutes: the question stays open.
    """
    found, mostly = raised.of(kind, *others), raised.mostly_own()
    question = f"whether {kind} is what fails the requests"
    if raised.unread():
        holds = False if mostly is False else None
        text = f"{raised.unread()}; {raised.counted()}; {shown.text}"
        return decisive(holds, asked(holds, question, text))
    one = False if found is None or of_one_version(raised) else found.stand_out
    holds = False if one is False or mostly is False else one and mostly
    told = f"{found.told()}; " if found else f"no exception names {kind}; "
    text = f"{told}{raised.counted()}; {shown.text}"
    explicit = found is not None and found.explicit
    if holds and not (shown.holds or explicit or (shown.holds is None and class_alone)):
        holds = None
    clue = decisive(
        holds,
        asked(holds, question, text),
        **figures(lines=float(found.count) if found else None),
    )
    missing = raised.coverage.missing
    if holds:
        missing = (*missing, *shown.missing)
    if holds and not shown.holds:
        missing = (*missing, f"only the exceptions name {kind}")
    return clue.model_copy(update={"missing": tuple(dict.fromkeys(missing))})
