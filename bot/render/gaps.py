"""What could not be read: unknown, not healthy, and the permission to grant."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.report import CauseStatus, Gap, GapReason, Report
from bot.render.blocks import Block, Part, bullets, fixed_width, line, plain, rich
from bot.render.detail import Detail, heading, more_in_modal
from bot.render.findings import reason
from bot.render.next_step import UNREAD
from bot.render.text import LONGEST, first_sentence, plural


def unread(report: Report, detail: Detail) -> Block | None:
    """What could not be read, the missing permission, and the causes not tested because of it."""
    gaps = [gap for gap in report.gaps if gap.reason is not GapReason.PENDING]
    unplanned = [offer for offer in report.actions if offer.fits is None]
    if not gaps and not unplanned:
        return None
    groups = by_permission(gaps)
    shown = groups[: detail.gaps]
    rows = [gap_line(group, detail.length) for group in shown]
    rows += [
        [
            plain(f"Whether this helps: {offer.title} ", 150),
            plain(f"({reason(offer.why, detail)})"),
        ]
        for offer in unplanned[: detail.gaps]
    ]
    more = more_in_modal(len(groups) - len(shown), "more not read", "more not read")
    untested = [cause.title for cause in report.causes if cause.status is CauseStatus.UNTESTED]
    if untested and report.complete:
        named = untested[0] if len(untested) == 1 else plural(len(untested), "cause")
        more = [*more, line(plain(f"Therefore not tested: {named}", detail.length, quiet=True))]
    return rich(heading("Could not be checked (unknown, not healthy)"), bullets(rows), *more)


def by_permission(gaps: Sequence[Gap]) -> list[list[Gap]]:
    """Gaps grouped by their missing permission and what denies it, or by their equal sentence."""
    groups: dict[object, list[Gap]] = {}
    for gap in gaps:
        key: object = (
            (gap.permission, gap.denied_by) if gap.permission else (gap.reason, gap.detail)
        )
        groups.setdefault(key, []).append(gap)
    return list(groups.values())


def gap_line(group: Sequence[Gap], most: int = LONGEST) -> list[Part]:
    """Why reads failed, and the permission to grant, as parts of one line."""
    gap = group[0]
    several = f" for {plural(len(group), 'read')}" if len(group) > 1 else ""
    if gap.permission and gap.denied_by:
        parts = [plain(f"{UNREAD[gap.reason]}{several}: "), fixed_width(gap.permission, 80)]
        text = f" is denied by {gap.denied_by}; granting it to the role does not help"
        return [*parts, plain(text, most)]
    if gap.permission:
        parts = [plain(f"{UNREAD[gap.reason]}{several}: needs "), fixed_width(gap.permission, 80)]
        said = gap.detail.removeprefix(f"{gap.permission}: ")
        return [*parts, plain(f" · {first_sentence(said, most)}", most + 3)]
    return [plain(f"{UNREAD[gap.reason]}{several}: {first_sentence(gap.detail, most)}", most + 40)]
