"""Releases: code or configuration that came shortly before raises or answers the errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.domain.coverage import Coverage
from bot.domain.plan import Choice
from bot.domain.playbook_contract import (
    Scope,
    choosing,
    contradicting,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Change, Clue, ClueKind, Gap
from playbooks.evidence import rivals, thresholds
from playbooks.evidence.changes import (
    RELEASES,
    dependency_change,
    suspect,
    unread_around,
)
from playbooks.evidence.code_answers import code_answers, late_answers
from playbooks.evidence.durations import tallies
from playbooks.evidence.errors import code_errors
from playbooks.evidence.exception_classes import Origin, origin_of
from playbooks.evidence.exceptions import LeadingException, leading_exception
from playbooks.evidence.failing_tasks import new_tasks_stop
from playbooks.evidence.failure_sources import leading_beside, of_alias
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.served_versions import Sides, sides, timed_out_by_version
from playbooks.evidence.sources import BalancerSources, ChangeSources, FunctionSources
from playbooks.evidence.traffic import growth
from playbooks.evidence.wording import before_onset, figures, lag, times
from playbooks.probes.access_log import AccessLog
from playbooks.probes.aliases import Aliases
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.front_door import Call
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports
from playbooks.probes.metrics import ratio
from playbooks.probes.stopped_tasks import StoppedTasks, StoppedTasksProbe

NO_ACTION = "none:release"  # the target of a choice that is no action's


class BadDeployment(FunctionSources, BalancerSources, ChangeSources):
    """A release brought the errors."""

    stopped_tasks = StoppedTasksProbe()

    @hypothesis(
        "A deployment brought the errors",
        actions=("rollback-alias", "rollback-codedeploy", "rollback-ecs"),
        explains=("function-timeout", "no-healthy-targets", "connection-errors", "out-of-memory"),
    )
    def bad_deployment(
        self,
        anomaly: AnomalyWindow,
        scope: Scope,
        edge: Edge | Gap | None,
        access: AccessLog | Gap | None,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap | None,
        exceptions: Exceptions | Gap | None,
        balancer: Balancer | Gap | None,
        integration: tuple[Call, ...] | Gap | None,
        stopped_tasks: StoppedTasks | Gap | None,
        aliases: Aliases | Gap | None,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Code released shortly before raises or answers errors; timing alone proves nothing.

        Tasks that end and requests that hang answer nothing: then it is not asked what is raised.
        """
        top = leading(anomaly, edge, exceptions)
        hang = requests_hang(anomaly, reports)
        speaks = top if top is not None and top.stands_out is not False else None
        part = failing_part(speaks, reports if hang else None)
        changes = releases_of(known_changes, part, scope)
        yield from release(anomaly, scope, changes, speaks.version if speaks else None)
        yield from rivals.errors_as_usual(anomaly, edge)
        traffic = growth(edge, anomaly)
        beside = versions_beside(
            anomaly, changes, counts, reports, exceptions, aliases, traffic, hang=hang
        )
        yield from fails_alone(beside, reports, top.name if top and not hang else "timeouts")
        if beside is None or not beside.only_this:
            yield from nearer_change(anomaly, changes)
        found = suspect(changes.known, anomaly.onset) if anomaly.onset else None
        silent = [*new_tasks_stop(anomaly, found, stopped_tasks, traffic)]
        if hang:
            silent += began_with_it(anomaly, edge, exceptions, changes)
        yield from silent
        if not any(clue.kind is ClueKind.DECISIVE and clue.holds for clue in silent):
            yield from code_answers(
                anomaly,
                counts,
                reports,
                access,
                balancer,
                exceptions,
                top,
                code_errors(counts, reports, access, balancer, anomaly),
                at_once=took_effect_at_once(anomaly, changes),
                alike=beside is not None and beside.only_this is False,
            )
        yield from rivals.throttled_as_well(anomaly, counts, reports)
        yield from late_answers(anomaly, edge, access, reports, integration, changes)
        yield from rivals.in_one_zone(anomaly, balancer)


def leading(
    anomaly: AnomalyWindow, edge: Edge | Gap | None, exceptions: Exceptions | Gap | None
) -> LeadingException | None:
    """The leading exception; None when none is known."""
    if not isinstance(exceptions, Exceptions):
        return None
    return leading_exception(exceptions, anomaly, growth(edge, anomaly))


def failing_part(top: LeadingException | None, hanging: Reports | Gap | None) -> str | None:
    """The function or ECS service that fails: whose requests hang, or who raises nearly all of the
    exception `top` that stands out; None when it is not known."""
    if isinstance(hanging, Reports):
        return hanging.function
    return top.owner if top else None


def releases_of(changes: Changes, part: str | None, scope: Scope) -> Changes:
    """The changes without releases of other functions and ECS services than the one that fails."""
    resources = scope.service.resources
    parts = {each.name for each in resources.functions} | {each.service for each in resources.ecs}
    if part not in parts:
        return changes
    others = parts - {part}

    def elsewhere(change: Change) -> bool:
        touched = {name.split(":")[0] for name in change.touches}
        return change.kind in RELEASES and bool(touched & others) and part not in touched

    kept = tuple(each for each in changes.known if not elsewhere(each))
    return replace(changes, known=kept)


def versions_beside(
    anomaly: AnomalyWindow,
    changes: Changes,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    exceptions: Exceptions | Gap | None,
    aliases: Aliases | Gap | None,
    traffic: float | None,
    *,
    hang: bool,
) -> Sides | None:
    """The version that fails beside those that serve at the same time; None when there is none."""
    if not isinstance(reports, Reports):
        return None
    found = suspect(changes.known, anomaly.onset) if anomaly.onset else None
    version = found.change.choice.suspect if found and found.change.choice else None
    if not hang:
        return leading_beside(anomaly, counts, reports, exceptions, aliases, traffic, version)
    failed = timed_out_by_version(reports, anomaly)
    among = of_alias(counts, aliases)
    return sides(reports, anomaly, version, failed, among) if version else None


def fails_alone(beside: Sides | None, reports: Reports | Gap | None, what: str) -> Iterator[Clue]:
    """Decisive: the new version fails, and the one that serves beside it does not. Against it: both
    fail alike. Other functions have no part in that."""
    if beside is None or beside.only_this is None or not isinstance(reports, Reports):
        return
    clue = decisive if beside.only_this else contradicting
    yield clue(True, beside.told(what)).resting_on(reports.of_the_function)


def release(
    anomaly: AnomalyWindow, scope: Scope, changes: Changes, version: str | None
) -> Iterator[Clue]:
    """Was something released before the onset, and how long had it been in force by then?

    `version`: the one the exceptions are from; a rollback goes back from that one, whatever the
    latest change that CloudTrail shows already led to.
    """
    if anomaly.onset is None:
        yield necessary(None, "whether something was released before it began: onset not known")
        return
    found = suspect(changes.known, anomaly.onset)
    if found is None:
        yield no_release(anomaly, scope, changes)
        return
    before = f"{found.change.summary} ({found.change.actor}) {before_onset(found.lag)}"
    clue = necessary(True, before, lag=found.lag.total_seconds()).resting_on(changes).came_first()
    # a release that no action takes back names a target of its own, so that none takes back another
    choice = found.change.choice or Choice(target=alias_target(found.change) or NO_ACTION)
    if found.change.kind == "alias" and version is not None and version != choice.suspect:
        if is_older(version, choice.suspect):
            yield contradicting(
                True, f"the exceptions are of version {version}, which served before it"
            ).resting_on(changes)
        elif version.isdigit():
            other = {"suspect": version, "since": None, "previous": None}
            choice = choice.model_copy(update=other)
    yield choosing(choice, clue)
    yield supporting(
        found.in_force <= thresholds.AT_ONCE,
        f"it began {lag(found.in_force)} after {found.change.summary} was in force"
        if found.in_force
        else f"it began as {found.change.summary} took effect",
        in_force=found.in_force.total_seconds(),
    ).resting_on(changes)
    yield contradicting(
        found.in_force >= thresholds.SERVED_WELL,
        f"{found.change.summary} had been in force for {lag(found.in_force)} without more errors",
        in_force=found.in_force.total_seconds(),
    ).resting_on(changes)


def is_older(version: str, than: str | None) -> bool:
    """Whether a version was published before another."""
    return (
        version.isdigit() and bool(than) and str(than).isdigit() and int(version) < int(than or 0)
    )


def alias_target(change: Change) -> str:
    """The target of a rollback of the alias that was moved; empty when it is not known."""
    alias = next((name for name in change.touches if ":" in name), None)
    return f"lambda:{alias}/version" if alias else ""


def nearer_change(anomaly: AnomalyWindow, changes: Changes) -> Iterator[Clue]:
    """Against the release: something the code depends on was changed between it and the onset."""
    if anomaly.onset is None:
        return
    found, other = suspect(changes.known, anomaly.onset), dependency_change(changes, anomaly.onset)
    if found is not None and other is not None and other.lag < found.in_force:
        yield contradicting(
            True,
            f"{other.change.summary} ({other.change.actor}) came after the release, "
            f"{before_onset(other.lag)}",
            lag=other.lag.total_seconds(),
        ).resting_on(changes)


def took_effect_at_once(anomaly: AnomalyWindow, changes: Changes) -> bool:
    """Whether the errors began as a release took effect, and nothing else is known to have changed
    around then."""
    if anomaly.onset is None:
        return False
    found = suspect(changes.known, anomaly.onset)
    if found is None or dependency_change(changes, anomaly.onset) is not None:
        return False
    # a rollout that goes on reaches more and more requests: it began with its start or with none
    goes_on = found.change.until is None and found.change.kind == "deployment"
    return (found.lag if goes_on else found.in_force) <= thresholds.AT_ONCE


def requests_hang(anomaly: AnomalyWindow, reports: Reports | Gap | None) -> bool:
    """Whether invocations that ran into the function's timeout account for most of the errors: then
    the code raises nothing that could name the release."""
    if not isinstance(reports, Reports):
        return False
    now, _ = tallies(reports, anomaly)
    explained = anomaly.explains(ratio(now.timed_out, now.total)) if now.total else None
    return explained is not None and explained >= thresholds.EXPLAINS


def began_with_it(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    exceptions: Exceptions | Gap | None,
    changes: Changes,
) -> Iterator[Clue]:
    """Decisive as far as time can be: it began as the release took effect, with traffic as usual,
    nothing else changed, and no exception that names something the code calls.

    Time alone makes no report sure, so the clue rests on incomplete evidence.
    """
    grown = growth(edge, anomaly)
    if grown is None or grown >= thresholds.MORE_LOAD or not isinstance(exceptions, Exceptions):
        return
    top = leading_exception(exceptions, anomaly, grown)
    speaks = top is not None and top.stands_out is not False
    named = origin_of(top.name, top.message) if top is not None and speaks else Origin.UNKNOWN
    if named not in (Origin.CODE, Origin.UNKNOWN):
        return
    if took_effect_at_once(anomaly, changes):
        only_time = Coverage.of("only the time speaks for it")
        yield decisive(
            True,
            f"requests hang since the release took effect, with {times(grown)} the usual traffic "
            "and no other change",
            **figures(traffic=grown),
        ).resting_on(only_time)


def no_release(anomaly: AnomalyWindow, scope: Scope, changes: Changes) -> Clue:
    """Necessary: no release is known. Unknown while a source was not read or may be late."""
    onset = anomaly.onset
    unread = changes.unread if onset is None else unread_around(changes, onset)
    if unread:
        sources = ", ".join(dict.fromkeys(each.source for each in unread))
        return necessary(None, f"whether something was released: {sources} could not be read")
    if not changes.asked:
        return necessary(
            None, "whether something was released: no resource of the service shows it"
        )
    if not scope.complete:
        return necessary(
            None,
            "whether something was released: the service's tags were not read, it may have more",
        )
    before = f"in the {lag(thresholds.LATEST)} before it began"
    if onset is not None and scope.window.end - onset < thresholds.TRAIL_IS_LATE:
        return necessary(
            None,
            f"whether something was released: none found yet {before}, but CloudTrail may be "
            "minutes behind",
        ).known_later(onset + thresholds.TRAIL_IS_LATE)
    return necessary(False, f"no release {before}")
