"""How it is beside how it was: since a change, and since it was over before."""

from __future__ import annotations

from bot.domain.report import Earlier, Report
from bot.render.blocks import Block, Part, bold, date, line, person, plain, rich
from bot.render.text import clip, is_user

MOST_OF_CHANGE = 60  # characters of a change in a headline


def before_and_after(report: Report) -> str | None:
    """ "5XX: 53 → 25 % of requests since maya moved PROD to version 41 at 03:12 UTC"; None without
    a change, and while one of the two figures is not known."""
    after, signal = report.after, report.signal
    if after is None or signal is None or signal.was is None or signal.now is None:
        return None
    was, unit = signal.was.rpartition(" ")[::2] if " " in signal.was else (signal.was, "")
    if not signal.now.endswith(f" {unit}"):
        was = signal.was
    of = f" {signal.of}" if signal.of else ""
    since = f"since {clip(after.what, MOST_OF_CHANGE)} at {after.at:%H:%M} UTC"
    return f"{signal.label}: {was} → {signal.now}{of} {since}"


def history(report: Report) -> Block | None:
    """What had mended it before, and what was changed too short ago to tell anything."""
    lines: list[Block] = []
    if report.earlier is not None:
        lines.append(line(*_earlier(report.earlier)))
    unsettled = report.unsettled
    if unsettled is not None:
        said = f"{unsettled.what} at {unsettled.at:%H:%M} UTC"
        tail = ": the minutes since are not settled. I look again when they are."
        lines.append(line(bold("Too early to say "), plain(f"how it is since {said}{tail}", 300)))
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
