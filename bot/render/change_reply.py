"""Short replies in the thread: a sentence or two on what came of a change, for whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.change_events import NOT_UNDONE, EventKind
from bot.domain.change_wording import BY_HAND
from bot.domain.run import Answer, Run
from bot.render.blocks import Message, Part, line, person, plain, rich, sentence, spoken
from bot.render.change_message import by_hand, second_people

MOST_OF_TITLE = 150  # characters of a change's title in a reply


def change_reply(kind: EventKind, run: Run, approvers: Sequence[str] | None = None) -> Message:
    """The reply for one event of a run (`bot.domain.change_events`).

    It is made of fields of the run that no later step changes, so that telling of it again is
    no edit.

    Args:
        kind: what happened.
        run: the change.
        approvers: ids of the people and user groups who may approve, to be mentioned where an
            undo waits for a second person; None: not known.
    """
    asked = kind is EventKind.UNDO_ASKED
    parts = _undo_asked(run, approvers) if asked else _PARTS[kind](run)
    blocks = [rich(line(*parts))]
    if kind is EventKind.DRIFTED and (commands := by_hand(run)):
        blocks.append(commands)
    return Message(spoken(parts), blocks)


def step_failed(run: Run, step: str, why: str) -> Message:
    """Says that every attempt at a step of a change has failed.

    Args:
        run: the change.
        step: a verb: "apply", "verify".
        why: a sentence.
    """
    said = f"I could not {step} {_title(run)}, which is {run.state.value}. {why} "
    advice = "I keep trying. Until it works, check the resource by hand; my log has the details. "
    parts = [plain(said, 700), plain(advice), *_both(run)]
    return Message(spoken(parts), [rich(line(*parts))])


def _approved(run: Run) -> list[Part]:
    return [
        person(run.approved_by or "somebody"),
        plain(f" approved {_title(run)}. I apply it now, "),
        person(run.requested_by),
        plain("."),
    ]


def _mended(run: Run) -> list[Part]:
    return [plain(f"{_figures(run)}: mended by {_title(run)}. ", 700), *_both(run)]


def _not_mended(run: Run) -> list[Part]:
    said = f"{_title(run)} is in force, but the service has not recovered: {_figures(run)}. "
    return [plain(said, 700), *_both(run)]


def _unverified(run: Run) -> list[Part]:
    said = f"{_title(run)} is in force; whether it helped is not known: {_figures(run)}. "
    return [plain(said, 700), *_both(run)]


def _not_in_force(run: Run) -> list[Part]:
    no = run.verification is not None and run.verification.answer is Answer.NO
    what = "did not come into force" if no else "is not confirmed to be in force"
    return [plain(f"{_title(run)} {what}: {_figures(run)}. ", 700), *_both(run)]


def _failed(run: Run) -> list[Part]:
    said = f"{_title(run)} was not applied: {_ended(run.note)}. "
    return [plain(said, 700), *_both(run)]


def _rejected(run: Run) -> list[Part]:
    who = sentence(_ended(run.note), 500)
    said = f". {_title(run)}: nothing was changed, "
    return [*who, plain(said), person(run.requested_by), plain(".")]


def _expired(run: Run) -> list[Part]:
    return [
        plain(f"Nobody approved {_title(run)} in time, "),
        person(run.requested_by),
        plain(". Nothing was changed; ask again from the card."),
    ]


def _undone(run: Run) -> list[Part]:
    parts = [person(run.undone_by or "somebody"), plain(f" undid {_title(run)}. ")]
    if run.verification is not None and run.verification.answer is Answer.YES and run.in_force_at:
        parts.append(plain("It had mended the incident: watch whether the errors come back. "))
    others = [each for each in (run.requested_by, run.approved_by) if each != run.undone_by]
    for each in filter(None, others):
        parts += [person(each), plain(" ")]
    return parts


def _undo_failed(run: Run) -> list[Part]:
    why, commands, _ = run.note.removeprefix(NOT_UNDONE).partition(BY_HAND)
    parts = [plain(f"{_title(run)} was not undone: "), *sentence(_ended(why), 600), plain(". ")]
    if commands:
        parts.append(plain("The commands to undo it by hand are on the change's message. "))
    for each in dict.fromkeys((run.undone_by or run.requested_by, run.undo_approved_by)):
        parts += [person(each), plain(" ")] if each else []
    return parts


def _undo_asked(run: Run, approvers: Sequence[str] | None) -> list[Part]:
    who = run.undone_by or run.requested_by
    parts = [person(who), plain(f" asks to undo {_title(run)}. {_ended(run.note)}. ", 700)]
    others = second_people(approvers, who)
    if others is None:
        return [*parts, plain("The catalogue's policy names no second person who may approve it.")]
    asked = "please approve the undo" if others else "Please approve the undo"
    return [*parts, *others, plain(f"{asked} or keep the fix, on the change's message.")]


def _drifted(run: Run) -> list[Part]:
    parts: list[Part] = []
    people = (run.requested_by, run.approved_by, run.undone_by, run.undo_approved_by)
    for each in dict.fromkeys(filter(None, people)):
        parts += [person(each), plain(" ")]
    return [*parts, plain(f"{_title(run)} needs a person to look at it: {_ended(run.note)}.", 700)]


_PARTS = {
    EventKind.APPROVED: _approved,
    EventKind.MENDED: _mended,
    EventKind.NOT_MENDED: _not_mended,
    EventKind.UNVERIFIED: _unverified,
    EventKind.NOT_IN_FORCE: _not_in_force,
    EventKind.FAILED: _failed,
    EventKind.REJECTED: _rejected,
    EventKind.EXPIRED: _expired,
    EventKind.UNDONE: _undone,
    EventKind.UNDO_FAILED: _undo_failed,
    EventKind.DRIFTED: _drifted,
}


def _title(run: Run) -> str:
    title = run.plan.title if run.plan else run.action
    return f"“{title[:MOST_OF_TITLE]}”"


def _figures(run: Run) -> str:
    return _ended(run.verification.text) if run.verification else "no answer"


def _ended(text: str) -> str:
    return text[:400].rstrip(". ")


def _both(run: Run) -> list[Part]:
    """Who asked and who approved."""
    parts = [person(run.requested_by), plain(" asked")]
    if run.approved_by:
        parts += [plain(", "), person(run.approved_by), plain(" approved")]
    return [*parts, plain(".")]
