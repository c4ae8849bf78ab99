"""What changed around the onset, from all sources together, and the release before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.playbook_contract import Scope
from bot.domain.report import Change, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.traffic import growth
from playbooks.probes.changes import Changes, Unread
from playbooks.probes.edge import Edge
from playbooks.probes.front_door import Call

RELEASES = ("deployment", "alias")  # kinds of change
DEPENDENCIES = frozenset(
    {
        "database",
        "secret",
        "parameter",
        "flag",
        "permission",
        "network",
        "security-group",
        "dns",
        "certificate",
        "waf",
    }
)
"""Kinds of change to something that code depends on and no release of it touches."""


def all_changes(changes: Changes | Gap | None) -> Changes:
    """The collector's changes; where the probe itself failed, nothing known and all unread."""
    if isinstance(changes, Gap):
        unread = Unread("changes", changes.reason, changes.detail, changes.permission)
        return Changes(unread=(unread,), asked=("changes",))
    return changes or Changes()


def unread_around(changes: Changes, onset: datetime) -> tuple[Unread, ...]:
    """The sources that could not be read as far back as a change before the onset may be."""
    earliest = onset - thresholds.LATEST
    return tuple(each for each in changes.unread if each.before is None or each.before > earliest)


def called_versions(
    scope: Scope, integration: tuple[Call, ...] | Gap | None
) -> dict[str, frozenset[str]]:
    """Aliases and versions that are called, by function: by the API's integrations, else by the
    alias in the catalogue. A function is left out where neither says it."""
    listed = {
        each.name: frozenset({each.alias})
        for each in scope.service.resources.functions
        if each.alias
    }
    calls = integration if isinstance(integration, tuple) else ()
    named: dict[str, frozenset[str]] = {}
    for call in calls:
        if call.function:
            qualifier = frozenset({call.qualifier or "$LATEST"})
            named[call.function] = named.get(call.function, frozenset()) | qualifier
    return listed | named


def acts_on(change: Change, called: Mapping[str, frozenset[str]]) -> bool | None:
    """Whether the change acts on what is called: False for an alias or $LATEST that no request
    reaches; None where it names none."""
    qualified = [name.split(":", 1) for name in change.touches if ":" in name]
    known = [qualifier in called[name] for name, qualifier in qualified if name in called]
    return any(known) if known and len(known) == len(qualified) else None


def acting(changes: Changes, called: Mapping[str, frozenset[str]]) -> Changes:
    """The changes without those that act on nothing that is called; they go `elsewhere`."""
    unused = tuple(each for each in changes.known if acts_on(each, called) is False)
    known = tuple(each for each in changes.known if each not in unused)
    return replace(changes, known=known, elsewhere=(*changes.elsewhere, *unused))


@dataclass(frozen=True, slots=True)
class Suspect:
    """A release before the onset; `lag`: from its start to the onset; `in_force`: how long it was
    fully in force before the onset."""

    change: Change
    lag: timedelta
    in_force: timedelta


def suspect(changes: tuple[Change, ...], onset: datetime) -> Suspect | None:
    """The release nearest before the onset; one that went back only where there is no other.

    A rollout acts from its start to its end; one whose end is not known may still be going on. An
    alias acts at once. What AWS refused did not act.
    """
    found: list[Suspect] = []
    for change in changes:
        if change.kind not in RELEASES or change.error:
            continue
        open_ended = change.until is None and change.kind == "deployment"
        end = change.until or change.at
        if open_ended:
            end = min(onset, change.at + thresholds.SOON)
        if change.at <= onset + thresholds.AFTERWARDS and onset - end <= thresholds.LATEST:
            in_force = max(timedelta(), onset - max(end, change.at))
            found.append(Suspect(change, onset - change.at, in_force))
    return min(found, key=lambda each: (each.change.reverts, each.in_force, each.lag), default=None)


def dependency_change(changes: Changes, onset: datetime) -> Suspect | None:
    """The change to something the code depends on that is nearest before the onset."""
    found = [
        Suspect(change, onset - change.at, max(timedelta(), onset - change.at))
        for change in changes.known
        if change.kind in DEPENDENCIES
        and -thresholds.AFTERWARDS <= onset - change.at <= thresholds.SOON
    ]
    return min(found, key=lambda each: each.lag, default=None)


def came_with_release(anomaly: AnomalyWindow, edge: Edge | Gap | None, changes: Changes) -> bool:
    """Whether the anomaly began within minutes of a release while traffic was as usual."""
    if anomaly.onset is None:
        return False
    found = suspect(changes.known, anomaly.onset)
    grown = growth(edge, anomaly)
    at_once = found is not None and found.lag <= thresholds.AT_ONCE
    return at_once and grown is not None and grown < thresholds.MORE_LOAD
