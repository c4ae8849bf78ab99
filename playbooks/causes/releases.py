"""Releases: code or configuration that came shortly before raises or answers the errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

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
from bot.domain.report import Clue, Gap
from playbooks.evidence import rivals, thresholds
from playbooks.evidence.changes import (
    came_with_release,
    dependency_change,
    suspect,
    unread_around,
)
from playbooks.evidence.durations import slowness, tallies
from playbooks.evidence.errors import CodeErrors, code_errors, median_latency, timeouts
from playbooks.evidence.exception_classes import Origin, origin_of
from playbooks.evidence.exceptions import LeadingException, leading_exception
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.sources import BalancerSources, ChangeSources, FunctionSources
from playbooks.evidence.traffic import growth
from playbooks.evidence.wording import asked, count, figures, lag, milliseconds, percent, times
from playbooks.probes.access_log import AccessLog
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions, ExceptionsProbe
from playbooks.probes.front_door import Call
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.invoked_function import IntegrationProbe
from playbooks.probes.lambda_reports import Reports
from playbooks.probes.metrics import ratio


class BadDeployment(FunctionSources, BalancerSources, ChangeSources):
    """A release brought the errors."""

    integration = IntegrationProbe()
    exceptions = ExceptionsProbe()

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
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Code released shortly before raises or answers errors; timing alone proves nothing."""
        version = version_named(anomaly, edge, exceptions)
        yield from release(anomaly, scope, known_changes, version)
        yield from rivals.errors_as_usual(anomaly, edge)
        yield from nearer_change(anomaly, known_changes)
        own = code_errors(counts, reports, access, balancer, anomaly)
        at_once = took_effect_at_once(anomaly, known_changes)
        yield from code_answers(
            anomaly, edge, counts, reports, access, balancer, exceptions, own, at_once
        )
        if requests_hang(anomaly, reports):
            yield from began_with_it(anomaly, edge, exceptions, known_changes)
        yield from rivals.throttled_as_well(anomaly, counts, reports)
        yield from late_answers(anomaly, edge, access, reports, integration, known_changes)
        yield from rivals.in_one_zone(anomaly, balancer)


def version_named(
    anomaly: AnomalyWindow, edge: Edge | Gap | None, exceptions: Exceptions | Gap | None
) -> str | None:
    """The version of the function that nearly all lines of the leading exception are from."""
    if not isinstance(exceptions, Exceptions):
        return None
    top = leading_exception(exceptions, anomaly, growth(edge, anomaly))
    return top.version if top else None


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
    before = f"{found.change.summary} ({found.change.actor}) {lag(found.lag)} before it began"
    clue = necessary(True, before, lag=found.lag.total_seconds())
    choice = found.change.choice
    if found.change.kind == "alias" and version is not None and version.isdigit():
        known = choice or Choice()
        if known.suspect != version:
            choice = known.model_copy(update={"suspect": version, "since": None})
    yield choosing(choice, clue)
    yield supporting(
        found.in_force <= thresholds.AT_ONCE,
        f"it began {lag(found.in_force)} after {found.change.summary} was in force"
        if found.in_force
        else f"it began as {found.change.summary} took effect",
        in_force=found.in_force.total_seconds(),
    )
    yield contradicting(
        found.in_force >= thresholds.SERVED_WELL,
        f"{found.change.summary} had been in force for {lag(found.in_force)} without more errors",
        in_force=found.in_force.total_seconds(),
    )


def nearer_change(anomaly: AnomalyWindow, changes: Changes) -> Iterator[Clue]:
    """Against the release: something the code depends on was changed between it and the onset."""
    if anomaly.onset is None:
        return
    found, other = suspect(changes.known, anomaly.onset), dependency_change(changes, anomaly.onset)
    if found is not None and other is not None and other.lag < found.in_force:
        yield contradicting(
            True,
            f"{other.change.summary} ({other.change.actor}) came after the release, "
            f"{lag(other.lag)} before it began",
            lag=other.lag.total_seconds(),
        ).resting_on(changes)


def took_effect_at_once(anomaly: AnomalyWindow, changes: Changes) -> bool:
    """Whether the errors began as a release took effect, and nothing else is known to have changed
    around then."""
    if anomaly.onset is None:
        return False
    found = suspect(changes.known, anomaly.onset)
    return (
        found is not None
        and found.in_force <= thresholds.AT_ONCE
        and dependency_change(changes, anomaly.onset) is None
    )


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
    if top is not None and origin_of(top.name) not in (Origin.CODE, Origin.UNKNOWN):
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


def code_answers(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    access: AccessLog | Gap | None,
    balancer: Balancer | Gap | None,
    exceptions: Exceptions | Gap | None,
    own: CodeErrors | None,
    at_once: bool,
) -> Iterator[Clue]:
    """Did the code itself raise or answer the errors, and does the exception name the code?

    `at_once`: the errors began as the release took effect, and nothing else changed.
    """
    mostly = None if own is None else own.share >= thresholds.EXPLAINS
    counted = (
        "whether the code itself answered the errors: nothing counts its answers"
        if own is None
        else f"{own.counted_as} account for {percent(own.share)} of the {anomaly.label}"
    )
    yield contradicting(None if own is None else own.share < thresholds.PART, counted)
    if isinstance(exceptions, Exceptions):
        top = leading_exception(exceptions, anomaly, growth(edge, anomaly))
        yield _one_exception(top, own, mostly, counted, at_once).resting_on(exceptions)
        if top is not None and _stands_out(top) and _part_only(own):
            yield supporting(
                True,
                f"{top.name} is part of it: {own.counted_as} are {percent(own.share)} of the "
                f"{anomaly.label}",
            )
            return  # how long the errors take is about the others, which are more
    elif isinstance(exceptions, Gap):
        holds = False if mostly is False else None
        text = f"the logs were not read; {counted}"
        yield decisive(holds, asked(holds, "which exceptions were raised", text)).resting_on()
    quick, text = _answered_quickly(anomaly, counts, reports, access, balancer)
    question = "whether the code answered the errors at once"
    if exceptions is None:
        # Quick errors tell code from hanging, not this release from whatever the code calls.
        fast = None if quick is None or mostly is None else quick and mostly
        holds = False if fast is False else None
        question = "which exceptions were raised: no log is known"
        yield decisive(holds, asked(holds, question, f"{text}; {counted}")).resting_on()
    elif quick is None:
        yield supporting(None, f"{question}: {text}")
    else:
        yield supporting(quick, f"{text}: {'at once' if quick else 'not at once'}")


def _one_exception(
    top: LeadingException | None,
    own: CodeErrors | None,
    mostly: bool | None,
    counted: str,
    at_once: bool,
) -> Clue:
    """Decisive: one exception stands out, the code answered most errors (`mostly`), and the
    exception names a mistake in the code.

    An exception that names something the code calls decides against the release. One that names
    neither is decisive only as far as it is new, of the new version alone and began `at_once`.
    """
    if top is None:
        holds = False if mostly is False else None
        text = f"no exceptions in the logs since it began; {counted}"
        return decisive(holds, asked(holds, "whether the code raised the errors", text))
    one = _stands_out(top)
    holds = False if one is False or mostly is False else one and mostly
    of_version = f", all of version {top.version}" if top.version else ""
    text = (
        f"{top.name}: {count(top.count)} log lines, {percent(top.share)} of all "
        f"exceptions, {top.compared()}{of_version}; {counted}"
    )
    origin = origin_of(top.name)
    known = figures(exceptions=float(top.count), own=own.share if own else None)
    if origin in (Origin.DEPENDENCY, Origin.PERMISSION, Origin.MEMORY):
        names = {Origin.MEMORY: "memory", Origin.PERMISSION: "a permission"}
        what = names.get(origin, "something the code calls")
        return decisive(False, f"{top.name} names {what}, not the code itself; {text}", **known)
    new = top.usual == 0 or (top.usual is not None and top.version is not None)
    if origin is Origin.UNKNOWN and not (new and at_once):
        question = f"whether the release or something it calls raises {top.name}"
        holds = False if holds is False else None
        return decisive(holds, asked(holds, question, text), **known)
    return decisive(
        holds, asked(holds, f"whether {top.name} is what fails the requests", text), **known
    )


def _stands_out(top: LeadingException) -> bool | None:
    """Whether most exceptions are of this class, and far more than usual."""
    main = top.count >= thresholds.FEW and top.share >= thresholds.MOSTLY
    return top.rose if main else False


def _part_only(own: CodeErrors | None) -> TypeGuard[CodeErrors]:
    """Whether the code answered a good part of the errors, and not most."""
    return own is not None and thresholds.PART <= own.share < thresholds.EXPLAINS


def _answered_quickly(
    anomaly: AnomalyWindow,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    access: AccessLog | Gap | None,
    balancer: Balancer | Gap | None,
) -> tuple[bool | None, str]:
    """Whether the errors came at once, by their latency or else by all durations; with a phrase."""
    latency = median_latency(access, anomaly)
    if latency is not None:
        text = f"the {anomaly.label} take {milliseconds(latency)} (median)"
        return latency <= thresholds.AT_ONCE_MS, text
    slow = slowness(reports, counts, balancer, anomaly)
    if slow is not None and slow.p50 is not None:
        return slow.p50 <= thresholds.SAME, f"requests take {times(slow.p50)} their usual (median)"
    return None, "no access log and no durations"


def late_answers(
    anomaly: AnomalyWindow,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    reports: Reports | Gap | None,
    integration: tuple[Call, ...] | Gap | None,
    changes: Changes,
) -> Iterator[Clue]:
    """Against code that raises: the errors are timeouts. Says nothing when slowness came with the
    release itself."""
    deadline = None
    if isinstance(reports, Reports):
        deadline = reports.deadline
    elif isinstance(integration, tuple) and integration:
        deadline = max(call.timeout for call in integration)
    share = timeouts(edge, access, anomaly, deadline)
    if share is None or came_with_release(anomaly, edge, changes):
        return
    yield contradicting(
        share >= thresholds.TIMEOUTS,
        f"{percent(share)} of the {anomaly.label} are timeouts: nothing was raised",
        **figures(timeouts=share),
    )
