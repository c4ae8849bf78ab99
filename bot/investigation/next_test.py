"""Finds the one read that would decide most, and what stands in its way. Pure.

A clue depends on a read that failed when the clue would say something else had that read told
nothing: the hypotheses are asked again as if it had. What depends on no such read may depend on
time: AWS publishes late. Else the question is told without a read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.playbook_contract import Evidence, PartlyRead, Playbook, Scope
from bot.domain.report import (
    Advice,
    Cause,
    CauseStatus,
    Clue,
    ClueKind,
    Gap,
    GapReason,
    NextTest,
    SignalState,
)
from bot.investigation.facts import probes_behind, with_facts
from bot.investigation.weighing import WEIGHT, weigh

OF_NECESSARY = 4  # a clue that may refute its cause decides more than any that gives points
FIRST_MINUTES = timedelta(minutes=5)
"""From the beginning on: CloudWatch's latest two minutes are not settled yet, and telling that
something is abnormal takes some minutes after it."""


@dataclass(frozen=True, slots=True)
class _Question:
    """An unknown clue of a cause that is not refuted; without a clue, the whole cause."""

    cause: Cause
    clue: Clue | None
    weight: int

    @property
    def text(self) -> str:
        if self.clue is None:
            return f"whether it is this: {self.cause.title}"
        asks = self.clue.text.startswith(("whether", "which", "what", "who", "how"))
        return self.clue.text if asks else f"whether this holds: {self.clue.text}"


@dataclass(slots=True)
class _Read:
    """Reads that one thing stands in the way of, and the questions that depend on them."""

    gap: Gap
    probes: list[str]
    questions: list[_Question] = field(default_factory=list)
    again_at: datetime | None = None

    @property
    def decides(self) -> int:
        """The weights of the causes it would speak for or against, together."""
        best: dict[str, int] = {}
        for each in self.questions:
            best[each.cause.id] = max(best.get(each.cause.id, 0), each.weight)
        return sum(best.values())

    @property
    def causes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.cause.id for each in self.questions))


def next_test(
    playbook: Playbook,
    scope: Scope,
    evidence: Evidence,
    ranked: tuple[Cause, ...],
    signal: SignalState | None = None,
) -> NextTest | None:
    """What to find out next; None when nothing is unknown.

    Args:
        playbook: its hypotheses are asked again as if a read had told nothing.
        scope: what is investigated.
        evidence: results of the probes, without facts.
        ranked: the causes in the report's order.
        signal: whether what the alarm is about is abnormal; None: the playbook does not tell.
    """
    questions = list(_questions(ranked))
    if not questions:
        return None
    reads = _reads(playbook, evidence)
    for read in reads:
        read.questions = _depending(playbook, scope, evidence, read, questions)
    best = max(reads, key=lambda read: read.decides, default=None)
    late = _late(questions)
    if late and late.decides > (best.decides if best else 0):
        return NextTest(
            question=_heaviest(late.questions).text, decides=late.causes, again_at=late.again_at
        )
    if best and best.decides:
        return _of_read(playbook, scope, evidence, best)
    first = _heaviest(questions)
    again = scope.window.began + FIRST_MINUTES
    unsettled = signal is not None and signal.abnormal is None and scope.window.end < again
    return NextTest(
        question=first.text,
        decides=(first.cause.id,),
        read="metrics of its first minutes" if unsettled else "",
        again_at=again if unsettled else None,
    )


def gaps_of(name: str, value: object) -> tuple[Gap, ...]:
    """The gaps a probe's result leaves: itself, or the parts that could not be read."""
    if isinstance(value, Gap):
        return (value,)
    return value.gaps(name) if isinstance(value, PartlyRead) else ()


def _questions(ranked: tuple[Cause, ...]) -> Iterator[_Question]:
    for cause in ranked:
        if cause.status is CauseStatus.REFUTED:
            continue
        if cause.missing:
            yield _Question(cause, None, OF_NECESSARY)
        for clue in cause.clues:
            if clue.holds is None:
                yield _Question(cause, clue, _weight(clue))


def _weight(clue: Clue) -> int:
    return OF_NECESSARY if clue.kind is ClueKind.NECESSARY else abs(WEIGHT[clue.kind])


def _heaviest(questions: list[_Question]) -> _Question:
    return max(questions, key=lambda each: each.weight)  # of equal ones the likeliest cause's


def _reads(playbook: Playbook, evidence: Evidence) -> list[_Read]:
    """The failed reads, those with the same missing permission together."""
    found: dict[object, _Read] = {}
    for name in playbook.probes:
        for gap in gaps_of(name, evidence.get(name)):
            if gap.reason is GapReason.PENDING:
                continue
            key = (gap.permission, gap.denied_by) if gap.permission else (name, gap.detail)
            read = found.setdefault(key, _Read(gap, []))
            if name not in read.probes:
                read.probes.append(name)
    return list(found.values())


def _depending(
    playbook: Playbook,
    scope: Scope,
    evidence: Evidence,
    read: _Read,
    questions: list[_Question],
) -> list[_Question]:
    """The questions that would not be open as they are, had the read told nothing."""
    without = {name: _told_nothing(evidence[name], read.gap) for name in read.probes}
    known = with_facts(playbook, scope, {**evidence, **without})
    by_id = {each.id: each for each in playbook.hypotheses}
    again: dict[str, Cause] = {}
    found = []
    for question in questions:
        cause, hypothesis = question.cause, by_id[question.cause.id]
        if not set(read.probes) & set(probes_behind(type(playbook), hypothesis.parameters)):
            continue
        if cause.id not in again:
            again[cause.id] = weigh(playbook, hypothesis, scope, known)
        if question.clue is None:
            depends = again[cause.id].missing != cause.missing
        else:
            depends = question.clue not in again[cause.id].clues
        if depends:
            found.append(question)
    return found


def _told_nothing(value: object, gap: Gap) -> object:
    """The value of a probe as if what left this gap had been read and there had been nothing."""
    if isinstance(value, PartlyRead):
        return value.without(gap.permission, gap.detail)
    return None


def _late(questions: list[_Question]) -> _Read | None:
    """The questions that AWS answers later by itself."""
    late = [each for each in questions if each.clue and each.clue.known_from]
    times = [each.clue.known_from for each in late if each.clue and each.clue.known_from]
    if not late:
        return None
    gap = Gap(probe="", reason=GapReason.PENDING, detail="")
    return _Read(gap, [], late, again_at=max(times))


def _of_read(playbook: Playbook, scope: Scope, evidence: Evidence, read: _Read) -> NextTest:
    """The test that a read makes; of several, the one that answers the weightiest question."""
    first = _heaviest(read.questions)
    probe = next(
        (
            name
            for name in read.probes
            if _depending(playbook, scope, evidence, _Read(read.gap, [name]), [first])
        ),
        read.probes[0],
    )
    gap = next(iter(gaps_of(probe, evidence.get(probe))), read.gap)
    return NextTest(
        question=first.text,
        decides=read.causes,
        probe=probe,
        read=playbook.probes[probe].title,
        reason=read.gap.reason,
        permission=read.gap.permission,
        denied_by=read.gap.denied_by,
        on=_resource(gap),
        by_hand=_to_run(gap),
    )


def _resource(gap: Gap) -> str | None:
    """The resource that AWS names in a denial, "log-group:/aws/lambda/checkout:*"; None without."""
    if gap.reason is not GapReason.DENIED:
        return None
    resource = gap.detail.rpartition(" on ")[2] if " on " in gap.detail else ""
    return resource if resource and " " not in resource else None


def _to_run(gap: Gap) -> Advice | None:
    """The log query that could not be run, for a person to run."""
    if gap.query is None:
        return None
    return Advice(text=f"Run the query over {', '.join(gap.log_groups)}", command=gap.query)
