"""What the service's code raised or answered itself, as clues for and against a release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from bot.domain.coverage import Coverage
from bot.domain.playbook_contract import contradicting, decisive, supporting
from bot.domain.report import Clue, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.changes import came_with_release
from playbooks.evidence.durations import slowness
from playbooks.evidence.errors import CodeErrors, median_latency, timeouts
from playbooks.evidence.exception_classes import Origin, origin_of
from playbooks.evidence.exceptions import LeadingException
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import asked, count, figures, milliseconds, percent, times
from playbooks.probes.access_log import AccessLog
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.edge import Edge
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.front_door import Call
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports


def code_answers(
    anomaly: AnomalyWindow,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    access: AccessLog | Gap | None,
    balancer: Balancer | Gap | None,
    exceptions: Exceptions | Gap | None,
    top: LeadingException | None,
    own: CodeErrors | None,
    *,
    at_once: bool,
    alike: bool,
) -> Iterator[Clue]:
    """Did the code itself raise or answer the errors, and does the exception name the code?

    `top`: the leading exception; `at_once`: the errors began as the release took effect, and
    nothing else changed; `alike`: versions that were not released fail as well.
    """
    mostly = as_many_lines(anomaly, top) if own is None else own.share >= thresholds.EXPLAINS
    counted = (
        "whether the code itself answered the errors: nothing counts its answers"
        if own is None
        else f"{own.counted_as} account for {percent(own.share)} of the {anomaly.label}"
    )
    yield contradicting(None if own is None else own.share < thresholds.PART, counted)
    if isinstance(exceptions, Exceptions):
        clue = _one_exception(top, own, mostly, counted, at_once)
        missing = (*(clue.missing or ()), *exceptions.coverage.missing)
        holds = False if alike and clue.holds else clue.holds
        yield clue.model_copy(update={"holds": holds, "missing": missing})
        if top is not None and top.stands_out and _part_only(own):
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
        told = "nothing hangs" if quick else "they wait for something"
        yield supporting(quick, f"{text}: {told}")


def as_many_lines(anomaly: AnomalyWindow, top: LeadingException | None) -> bool | None:
    """Where nothing counts what the code answered: True when the leading exception is logged for
    nearly every error. Fewer lines say nothing: code need not log what it answers."""
    if top is None or not anomaly.errors:
        return None
    return True if top.count >= thresholds.NEARLY_ALL * anomaly.errors else None


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
    one = top.stands_out
    holds = False if one is False or mostly is False else one and mostly
    of_version = f", all of version {top.version}" if top.version else ""
    text = (
        f"{top.name}: {count(top.count)} log lines, {percent(top.share)} of all "
        f"exceptions, {top.compared()}{of_version}; {counted}"
    )
    origin = origin_of(top.name, top.message)
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
    clue = decisive(
        holds, asked(holds, f"whether {top.name} is what fails the requests", text), **known
    )
    if holds and origin is Origin.UNKNOWN:  # what it names is not known: only its time speaks
        return clue.resting_on(Coverage.of(f"what raises {top.name} is not known"))
    return clue


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
        text = f"requests take {times(slow.p50)} their usual time (median)"
        return slow.p50 <= thresholds.SAME, text
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
