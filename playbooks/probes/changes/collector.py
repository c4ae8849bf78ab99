"""One probe for all sources of changes."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import ClassVar

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import Probe, Scope
from bot.domain.ports import Aws
from bot.domain.report import Change, GapReason
from playbooks.probes.changes.codedeploy import CodeDeploy
from playbooks.probes.changes.collected import Changes, Source, Unread
from playbooks.probes.changes.ecs import EcsRollouts
from playbooks.probes.changes.functions import FunctionVersions
from playbooks.probes.changes.joined import joined
from playbooks.probes.changes.trail import CloudTrail

DEPLOYMENTS: tuple[Source, ...] = (CodeDeploy(), EcsRollouts())
VERSIONS: tuple[Source, ...] = (FunctionVersions(),)
EVENTS: tuple[Source, ...] = (CloudTrail(),)
SOURCES = (*DEPLOYMENTS, *VERSIONS, *EVENTS)

SECONDS = 25.0  # for all sources together; less than the engine gives a probe


class ChangesProbe(Probe[Changes]):
    """Who changed what, from every source that applies to the service.

    The sources are read at the same time, and each fails by itself: what could not be read is in
    `Changes.unread`. It raises nothing, so that one missing permission hides no other source.
    """

    title: ClassVar[str] = "changes"
    permissions: ClassVar[tuple[str, ...]] = tuple(
        dict.fromkeys(permission for source in SOURCES for permission in source.permissions)
    )

    def read(self, aws: Aws, scope: Scope) -> Changes | None:
        found = read_all(SOURCES, aws, scope)
        read = {source: each for source, each in found.items() if each is not None}
        if not read:
            return None
        return Changes(
            known=joined(_known(read, DEPLOYMENTS), _known(read, VERSIONS), _known(read, EVENTS)),
            unread=tuple(unread for each in read.values() for unread in each.unread),
            asked=tuple(source.title for source in read),
        )


def read_all(
    sources: tuple[Source, ...], aws: Aws, scope: Scope, seconds: float = SECONDS
) -> dict[Source, Changes | None]:
    """What every source says, all asked at the same time. One that fails, or has not answered
    after `seconds`, is unread."""
    pool = ThreadPoolExecutor(len(sources), thread_name_prefix="changes")
    reads = {source: pool.submit(source.read, aws, scope) for source in sources}
    wait(reads.values(), timeout=seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    return {source: _outcome(source, read, seconds) for source, read in reads.items()}


def _outcome(source: Source, read: Future[Changes | None], seconds: float) -> Changes | None:
    if not read.done():
        detail = f"{source.title}: no answer in {seconds:.0f} s"
        return Changes(unread=(Unread(source.title, GapReason.TIMEOUT, detail),))
    try:
        return read.result()
    except ReadFailed as failure:
        return Changes(unread=(source.failed(failure),))


def _known(read: dict[Source, Changes], sources: tuple[Source, ...]) -> list[Change]:
    return [change for source in sources if source in read for change in read[source].known]
