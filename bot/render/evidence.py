"""The modal *All evidence*: everything a report found, uncut, where the card has one line each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from bot.domain.report import Cause, CauseStatus, Clue, ClueKind, Gap, GapReason, Report
from bot.render import findings
from bot.render.blocks import (
    Block,
    Part,
    bold,
    bullets,
    code_block,
    count_characters,
    date,
    fixed_width,
    line,
    link,
    plain,
    rich,
)
from bot.render.gaps import by_permission
from bot.render.modal import View, modal_view
from bot.render.next_step import UNREAD
from bot.render.text import NBSP, actor_name, count, percent, plural, time_to_onset

TITLE = "All evidence"
MOST_CHARACTERS = 60_000  # of a modal's blocks
MOST_JSON = 200_000  # of the same; docs.slack.dev: a view has at most 250 kB
MOST_BLOCKS = 98
LONG = 1_500  # characters of one sentence: longer ones are log lines of megabytes
_MARK = {True: "✓", False: "✗", None: "?"}


def all_evidence_loading(external_id: str) -> View:
    """Opened at the click, whose trigger id is valid for 3 seconds; the evidence replaces it."""
    return modal_view(TITLE, [rich(line(plain("Fetching what was found.")))], external_id)


def all_evidence_modal(report: Report, external_id: str) -> View:
    """Codes as a table of text, every cause with every clue, all changes, steps and gaps.

    Args:
        report: the incident's newest report.
        external_id: of the open modal.
    """
    blocks: list[Block] = []
    left = 0
    for block in _sections(report):
        more = [*blocks, block]
        fits = count_characters(more) <= MOST_CHARACTERS and len(json.dumps(more)) <= MOST_JSON
        fits = fits and len(blocks) < MOST_BLOCKS
        if fits:
            blocks.append(block)
        else:
            left += 1
    if left:
        said = f"{plural(left, 'more section')} do not fit here; `incident triage --json` has all."
        blocks.append(rich(line(plain(said, quiet=True))))
    return modal_view(TITLE, blocks, external_id)


def _sections(report: Report) -> Iterator[Block]:
    if report.overview.breakdown:
        yield rich(line(bold("Codes")), code_block(_codes(report)))
    if report.by_hand:
        yield _steps(report)
    for status, title in (
        (CauseStatus.SUPPORTED, "Supported"),
        (CauseStatus.POSSIBLE, "Possible"),
        (CauseStatus.UNTESTED, "Not tested"),
        (CauseStatus.REFUTED, "Ruled out"),
    ):
        for cause in report.causes:
            if cause.status is status and cause.applies:
                yield _cause(cause, title)
    absent = [each.title for each in report.causes if not each.applies]
    if absent:
        said = f"Does not apply to {report.service}: {', '.join(absent)}"
        yield rich(line(plain(said, LONG)))
    if report.overview.observations:
        rows = [[plain(each, LONG)] for each in report.overview.observations]
        yield rich(line(bold("What stands out")), bullets(rows))
    if report.overview.changes:
        yield _changes(report)
    gaps = [gap for gap in report.gaps if gap.reason is not GapReason.PENDING]
    if gaps:
        rows = [_gap(group) for group in by_permission(gaps)]
        yield rich(line(bold("Could not be checked")), bullets(rows))
    held = [offer for offer in report.actions if offer.fits is not True and offer.why]
    if held:
        rows = [[plain(f"{offer.title}: {offer.why}", LONG)] for offer in held]
        yield rich(line(bold("Actions that are blocked or not known to help")), bullets(rows))
    links = [each for each in (link(one.title, one.url) for one in report.overview.links) if each]
    if links:
        yield rich(line(bold("Open")), bullets([[each] for each in links]))


def _codes(report: Report) -> str:
    """The codes as columns: tables do not stand in modals (docs.slack.dev, "Table block")."""
    rows = [("code", "count", "of errors", "of requests")]
    rows += [
        (share.code, count(share.count), percent(share.of_errors), percent(share.of_requests))
        for share in report.overview.breakdown
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    return "\n".join(
        (2 * NBSP).join(
            [row[0].ljust(widths[0], NBSP), *(row[at].rjust(widths[at], NBSP) for at in (1, 2, 3))]
        )
        for row in rows
    )


def _cause(cause: Cause, status: str) -> Block:
    head = line(bold(f"{status}: ", 40), bold(cause.title, 200))
    if not cause.clues:
        return rich(head)
    rows = [_clue(each) for each in findings.strongest_first(cause.clues)]
    return rich(head, bullets(rows))


def _clue(clue: Clue) -> list[Part]:
    against = clue.kind is ClueKind.CONTRADICTING and clue.holds
    kind = "against it" if against else clue.kind.value
    return [plain(f"{_MARK[clue.holds]} "), plain(clue.text, LONG), plain(f" ({kind})", quiet=True)]


def _gap(group: Sequence[Gap]) -> list[Part]:
    """Reads with one missing permission: each of their sentences, and which reads they are."""
    gap = group[0]
    said = "; ".join(dict.fromkeys(each.detail for each in group))
    parts = [plain(f"{UNREAD[gap.reason]}: {said}", LONG)]
    if gap.permission:
        parts += [plain(" · needs "), fixed_width(gap.permission, 80)]
    if gap.denied_by:
        parts.append(plain(f", which {gap.denied_by} denies whatever the role is granted", LONG))
    return [*parts, plain(f" ({', '.join(each.probe for each in group)})", LONG, quiet=True)]


def _steps(report: Report) -> Block:
    elements = [line(bold("By hand"))]
    for step in report.by_hand:
        page = link("open", step.url) if step.url else None
        elements.append(line(plain(step.text, LONG), *([plain(" "), page] if page else [])))
        if step.command:
            elements.append(code_block(step.command))
    return rich(*elements)


def _changes(report: Report) -> Block:
    rows: list[list[Part]] = []
    for change in report.overview.changes:
        row = [plain(f"{time_to_onset(change.lag)}: {change.summary} · ", LONG)]
        row += [plain(f"{actor_name(change.actor)} · ", 120), date(change.at)]
        if change.until:
            row += [plain(" to "), date(change.until)]
        if change.source:
            row.append(plain(f" ({change.source})", 60, quiet=True))
        rows.append(row)
    return rich(line(bold(findings.CHANGES)), bullets(rows))
