"""The change nearest before the onset, and whether it is of a kind that a cause is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.report import Change
from playbooks.evidence import thresholds
from playbooks.evidence.changes import DEPENDENCIES, RELEASES, suspect
from playbooks.evidence.wording import before_onset
from playbooks.probes.changes import Changes

ACTS = frozenset({*RELEASES, *DEPENDENCIES, "scaling"})
"""Kinds of change that can bring errors."""


@dataclass(frozen=True, slots=True)
class Before:
    """A change and how long before the onset it was made; `rivals`: other changes that came as near
    or nearer, or a rollout that still went on then; `used`: whether the service is known to use
    what was changed."""

    change: Change
    lag: timedelta
    rivals: tuple[Change, ...] = ()
    used: bool = True

    @property
    def nearest(self) -> bool:
        """Whether no other change came between it and the onset."""
        return not self.rivals

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not known of it, for a clue that rests on it."""
        return (
            ()
            if self.used
            else (f"nothing says that the service uses {self.change.resource or 'it'}",)
        )

    def told(self) -> str:
        """ "PutRolePolicy checkout (mara) 2 min before it began"."""
        return f"{self.change.summary} ({self.change.actor}) {before_onset(self.lag)}"


def nearest_of(
    changes: Changes, onset: datetime | None, kinds: frozenset[str], span: timedelta
) -> Before | None:
    """The nearest change of these kinds, at most `span` before the onset; None when there is none,
    or the onset is not known."""
    if onset is None:
        return None
    found = [
        change
        for change in changes.known
        if change.kind in kinds and -thresholds.AFTERWARDS <= onset - change.at <= span
    ]
    if not found:
        return None
    change = max(found, key=lambda each: each.at)
    return Before(change, onset - change.at, _rivals(changes, onset, change, kinds))


def nearest_elsewhere(
    changes: Changes, onset: datetime | None, kinds: frozenset[str], span: timedelta
) -> Before | None:
    """The one change of these kinds in the account of which nothing says that the service uses what
    it changed; None when there is none, or several, which tell nothing."""
    if onset is None:
        return None
    found = [
        change
        for change in changes.elsewhere
        if change.kind in kinds
        and not change.error
        and -thresholds.AFTERWARDS <= onset - change.at <= span
    ]
    if len({change.resource for change in found}) != 1:
        return None
    change = max(found, key=lambda each: each.at)
    return Before(change, onset - change.at, _rivals(changes, onset, change, kinds), used=False)


def _rivals(
    changes: Changes, onset: datetime, change: Change, kinds: frozenset[str]
) -> tuple[Change, ...]:
    """Other changes that may have brought it as well: those made since, and rollouts that ended
    since."""
    latest = onset + thresholds.AFTERWARDS
    return tuple(
        other
        for other in changes.known
        if other.kind in ACTS - kinds
        and (change.at <= other.at <= latest or (other.until and change.at <= other.until))
        and other.at <= latest
    )


def not_all_known(changes: Changes, onset: datetime | None) -> str:
    """Why a change before the onset may not be known; empty when it would be: every source was
    read, and CloudTrail has had the time to show it."""
    if onset is None:
        return "onset not known"
    if changes.unread or not changes.asked:
        return "not all changes could be read"
    if changes.read_at is not None and changes.read_at - onset < thresholds.TRAIL_IS_LATE:
        return "none known yet, but CloudTrail may be minutes behind"
    return ""


def no_other_change(changes: Changes, onset: datetime | None, kinds: frozenset[str]) -> bool:
    """Whether all sources of changes were read and none knows of a release, or of a change of other
    kinds than these, that could have brought it. A release that served well for a while did not."""
    if onset is None or changes.unread or not changes.asked:
        return False
    others = nearest_of(changes, onset, DEPENDENCIES - kinds, thresholds.SOON)
    released = suspect(changes.known, onset)
    served_well = released is None or released.in_force >= thresholds.SERVED_WELL
    return served_well and others is None


def unread_changes(changes: Changes) -> tuple[str, ...]:
    """What was not read of the changes: a nearer one may be in it."""
    return tuple(unread.detail for unread in changes.unread)
