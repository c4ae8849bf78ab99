"""How complete a piece of evidence is. Absence in an incomplete one refutes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether evidence has all there is to know of what it is about; `missing` says in whole
    sentences what it lacks, for people."""

    complete: bool = True
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, *missing: str | None) -> Self:
        """Coverage that lacks what the sentences say; complete when there are none. None and
        empty ones are left out."""
        lacking = tuple(dict.fromkeys(each for each in missing if each))
        return cls(complete=not lacking, missing=lacking)

    @classmethod
    def together(cls, several: Iterable[Coverage]) -> Self:
        """Of evidence that was put together from several pieces: complete when all are."""
        found = tuple(several)
        missing = tuple(dict.fromkeys(text for each in found for text in each.missing))
        return cls(complete=all(each.complete for each in found), missing=missing)
