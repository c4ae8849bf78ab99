"""The same as `after_change`, for levels: how many targets are unhealthy since a change."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.playbook_contract import Scope
from bot.domain.report import Gap, SignalState
from playbooks.evidence import levels
from playbooks.evidence.after_change import (
    ENOUGH,
    bad_just_before,
    changed_at,
    of_change,
    of_episode,
    share_in,
    still_bad,
)
from playbooks.evidence.levels import Level
from playbooks.evidence.onset import LATEST, AnomalyWindow
from playbooks.probes.edge import Edge
from playbooks.probes.metrics import MINUTE, settled_until


def anomaly_window(
    level: Level | Gap | None, edge: Edge | Gap | None, scope: Scope, label: str
) -> AnomalyWindow:
    """The minutes in which the level is abnormal: those since the change while it still is.

    Args:
        level: the signal's values.
        edge: requests and errors at the front door.
        scope: what is investigated; its window says when something was changed.
        label: what the errors of requests are called.
    """
    own = of_episode(scope)
    whole = levels.anomaly_window(level, edge, own, label)
    since = of_change(scope)
    if since is None or not isinstance(level, Level):
        return whole
    first, until = since.window.start, settled_until(since.window)
    bad = still_bad(levels.bad_minutes(level, since), level.filled(first, until), until)
    if not bad:
        return whole
    went_on = bad_just_before(levels.bad_minutes(level, own), scope)
    start, end = bad[0], bad[-1] + MINUTE
    return replace(
        whole,
        onset=whole.onset if went_on and whole.onset else start,
        start=start,
        end=end,
        baseline_end=min(whole.baseline_end, start - 2 * MINUTE),
        share=share_in(edge, start, end) if isinstance(edge, Edge) else None,
        errors=edge.errors.between(start, end).total() if isinstance(edge, Edge) else None,
    )


def signal_state(level: Level, scope: Scope, anomaly: AnomalyWindow) -> SignalState:
    """Whether the level is abnormal, and is it over; after a change how it is since, and was."""
    state = levels.signal_state(level, scope, anomaly)
    since, changed = of_change(scope), changed_at(scope)
    if since is None or changed is None:
        return state
    later = level.filled(since.window.start, settled_until(since.window))
    before = level.filled(changed - LATEST * MINUTE, changed)
    now, was = later.typical(), before.typical()
    if len(later.points) < ENOUGH or now is None or was is None:
        return state.model_copy(update={"was": None, "now": None})
    return state.model_copy(update={"was": f"{was:.0f}", "now": f"{now:.0f}"})
