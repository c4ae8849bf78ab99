"""What was known of an incident when a change to mend it was planned.

An approval is for a plan and for what it rests on; `bot.changes.evidence` compares the two.
"""

from __future__ import annotations

from pydantic import AwareDatetime

from bot.domain.base import Frozen
from bot.domain.plan import Choice
from bot.domain.report import Change


class Basis(Frozen):
    """What a plan rests on."""

    made_at: AwareDatetime | None = None  # when the report was made, AWS time; None: no report
    complete: bool = True  # False: its investigation was still reading
    over: bool = False  # the alarm was OK again
    recovered: bool = False  # the report says that what the alarm is about is normal
    causes: tuple[str, ...] = ()  # ids of the likely causes that call for the action
    titles: tuple[str, ...] = ()  # theirs
    refuted: bool = False  # every cause that the action can mend is ruled out
    against: str = ""  # what the report says against the action, in a line
    choice: Choice | None = None  # what the evidence names for it
    figure: str = ""  # "5XX 9.7 %": how bad it was
    noticed: tuple[Change, ...] = ()  # changes by others since the incident began
    ours: tuple[str, ...] = ()  # changes of this program that were applied or undone, in words
