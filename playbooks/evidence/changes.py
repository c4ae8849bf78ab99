"""What changed around the onset, from all sources together, and the release before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.report import Change, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.traffic import growth
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.metrics import MINUTE

SOURCES = {
    "codedeploy": "CodeDeploy",
    "rollouts": "ECS deployments",
    "versions": "function versions",
    "trail": "CloudTrail",
    "trail_rest": "all of CloudTrail's events",
}
RELEASES = ("deployment", "alias", "configuration")  # kinds of change


@dataclass(frozen=True, slots=True)
class AllChanges:
    """The changes that are known, the names of sources that could not be read, and the number of
    sources that apply to the service."""

    known: Changes
    unread: tuple[str, ...]
    sources: int


def all_changes(
    codedeploy: Changes | Gap | None,
    rollouts: Changes | Gap | None,
    versions: Changes | Gap | None,
    trail: Changes | Gap | None,
    trail_rest: Gap | None,
) -> AllChanges:
    """What every source says, merged."""
    sources = (codedeploy, rollouts, versions, trail)
    gaps = (source for source in (*sources, trail_rest) if isinstance(source, Gap))
    return AllChanges(
        known=merged(codedeploy, rollouts, versions, trail),
        unread=tuple(SOURCES.get(gap.probe, gap.probe) for gap in gaps),
        sources=sum(source is not None for source in sources),
    )


def merged(
    codedeploy: Changes | Gap | None,
    rollouts: Changes | Gap | None,
    versions: Changes | Gap | None,
    trail: Changes | Gap | None,
) -> Changes:
    """Each change once, from the source that says most about it.

    CloudTrail's events of a deployment belong to the deployment. The publishing of a version is
    kept only while no source says when the alias moved.
    """
    deployments = [c for s in (codedeploy, rollouts) if isinstance(s, tuple) for c in s]
    events = list(trail) if isinstance(trail, tuple) else []
    found: list[Change] = []
    for deployment in deployments:
        own = [event for event in events if _belongs(event, deployment)]
        events = [event for event in events if event not in own]
        actor = next((event.actor for event in own if event.actor != "unknown"), None)
        if deployment.actor in ("unknown", "user") and actor:
            deployment = deployment.model_copy(update={"actor": actor})
        found.append(deployment)
    found += events
    if isinstance(versions, tuple) and not any(c.kind in ("alias", "deployment") for c in found):
        found += versions
    return tuple(found)


def _belongs(event: Change, deployment: Change) -> bool:
    if event.kind not in ("alias", "deployment"):
        return False
    end = deployment.until or deployment.at + timedelta(minutes=5)
    return deployment.at - MINUTE <= event.at <= end + MINUTE


@dataclass(frozen=True, slots=True)
class Suspect:
    """A release before the onset; `lag`: from its start to the onset; `in_force`: how long it was
    fully in force before the onset."""

    change: Change
    lag: timedelta
    in_force: timedelta


def suspect(changes: Changes, onset: datetime) -> Suspect | None:
    """The release nearest before the onset.

    A rollout acts from its start to its end; one whose end is not known may still be going on. An
    alias acts at once.
    """
    found: list[Suspect] = []
    for change in changes:
        if change.kind not in RELEASES:
            continue
        open_ended = change.until is None and change.kind == "deployment"
        end = change.until or change.at
        if open_ended:
            end = min(onset, change.at + thresholds.SOON)
        if change.at <= onset + thresholds.AFTERWARDS and onset - end <= thresholds.LATEST:
            in_force = max(timedelta(), onset - max(end, change.at))
            found.append(Suspect(change, onset - change.at, in_force))
    return min(found, key=lambda each: (each.in_force, each.lag), default=None)


def came_with_release(anomaly: AnomalyWindow, edge: Edge | Gap | None, changes: AllChanges) -> bool:
    """Whether the anomaly began within minutes of a release while traffic was as usual."""
    if anomaly.onset is None:
        return False
    found = suspect(changes.known, anomaly.onset)
    grown = growth(edge, anomaly)
    at_once = found is not None and found.lag <= thresholds.AT_ONCE
    return at_once and grown is not None and grown < thresholds.MORE_LOAD
