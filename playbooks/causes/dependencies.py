"""What the code calls fails: a database, a throttled service, a name, the network in between.

The exceptions' class says which; what it names has to show it too, or a change that touches it
has to have come before. A class alone makes no report sure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.domain.playbook_contract import (
    Scope,
    advice,
    contradicting,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Advice, Clue, Gap
from playbooks.evidence import dependency_steps, durations, next_steps, target_steps, thresholds
from playbooks.evidence.api_hop import lost_on_the_way
from playbooks.evidence.dependencies import database_shows, tables_show
from playbooks.evidence.exception_kinds import Kind
from playbooks.evidence.failure_sources import FailureSources
from playbooks.evidence.nearest import (
    Before,
    nearest_of,
    no_other_change,
    not_all_known,
    unread_changes,
)
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.raised import Raised, Shown, decided, names_it, shows_itself
from playbooks.evidence.wording import asked, figures, percent
from playbooks.probes.access_log import AccessLog
from playbooks.probes.backends import Backends, DependenciesProbe
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.lambda_reports import Reports
from playbooks.probes.metrics import ratio

DATABASE = frozenset({"database"})
NETWORK = frozenset({"security-group", "network"})
NAMES = frozenset({"dns", "network"})
HANGING = ("function-timeout", "backend-overload")  # what waiting for something looks like
# health checks that ask the database fail with it
DEEP_CHECKS = ("no-healthy-targets", "endpoint-wrong")


class FailingDependencies(FailureSources):
    """Something the code calls fails, for another reason than being slow under load."""

    dependencies = DependenciesProbe()

    @hypothesis(
        "The database behind the code fails or takes no more connections",
        explains=(*HANGING, *DEEP_CHECKS),
    )
    def database_behind(
        self,
        anomaly: AnomalyWindow,
        raised: Raised,
        dependencies: Backends | Gap | None,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Exceptions name a database, and it shows it, or was restarted or changed before."""
        before = nearest_of(known_changes, anomaly.onset, DATABASE, thresholds.SOON)
        # what cannot connect may well mean the database that was just restarted
        kinds = (Kind.REFUSED, Kind.NETWORK) if before and before.nearest else ()
        itself = database_shows(anomaly, dependencies)
        by_event = itself if before and before.nearest else Shown(None, itself.text)
        alone_shown = tuple(shows_itself(raised, Kind.DATABASE, by_event))
        if alone_shown:
            yield from alone_shown
            yield from came_before(before)
            return
        yield from names_it(raised, Kind.DATABASE, *kinds)
        shown = with_change(itself, before, known_changes)
        alone = no_other_change(known_changes, anomaly.onset, DATABASE)
        yield decided(raised, Kind.DATABASE, *kinds, shown=shown, class_alone=alone)
        yield from came_before(before)

    @hypothesis("A service the code calls throttles it", explains=HANGING)
    def throttled_dependency(
        self,
        anomaly: AnomalyWindow,
        raised: Raised,
        dependencies: Backends | Gap | None,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Exceptions name throttling, and a table throttled as many requests."""
        shown = tables_show(anomaly, dependencies)
        itself = tuple(shows_itself(raised, Kind.THROTTLING, shown))
        if itself:
            yield from itself
        else:
            yield from names_it(raised, Kind.THROTTLING)
            alone = no_other_change(known_changes, anomaly.onset, DATABASE)
            yield decided(raised, Kind.THROTTLING, shown=shown, class_alone=alone)
        if raised.traffic is not None and raised.traffic >= thresholds.MORE_LOAD:
            yield supporting(True, f"traffic is {raised.traffic:.1f}x its usual")
        yield from came_before(nearest_of(known_changes, anomaly.onset, DATABASE, thresholds.SOON))

    @hypothesis("A host name that the code calls is not resolved", explains=HANGING)
    def name_resolution(
        self, anomaly: AnomalyWindow, raised: Raised, known_changes: Changes
    ) -> Iterator[Clue]:
        """Exceptions name a host that is not found, and DNS or the network was changed before."""
        yield from names_it(raised, Kind.NAME)
        before = nearest_of(known_changes, anomaly.onset, NAMES, thresholds.SOON)
        unknown = Shown(None, "what the name resolves to is not read")
        shown = with_change(unknown, before, known_changes)
        alone = no_other_change(known_changes, anomaly.onset, NAMES)
        yield decided(raised, Kind.NAME, shown=shown, class_alone=alone)
        yield from came_before(before)

    @hypothesis(
        "The network is closed: a security group, an ACL or a route",
        explains=("function-timeout",),
    )
    def network_path(
        self,
        anomaly: AnomalyWindow,
        raised: Raised,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        balancer: Balancer | Gap | None,
        reports: Reports | Gap | None,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Requests are lost between the API and its load balancer; or calls find no answer since a
        security group, network ACL or route was changed."""
        before = nearest_of(known_changes, anomaly.onset, NETWORK, thresholds.SOON)
        hanging = hanging_calls(anomaly, reports)
        lost = lost_on_the_way(anomaly, edge, access, balancer)
        if lost is not None and lost.holds:
            yield necessary(True, lost.text).resting_on(edge, balancer)
            clue = decisive(True, lost.text).resting_on(edge, balancer)
            yield clue.model_copy(update={"missing": (*(clue.missing or ()), *lost.missing)})
        elif hanging is not None and hanging >= thresholds.EXPLAINS:
            yield from _hangs_since(anomaly, before, hanging, known_changes)
        else:
            yield from names_it(raised, Kind.NETWORK)
            unknown = _unknown(anomaly, known_changes)
            shown = with_change(Shown(None, unknown), before, known_changes)
            yield decided(raised, Kind.NETWORK, shown=shown, class_alone=False)
        yield from came_before(before)

    @advice("database-behind")
    def look_at_the_database(self, scope: Scope) -> Iterator[Advice]:
        """What the exceptions say, and the database's own events."""
        yield from dependency_steps.database_events(scope)
        yield from next_steps.exception_messages(scope)
        yield from dependency_steps.database_state(scope)
        yield next_steps.trail(scope, "who changed the database or its secret")

    @advice("throttled-dependency")
    def look_at_what_throttles(self, scope: Scope) -> Iterator[Advice]:
        """What the exceptions say, and the capacity of the tables."""
        yield from next_steps.exception_messages(scope)
        yield from dependency_steps.table_capacity(scope)
        yield dependency_steps.usage_throttles(scope)

    @advice("name-resolution")
    def look_at_the_name(self, scope: Scope) -> Iterator[Advice]:
        """Which name it is, and who changed DNS."""
        yield from next_steps.exception_messages(scope)
        yield next_steps.global_trail(scope, "who changed Route 53", "route53.amazonaws.com")
        yield from next_steps.function_network(scope)

    @advice("network-path")
    def look_at_the_network(self, scope: Scope) -> Iterator[Advice]:
        """Where functions and tasks run, and what changed there."""
        yield next_steps.network_trail(scope)
        yield from next_steps.function_network(scope)
        yield from target_steps.task_network(scope)
        yield from next_steps.exception_messages(scope)


def with_change(shown: Shown, before: Before | None, changes: Changes) -> Shown:
    """What it shows; a change of it shortly before, with none nearer, explains the failure too."""
    if before is None or shown.holds:
        return shown
    if not before.nearest:
        return replace(shown, text=f"{shown.text}; {before.told()}, but other changes are as near")
    return Shown(True, f"{before.told()}; {shown.text}", unread_changes(changes))


def came_before(before: Before | None) -> Iterator[Clue]:
    """Supporting: the change that came before."""
    if before is not None:
        yield supporting(before.nearest, before.told(), lag=before.lag.total_seconds())


def hanging_calls(anomaly: AnomalyWindow, reports: Reports | Gap | None) -> float | None:
    """Share of the late invocations that ended at the function's timeout while warm."""
    if not isinstance(reports, Reports):
        return None
    now, _ = durations.tallies(reports, anomaly)
    if now.missed < thresholds.FEW:
        return None
    enough = durations.accounts_for(anomaly, now.timed_warm, now.total)
    return ratio(now.timed_warm, now.missed) if enough else None


def _hangs_since(
    anomaly: AnomalyWindow, before: Before | None, hanging: float, changes: Changes
) -> Iterator[Clue]:
    """Do calls hang since a change of the network? Whether the change closed the very way is read
    nowhere, so that it is never sure."""
    text = f"{percent(hanging)} of the late requests were warm and ended at the function's timeout"
    yield necessary(True, text, **figures(hanging=hanging))
    holds = None if before is None else before.nearest or None
    told = before.told() if before else _unknown(anomaly, changes)
    clue = decisive(holds, asked(holds, "whether the network was closed before", f"{told}; {text}"))
    missing = ("which way the change closed was not read", *unread_changes(changes))
    yield clue.model_copy(update={"missing": missing}) if holds else clue
    if before is None and not not_all_known(changes, anomaly.onset):
        yield contradicting(True, "no change of the network is known")


def _unknown(anomaly: AnomalyWindow, changes: Changes) -> str:
    if why := not_all_known(changes, anomaly.onset):
        return f"whether the network was changed is not known ({why})"
    return "no change of the network is known"
