"""Changes made while an incident is open: which they are, and since which of them the minutes are
investigated. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.domain.change_session import read_session
from bot.domain.incident import Incident
from bot.domain.report import Change, Report, SinceChange
from bot.domain.run import IN_FORCE, Answer, Run, RunState

SETTLED = timedelta(minutes=8)
"""After a change: five whole minutes, and the three in which their metrics become final."""
ENOUGH = timedelta(minutes=6)
"""After a change: the fewest minutes that tell how it is since, three, and those not final yet."""
REST = timedelta(minutes=5)
"""Between two investigations that nobody asked for."""
AFTER_ONSET = timedelta(minutes=3)
"""A change until then may have brought the incident; the first report weighs it."""
SAME = timedelta(minutes=3)
"""Sources date one change differently: when it was asked for, begun, in force."""
STUCK = timedelta(minutes=30)
"""A rollout of which nobody tells the end counts from its beginning after this time."""
AROUND_OURS = timedelta(minutes=1)
"""By so much the sources' time of a call may be off from when this program sent it."""

_ALIAS_MOVED = re.compile(r"UpdateAlias alias (\S+) to version (\d+)(.*)")
_NOBODY = ("unknown", "user")  # CodeDeploy says "user" for any person
_BY_ITSELF = frozenset({"scaling", "targets"})
"""Kinds of change that AWS makes all the time while a service is loaded."""


def in_force_at(change: Change, now: datetime) -> datetime | None:
    """When the change was in force: a rollout at its end. None while it is under way.

    Args:
        change: as the collector of changes tells it.
        now: AWS time.
    """
    if change.until is not None or change.kind != "deployment":
        return change.until or change.at
    rolls_out = change.source in ("ECS", "CodeDeploy")
    return None if rolls_out and now - change.at < STUCK else change.at


def by_others(found: Iterable[Change], report: Report, runs: Sequence[Run]) -> tuple[Change, ...]:
    """The changes since the onset that were not made by this program for this incident.

    What AWS refused changed nothing; what AWS scales by itself is no answer to the incident.
    """
    began = (report.overview.onset or report.window.began) + AFTER_ONSET
    if report.after is not None:  # the onset may be that of what a change brought
        began = report.window.began
    return tuple(
        change
        for change in found
        if (change.until or change.at) > began
        and change.error is None
        and not (change.kind in _BY_ITSELF and change.actor.startswith("AWS ("))
        and not any(_ours(change, run) for run in runs)
    )


def noticed(known: Sequence[Change], found: Iterable[Change]) -> tuple[Change, ...]:
    """The known changes and those found, each once: what is told later of one takes its place."""
    kept = list(known)
    for change in found:
        same = next((place for place, each in enumerate(kept) if _same(each, change)), None)
        if same is None:
            kept.append(change)
        elif _says_more(change, kept[same]):
            kept[same] = change
    return tuple(sorted(kept, key=lambda each: each.at))


def new_ones(known: Sequence[Change], found: Iterable[Change]) -> tuple[Change, ...]:
    """The changes found that are not among the known."""
    return tuple(each for each in found if not any(_same(each, other) for other in known))


def told(change: Change) -> str:
    """The change in a few words, with who made it: "maya moved PROD to version 41"."""
    who = change.actor.split(" (")[0]
    own = read_session(who)
    who = f"Incident Helper ({own.run})" if own else who.split("@")[0]
    moved = _ALIAS_MOVED.fullmatch(change.summary)
    if moved and change.actor not in _NOBODY:
        return f"{who} moved {moved[1]} to version {moved[2]}{moved[3]}"
    if change.actor in _NOBODY:
        return change.summary
    return f"{change.summary} by {change.actor if change.actor.startswith('AWS (') else who}"


def all_changes(incident: Incident, runs: Sequence[Run], now: datetime) -> list[SinceChange]:
    """Every change that is in force since the incident began, by anybody, oldest first."""
    made: list[SinceChange] = []
    for change in incident.noticed:
        at = in_force_at(change, now)
        if at is not None:
            made.append(SinceChange(at=at, begun=min(change.at, at), what=told(change)))
    for run in runs:
        title = run.plan.title if run.plan else run.action
        at = run.in_force_at or run.applied_at
        if run.state in IN_FORCE and at is not None:
            made.append(SinceChange(at=at, begun=run.applied_at, what=f"“{title}”", run=run.id))
        elif run.state is RunState.UNDONE and run.undone_at is not None:
            what = f"“{title}” was undone"
            made.append(SinceChange(at=run.undone_at, what=what, run=run.id))
    return sorted(made, key=lambda each: each.at)


def since(
    incident: Incident, runs: Sequence[Run], now: datetime
) -> tuple[SinceChange | None, SinceChange | None]:
    """The change since which the minutes are investigated: the latest with enough minutes since.

    Returns:
        That change, and a later one since which there are too few minutes to tell anything; not
        one of this program's that was verified.
    """
    made = all_changes(incident, runs, now)
    enough = [each for each in made if now - each.at >= ENOUGH]
    told = {run.id for run in runs if run.state in IN_FORCE and _verified(run)}
    fresh = [each for each in made if now - each.at < ENOUGH and each.run not in told]
    return (enough[-1] if enough else None), (fresh[-1] if fresh else None)


def waiting(made: Iterable[SinceChange], report: Report) -> list[SinceChange]:
    """The changes whose minutes since are not investigated: the report was made before they were
    settled, or before the change was known, which CloudTrail may tell late."""
    until = report.after.at if report.after else None
    return [
        each
        for each in made
        if until is None or until < each.at or report.made_at < each.at + SETTLED
    ]


def due(made: Iterable[SinceChange], report: Report, now: datetime) -> SinceChange | None:
    """The latest change whose minutes since are settled now and not investigated yet.

    None while the latest investigation is younger than `REST`: every change until then is in the
    next one.

    Args:
        made: the changes that are in force, oldest first.
        report: the incident's latest.
        now: AWS time.
    """
    if not report.complete or now - report.made_at < REST:
        return None
    settled = [each for each in waiting(made, report) if each.at + SETTLED <= now]
    return settled[-1] if settled else None


def _verified(run: Run) -> bool:
    """Whether the verification of a run has said that the incident is over."""
    return run.verification is not None and run.verification.answer is Answer.YES


def _ours(change: Change, run: Run) -> bool:
    """Whether a change is what a run did, or its undo.

    By the role session's name, which has the run's id. Without a write role, and while CloudTrail
    is late, by target and time: of a change that nobody is named for, until the run was in force.
    """
    if run.id in change.actor:
        return True
    target = set(re.split(r"[:/]", run.plan.target)) if run.plan else set()
    if not target & _resources(change):
        return False
    sent = [(run.applied_at, run.applied_at), (run.undone_at, run.undone_at)]
    if change.actor in _NOBODY:
        sent.append((run.applied_at, run.in_force_at or run.applied_at))
    return any(
        first is not None
        and last is not None
        and first - AROUND_OURS <= change.at <= last + AROUND_OURS
        for first, last in sent
    )


def _same(one: Change, other: Change) -> bool:
    """Whether two tell of one change: of one resource, at about one time."""
    close = abs(one.at - other.at) <= SAME or (
        one.until is not None and other.until is not None and abs(one.until - other.until) <= SAME
    )
    kinds = {one.kind, other.kind}
    alike = len(kinds) == 1 or kinds == {"alias", "deployment"}
    return close and alike and bool(_resources(one) & _resources(other)) and not _differ(one, other)


def _differ(one: Change, other: Change) -> bool:
    """Two moves of an alias to different versions are two changes, however soon."""
    moved = [_ALIAS_MOVED.fullmatch(each.summary) for each in (one, other)]
    first, second = moved
    return first is not None and second is not None and first[2] != second[2]


def _resources(change: Change) -> set[str]:
    """What a change touches, without qualifiers: "checkout" of "checkout:PROD", and both parts of
    CodeDeploy's "lunch/prod"."""
    named = [name.split(":")[0] for name in (change.resource, *change.touches)]
    return {part for name in named for part in name.split("/") if part}


def _says_more(change: Change, known: Change) -> bool:
    """Whether the later telling has the end, or who it was, where the earlier had not."""
    ended = change.until is not None and known.until is None
    return ended or (known.actor in _NOBODY and change.actor not in _NOBODY)
