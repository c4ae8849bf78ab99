"""How complete a piece of evidence is. Only complete evidence may refute or make a report sure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a piece of evidence leaves out; nothing when it is complete.

    `missing` holds one plain sentence for each part that was not read: "REPORT lines of 3 % of
    412 invocations".
    """

    missing: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is left out."""
        return not self.missing

    @classmethod
    def of(cls, *missing: str | None) -> Self:
        """Coverage that lacks what the sentences say; None and empty ones are left out."""
        return cls(tuple(dict.fromkeys(each for each in missing if each)))

    @classmethod
    def together(cls, several: Iterable[Coverage]) -> Self:
        """The coverage of evidence that was put together from several pieces."""
        return cls.of(*(text for each in several for text in each.missing))


COMPLETE = Coverage()


def coverage_of(evidence: object) -> Coverage:
    """The coverage a value declares in its `coverage` attribute, or is; complete when it has
    none."""
    found = evidence if isinstance(evidence, Coverage) else getattr(evidence, "coverage", COMPLETE)
    return found if isinstance(found, Coverage) else COMPLETE


def combined(evidence: Iterable[object]) -> Coverage:
    """Everything that any of the values leaves out, each sentence once."""
    return Coverage.together(coverage_of(each) for each in evidence)
