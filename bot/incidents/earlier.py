"""How an incident was over before: what mended it, and that this was undone. Pure.

An alarm that comes back has an incident of its own. What was abnormal before the earlier end is not
its own, and the earlier incident is no baseline to compare with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.incident import Incident
from bot.domain.report import Earlier, Report, SinceChange, Window
from bot.domain.run import IN_FORCE, Answer, Run, RunState
from bot.incidents.later_changes import all_changes

REMEMBERED = timedelta(hours=24)
"""An incident that was over for longer says nothing about this one."""
OLDEST_BASELINE = timedelta(hours=8)
MISSED = timedelta(minutes=2)
"""An end so short before the alarm is not known: its message was missed."""


@dataclass(frozen=True, slots=True)
class Before:
    """An incident of the same service and type that ended, with its report and changes."""

    incident: Incident
    report: Report | None
    runs: Sequence[Run]


def earlier(incident: Incident, runs: Sequence[Run], before: Before | None) -> Earlier | None:
    """How it was over before.

    Args:
        incident: the incident that is investigated.
        runs: its own changes: one that mended it may have been undone since.
        before: the incident before it; None when there was none.

    Returns:
        None when it was not over before, as far as is known.
    """
    if own := _undone(runs):
        return own
    if before is None:
        return None
    ended = before.incident.recovered_at
    if ended is None or not ended <= incident.opened_at <= ended + REMEMBERED:
        return None
    verified = [run for run in before.runs if _mended(run)]
    if verified:
        return _by_run(verified[-1])
    made = [each for each in all_changes(before.incident, (), ended) if each.at <= ended]
    last: SinceChange | None = made[-1] if made else None
    return Earlier(over_since=ended, came_after=last)


def after_the_earlier(window: Window, found: Earlier | None, before: Before | None) -> Window:
    """The window of an incident that was over before: its own minutes begin after that, and its
    baseline is the earlier incident's where its usual one reaches into that incident."""
    if found is None or before is None:
        return window
    over = found.undone_at
    if over is None:  # until the alarm was OK, what had been mended may still have shown
        over = max(found.over_since, before.incident.recovered_at or found.over_since)
        if over >= window.began - MISSED:
            return window
    update: dict[str, object] = {"episode": over}
    known = before.report.window if before.report else None
    oldest = window.began - OLDEST_BASELINE
    if known and window.baseline_start < known.began and known.baseline_start > oldest:
        update["baseline_start"] = known.baseline_start
        update["baseline_end"] = known.baseline_end
    return window.model_copy(update=update)


def _undone(runs: Sequence[Run]) -> Earlier | None:
    """The latest of an incident's own changes that had mended it and was undone."""
    undone = [run for run in runs if run.state is RunState.UNDONE and _mended(run)]
    return _by_run(undone[-1]) if undone else None


def _mended(run: Run) -> bool:
    """Whether the change was verified to have mended the incident."""
    return (
        run.state in IN_FORCE | {RunState.UNDONE}
        and run.in_force_at is not None
        and run.verification is not None
        and run.verification.answer is Answer.YES
    )


def _by_run(run: Run) -> Earlier | None:
    if run.in_force_at is None or run.verification is None:
        return None
    return Earlier(
        over_since=run.in_force_at,
        mended_by=run.plan.title if run.plan else run.action,
        figure=run.verification.text,
        undone_at=run.undone_at,
        undone_by=run.undone_by,
    )
