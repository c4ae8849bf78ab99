"""Decides what a report comes to: the chain of likely causes, and how sure it is.

Pure. A verdict is HIGH only with a decisive clue from complete evidence, a lead over every rival
that may still be true, and a signal that is known to be abnormal.
"""

from __future__ import annotations

import math

from bot.domain.report import Cause, CauseStatus, ClueKind, SignalState, Verdict
from bot.investigation.weighing import WEIGHT

LEAD_FOR_HIGH = 2  # points before the next cause that is not refuted
LEAD_FOR_MEDIUM = 1
_STATUS_ORDER = (
    CauseStatus.SUPPORTED,
    CauseStatus.POSSIBLE,
    CauseStatus.UNTESTED,
    CauseStatus.REFUTED,
)


def rank(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """The causes in the report's order: by status, then by score."""
    return tuple(
        sorted(causes, key=lambda cause: (_STATUS_ORDER.index(cause.status), -cause.score))
    )


def judge(ranked: tuple[Cause, ...], signal: SignalState | None = None) -> Verdict:
    """What the report comes to; `ranked` is in the report's order.

    - The signal is known not to be abnormal: NOTHING_WRONG, whatever the clues say.
    - It is normal again: OVER. There is nothing to do, whatever brought it.
    - The first cause is supported: HIGH when it is 2 points before the next cause that is not
      refuted, no rival could reach its score with clues that are unknown, a decisive clue rests on
      complete evidence and the signal is known to be abnormal; MEDIUM at a lead of 1 point.
    - Else INCONCLUSIVE.

    A cause and one that it can bring about are no rivals. `signal` None: the playbook has none.
    """
    if signal is not None and signal.abnormal is False:
        return Verdict.NOTHING_WRONG
    standing = [cause for cause in ranked if cause.status is not CauseStatus.REFUTED]
    without_cause = Verdict.OVER if signal and signal.over else Verdict.INCONCLUSIVE
    if not standing or standing[0].status is not CauseStatus.SUPPORTED:
        return without_cause
    first = standing[0]
    rivals = [cause for cause in standing[1:] if not related(first, cause)]
    lead = first.score - max((cause.score for cause in rivals), default=0)
    if lead < LEAD_FOR_MEDIUM:
        return without_cause
    sure = (
        lead >= LEAD_FOR_HIGH
        and not any(potential(cause) >= first.score for cause in rivals)
        and all(decided_by_complete_evidence(cause) for cause in links(ranked))
        and (signal is None or signal.abnormal is True)
    )
    if signal is not None and signal.over:
        return Verdict.OVER
    return Verdict.HIGH if sure else Verdict.MEDIUM


def related(one: Cause, other: Cause) -> bool:
    """Whether one of two causes can bring about the other: then they do not exclude each other."""
    return other.id in one.explains or one.id in other.explains


def decided_by_complete_evidence(cause: Cause) -> bool:
    """Whether a decisive clue holds that rests on complete evidence."""
    return any(
        clue.kind is ClueKind.DECISIVE and clue.holds and not clue.missing for clue in cause.clues
    )


def links(ranked: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """The supported causes that belong together, as a chain: what brought it first.

    Around the first cause: the supported cause with most points that can bring it about, then
    itself, then what it brought about.
    """
    supported = [cause for cause in ranked if cause.status is CauseStatus.SUPPORTED]
    if not supported:
        return ()
    first = supported[0]
    before = [cause for cause in supported if first.id in cause.explains][:1]
    after = [cause for cause in supported if cause.id in first.explains][:1]
    return (*before, first, *after)


def chain(ranked: tuple[Cause, ...]) -> tuple[str, ...]:
    """The ids of `links`."""
    return tuple(cause.id for cause in links(ranked))


def chain_first(ranked: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """The causes with those of the chain in front, in the chain's order."""
    likely = links(ranked)
    return (*likely, *(cause for cause in ranked if cause not in likely))


def potential(cause: Cause) -> float:
    """The score a cause would have if every unknown clue were in its favour; inf if untested."""
    if cause.missing:
        return math.inf
    return cause.score + sum(
        max(WEIGHT[clue.kind], 0) for clue in cause.clues if clue.holds is None
    )
