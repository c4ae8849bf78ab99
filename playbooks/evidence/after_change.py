"""What is abnormal after a change that was made while it was going on, and after an earlier end.

The minutes since the change are weighed instead of all: they say what still stands. It goes on
from before, and keeps its onset, when it was abnormal just before the change and did not get much
worse with it; else it began anew. Once the minutes since are normal, the whole incident is what
there is to explain. The baseline stays that before the incident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.playbook_contract import Scope
from bot.domain.report import Gap, SignalState
from playbooks.evidence import onset
from playbooks.evidence.onset import LATEST, AnomalyWindow, Detector, next_minute
from playbooks.evidence.signal import Signal
from playbooks.evidence.wording import percent
from playbooks.probes.edge import Edge
from playbooks.probes.metrics import MINUTE, TimeSeries, settled_until

ENOUGH = 3  # settled minutes since a change: fewer do not tell how it is now
JUST_BEFORE = 3  # minutes before a change: a bad one among them goes on after it
STILL_BAD = 3  # latest settled minutes: without a bad one among them it is normal again
WORSE = 2.0  # times the share before the change: so much more has begun with the change


def of_episode(scope: Scope) -> Scope:
    """The scope in which the incident's own bad minutes are looked for: after an earlier one."""
    window = scope.window
    if window.episode is None:
        return scope
    start = window.episode.replace(second=0, microsecond=0)
    if not window.start < start < window.began:
        return scope
    return replace(scope, window=window.model_copy(update={"start": start}))


def of_change(scope: Scope) -> Scope | None:
    """The scope of the settled minutes since the change; None without a change."""
    window = scope.window
    if window.since is None:
        return None
    first, end = next_minute(window.since), settled_until(window)
    if end <= first:
        return None
    # Any bad minute of them counts: they all began before their end.
    return replace(scope, window=window.model_copy(update={"start": first, "began": end}))


def anomaly_window(edge: Edge | Gap | None, scope: Scope, signal: Signal) -> AnomalyWindow:
    """The minutes in which errors are abnormal: those since the change while they still are.

    Args:
        edge: requests and errors at the front door.
        scope: what is investigated; its window says when something was changed.
        signal: the incident type's.
    """
    whole = onset.anomaly_window(edge, of_episode(scope), signal)
    since = of_change(scope)
    if since is None or not isinstance(edge, Edge):
        return whole
    first, end = since.window.start, since.window.end
    until = settled_until(since.window)
    rate = edge.rate.between(first, until)
    known = onset.detector(edge, scope, signal)
    bad = still_bad(bad_minutes(edge, known, since), rate, until)
    if not bad:
        return whole
    share = share_in(edge, first, until)
    was = share_before(edge, scope, whole)
    worse = share is not None and was is not None and share >= WORSE * was
    went_on = bad_just_before(bad_minutes(edge, known, of_episode(scope)), scope)
    return replace(
        whole,
        onset=whole.onset if went_on and not worse and whole.onset else bad[0],
        start=bad[0],
        end=min(end, bad[-1] + MINUTE),
        baseline_end=min(whole.baseline_end, bad[0] - 2 * MINUTE),
        share=share_in(edge, bad[0], bad[-1] + MINUTE),
        errors=edge.errors.between(bad[0], bad[-1] + MINUTE).total(),
        usual=known.usual,
    )


def signal_state(edge: Edge, scope: Scope, signal: Signal, anomaly: AnomalyWindow) -> SignalState:
    """Whether errors are abnormal, and is it over; after a change how it is since, and was before.

    `now` is None where the settled minutes since the change are too few, or had no requests.
    """
    state = onset.signal_state(edge, scope, signal, anomaly)
    state = state.model_copy(update={"of": "of requests"})
    since = of_change(scope)
    if since is None or scope.window.since is None:
        return state
    first, until = since.window.start, settled_until(since.window)
    enough = len(edge.rate.between(first, until).points) >= ENOUGH
    now = percent(share_in(edge, first, until)) if enough else None
    before = share_before(edge, scope, onset.anomaly_window(edge, of_episode(scope), signal))
    was = None if before is None else percent(before)
    update: dict[str, object] = {"was": was, "now": now, "label": signal.label}
    if now is not None and was is not None and anomaly.start >= first:
        usual = percent(anomaly.usual) if anomaly.usual is not None else "not known"
        update["text"] = (
            f"{signal.label} on {now} of requests since the change at "
            f"{scope.window.since:%H:%M} UTC, {was} before it (usual: {usual})"
        )
    return state.model_copy(update=update)


def bad_minutes(edge: Edge, known: Detector, scope: Scope) -> list[datetime]:
    """The bad minutes of a scope, also those that stay below the alarm's threshold: what a change
    mends in part is not over with the alarm."""
    reached = onset.bad_minutes(edge, known, scope)
    above_usual = onset.bad_minutes(edge, Detector(known.usual), scope)
    return sorted({*reached, *above_usual})


def still_bad(bad: Sequence[datetime], measured: TimeSeries, until: datetime) -> Sequence[datetime]:
    """The bad minutes since a change, if there are enough minutes and the latest are among them."""
    if len(measured.points) < ENOUGH or not bad or until - bad[-1] > STILL_BAD * MINUTE:
        return ()
    return [at for at in bad if at < until]


def changed_at(scope: Scope) -> datetime | None:
    """The minute in which the change was begun: what is before it is not mixed with what is after.
    None without a change."""
    begun = scope.window.begun or scope.window.since
    return begun.replace(second=0, microsecond=0) if begun else None


def bad_just_before(bad: Sequence[datetime], scope: Scope) -> bool:
    """Whether it was abnormal just before the change was begun."""
    changed = changed_at(scope)
    return changed is not None and any(changed - JUST_BEFORE * MINUTE <= at < changed for at in bad)


def share_before(edge: Edge, scope: Scope, whole: AnomalyWindow) -> float | None:
    """Errors of all requests in the last five minutes before the change; only of the incident's own
    minutes where it began later. None without a change, and without requests."""
    changed = changed_at(scope)
    if changed is None:
        return None
    first = changed - LATEST * MINUTE
    if whole.onset is not None and whole.onset < changed:
        first = max(first, whole.onset)
    return share_in(edge, first, changed)


def share_in(edge: Edge, start: datetime, end: datetime) -> float | None:
    """Errors of all requests in [start, end), 0 to 1; None without requests."""
    requests = edge.requests.between(start, end)
    total = requests.total()
    if not total:
        return None
    return min(1.0, sum(edge.errors.points.get(at, 0.0) for at in requests.points) / total)
