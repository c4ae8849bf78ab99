"""What a report comes to while the signal goes on, and once it is over."""

from __future__ import annotations

import pytest

from bot.domain.report import Cause, CauseStatus, Clue, ClueKind, SignalState, Verdict
from bot.investigation.verdict import judge

SURE = Clue(kind=ClueKind.DECISIVE, holds=True, text="it did", missing=())
IN_PART = Clue(kind=ClueKind.DECISIVE, holds=True, text="it did", missing=("a log",))
ON = SignalState(abnormal=True, over=False, text="5XX")
OVER = SignalState(abnormal=True, over=True, text="5XX, normal again")
UNKNOWN = SignalState(abnormal=True, over=None, text="5XX")
NORMAL = SignalState(abnormal=False, over=False, text="5XX as usual")


def cause(name: str, score: int, *clues: Clue, supported: bool = True) -> Cause:
    status = CauseStatus.SUPPORTED if supported else CauseStatus.POSSIBLE
    return Cause(id=name, title=name, status=status, score=score, clues=clues)


HIGH = (cause("release", 5, SURE),)
MEDIUM = (cause("release", 5, IN_PART),)
NONE = (cause("release", 1, supported=False),)


@pytest.mark.parametrize(
    ("causes", "signal", "verdict"),
    [
        (HIGH, ON, Verdict.HIGH),
        (HIGH, OVER, Verdict.OVER),  # whatever it was, there is nothing to do
        (HIGH, NORMAL, Verdict.NOTHING_WRONG),
        (MEDIUM, ON, Verdict.MEDIUM),
        (MEDIUM, UNKNOWN, Verdict.MEDIUM),
        (MEDIUM, None, Verdict.MEDIUM),
        (MEDIUM, OVER, Verdict.OVER),
        (NONE, ON, Verdict.INCONCLUSIVE),
        (NONE, OVER, Verdict.OVER),
        ((), OVER, Verdict.OVER),
    ],
)
def test_once_it_is_over_nothing_is_to_do(
    causes: tuple[Cause, ...], signal: SignalState | None, verdict: Verdict
) -> None:
    assert judge(causes, signal) is verdict


def test_a_rival_that_is_near_makes_it_less_sure() -> None:
    near = (*HIGH, cause("surge", 4, supported=False))
    assert judge(near, ON) is Verdict.MEDIUM
    assert judge(near, OVER) is Verdict.OVER
    assert judge((*HIGH, cause("surge", 5)), ON) is Verdict.INCONCLUSIVE
