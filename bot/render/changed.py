"""What was changed through this program, on the card: each change in a line, what became of it
since, and its undo with what undoing would do now."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.report import Report, Verdict
from bot.domain.run import Answer, Run, RunState
from bot.render.blocks import Block, Part, bullets, button, confirm, date, line, person, plain, rich
from bot.render.change_message import UNDOABLE, outcome
from bot.render.clicks import Click
from bot.render.plans import before_in_short
from bot.render.state import figure
from bot.render.text import clip
from bot.render.verdict import chain_title

MOST_RUNS = 3
# How much is left of what it was before a change, and the word for it.
_LEFT = (
    (0.15, "nearly gone"),
    (0.4, "down to a third"),
    (0.6, "halved"),
    (0.9, "a little less"),
    (1.1, "no better"),
)


def changed_by_us(runs: Sequence[Run]) -> Block | None:
    """The last three guarded changes, one line each; each has its own message too."""
    shown = [run for run in runs if run.plan is not None][-MOST_RUNS:]
    return rich(bullets([_run(run) for run in shown])) if shown else None


def _run(run: Run) -> list[Part]:
    title = run.plan.title if run.plan else run.action
    parts = [plain(f"{title}: {outcome(run)}", 200), plain(" · asked by ")]
    parts.append(person(run.requested_by))
    if run.approved_by:
        parts += [plain(", approved by "), person(run.approved_by)]
    if run.undone_by:
        parts += [plain(", undone by "), person(run.undone_by)]
    if run.in_force_at:
        parts += [plain(" · in force "), date(run.in_force_at)]
    return parts


def since_the_change(report: Report) -> Block | None:
    """ "Halved since maya moved PROD to version 41 at 03:12; the rest looks like …"; None without a
    change, and while one of the two figures is not known."""
    after, signal = report.after, report.signal
    if after is None or signal is None or signal.was is None or signal.now is None:
        return None
    word = how_much_is_left(signal.now, signal.was)
    lead = f"{word[0].upper()}{word[1:]} since {clip(after.what, 60)} at "
    lines = [line(plain(lead), date(after.at), plain("."))]
    if report.complete and signal.over is not True:
        lines += _rest(report, word)
    return rich(*lines)


def _rest(report: Report, word: str) -> list[Block]:
    if report.cause is not None:
        lead = "What is left looks like" if word != "worse" else "It looks like"
        return [line(plain(f"{lead}: {chain_title(report)}.", 160))]
    if report.verdict in (Verdict.NOTHING_WRONG, Verdict.OVER):
        return []
    return [line(plain("What is left has no single cause yet."))]


def how_much_is_left(now: str, was: str) -> str:
    """ "halved" for "25 %" where it was "53 %"; "changed" where that cannot be told."""
    left, before = figure(now), figure(was)
    if left is None or not before:
        return "changed"
    if left == 0:
        return "gone"
    return next((word for most, word in _LEFT if left / before <= most), "worse")


def undo_button(runs: Sequence[Run], report: Report | None) -> Block | None:
    """The undo of the latest change that is in force; its dialog says what undoing would do now."""
    run = next(
        (
            each
            for each in reversed(runs)
            if each.state is RunState.DONE and each.state in UNDOABLE and each.plan
        ),
        None,
    )
    if run is None or run.plan is None or not run.plan.inverse:
        return None
    asks = confirm("Undo this change?", what_undoing_does(run, report), "Undo", danger=True)
    return button("Undo…", Click.UNDO, run.id, confirm=asks)


def what_undoing_does(run: Run, report: Report | None) -> str:
    """What undoing would do now, in at most three short sentences."""
    plan, signal = run.plan, report.signal if report else None
    title = plan.title if plan else run.action
    back = before_in_short(plan) if plan else ""
    said = [f"{clip(title, 90)}."]
    if run.verification and run.verification.answer is Answer.YES:
        was = f" It was {signal.was} before." if signal and signal.was else ""
        said.append(f"This fix is holding: without it the incident may come back.{was}")
    said.append(f"Back to {back}." if back else "The state before the change is restored.")
    return " ".join(said)
