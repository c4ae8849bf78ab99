"""One probe for all sources of changes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.report import Change, GapReason
from playbooks.probes.changes.apis import ApiStages
from playbooks.probes.changes.codedeploy import CodeDeploy
from playbooks.probes.changes.collected import Changes, Found, Source, Unread, within
from playbooks.probes.changes.databases import DatabaseEvents
from playbooks.probes.changes.ecs import EcsRollouts
from playbooks.probes.changes.events import UnreadableRecord, changed
from playbooks.probes.changes.functions import FunctionVersions
from playbooks.probes.changes.joined import joined
from playbooks.probes.changes.names import Names, own_names
from playbooks.probes.changes.stacks import Stacks
from playbooks.probes.changes.trail import CloudTrail, Event, GlobalTrail
from playbooks.probes.changes.uses import Uses

LAST_CHANGED: tuple[Source, ...] = (FunctionVersions(), ApiStages())
"""They say when, not who or what: told only where no other source tells it."""

SOURCES: tuple[Source, ...] = (
    CodeDeploy(),
    EcsRollouts(),
    *LAST_CHANGED,
    DatabaseEvents(),
    Uses(),
    CloudTrail(),
    GlobalTrail(),
)
WITHOUT_TRAIL: tuple[Source, ...] = (Stacks(),)
"""Asked only where CloudTrail does not tell all, as it would tell this too."""

SECONDS = 25.0  # for all sources together; less than the engine gives a probe


class ChangesProbe(Probe[Changes]):
    """Who changed what, from every source that applies to the service.

    The sources are read at the same time, and each fails by itself: what could not be read is in
    `Changes.unread`. It raises nothing, so that one missing permission hides no other source.
    """

    title: ClassVar[str] = "changes"
    permissions: ClassVar[tuple[str, ...]] = tuple(
        dict.fromkeys(
            permission for source in (*SOURCES, *WITHOUT_TRAIL) for permission in source.permissions
        )
    )

    def read(self, aws: Aws, scope: Scope) -> Changes | None:
        began = time.monotonic()
        found = read_all(SOURCES, aws, scope)
        if any(each.unread for source, each in found.items() if isinstance(source, CloudTrail)):
            left = SECONDS - (time.monotonic() - began)
            found |= read_all(WITHOUT_TRAIL, aws, scope, max(left, 0.0))
        return collected(found, scope) if found else None


def read_all(
    sources: tuple[Source, ...], aws: Aws, scope: Scope, seconds: float = SECONDS
) -> dict[Source, Found]:
    """What every source that applies says, all asked at the same time. One that fails, or has not
    answered after `seconds`, is unread."""
    pool = ThreadPoolExecutor(len(sources), thread_name_prefix="changes")
    reads = {source: pool.submit(source.read, aws, scope) for source in sources}
    wait(reads.values(), timeout=seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    outcomes = {source: _outcome(source, read, seconds) for source, read in reads.items()}
    return {source: found for source, found in outcomes.items() if found is not None}


def _outcome(source: Source, read: Future[Found | None], seconds: float) -> Found | None:
    if not read.done():
        detail = f"{source.title}: no answer in {seconds:.0f} s"
        return Found(unread=(Unread(source.title, GapReason.TIMEOUT, detail),))
    try:
        return read.result()
    except ReadFailed as failure:
        return Found(unread=(source.unread(failure),))


def collected(found: Mapping[Source, Found], scope: Scope) -> Changes:
    """The changes that the sources tell, each once."""
    resources = scope.service.resources
    names = next(
        (each.names for each in found.values() if each.names),
        Names(own_names(resources), {}, scope.service.name),
    )
    events, unreadable = changes_of(
        [each for read in found.values() for each in read.events], names, scope
    )
    touching = [event for event in events if event.touches]
    deployments = [
        change
        for source, read in found.items()
        if source not in LAST_CHANGED
        for change in read.changes
    ]
    published = [
        change for source in LAST_CHANGED if source in found for change in found[source].changes
    ]
    unread = [unread for read in found.values() for unread in read.unread]
    return Changes(
        known=joined(deployments, published, touching),
        elsewhere=tuple(event for event in events if not event.touches),
        unread=(*unread, *unreadable),
        asked=tuple(source.title for source in found),
        read_at=scope.window.end,
    )


def changes_of(
    events: Iterable[Event], names: Names, scope: Scope
) -> tuple[tuple[Change, ...], tuple[Unread, ...]]:
    """The events that are changes, each once; and how many could not be read, if any."""
    by_id = {str(event.get("EventId") or index): event for index, event in enumerate(events)}
    found: list[Change] = []
    lost: list[datetime] = []
    for event in by_id.values():
        try:
            change = changed(event, names)
        except UnreadableRecord:
            lost.append(event["EventTime"].astimezone(UTC))
            continue
        if change is not None and within(change.at, scope):
            found.append(change)
    if not lost:
        return tuple(found), ()
    what = f"{len(lost)} of {len(by_id)} CloudTrail records"
    detail = f"{what} could not be read: they are not whole"
    after = max(lost) + timedelta(seconds=1)
    return tuple(found), (Unread(what, GapReason.ERROR, detail, before=after),)
