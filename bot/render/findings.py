"""The sections of the card that say what was found, each as rich text; None when it has nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.domain.report import Cause, CauseStatus, Clue, ClueKind, Gap, GapReason, Report, Verdict
from bot.render.blocks import (
    Block,
    Part,
    bold,
    bullets,
    fixed_width,
    line,
    link,
    rich,
    say,
    struck,
    when,
)
from bot.render.text import actor, lag, plural

T = TypeVar("T")

CONFIDENCE = {
    Verdict.HIGH: "Likely cause, high confidence",
    Verdict.MEDIUM: "Likely cause, medium confidence",
}
UNREAD = {
    GapReason.DENIED: "No access",
    GapReason.THROTTLED: "AWS throttled the read",
    GapReason.TIMEOUT: "No answer in time",
    GapReason.NOT_FOUND: "Not found",
    GapReason.NOT_CONFIGURED: "Not switched on",
    GapReason.BUDGET: "Over the budget",
    GapReason.ERROR: "The read failed",
}
CHANGED = "What changed around then"
# What tells most is read first.
_WEIGHT = (ClueKind.DECISIVE, ClueKind.CONTRADICTING, ClueKind.NECESSARY, ClueKind.SUPPORTING)


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of each section is shown; what is left out is counted on the card."""

    clues: int = 6
    rivals: int = 3
    changes: int = 4
    refuted: int = 6
    gaps: int = 5
    links: int = 6
    words: int = 280  # characters of one sentence


def verdict(report: Report, detail: Detail) -> Block:
    """The likely cause with its clues; or that there is none yet, and what would tell."""
    cause = report.cause
    if cause is not None:
        lead = CONFIDENCE[report.verdict] if report.complete else "So far most likely"
        elements = [line(say(f"{lead}: ", quiet=True), bold(cause.title, 150))]
        elements += _clues(cause, detail)
    elif not report.complete:
        elements = [line(say("Looking for the cause. Nothing stands out yet.", quiet=True))]
    else:
        elements = [line(bold("Inconclusive."), say(f" {_why_not(report)}"))]
    rivals = [
        each
        for each in report.causes
        if each is not cause and each.status in (CauseStatus.SUPPORTED, CauseStatus.POSSIBLE)
    ]
    if rivals and (detail.rivals or cause is None):
        shown = _first(rivals, max(detail.rivals, 1))
        title = "Also possible" if cause else "Still possible"
        elements.append(line(bold(title)))
        elements.append(bullets([_rival(each, detail) for each in shown]))
        elements += _more(len(rivals) - len(shown), "more possible")
    if report.complete and report.next_test:
        elements.append(
            line(bold("Next best test: "), say(f"find out {report.next_test}", detail.words))
        )
    return rich(*elements)


def changes(report: Report, detail: Detail) -> Block | None:
    """What somebody changed around the onset, the nearest before it first."""
    found = report.overview.changes
    if not found:
        if not report.complete or report.gaps:
            return None  # an unread source may hold one: say nothing rather than "none"
        return rich(line(bold(f"{CHANGED}: "), say("nothing found.")))
    rows: list[list[Part]] = []
    for change in _first(found, detail.changes):
        row = [bold(lag(change.lag)), say(f" · {change.summary}", detail.words)]
        row += [say(f" · {actor(change.actor)}", 80), say(" · "), when(change.at)]
        if change.until:
            row += [say(" to "), when(change.until)]
        rows.append(row)
    return rich(
        line(bold(CHANGED)),
        bullets(rows),
        *_more(len(found) - len(rows), "more change"),
    )


def ruled_out(report: Report, detail: Detail) -> Block | None:
    """Causes that are out, each by the fact that refutes it."""
    refuted = [cause for cause in report.causes if cause.status is CauseStatus.REFUTED]
    elsewhere = [cause for cause in refuted if absent(cause, report.service)]
    known = [cause for cause in refuted if cause not in elsewhere]
    if not refuted:
        return None
    elements = [line(bold("Ruled out"))]
    shown = _first(known, detail.refuted)
    if shown:
        rows = [
            [struck(cause.title, 150), say(f" because {fact(cause)}", detail.words)]
            for cause in shown
        ]
        elements.append(bullets(rows))
    elements += _more(len(known) - len(shown), "more ruled out", "more ruled out")
    if elsewhere:
        titles = ", ".join(cause.title for cause in elsewhere)
        why = f"Does not apply to {report.service}: "
        elements.append(line(say(why, 120), say(titles, detail.words, quiet=True)))
    return rich(*elements)


def unknown(report: Report, detail: Detail) -> Block | None:
    """What could not be read, the permission it takes, and what stays untested by it."""
    gaps = [gap for gap in report.gaps if gap.reason is not GapReason.PENDING]
    unsure = [offer for offer in report.actions if offer.fits is None]
    if not gaps and not unsure:
        return None
    groups = _alike(gaps)
    shown = _first(groups, detail.gaps)
    elements = [line(bold("Could not be checked"), say(" (unknown, not healthy)", quiet=True))]
    rows = [_gap(group, detail) for group in shown]
    rows += [
        [say(f"Whether this can be done: {offer.title}", 150), say(f" ({offer.why})", detail.words)]
        for offer in unsure[: detail.gaps]
    ]
    elements.append(bullets(rows))
    elements += _more(len(groups) - len(shown), "more unread", "more unread")
    untested = [cause.title for cause in report.causes if cause.status is CauseStatus.UNTESTED]
    if untested and report.complete:
        elements.append(
            line(say("So untested: "), say(", ".join(untested), detail.words, quiet=True))
        )
    return rich(*elements)


def links(report: Report, detail: Detail) -> Block | None:
    """Where to look with one's own eyes."""
    made = [link(each.title, each.url) for each in report.overview.links]
    shown = [each for each in made if each is not None][: detail.links]
    if not shown:
        return None
    parts: list[Part] = [bold("In the AWS console: ")]
    for number, each in enumerate(shown):
        parts += [say(" · "), each] if number else [each]
    return rich(line(*parts))


def _why_not(report: Report) -> str:
    standing = [cause for cause in report.causes if cause.status is not CauseStatus.REFUTED]
    untested = [cause for cause in standing if cause.status is CauseStatus.UNTESTED]
    if not standing:
        return "Every known cause is ruled out; it is something this playbook does not know."
    if len(untested) == len(standing):
        return f"{plural(len(untested), 'cause')} could not be tested, the others are ruled out."
    return "The evidence does not set one cause apart."


def _clues(cause: Cause, detail: Detail) -> list[Block]:
    """Clues for, against and unknown; those that merely do not hold say nothing here."""
    told = [clue for clue in cause.clues if clue.holds is not False]
    shown = _first(weighed(told), detail.clues)
    if not shown:
        return []
    rows = [_clue(clue, detail) for clue in shown]
    return [bullets(rows), *_more(len(told) - len(shown), "more clue")]


def weighed(clues: Iterable[Clue]) -> list[Clue]:
    """What is known before what is not, what tells most first."""
    return sorted(clues, key=lambda clue: (clue.holds is None, _WEIGHT.index(clue.kind)))


def _clue(clue: Clue, detail: Detail) -> list[Part]:
    if clue.holds is None:
        return [say("not known: ", quiet=True), say(clue.text, detail.words, quiet=True)]
    if clue.kind is ClueKind.CONTRADICTING:
        return [bold("against it: "), say(clue.text, detail.words)]
    return [say(clue.text, detail.words, bold=clue.kind is ClueKind.DECISIVE)]


def _rival(cause: Cause, detail: Detail) -> list[Part]:
    parts = [bold(cause.title, 150)]
    held = sorted(
        (clue for clue in cause.clues if clue.holds), key=lambda clue: _WEIGHT.index(clue.kind)
    )
    unsure = [clue for clue in cause.clues if clue.holds is None]
    if held:
        parts.append(say(f": {held[0].text}", detail.words))
    if unsure:
        parts.append(say(f"; not known: {unsure[0].text}", detail.words, quiet=True))
    return parts


def fact(cause: Cause) -> str:
    """The clue that put a cause out: a missing necessity, a contradiction, no decisive sign."""
    for kind, holds in (
        (ClueKind.NECESSARY, False),
        (ClueKind.CONTRADICTING, True),
        (ClueKind.DECISIVE, False),
    ):
        for clue in cause.clues:
            if clue.kind is kind and clue.holds is holds:
                return clue.text
    return "nothing speaks for it"


def absent(cause: Cause, service: str) -> bool:
    """Refuted only because the service has no such resource, as the engine's `weigh` words it."""
    return len(cause.clues) == 1 and cause.clues[0].text.startswith(f"{service} has none: ")


def _alike(gaps: Sequence[Gap]) -> list[list[Gap]]:
    """Gaps that one permission would close, together; every other by itself."""
    groups: dict[object, list[Gap]] = {}
    for gap in gaps:
        groups.setdefault(gap.permission or id(gap), []).append(gap)
    return list(groups.values())


def _gap(group: Sequence[Gap], detail: Detail) -> list[Part]:
    gap = group[0]
    parts = [bold(UNREAD[gap.reason])]
    if len(group) > 1:
        reads = ", ".join(each.probe.replace("_", " ") for each in group)
        parts.append(say(f" to {plural(len(group), 'read')} ({reads})", detail.words))
    parts.append(say(f": {gap.detail}", detail.words))
    if gap.permission:
        parts += [say(" · needs "), fixed_width(gap.permission, 80)]
    return parts


def _first(found: Sequence[T], most: int) -> Sequence[T]:
    """The first ones; a single one more is shown rather than counted."""
    return found if len(found) == most + 1 else found[:most]


def _more(number: int, one: str, many: str | None = None) -> Sequence[Block]:
    return [line(say(f"… {plural(number, one, many)}", quiet=True))] if number > 0 else ()
