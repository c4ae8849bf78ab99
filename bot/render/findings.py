"""The sections of the card that show a report's findings, each as rich text; None when empty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from bot.domain.change_session import read_session
from bot.domain.objection import refuting_clue
from bot.domain.report import Cause, CauseStatus, Clue, ClueKind, Gap, GapReason, Report, Verdict
from bot.render.blocks import (
    Block,
    Part,
    bold,
    bullets,
    date,
    fixed_width,
    line,
    link,
    person,
    plain,
    rich,
)
from bot.render.next_step import UNREAD, next_step
from bot.render.text import actor_name, plural, time_to_onset

T = TypeVar("T")

CONFIDENCE = {
    Verdict.HIGH: "Likely cause, high confidence",
    Verdict.MEDIUM: "Likely cause, medium confidence",
}
WITHOUT_CAUSE = {
    Verdict.INCONCLUSIVE: "No single cause found; the card says what to find out next",
    Verdict.NOTHING_WRONG: "Nothing is wrong now",
    Verdict.OVER: "It is over, and nothing has to be done",
}
LOOKED_AROUND = "I looked around; the card says what stands out"
CHANGES = "Changes around the onset"
TRAIL_IS_LATE = timedelta(minutes=15)  # CloudTrail: about 5 minutes, without promise
MOST_BLOCKED = 3
# The kinds of clues, strongest first.
_STRENGTH = (ClueKind.DECISIVE, ClueKind.CONTRADICTING, ClueKind.NECESSARY, ClueKind.SUPPORTING)


@dataclass(frozen=True, slots=True)
class Detail:
    """How many entries of each section are shown; the card says how many were left out."""

    clues: int = 6
    observations: int = 8
    others: int = 3
    changes: int = 4
    refuted: int = 6
    gaps: int = 5
    links: int = 6
    length: int = 280  # of one sentence, in characters


def verdict(report: Report, detail: Detail) -> Block:
    """The likely cause with its clues; or that there is none yet, and what to find out next."""
    cause = report.cause
    if cause is not None:
        lead = CONFIDENCE[report.verdict] if report.complete else "Most likely so far"
        elements = [line(plain(f"{lead}: ", quiet=True), bold(chain_title(report), 300))]
        elements += _clues(cause, detail)
    elif not report.complete and not report.causes:
        elements = [line(plain("Looking around.", quiet=True))]
    elif not report.complete:
        elements = [line(plain("Looking for the cause; none found yet.", quiet=True))]
    elif report.verdict is Verdict.NOTHING_WRONG and report.signal:
        elements = [line(bold("Nothing is wrong now: "), plain(report.signal.text, detail.length))]
    elif report.verdict is Verdict.OVER and report.signal:
        elements = [line(bold("It is over: "), plain(report.signal.text, detail.length))]
    elif not report.causes:
        said = report.signal.text if report.signal else "what it watches could not be told"
        elements = [line(bold("No cause is looked for: "), plain(said, detail.length))]
    else:
        elements = [line(bold("Inconclusive."), plain(f" {_why_inconclusive(report)}"))]
    brought = [each for each in report.causes if each is not cause and each.id in report.chain]
    if cause is not None and brought:
        elements.append(line(bold("What it brought")))
        elements.append(bullets([_other_cause(each, detail) for each in brought]))
    others = [
        each
        for each in report.causes
        if each is not cause
        and each not in brought
        and each.status in (CauseStatus.SUPPORTED, CauseStatus.POSSIBLE)
    ]
    if others and (detail.others or cause is None):
        shown = _first(others, max(detail.others, 1))
        over = "What it may have been" if report.verdict is Verdict.OVER else "Still possible"
        title = "Also possible" if cause else over
        elements.append(line(bold(title)))
        elements.append(bullets([_other_cause(each, detail) for each in shown]))
        elements += _more(len(others) - len(shown), "more possible")
    if report.complete and report.next_test and report.verdict is not Verdict.NOTHING_WRONG:
        elements += next_step(report, report.next_test, detail.length)
    return rich(*elements)


def observations(report: Report, detail: Detail) -> Block | None:
    """What stands out, where the playbook looks for no cause."""
    found = report.overview.observations
    if not found:
        return None
    rows = [[plain(each, detail.length)] for each in _first(found, detail.observations)]
    return rich(
        line(bold("What else I see")), bullets(rows), *_more(len(found) - len(rows), "more line")
    )


def without_cause(report: Report) -> str:
    """What to say when no cause is called likely."""
    if report.verdict is Verdict.INCONCLUSIVE and not report.causes:
        return LOOKED_AROUND
    return WITHOUT_CAUSE.get(report.verdict, WITHOUT_CAUSE[Verdict.INCONCLUSIVE])


def chain_title(report: Report) -> str:
    """The titles of the likely causes, what brought it first: "A deployment … → requests hang"."""
    by_id = {cause.id: cause for cause in report.causes}
    links = [by_id[each].title for each in report.chain if each in by_id]
    return " → ".join(links) if links else report.cause.title if report.cause else ""


def by_hand(report: Report, detail: Detail) -> Block | None:
    """Next steps a person can take, with the command or the page for each."""
    if not report.complete or not report.by_hand:
        return None
    rows: list[list[Part]] = []
    for step in report.by_hand:
        row = [plain(step.text, detail.length)]
        page = link("open", step.url) if step.url else None
        if step.command:
            row += [plain(" "), fixed_width(step.command, 500)]
        if page is not None:
            row += [plain(" "), page]
        rows.append(row)
    return rich(line(bold("By hand")), bullets(rows))


def changes(report: Report, detail: Detail) -> Block | None:
    """What somebody changed around the onset, the last one before it first."""
    found = report.overview.changes
    if not found:
        if not report.complete or report.gaps:
            return None  # a source that was not read may have one
        began = report.overview.onset or report.window.began
        late = report.window.end - began < TRAIL_IS_LATE
        none = "none found yet; CloudTrail may be minutes behind." if late else "none found."
        return rich(line(bold(f"{CHANGES}: "), plain(none)))
    rows: list[list[Part]] = []
    for change in _first(found, detail.changes):
        row = [bold(time_to_onset(change.lag)), plain(f" · {change.summary}", detail.length)]
        row += [*_actor(change.actor), plain(" · "), date(change.at)]
        if change.until:
            row += [plain(" to "), date(change.until)]
        rows.append(row)
    return rich(
        line(bold(CHANGES)),
        bullets(rows),
        *_more(len(found) - len(rows), "more change"),
    )


def _actor(who: str) -> list[Part]:
    """Who made a change; of a change of this program the people who asked and approved."""
    own = read_session(who.partition(" (")[0])
    if own is None:
        return [plain(f" · {actor_name(who)}", 80)]
    people: list[Part] = []
    for each in own.people:
        people += [plain(" and " if people else " · Incident Helper for "), person(each)]
    return [*people, plain(f" ({own.run})")]


def ruled_out(report: Report, detail: Detail) -> Block | None:
    """The causes that are ruled out, each with the clue that refutes it.

    The one that people usually suspect first comes first: its remedy is what somebody is about to
    reach for, whether or not it is an action of ours.
    """
    refuted = first_guess_first(report)
    not_applicable = [cause for cause in refuted if not cause.applies]
    applicable = [cause for cause in refuted if cause.applies]
    if not refuted:
        return None
    elements = [line(bold("Ruled out"))]
    shown = _first(applicable, detail.refuted)
    if shown:
        rows = [
            [
                *([bold("Suspected first: ")] if cause.id == report.first_guess else []),
                plain(cause.title, 150),
                plain(f": {refutation(cause)}", detail.length),
            ]
            for cause in shown
        ]
        elements.append(bullets(rows))
    elements += _more(len(applicable) - len(shown), "more ruled out", "more ruled out")
    if not_applicable:
        titles = ", ".join(cause.title for cause in not_applicable)
        lead = f"Does not apply to {report.service}: "
        elements.append(line(plain(lead, 120), plain(titles, detail.length, quiet=True)))
    return rich(*elements)


def first_guess_first(report: Report) -> list[Cause]:
    """The causes that are ruled out, the one that people usually suspect before the others."""
    refuted = [cause for cause in report.causes if cause.status is CauseStatus.REFUTED]
    return sorted(refuted, key=lambda cause: cause.id != report.first_guess)


def blocked(report: Report, detail: Detail) -> Block | None:
    """Actions for the cause whose preconditions do not hold: each with its reason, no button."""
    rows = [
        [bold(f"{offer.title} "), plain("blocked: "), plain(offer.why, detail.length)]
        for offer in report.actions
        if offer.fits is False
    ]
    return rich(line(bold("Not possible now")), bullets(rows[:MOST_BLOCKED])) if rows else None


def unread(report: Report, detail: Detail) -> Block | None:
    """What could not be read, the missing permission, and the causes not tested because of it."""
    gaps = [gap for gap in report.gaps if gap.reason is not GapReason.PENDING]
    unplanned = [offer for offer in report.actions if offer.fits is None]
    if not gaps and not unplanned:
        return None
    groups = _by_permission(gaps)
    shown = _first(groups, detail.gaps)
    elements = [line(bold("Could not be checked"), plain(" (unknown, not healthy)", quiet=True))]
    rows = [_gap(group, detail) for group in shown]
    rows += [
        [plain(f"Whether this helps: {offer.title}", 150), plain(f" ({offer.why})", detail.length)]
        for offer in unplanned[: detail.gaps]
    ]
    elements.append(bullets(rows))
    elements += _more(len(groups) - len(shown), "more not read", "more not read")
    untested = [cause.title for cause in report.causes if cause.status is CauseStatus.UNTESTED]
    if untested and report.complete:
        elements.append(
            line(
                plain("Therefore not tested: "),
                plain(", ".join(untested), detail.length, quiet=True),
            )
        )
    return rich(*elements)


def links(report: Report, detail: Detail) -> Block | None:
    """Links to the AWS console and the runbook."""
    made = [link(each.title, each.url) for each in report.overview.links]
    shown = [each for each in made if each is not None][: detail.links]
    if not shown:
        return None
    parts: list[Part] = [bold("In the AWS console: ")]
    for number, each in enumerate(shown):
        parts += [plain(" · "), each] if number else [each]
    return rich(line(*parts))


def _why_inconclusive(report: Report) -> str:
    not_refuted = [cause for cause in report.causes if cause.status is not CauseStatus.REFUTED]
    untested = [cause for cause in not_refuted if cause.status is CauseStatus.UNTESTED]
    if not not_refuted:
        return "Every cause this playbook knows is ruled out."
    if len(untested) == len(not_refuted):
        return f"{plural(len(untested), 'cause')} could not be tested; the others are ruled out."
    return "The evidence does not point to a single cause."


def _clues(cause: Cause, detail: Detail) -> list[Block]:
    """Clues for the cause, against it and not known. Those that do not hold are left out."""
    relevant = [clue for clue in cause.clues if clue.holds is not False]
    shown = _first(strongest_first(relevant), detail.clues)
    if not shown:
        return []
    rows = [_clue(clue, detail) for clue in shown]
    return [bullets(rows), *_more(len(relevant) - len(shown), "more clue")]


def strongest_first(clues: Iterable[Clue]) -> list[Clue]:
    """Known clues first, the strongest kind first."""
    return sorted(clues, key=lambda clue: (clue.holds is None, _STRENGTH.index(clue.kind)))


def _clue(clue: Clue, detail: Detail) -> list[Part]:
    if clue.holds is None:
        return [plain("not known: ", quiet=True), plain(clue.text, detail.length, quiet=True)]
    if clue.kind is ClueKind.CONTRADICTING:
        return [bold("against it: "), plain(clue.text, detail.length)]
    return [plain(clue.text, detail.length, bold=clue.kind is ClueKind.DECISIVE)]


def _other_cause(cause: Cause, detail: Detail) -> list[Part]:
    parts = [bold(cause.title, 150)]
    holding = sorted(
        (clue for clue in cause.clues if clue.holds), key=lambda clue: _STRENGTH.index(clue.kind)
    )
    not_known = [clue for clue in cause.clues if clue.holds is None]
    if holding:
        parts.append(plain(f": {holding[0].text}", detail.length))
    if not_known:
        parts.append(plain(f"; not known: {not_known[0].text}", detail.length, quiet=True))
    return parts


def refutation(cause: Cause) -> str:
    """The text of the clue that refutes a cause."""
    clue = refuting_clue(cause)
    return clue.text if clue else "nothing supports it"


def _by_permission(gaps: Sequence[Gap]) -> list[list[Gap]]:
    """Gaps grouped by their missing permission and what denies it, or by their equal sentence."""
    groups: dict[object, list[Gap]] = {}
    for gap in gaps:
        key: object = (
            (gap.permission, gap.denied_by) if gap.permission else (gap.reason, gap.detail)
        )
        groups.setdefault(key, []).append(gap)
    return list(groups.values())


def _gap(group: Sequence[Gap], detail: Detail) -> list[Part]:
    gap = group[0]
    parts = [bold(UNREAD[gap.reason])]
    if len(group) > 1:
        reads = ", ".join(each.probe.replace("_", " ") for each in group)
        parts.append(plain(f" for {plural(len(group), 'read')} ({reads})", detail.length))
    parts.append(plain(f": {gap.detail}", detail.length))
    if gap.permission and gap.denied_by:
        parts.append(plain(f" · denied by {gap.denied_by}: granting ", detail.length))
        parts += [fixed_width(gap.permission, 80), plain(" to the role does not help")]
    elif gap.permission:
        parts += [plain(" · needs "), fixed_width(gap.permission, 80)]
    return parts


def _first(found: Sequence[T], most: int) -> Sequence[T]:
    """The first `most` entries; all, when only one more is left."""
    return found if len(found) == most + 1 else found[:most]


def _more(number: int, one: str, many: str | None = None) -> Sequence[Block]:
    return [line(plain(f"… {plural(number, one, many)}", quiet=True))] if number > 0 else ()
