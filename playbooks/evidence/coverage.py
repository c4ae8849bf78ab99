"""What partial evidence may say: of several functions only one is measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.domain.report import Clue, ClueKind, Gap


def of_one_function(clues: Iterable[Clue], unmeasured: Gap | None) -> Iterator[Clue]:
    """The clues about the measured function. While other functions are invoked and not measured,
    clues that refute become unknown: the others may differ."""
    for clue in clues:
        refutes = clue.holds is (clue.kind is ClueKind.CONTRADICTING)
        if unmeasured is None or clue.kind is ClueKind.SUPPORTING or not refutes:
            yield clue
        else:
            text = f"whether all functions that are called are like this one: {clue.text}"
            yield clue.model_copy(update={"holds": None, "text": text})
