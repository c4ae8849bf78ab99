"""Weighs one hypothesis: its clues, its score and its status. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.coverage import combined
from bot.domain.declarations import Hypothesis
from bot.domain.playbook_contract import Evidence, Playbook, Scope
from bot.domain.report import Cause, CauseStatus, Clue, ClueKind, Gap
from bot.investigation.facts import reserved_arguments

WEIGHT = {
    ClueKind.NECESSARY: 0,
    ClueKind.DECISIVE: 3,
    ClueKind.SUPPORTING: 1,
    ClueKind.CONTRADICTING: -2,
}


def weigh(playbook: Playbook, hypothesis: Hypothesis, scope: Scope, evidence: Evidence) -> Cause:
    """Test one hypothesis against the evidence, facts included.

    UNTESTED when evidence failed that it cannot do without; REFUTED when the service has nothing
    for one of its probes to read.
    """
    arguments = reserved_arguments(hypothesis.test, scope)
    missing = []
    for name, accepts in hypothesis.parameters.items():
        value = arguments[name] = evidence[name]
        if isinstance(value, Gap) and not accepts.gap:
            missing.append(name)
        elif value is None and not accepts.none:
            return _no_resource(hypothesis, _title_of(playbook, name), scope)
    if missing:
        return _cause(hypothesis, CauseStatus.UNTESTED, 0, (), tuple(missing))
    yielded = hypothesis.test(playbook, **arguments)
    clues = tuple(within_coverage(clue, arguments.values()) for clue in yielded)
    score = sum(WEIGHT[clue.kind] for clue in clues if clue.holds)
    return _cause(hypothesis, status(clues, score), score, clues)


def within_coverage(clue: Clue, evidence: Iterable[object]) -> Clue:
    """The clue as far as its evidence is complete.

    Incomplete evidence refutes nothing: a clue that speaks against its cause becomes unknown.
    `evidence` is what the clue rests on when it does not say.
    """
    missing = combined(evidence).missing if clue.missing is None else clue.missing
    against = clue.holds is (clue.kind is ClueKind.CONTRADICTING)
    if not missing or not against or clue.kind is ClueKind.SUPPORTING:
        return clue.model_copy(update={"missing": missing})
    text = f"{clue.text} (not all was read: {missing[0]})"
    return clue.model_copy(update={"holds": None, "text": text, "missing": missing})


def status(clues: tuple[Clue, ...], score: int) -> CauseStatus:
    """A cause's status by its clues and score; the first rule that fits decides.

    - A necessary clue is False: refuted.
    - A contradicting clue holds and the score is not above 0: refuted.
    - A decisive clue holds, every necessary one is known, the score is above 0: supported.
    - All decisive clues are False and the score is at most 1: refuted.
    - No clue could be checked: untested.
    - Else: possible.
    """
    by_kind = {kind: [clue.holds for clue in clues if clue.kind is kind] for kind in ClueKind}
    if False in by_kind[ClueKind.NECESSARY]:
        return CauseStatus.REFUTED
    decisive, unknown = by_kind[ClueKind.DECISIVE], None in by_kind[ClueKind.NECESSARY]
    if True in by_kind[ClueKind.CONTRADICTING] and score <= 0:
        return CauseStatus.REFUTED
    if True in decisive and not unknown and score > 0:
        return CauseStatus.SUPPORTED
    if decisive and all(holds is False for holds in decisive) and score <= 1:
        return CauseStatus.REFUTED
    if all(clue.holds is None for clue in clues):
        return CauseStatus.UNTESTED
    return CauseStatus.POSSIBLE


def _title_of(playbook: Playbook, name: str) -> str:
    """What the evidence of this name is, for people."""
    probe = playbook.probes.get(name)
    return probe.title if probe else name.replace("_", " ")


def _no_resource(hypothesis: Hypothesis, title: str, scope: Scope) -> Cause:
    """The cause when the service has no such resource: refuted, if all its resources are known."""
    service = scope.service
    if not scope.complete:
        text = f"whether {service.name} has any: {title} (its tags could not be read)"
        clue = Clue(kind=ClueKind.NECESSARY, holds=None, text=text)
        return _cause(hypothesis, CauseStatus.UNTESTED, 0, (clue,))
    text = f"{service.name} has none: {title}"
    clue = Clue(kind=ClueKind.NECESSARY, holds=False, text=text)
    return _cause(hypothesis, CauseStatus.REFUTED, 0, (clue,), applies=False)


def _cause(
    hypothesis: Hypothesis,
    status: CauseStatus,
    score: int,
    clues: tuple[Clue, ...],
    missing: tuple[str, ...] = (),
    *,
    applies: bool = True,
) -> Cause:
    return Cause(
        id=hypothesis.id,
        title=hypothesis.title,
        status=status,
        score=score,
        clues=clues,
        missing=missing,
        actions=hypothesis.actions,
        choice=next((clue.choice for clue in clues if clue.holds and clue.choice), None),
        explains=hypothesis.explains,
        applies=applies,
    )
