"""The sections of the card that show a report's findings, each as rich text; None when empty.

One line an entry, no sentence longer than `bot.render.text.LONGEST`; what is left out or cut is in
`bot.render.evidence`, which the button *All evidence* opens.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.domain.change_session import BREAK_GLASS, read_session
from bot.domain.report import Cause, CauseStatus, Clue, ClueKind, Report, Verdict
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
from bot.render.detail import Detail, heading, more_in_modal
from bot.render.text import actor_name, clip, first_sentence, sentences
from bot.render.text import time_to_onset as lag_of
from bot.render.verdict import (
    MOST_LINKS_OF_CHAIN,
    as_sentence,
    refutation,
    ruled_out_guess,
    what_happened,
)

CHANGES = "Changes around the onset"
TRAIL_IS_LATE = timedelta(minutes=15)  # CloudTrail: about 5 minutes, without promise
MOST_BLOCKED = 2
MOST_BY_HAND = 2
# The kinds of clues, strongest first.
_STRENGTH = (ClueKind.DECISIVE, ClueKind.CONTRADICTING, ClueKind.NECESSARY, ClueKind.SUPPORTING)


# --- evidence -------------------------------------------------------------------------------------


def evidence(report: Report, detail: Detail) -> Block | None:
    """Clues for the cause, against it and not known, strongest first, without what the chain says.

    What speaks against the cause is always among them. Clues that do not hold are left out.
    """
    cause = report.cause
    if cause is None:
        return None
    told = set(what_happened(cause)[:MOST_LINKS_OF_CHAIN])
    clues = [
        clue
        for clue in strongest_first(cause.clues)
        if clue.holds is not False and not set(sentences(clue.text)) <= told
    ]
    against = [each for each in clues if each.kind is ClueKind.CONTRADICTING and each.holds]
    shown = [*against, *(each for each in clues if each not in against)][: detail.clues]
    if not shown:
        return None
    rows = [_clue(clue, detail, told) for clue in shown]
    return rich(
        heading("Evidence"), bullets(rows), *more_in_modal(len(clues) - len(shown), "more clue")
    )


def strongest_first(clues: Iterable[Clue]) -> list[Clue]:
    """Known clues first, the strongest kind first."""
    return sorted(clues, key=lambda clue: (clue.holds is None, _STRENGTH.index(clue.kind)))


def _clue(clue: Clue, detail: Detail, told: Iterable[str]) -> list[Part]:
    fresh = [each for each in sentences(clue.text, detail.length) if each not in told]
    text = fresh[0] if fresh else first_sentence(clue.text, detail.length)
    known = clue.holds is not None and clue.kind is not ClueKind.CONTRADICTING
    text = as_sentence(text) if known else text
    if clue.holds is None:
        return [plain("Not known: ", quiet=True), plain(text, detail.length, quiet=True)]
    if clue.kind is ClueKind.CONTRADICTING:
        return [bold("Against it: "), plain(text, detail.length)]
    return [plain(text, detail.length)]


def possible(report: Report, detail: Detail) -> Block | None:
    """Other causes that are not ruled out, each with the clue that speaks for it most."""
    others = [
        each
        for each in report.causes
        if each is not report.cause
        and each.id not in report.chain
        and each.status in (CauseStatus.SUPPORTED, CauseStatus.POSSIBLE)
    ]
    if not others or (report.cause and not detail.others):
        return None
    shown = others[: max(detail.others, 1)]
    over = "What it may have been" if report.verdict is Verdict.OVER else "Still possible"
    return rich(
        heading("Also possible" if report.cause else over),
        bullets([_other_cause(each, detail) for each in shown]),
        *more_in_modal(len(others) - len(shown), "more possible", "more possible"),
    )


def _other_cause(cause: Cause, detail: Detail) -> list[Part]:
    held = sorted((each for each in cause.clues if each.holds), key=_by_strength)
    unknown = [each for each in cause.clues if each.holds is None]
    parts = [plain(f"{cause.title}. ", 150)]
    if held:
        parts.append(plain(as_sentence(first_sentence(held[0].text, detail.length))))
    elif unknown:
        text = first_sentence(unknown[0].text, detail.length)
        parts.append(plain(f"Not known: {text}", detail.length + 12, quiet=True))
    return parts


def _by_strength(clue: Clue) -> int:
    return _STRENGTH.index(clue.kind)


def observations(report: Report, detail: Detail) -> Block | None:
    """What stands out, where the playbook looks for no cause."""
    found = report.overview.observations
    if not found:
        return None
    shown = found[: detail.observations]
    rows = [[plain(first_sentence(each, detail.length))] for each in shown]
    more = more_in_modal(len(found) - len(shown), "more line")
    return rich(heading("What stands out"), bullets(rows), *more)


# --- what to do -----------------------------------------------------------------------------------


def by_hand(report: Report, most: int = MOST_BY_HAND) -> Block | None:
    """Next steps a person can take, with the command or the page for each."""
    if not report.complete or not report.by_hand:
        return None
    rows: list[list[Part]] = []
    for step in report.by_hand[:most]:
        row = [plain(first_sentence(step.text))]
        page = link("open", step.url) if step.url else None
        if page is not None:
            row += [plain(" "), page]
        if step.command:
            row += [plain(" "), fixed_width(step.command, 700)]
        rows.append(row)
    left = len(report.by_hand) - len(rows)
    return rich(heading("By hand"), bullets(rows), *more_in_modal(left, "more step"))


def blocked(report: Report, detail: Detail) -> Block | None:
    """Actions for the cause whose preconditions do not hold: each with its reason, no button."""
    offers = [offer for offer in report.actions if offer.fits is False]
    rows = [
        [plain(f"{offer.title} is blocked: ", 150), plain(reason(offer.why, detail))]
        for offer in offers[:MOST_BLOCKED]
    ]
    return rich(heading("Not possible now"), bullets(rows)) if rows else None


def reason(why: str, detail: Detail) -> str:
    """The first precondition that does not hold, in one sentence."""
    return first_sentence(why.rpartition("does not hold: ")[2], detail.length)


# --- what was changed, ruled out, not read --------------------------------------------------------


def changes(report: Report, detail: Detail) -> Block | None:
    """What somebody changed around the onset, the last one before it first."""
    found = report.overview.changes
    if not found:
        if not report.complete or report.gaps:
            return None  # a source that was not read may have one
        began = report.overview.onset or report.window.began
        late = report.window.end - began < TRAIL_IS_LATE
        none = "none found yet; CloudTrail may be minutes behind." if late else "none found."
        return rich(line(plain(f"{CHANGES}: ", quiet=True), plain(none)))
    rows: list[list[Part]] = []
    for change in found[: detail.changes]:
        row = [plain(f"{lag_of(change.lag)}: "), plain(first_sentence(change.summary))]
        row += [*_actor(change.actor), plain(" · "), date(change.at)]
        rows.append(row)
    more = more_in_modal(len(found) - len(rows), "more change")
    return rich(heading(CHANGES), bullets(rows), *more)


def _actor(who: str) -> list[Part]:
    """Who made a change; of a change of this program the people who asked and approved."""
    own = read_session(who.partition(" (")[0])
    if own is None:
        return [plain(f" · {clip(actor_name(who), 40)}", 50)]
    people: list[Part] = []
    for each in own.people:
        lead = plain(" and " if people else " · Incident Helper for ")
        alone = plain(", alone (break-glass)") if each == BREAK_GLASS else None
        people += [alone] if alone else [lead, person(each)]
    return [*people, plain(f" ({own.run})")]


def ruled_out(report: Report, detail: Detail) -> Block | None:
    """The causes that are ruled out besides the first guess, each with the clue that refutes it."""
    guess = ruled_out_guess(report)
    shown_above = report.verdict not in (Verdict.NOTHING_WRONG, Verdict.OVER)
    refuted = [
        each
        for each in first_guess_first(report)
        if each.applies and not (shown_above and each is guess)
    ]
    if not refuted:
        return None
    shown = refuted[: detail.refuted]
    rows = [
        [plain(f"{each.title}: ", 150), plain(first_sentence(refutation(each), detail.length))]
        for each in shown
    ]
    more = more_in_modal(len(refuted) - len(shown), "more ruled out", "more ruled out")
    return rich(heading("Ruled out"), bullets(rows), *more)


def first_guess_first(report: Report) -> list[Cause]:
    """The causes that are ruled out, the one that people usually suspect before the others."""
    refuted = [cause for cause in report.causes if cause.status is CauseStatus.REFUTED]
    return sorted(refuted, key=lambda cause: cause.id != report.first_guess)


def links(report: Report, detail: Detail) -> Block | None:
    """Links to the AWS console and the runbook."""
    made = [link(each.title, each.url) for each in report.overview.links]
    shown = [each for each in made if each is not None][: detail.links]
    if not shown:
        return None
    parts: list[Part] = [plain("Open: ", quiet=True)]
    for number, each in enumerate(shown):
        parts += [plain(" · "), each] if number else [each]
    return rich(line(*parts))
