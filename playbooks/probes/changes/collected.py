"""What was changed, as far as it could be read, and what a source of changes is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Scope
from bot.domain.ports import Aws
from bot.domain.report import Change, Gap, GapReason

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
    """Changes to the service, from all sources.

    `asked` names the sources that apply to the service, those that failed included. Where it is
    empty, nothing is known about changes.
    """

    known: tuple[Change, ...] = ()
    unread: tuple[Unread, ...] = ()
    asked: tuple[str, ...] = ()

    def gaps(self, probe: str) -> tuple[Gap, ...]:
        """What could not be read, as gaps of the report."""
        return tuple(each.as_gap(probe) for each in self.unread)


class Source(ABC):
    """Something in AWS that tells of changes. Each is read by itself: one that fails leaves the
    others."""

    title: ClassVar[str]  # "CodeDeploy"
    permissions: ClassVar[tuple[str, ...]]  # IAM actions its calls need

    @abstractmethod
    def read(self, aws: Aws, scope: Scope) -> Changes | None:
        """Its changes; None when the service has nothing to ask it about.

        Raises ReadFailed when nothing could be read.
        """

    def failed(self, failure: ReadFailed) -> Unread:
        """The whole source, unread."""
        return Unread(self.title, failure.reason, failure.detail, failure.permission)


def looked_at(scope: Scope) -> tuple[datetime, datetime]:
    """The span in which changes are looked for, [start, end)."""
    return scope.window.start - LOOK_BACK, scope.window.end


def within(at: datetime, scope: Scope) -> bool:
    start, end = looked_at(scope)
    return start <= at < end
