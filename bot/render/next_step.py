"""What to find out next: the question, the one read that would answer it, what stands in its way,
and the button that reads again."""

from __future__ import annotations

from bot.domain.report import GapReason, NextTest, Report, Verdict
from bot.render.blocks import Block, Part, bold, button, date, fixed_width, line, plain
from bot.render.clicks import Click
from bot.render.text import plural

UNREAD = {
    GapReason.DENIED: "No access",
    GapReason.THROTTLED: "AWS throttled the read",
    GapReason.TIMEOUT: "AWS did not answer in time",
    GapReason.NOT_FOUND: "Not found",
    GapReason.NOT_CONFIGURED: "Not set up",
    GapReason.BUDGET: "Read budget used up",
    GapReason.ERROR: "The read failed",
}
MOST_DECIDED = 3


def next_step(report: Report, test: NextTest, most: int) -> list[Block]:
    """The question, and the read that would answer it, as elements of a rich text block.

    Args:
        report: has the titles of the causes that an answer would decide.
        test: what to find out.
        most: characters of one sentence.
    """
    elements = [line(bold("Next: "), plain(f"find out {test.question}", most))]
    missing = _missing(test, most)
    if missing:
        elements.append(line(*missing, *_decides(report, test, most)))
    return elements


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
        late = f"{what}AWS publishes it minutes late, without promise; it should be there at "
        return [plain(late, most), date(test.again_at)]
    if test.reason is None:
        return []
    parts = [plain("Not read: "), bold(test.read, most), plain(f". {UNREAD[test.reason]}")]
    if test.permission and test.denied_by:
        parts += [plain(f", denied by {test.denied_by}: granting ", most)]
        parts += [fixed_width(test.permission, 80), plain(" to the role does not help")]
    elif test.permission:
        parts += [plain(": grant "), fixed_width(test.permission, 80), plain(" to the read role")]
    return parts


def _decides(report: Report, test: NextTest, most: int) -> list[Part]:
    titles = [cause.title for cause in report.causes if cause.id in test.decides]
    if not titles:
        return []
    named = ", ".join(titles[:MOST_DECIDED])
    rest = len(titles) - MOST_DECIDED
    more = f" and {plural(rest, 'more cause')}" if rest > 0 else ""
    return [plain(f". It speaks for or against: {named}{more}.", most)]
