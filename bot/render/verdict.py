"""The first section of the card: the likely cause as a chain, or that there is none yet."""

from __future__ import annotations

import re

from bot.domain.objection import refuting_clue
from bot.domain.report import Cause, CauseStatus, ClueKind, Report, Verdict
from bot.render.blocks import Block, Part, bold, line, plain, rich
from bot.render.detail import Detail
from bot.render.next_step import next_step
from bot.render.text import first_sentence, plural, sentences

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
MOST_LINKS_OF_CHAIN = 3  # lines of a cause alone; of several in a chain, one each
_WORD = re.compile(
    r"(?:a|an|all|answers|cold|connections|errors|executions|init|invocations|it|no|none|nothing|"
    r"only|processes|provisioned|read|requests|some|targets|tasks|the|they|throttled|traffic|users|"
    r"versions?|warm|what|whether|which)[ ,:;]"
)


def verdict(report: Report, detail: Detail) -> Block:
    """The likely cause as a chain; or that there is none yet, and what to find out next."""
    cause = report.cause
    signal = report.signal.text if report.signal else ""
    if cause is not None:
        elements = _chain(report, cause, detail)
    elif not report.complete:
        looking = "Looking for the cause; none found yet." if report.causes else "Looking around."
        elements = [line(plain(looking, quiet=True))]
    elif report.verdict is Verdict.NOTHING_WRONG and signal:
        elements = _lines(bold("Nothing is wrong now."), signal, detail)
    elif report.verdict is Verdict.OVER and signal:
        elements = _lines(bold("It is over."), signal, detail)
    elif not report.causes:
        said = signal or "what it watches could not be told"
        elements = _lines(bold("I look around here; no cause is looked for."), said, detail)
    else:
        elements = [line(bold("No single cause found."), plain(f" {_why_inconclusive(report)}"))]
    elements += _first_guess(report, detail)
    if report.complete and report.next_test and report.verdict is not Verdict.NOTHING_WRONG:
        elements += next_step(report, report.next_test, detail.length)
    return rich(*elements)


def _lines(lead: Part, said: str, detail: Detail) -> list[Block]:
    return [line(lead), *(line(plain(each, detail.length)) for each in sentences(said))]


def _chain(report: Report, cause: Cause, detail: Detail) -> list[Block]:
    """The cause in bold with its confidence in a word, then what led to what, a line a link."""
    word = f" ({report.verdict.value} confidence)" if report.complete else " (so far)"
    by_id = {each.id: each for each in report.causes}
    links = [by_id[each] for each in report.chain if each in by_id] or [cause]
    elements: list[Block] = []
    for number, each in enumerate(links):
        arrow = [plain("→ ")] if number else []
        confidence = [plain(word)] if not number else []
        elements.append(line(*arrow, bold(each.title, detail.length), *confidence))
        most = MOST_LINKS_OF_CHAIN if len(links) == 1 else 1
        told = what_happened(each)[:most]
        start = 0 if len(links) == 1 else 1
        elements += [
            line(plain(f"→ {text}" if at + start else as_sentence(text), detail.length + 2))
            for at, text in enumerate(told)
        ]
    return elements


def what_happened(cause: Cause) -> list[str]:
    """What came first, then what decides it, as short sentences; what is said twice, once."""
    held = [clue for clue in cause.clues if clue.holds]
    told = [clue for clue in held if clue.first]
    decisive = [clue for clue in held if clue.kind is ClueKind.DECISIVE]
    necessary = [clue for clue in held if clue.kind is ClueKind.NECESSARY]
    told += [clue for clue in decisive or necessary if clue not in told]
    said: dict[str, None] = {}
    for clue in told:
        said.update(dict.fromkeys(sentences(clue.text)))
    return list(said)


def _first_guess(report: Report, detail: Detail) -> list[Block]:
    """The cause that people usually suspect first, once it is ruled out, and by which figure."""
    guess = ruled_out_guess(report)
    if guess is None or report.verdict in (Verdict.NOTHING_WRONG, Verdict.OVER):
        return []
    said = as_sentence(first_sentence(refutation(guess), detail.length))
    return [line(plain(f"First guess ruled out: {_lowered(guess.title)}. ", 160), plain(said))]


def ruled_out_guess(report: Report) -> Cause | None:
    """The cause that people usually suspect first; None while it is not ruled out."""
    return next(
        (
            each
            for each in report.causes
            if each.id == report.first_guess and each.status is CauseStatus.REFUTED and each.applies
        ),
        None,
    )


def as_sentence(text: str) -> str:
    """A clue as a sentence of its own: its first word begins with a capital, unless it may be the
    name of something."""
    return f"{text[0].upper()}{text[1:]}" if _WORD.match(text) else text


def _lowered(title: str) -> str:
    """A title inside a sentence: "The backend itself" → "the backend itself"; names stay."""
    first, _, rest = title.partition(" ")
    return f"{first.lower()} {rest}" if first in ("The", "A", "An", "One", "No", "Only") else title


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


def _why_inconclusive(report: Report) -> str:
    not_refuted = [cause for cause in report.causes if cause.status is not CauseStatus.REFUTED]
    untested = [cause for cause in not_refuted if cause.status is CauseStatus.UNTESTED]
    if not not_refuted:
        return "Every cause I know is ruled out."
    if len(untested) == len(not_refuted):
        return f"{plural(len(untested), 'cause')} could not be tested; the others are ruled out."
    return "The evidence does not point to one of them."


def refutation(cause: Cause) -> str:
    """The text of the clue that refutes a cause."""
    clue = refuting_clue(cause)
    return clue.text if clue else "nothing supports it"
