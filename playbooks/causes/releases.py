"""Clues about releases: what came before, and whether its code raises or answers the errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.contract import Scope, contradicting, decisive, necessary, supporting
from bot.domain.report import Change, Clue, Gap
from playbooks.evidence import facts
from playbooks.evidence import thresholds as at
from playbooks.evidence.onset import Burn
from playbooks.evidence.wording import asked, count, figures, lag, milliseconds, percent, times
from playbooks.probes.access_log import AccessLog
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.front import Call
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.metrics import MINUTE
from playbooks.probes.reports import Reports

FAST = 1000.0  # ms: nothing was waited for

SOURCES = {
    "codedeploy": "CodeDeploy",
    "rollouts": "ECS deployments",
    "versions": "function versions",
    "trail": "CloudTrail",
    "trail_rest": "all of CloudTrail's events",
}


def merged(
    codedeploy: Changes | Gap | None,
    rollouts: Changes | Gap | None,
    versions: Changes | Gap | None,
    trail: Changes | Gap | None,
) -> Changes:
    """All changes once: what several sources tell is kept where it is told best.

    A deployment's own calls (CloudTrail) are part of it. When a version was published says least:
    it is kept only while nothing tells when the alias moved.
    """
    deployments = [c for s in (codedeploy, rollouts) if isinstance(s, tuple) for c in s]
    events = list(trail) if isinstance(trail, tuple) else []
    told: list[Change] = []
    for deployment in deployments:
        own = [event for event in events if _belongs(event, deployment)]
        events = [event for event in events if event not in own]
        actor = next((event.actor for event in own if event.actor != "unknown"), None)
        if deployment.actor in ("unknown", "user") and actor:
            deployment = deployment.model_copy(update={"actor": actor})
        told.append(deployment)
    told += events
    if isinstance(versions, tuple) and not any(c.kind in ("alias", "deployment") for c in told):
        told += versions
    return tuple(told)


def _belongs(event: Change, deployment: Change) -> bool:
    if event.kind not in ("alias", "deployment"):
        return False
    end = deployment.until or deployment.at + timedelta(minutes=5)
    return deployment.at - MINUTE <= event.at <= end + MINUTE


@dataclass(frozen=True, slots=True)
class Suspect:
    """A release before the onset; `quiet`: how long it was in force before anything went wrong."""

    change: Change
    lag: timedelta
    quiet: timedelta


def suspect(changes: Changes, onset: datetime) -> Suspect | None:
    """The release nearest before the onset. A rollout acts from its start to its end; one whose end
    is not known may still be going on. An alias acts at once."""
    found: list[Suspect] = []
    for change in changes:
        if change.kind not in ("deployment", "alias", "configuration"):
            continue
        open_ended = change.until is None and change.kind == "deployment"
        end = min(onset, change.at + at.SOON) if open_ended else change.until or change.at
        if change.at <= onset + at.AFTERWARDS and onset - end <= at.LATEST:
            quiet = max(timedelta(), onset - max(end, change.at))
            found.append(Suspect(change, onset - change.at, quiet))
    return min(found, key=lambda each: (each.quiet, each.lag), default=None)


@dataclass(frozen=True, slots=True)
class AllChanges:
    """What is known to have changed, and the sources that could not be read."""

    known: Changes
    unread: tuple[str, ...]
    sources: int  # that apply to the service


def all_changes(
    codedeploy: Changes | Gap | None,
    rollouts: Changes | Gap | None,
    versions: Changes | Gap | None,
    trail: Changes | Gap | None,
    trail_rest: Gap | None,
) -> AllChanges:
    sources = (codedeploy, rollouts, versions, trail)
    gaps = (source for source in (*sources, trail_rest) if isinstance(source, Gap))
    return AllChanges(
        known=merged(codedeploy, rollouts, versions, trail),
        unread=tuple(SOURCES.get(gap.probe, gap.probe) for gap in gaps),
        sources=sum(source is not None for source in sources),
    )


def release(burn: Burn, scope: Scope, changes: AllChanges) -> Iterator[Clue]:
    """Was something released before it began, and how long had it been serving by then?"""
    if burn.onset is None:
        yield necessary(None, "whether something was released before it began: onset not known")
        return
    found = suspect(changes.known, burn.onset)
    if found is None:
        yield necessary(_none_found(burn, scope, changes), _none_text(burn, scope, changes))
        return
    before = f"{found.change.summary} ({found.change.actor}) {lag(found.lag)} before it began"
    yield necessary(True, before, lag=found.lag.total_seconds())
    yield supporting(
        found.quiet <= at.AT_ONCE,
        f"it began {lag(found.quiet)} after {found.change.summary} was in force"
        if found.quiet
        else f"it began as {found.change.summary} took effect",
        quiet=found.quiet.total_seconds(),
    )
    yield contradicting(
        found.quiet >= at.SERVED_WELL,
        f"{found.change.summary} had been in force for {lag(found.quiet)} without more errors",
        quiet=found.quiet.total_seconds(),
    )


def _none_found(burn: Burn, scope: Scope, changes: AllChanges) -> bool | None:
    fresh = burn.onset is not None and scope.window.end - burn.onset < at.TRAIL_IS_LATE
    unsure = changes.unread or not changes.sources or fresh or not scope.complete
    return None if unsure else False


def _none_text(burn: Burn, scope: Scope, changes: AllChanges) -> str:
    if changes.unread:
        return f"whether something was released: {', '.join(changes.unread)} could not be read"
    if not changes.sources:
        return "whether something was released: no resource of the service tells"
    if not scope.complete:
        return "whether something was released: the service's tags were not read, it may have more"
    within = f"no release in the {lag(at.LATEST)} before it began"
    if _none_found(burn, scope, changes) is None:
        return f"whether something was released: {within}, but CloudTrail may be minutes behind"
    return within


def own_answers(
    burn: Burn,
    edge: Edge | Gap | None,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    access: AccessLog | Gap | None,
    balancer: Balancer | Gap | None,
    exceptions: Exceptions | Gap | None,
) -> Iterator[Clue]:
    """Did the code itself raise or answer the errors: one exception, or fast failures?"""
    own = facts.own_errors(counts, reports, access, balancer, burn)
    mostly = None if own is None else own.share >= at.EXPLAINS
    said = (
        "whether the code itself answered the errors: nothing counts its answers"
        if own is None
        else f"{own.by} account for {percent(own.share)} of the 5XX"
    )
    yield contradicting(None if own is None else own.share < at.PART, said)
    if isinstance(exceptions, Exceptions):
        top = facts.dominant(exceptions, burn, facts.growth(edge, burn))
        if top is None:
            holds = False if mostly is False else None
            text = f"no exceptions in the logs since it began; {said}"
            yield decisive(holds, asked(holds, "whether the code raised the errors", text))
        else:
            of_version = f", all of version {top.version}" if top.version else ""
            main = top.count >= at.FEW and top.share >= at.MOSTLY
            one = top.rose if main else False
            holds = False if one is False or mostly is False else one and mostly
            yield decisive(
                holds,
                asked(
                    holds,
                    f"whether {top.name} is what fails the requests",
                    f"{top.name}: {count(top.count)} log lines, {percent(top.share)} of all "
                    f"exceptions, {since_then(top)}{of_version}; {said}",
                ),
                **figures(exceptions=float(top.count), own=own.share if own else None),
            )
            if one and own is not None and at.PART <= own.share < at.EXPLAINS:
                yield supporting(
                    True, f"{top.name} is part of it: {own.by} are {percent(own.share)} of the 5XX"
                )
                return  # how long the 5XX take tells of the others, which are more
    elif isinstance(exceptions, Gap):
        holds = False if mostly is False else None
        text = f"the logs were not read; {said}"
        yield decisive(holds, asked(holds, "which exceptions were raised", text))
    latency = facts.failing_p50(access, burn)
    slow = facts.slowness(reports, counts, balancer, burn)
    quick = None
    if latency is not None:
        quick, text = latency <= FAST, f"the 5XX take {milliseconds(latency)} (median)"
    elif slow is not None and slow.p50 is not None:
        quick = slow.p50 <= at.SAME
        text = f"requests take {times(slow.p50)} their usual (median)"
    else:
        text = "neither an access log nor durations tell"
    question = "whether the code answered the errors at once"
    if exceptions is None:
        holds = None if quick is None or mostly is None else quick and mostly
        yield decisive(holds, asked(holds, question, f"{text}; {said}"))
    elif quick is None:
        yield supporting(None, f"{question}: {text}")
    else:
        yield supporting(quick, f"{text}: {'at once' if quick else 'not at once'}")


def refused(
    burn: Burn, counts: FunctionCounts | Gap | None, reports: Reports | Gap | None
) -> Iterator[Clue]:
    """Against code as the only cause: a good part of the calls never reached it."""
    throttled, raised = _two_parts(burn, counts, reports)
    if throttled and raised >= at.EXPLAINS:
        yield contradicting(
            throttled >= at.PART,
            f"throttled calls, which no code saw, account for {percent(throttled)} of the 5XX",
            throttled=round(throttled, 4),
        )


def raised(
    burn: Burn, counts: FunctionCounts | Gap, reports: Reports | Gap | None
) -> Iterator[Clue]:
    """Against throttles as the only cause: a good part of the calls was let in and raised."""
    throttled, raised = _two_parts(burn, counts, reports)
    if raised and throttled >= at.EXPLAINS:
        yield contradicting(
            raised >= at.PART,
            f"errors the function raised, which throttled calls are not, account for "
            f"{percent(raised)} of the 5XX",
            raised=round(raised, 4),
        )


def _two_parts(
    burn: Burn, counts: FunctionCounts | Gap | None, reports: Reports | Gap | None
) -> tuple[float, float]:
    """What throttles and what the function's own errors account for of the 5XX, 0 if not known."""
    if not isinstance(counts, FunctionCounts):
        return 0.0, 0.0
    raised = facts.own_raised(counts, reports, burn)
    return facts.throttled(counts, burn) or 0.0, raised.share if raised else 0.0


def since_then(top: facts.Dominant) -> str:
    """How much more often an exception is logged than usual."""
    if top.rose is None:
        return "how many are usual was not read"
    if not top.rose:
        return "as usual"
    return f"{times(top.count / top.usual)} the usual" if top.usual else "new since it began"


def late_answers(
    burn: Burn,
    edge: Edge | Gap | None,
    access: AccessLog | Gap | None,
    reports: Reports | Gap | None,
    integration: tuple[Call, ...] | Gap | None,
    changes: AllChanges,
) -> Iterator[Clue]:
    """Timeouts speak against code that raises, unless slowness came with the release itself."""
    deadline = None
    if isinstance(reports, Reports):
        deadline = reports.deadline
    elif isinstance(integration, tuple) and integration:
        deadline = max(call.timeout for call in integration)
    share = facts.timeouts(edge, access, burn, deadline)
    if share is None or came_with_release(burn, edge, changes):
        return
    yield contradicting(
        share >= at.TIMEOUTS,
        f"{percent(share)} of the 5XX are timeouts: nothing was raised",
        **figures(timeouts=share),
    )


def came_with_release(burn: Burn, edge: Edge | Gap | None, changes: AllChanges) -> bool:
    """It began within minutes of a release while traffic was as usual."""
    if burn.onset is None:
        return False
    found = suspect(changes.known, burn.onset)
    grown = facts.growth(edge, burn)
    return (
        found is not None and found.lag <= at.AT_ONCE and grown is not None and grown < at.MORE_LOAD
    )


def slower_since(burn: Burn, edge: Edge | Gap | None, changes: AllChanges) -> Iterator[Clue]:
    """Against overload: it became slower with a release, not with more load."""
    if burn.onset is None:
        return
    found = suspect(changes.known, burn.onset)
    if found is not None:
        yield contradicting(
            came_with_release(burn, edge, changes),
            f"{found.change.summary} came {lag(found.lag)} before, with traffic as usual",
        )
