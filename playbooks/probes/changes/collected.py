"""What was changed, as far as it could be read, and what a source of changes is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change, Gap, GapReason
from playbooks.probes.changes.names import Names

T = TypeVar("T")

MOST_ASKED = 8  # resources of one source; each costs one to four calls

LOOK_BACK = timedelta(minutes=60)  # before the window's start, as a rollout takes a while


@dataclass(frozen=True, slots=True)
class Unread:
    """A source of changes, or a part of one, that could not be read."""

    source: str  # "CloudTrail"
    reason: GapReason
    detail: str  # one sentence for people
    permission: str | None = None  # the IAM action that is missing, if that is the reason
    before: datetime | None = None  # only changes before this time are missing; None: any may be

    def as_gap(self, probe: str) -> Gap:
        return Gap(probe=probe, reason=self.reason, detail=self.detail, permission=self.permission)


@dataclass(frozen=True, slots=True)
class Changes:
    """What was changed, from all sources.

    `known` are changes to the service, or to what it uses; `elsewhere` those in its account of
    which nothing says that it uses what they change. `asked` names the sources that apply to the
    service, those that failed included; where it is empty, nothing is known about changes.
    `read_at`: when they were read; CloudTrail shows what was done in the minutes before only later.
    """

    known: tuple[Change, ...] = ()
    elsewhere: tuple[Change, ...] = ()
    unread: tuple[Unread, ...] = ()
    asked: tuple[str, ...] = ()
    read_at: datetime | None = None

    def gaps(self, probe: str) -> tuple[Gap, ...]:
        """What could not be read, as gaps of the report."""
        return tuple(each.as_gap(probe) for each in self.unread)

    def without(self, permission: str | None, detail: str) -> Changes:
        """As if what lacks this permission (without one: what has this detail) told nothing."""
        left = tuple(
            each
            for each in self.unread
            if (each.permission, each.permission or each.detail)
            != (permission, permission or detail)
        )
        return replace(self, unread=left)


@dataclass(frozen=True, slots=True)
class Found:
    """What one source says: changes, events of CloudTrail that may be changes, names of what the
    service uses; and what of it could not be read."""

    changes: tuple[Change, ...] = ()
    events: tuple[Mapping[str, Any], ...] = ()
    names: Names | None = None
    unread: tuple[Unread, ...] = ()


class Source(ABC):
    """Something in AWS that tells of changes. Each is read by itself: one that fails leaves the
    others."""

    title: ClassVar[str]  # "CodeDeploy"
    permissions: ClassVar[tuple[str, ...]]  # IAM actions its calls need

    @abstractmethod
    def read(self, aws: Aws, scope: Scope) -> Found | None:
        """What it says; None when the service has nothing to ask it about.

        Raises ReadFailed when nothing could be read.
        """

    def each(self, asked: Sequence[T], read: Callable[[T], list[Change]]) -> Found:
        """The changes of several resources, all asked at the same time. One that fails, or is
        beyond MOST_ASKED, is unread."""
        found: list[Change] = []
        unread: dict[str, Unread] = {}
        with ThreadPoolExecutor(MOST_ASKED, thread_name_prefix="changes") as pool:
            reads = [pool.submit(read, one) for one in asked[:MOST_ASKED]]
        for each in reads:
            try:
                found += each.result()
            except ReadFailed as failure:
                unread[failure.detail] = self.unread(failure)
        if len(asked) > MOST_ASKED:
            detail = f"{self.title}: {MOST_ASKED} of {len(asked)} resources were asked"
            unread[detail] = Unread(self.title, GapReason.BUDGET, detail)
        return Found(tuple(found), unread=tuple(unread.values()))

    def unread(self, failure: ReadFailed, before: datetime | None = None) -> Unread:
        """The source, or what of it is `before` a time, unread."""
        return Unread(self.title, failure.reason, failure.detail, failure.permission, before)


def looked_at(scope: Scope) -> tuple[datetime, datetime]:
    """The span in which changes are looked for, [start, end)."""
    return scope.window.start - LOOK_BACK, scope.window.end


def within(at: datetime, scope: Scope) -> bool:
    start, end = looked_at(scope)
    return start <= at < end
