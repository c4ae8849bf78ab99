"""How it was over before it came back, and what was changed too short ago to tell anything."""

from __future__ import annotations

from bot.domain.report import Earlier, Report
from bot.domain.slack_ids import is_user
from bot.render.blocks import Block, Part, bold, date, line, person, plain, rich
from bot.render.text import clip


def history(report: Report) -> Block | None:
    """What had mended it before, and what was changed too short ago to tell anything."""
    lines: list[Block] = []
    if report.earlier is not None:
        lines.append(line(*_earlier(report.earlier)))
    unsettled = report.unsettled
    if unsettled is not None:
        said = [plain("Too early to say how it is since "), plain(clip(unsettled.what, 60))]
        lines.append(line(*said, plain(" at "), date(unsettled.at), plain(".")))
        lines.append(line(plain("I am waiting for its first full minutes, then I look again.")))
    return rich(*lines) if lines else None


def _earlier(found: Earlier) -> list[Part]:
    if found.mended_by is None:
        parts: list[Part] = [bold("It was over before: "), plain("the alarm was OK from ")]
        parts.append(date(found.over_since))
        if found.came_after is not None:
            parts.append(plain(f", after {found.came_after.what} at ", 200))
            parts += [date(found.came_after.at), plain("; that this mended it is not verified")]
        else:
            parts.append(plain("; what mended it is not known"))
    else:
        parts = [bold("This was mended at "), date(found.over_since)]
        parts.append(plain(f" by “{found.mended_by}”: {found.figure}", 300))
    if found.undone_at is not None:
        parts += [plain(". The change was undone at "), date(found.undone_at)]
        if found.undone_by is not None and is_user(found.undone_by):
            parts += [plain(" by "), person(found.undone_by)]
    return [*parts, plain(".")]
