"""What to find out next: the question, the one read that would answer it, what stands in its way,
and the button that reads again."""

from __future__ import annotations

from bot.domain.report import GapReason, NextTest, Report, Verdict
from bot.render.blocks import (
    Block,
    Part,
    bold,
    button,
    code_block,
    date,
    fixed_width,
    line,
    plain,
    rich,
)
from bot.render.clicks import Click
from bot.render.text import clip, first_sentence, plural

UNREAD = {
    GapReason.DENIED: "No access",
    GapReason.THROTTLED: "AWS throttled the read",
    GapReason.TIMEOUT: "AWS did not answer in time",
    GapReason.NOT_FOUND: "Not found",
    GapReason.NOT_CONFIGURED: "Not set up",
    GapReason.BUDGET: "Read budget used up",
    GapReason.ERROR: "The read failed",
}


def next_step(report: Report, test: NextTest, most: int) -> list[Block]:
    """The question, and the read that would answer it, as elements of a rich text block.

    Args:
        report: has the titles of the causes that an answer would decide.
        test: what to find out.
        most: characters of one sentence.
    """
    elements = [line(bold("Next: "), plain(f"find out {first_sentence(test.question, most)}"))]
    missing = _missing(test, most)
    if missing:
        elements.append(line(*missing))
    decides = _decides(report, test, most)
    if decides and missing:
        elements.append(line(decides))
    return elements


def query_to_run(report: Report) -> Block | None:
    """The log query that would decide, for a person who may run what this program may not."""
    test = report.next_test
    if test is None or test.by_hand is None or not test.by_hand.command or not report.complete:
        return None
    lead = (
        f"Or {test.by_hand.text[:1].lower()}{test.by_hand.text[1:]}. A link below has it typed in."
    )
    return rich(line(plain(lead, 200)), code_block(test.by_hand.command, 1_500))


def next_button(report: Report, incident: str) -> Block | None:
    """The button that makes the missing read; None when no read is known to decide.

    An investigation reads everything anew, so what decides is read as well.
    """
    test = report.next_test
    if test is None or report.verdict is not Verdict.INCONCLUSIVE or not report.complete:
        return None
    if test.again_at is not None:
        title = f"Look again at {test.again_at:%H:%M} UTC"
        return button(title, Click.LATER, incident, style="primary")
    if test.reason is None:
        return None
    return button(_title(test), f"{Click.RERUN}.1", incident, style="primary")


def _title(test: NextTest) -> str:
    if test.denied_by:
        return "Look again once the policy allows it"
    if test.reason is GapReason.DENIED:
        return f"Look again once {test.permission or 'access'} is granted"
    if test.reason in (GapReason.NOT_FOUND, GapReason.NOT_CONFIGURED):
        return "Look again once it is set up"
    return "Read it now"


def _missing(test: NextTest, most: int) -> list[Part]:
    """The read that would tell, and why it did not."""
    if test.again_at is not None:
        what = f"{test.read}: " if test.read else ""
        late = f"{what}AWS publishes it some minutes late. It should be there at "
        return [plain(late, most), date(test.again_at)]
    if test.reason is None:
        return []
    parts = [plain(f"{UNREAD[test.reason]}: {first_sentence(test.read, most)}. ", most + 40)]
    if test.permission and test.denied_by:
        parts += [fixed_width(test.permission, 80)]
        parts += [plain(f" is denied by {test.denied_by}: granting it to the role does not help.")]
    elif test.permission:
        parts += [plain("Grant "), fixed_width(test.permission, 80)]
        on = [plain(" on "), fixed_width(test.on, 120)] if test.on else []
        parts += [*on, plain(" to the read role.")]
    return parts


def _decides(report: Report, test: NextTest, most: int) -> Part | None:
    titles = [cause.title for cause in report.causes if cause.id in test.decides]
    if not titles:
        return None
    more = f", or {plural(len(titles) - 1, 'more cause')}" if len(titles) > 1 else ""
    return plain(
        f"It would tell whether it is: {clip(titles[0], most - 50)}{more}", most, quiet=True
    )
