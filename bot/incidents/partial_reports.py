"""What is shown while an incident is investigated again: the complete findings, until there are new
ones. Pure."""

from __future__ import annotations

from bot.domain.report import CauseStatus, Report


def to_show(whole: Report | None, found: Report) -> Report | None:
    """What to store and show of a report; None: what is shown already.

    A report that is not complete replaces no complete one, so that its actions stay on offer. Those
    that it refutes are withdrawn at once; when it refutes the likely cause, its findings are shown
    with the actions that still may be right.

    Args:
        whole: the latest complete report; None at the first investigation.
        found: the findings so far.
    """
    if whole is None or found.complete:
        return found
    kept = tuple(offer for offer in whole.actions if not _refuted(found, offer.action))
    likely = {whole.cause.id, *whole.chain} if whole.cause else set()
    if any(cause.id in likely and cause.status is CauseStatus.REFUTED for cause in found.causes):
        return found.model_copy(update={"actions": kept})
    return None if kept == whole.actions else whole.model_copy(update={"actions": kept})


def _refuted(found: Report, action: str) -> bool:
    """Whether every cause that the action can mend is ruled out."""
    mended = [cause.status for cause in found.causes if action in cause.actions]
    return bool(mended) and all(status is CauseStatus.REFUTED for status in mended)
