"""How much of each section a card shows, and how it says what it left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.render.blocks import Block, line, plain
from bot.render.text import LONGEST, plural


@dataclass(frozen=True, slots=True)
class Detail:
    """How many entries of each section the card shows; the rest is in the modal."""

    clues: int = 5
    observations: int = 6
    others: int = 3
    changes: int = 3
    refuted: int = 4
    gaps: int = 3
    links: int = 4
    length: int = LONGEST  # of one sentence, in characters


def heading(text: str) -> Block:
    return line(plain(text, quiet=True))


def more_in_modal(number: int, one: str, many: str | None = None) -> Sequence[Block]:
    """Says how many are left out; the modal has them."""
    if number <= 0:
        return ()
    return [line(plain(f"… {plural(number, one, many)} in All evidence", quiet=True))]
