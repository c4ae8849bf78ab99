"""The change nearest before the onset, and whether it is of a kind that a cause is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.report import Change
from playbooks.evidence import thresholds
from playbooks.evidence.changes import DEPENDENCIES, RELEASES, suspect
from playbooks.evidence.wording import lag
from playbooks.probes.changes import Changes

ACTS = frozenset({*RELEASES, *DEPENDENCIES, "scaling"})
"""Kinds of change that can bring errors."""


@dataclass(frozen=True, slots=True)
class Before:
    """A change and how long before the onset it was made; `rivals`: other changes that came as near
    or nearer, or a rollout that still went on then."""

    change: Change
    lag: timedelta
    rivals: tuple[Change, ...] = ()

    @property
    def nearest(self) -> bool:
        """Whether no other change came between it and the onset."""
        return not self.rivals

    def told(self) -> str:
        """ "PutRolePolicy checkout (mara) 2 min before it began"."""
        return f"{self.change.summary} ({self.change.actor}) {lag(self.lag)} before it began"


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


def no_other_change(changes: Changes, onset: datetime | None, kinds: frozenset[str]) -> bool:
    """Whether all sources of changes were read and none knows of a release, or of a change of other
    kinds than these, that could have brought it."""
    if onset is None or changes.unread or not changes.asked:
        return False
    others = nearest_of(changes, onset, DEPENDENCIES - kinds, thresholds.SOON)
    return suspect(changes.known, onset) is None and others is None


def unread_changes(changes: Changes) -> tuple[str, ...]:
    """What was not read of the changes: a nearer one may be in it."""
    return tuple(unread.detail for unread in changes.unread)
