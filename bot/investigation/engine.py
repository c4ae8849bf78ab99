"""Runs a playbook's probes at the same time, weighs its hypotheses and ranks the causes.

`weigh` and `judge` are pure, and the only place that gives points to clues; the playbook decides
what is a clue. `investigate` yields a report whenever a probe has answered, so that the card fills
up while slow reads still run. The last report is complete.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import (
    Evidence,
    Hypothesis,
    Playbook,
    Probe,
    Scope,
    probe_parameters,
)
from bot.domain.ports import Aws
from bot.domain.report import (
    Cause,
    CauseStatus,
    Clue,
    ClueKind,
    Gap,
    GapReason,
    Overview,
    Report,
    Verdict,
)
from bot.domain.run import Answer, Verification

log = logging.getLogger(__name__)

WEIGHT = {
    ClueKind.NECESSARY: 0,
    ClueKind.DECISIVE: 3,
    ClueKind.SUPPORTING: 1,
    ClueKind.CONTRADICTING: -2,
}
LEAD_FOR_HIGH = 2  # points before the next cause that is not refuted
LEAD_FOR_MEDIUM = 1
PROBE_SECONDS = 30.0  # for one probe
_STATUS_ORDER = (
    CauseStatus.SUPPORTED,
    CauseStatus.POSSIBLE,
    CauseStatus.UNTESTED,
    CauseStatus.REFUTED,
)


async def investigate(
    playbook: Playbook,
    scope: Scope,
    aws: Aws,
    pool: Executor,
    *,
    probe_seconds: float = PROBE_SECONDS,
) -> AsyncIterator[Report]:
    """Yield reports, each from all evidence so far; the last one is complete.

    Probes run in the threads of `pool`. One that takes longer than `probe_seconds` becomes a gap.
    """
    evidence: dict[str, object] = {
        name: Gap(probe=name, reason=GapReason.PENDING, detail=probe.title)
        for name, probe in playbook.probes.items()
    }
    running = {
        asyncio.create_task(_read(name, probe, aws, scope, pool, probe_seconds), name=name)
        for name, probe in playbook.probes.items()
    }
    try:
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            evidence |= {task.get_name(): task.result() for task in done}
            yield report(playbook, scope, evidence, aws)
    finally:
        for task in running:
            task.cancel()


async def read_probes(
    playbook: Playbook, scope: Scope, aws: Aws, pool: Executor, names: tuple[str, ...]
) -> dict[str, object]:
    """The evidence of the named probes, by name."""
    evidence = await asyncio.gather(
        *(_read(name, playbook.probes[name], aws, scope, pool, PROBE_SECONDS) for name in names)
    )
    return dict(zip(names, evidence, strict=True))


async def check_recovery(
    playbook: Playbook, scope: Scope, aws: Aws, pool: Executor, since: object
) -> Verification:
    """Whether the incident has been over since `since` (AWS time), by the playbook's `recovered`.

    INCONCLUSIVE when no probe gave an answer.
    """
    names = tuple(probe_parameters(type(playbook), playbook.recovered))
    evidence = await read_probes(playbook, scope, aws, pool, names)
    gaps = [gap for gap in evidence.values() if isinstance(gap, Gap)]
    if len(gaps) == len(evidence):
        why = "; ".join(gap.detail for gap in gaps)
        return Verification(
            answer=Answer.INCONCLUSIVE, text=f"no evidence could be read: {why}", at=aws.now()
        )
    reserved = _reserved_arguments(playbook.recovered, scope, since)
    return playbook.recovered(**reserved, **evidence)


def report(playbook: Playbook, scope: Scope, evidence: Evidence, aws: Aws) -> Report:
    """The report of this evidence. Pure, except that it asks `aws` for the time and the cost."""
    causes = tuple(weigh(playbook, each, scope, evidence) for each in playbook.hypotheses)
    ranked = tuple(
        sorted(causes, key=lambda cause: (_STATUS_ORDER.index(cause.status), -cause.score))
    )
    verdict = judge(ranked)
    gaps = tuple(value for value in evidence.values() if isinstance(value, Gap))
    shown = {name: evidence[name] for name in probe_parameters(type(playbook), playbook.overview)}
    reserved = _reserved_arguments(playbook.overview, scope, None)
    overview: Overview = playbook.overview(**reserved, **shown)
    return Report(
        playbook=playbook.id,
        service=scope.service.name,
        alarm=scope.alarm,
        window=scope.window,
        overview=overview,
        verdict=verdict,
        causes=ranked,
        gaps=gaps,
        next_test=next_test(ranked) if verdict is not Verdict.HIGH else None,
        cost=aws.cost(),
        complete=not any(gap.reason is GapReason.PENDING for gap in gaps),
        made_at=aws.now(),
    )


def weigh(playbook: Playbook, hypothesis: Hypothesis, scope: Scope, evidence: Evidence) -> Cause:
    """Test one hypothesis against the evidence.

    UNTESTED when a probe failed that it cannot do without; REFUTED when the service has nothing
    for one of its probes to read.
    """
    arguments: dict[str, object] = _reserved_arguments(hypothesis.test, scope, None)
    missing = []
    for name, accepts in hypothesis.parameters.items():
        value = arguments[name] = evidence[name]
        if isinstance(value, Gap) and not accepts.gap:
            missing.append(name)
        elif value is None and not accepts.none:
            return _no_resource(hypothesis, playbook.probes[name], scope)
    if missing:
        return _cause(hypothesis, CauseStatus.UNTESTED, 0, (), tuple(missing))
    clues = tuple(hypothesis.test(playbook, **arguments))
    score = sum(WEIGHT[clue.kind] for clue in clues if clue.holds)
    return _cause(hypothesis, status(clues, score), score, clues)


def status(clues: tuple[Clue, ...], score: int) -> CauseStatus:
    """A cause's status by its clues and score; the first rule that fits decides.

    - A necessary clue is False: refuted.
    - A contradicting clue holds and the score is not above 0: refuted.
    - A decisive clue holds, every necessary one is known, the score is above 0: supported.
    - All decisive clues are False and the score is at most 1: refuted.
    - No clue could be checked: untested.
    - Else: possible.
    """
    by_kind = {kind: [clue.holds for clue in clues if clue.kind is kind] for kind in ClueKind}
    if False in by_kind[ClueKind.NECESSARY]:
        return CauseStatus.REFUTED
    decisive, unknown = by_kind[ClueKind.DECISIVE], None in by_kind[ClueKind.NECESSARY]
    if True in by_kind[ClueKind.CONTRADICTING] and score <= 0:
        return CauseStatus.REFUTED
    if True in decisive and not unknown and score > 0:
        return CauseStatus.SUPPORTED
    if decisive and all(holds is False for holds in decisive) and score <= 1:
        return CauseStatus.REFUTED
    if all(clue.holds is None for clue in clues):
        return CauseStatus.UNTESTED
    return CauseStatus.POSSIBLE


def judge(ranked: tuple[Cause, ...]) -> Verdict:
    """How sure the report is of the first cause; `ranked` is in the report's order.

    HIGH when it is supported and 2 points before the next cause that is not refuted; MEDIUM at 1
    point. It stays MEDIUM when another cause could reach its score with clues that are unknown.
    """
    standing = [cause for cause in ranked if cause.status is not CauseStatus.REFUTED]
    if not standing or standing[0].status is not CauseStatus.SUPPORTED:
        return Verdict.INCONCLUSIVE
    first, rest = standing[0], standing[1:]
    lead = first.score - max((cause.score for cause in rest), default=0)
    if lead < LEAD_FOR_MEDIUM:
        return Verdict.INCONCLUSIVE
    has_rival = any(potential(cause) >= first.score for cause in rest)
    return Verdict.HIGH if lead >= LEAD_FOR_HIGH and not has_rival else Verdict.MEDIUM


def potential(cause: Cause) -> float:
    """The score a cause would have if every unknown clue were in its favour; inf if untested."""
    if cause.missing:
        return math.inf
    return cause.score + sum(
        max(WEIGHT[clue.kind], 0) for clue in cause.clues if clue.holds is None
    )


def next_test(ranked: tuple[Cause, ...]) -> str | None:
    """The text of the unknown clue with most weight, among causes that are not refuted."""
    unknown = [
        (abs(WEIGHT[clue.kind]) or 4, clue.text)
        for cause in ranked
        if cause.status is not CauseStatus.REFUTED
        for clue in cause.clues
        if clue.holds is None
    ]
    return max(unknown, key=lambda each: each[0])[1] if unknown else None


def _no_resource(hypothesis: Hypothesis, probe: Probe[object], scope: Scope) -> Cause:
    """The cause when the service has no such resource: refuted, if all its resources are known."""
    service = scope.service
    if not scope.complete:
        text = f"whether {service.name} has any: {probe.title} (its tags could not be read)"
        clue = Clue(kind=ClueKind.NECESSARY, holds=None, text=text)
        return _cause(hypothesis, CauseStatus.UNTESTED, 0, (clue,))
    text = f"{service.name} has none: {probe.title}"
    clue = Clue(kind=ClueKind.NECESSARY, holds=False, text=text)
    return _cause(hypothesis, CauseStatus.REFUTED, 0, (clue,))


def _cause(
    hypothesis: Hypothesis,
    status: CauseStatus,
    score: int,
    clues: tuple[Clue, ...],
    missing: tuple[str, ...] = (),
) -> Cause:
    return Cause(
        id=hypothesis.id,
        title=hypothesis.title,
        status=status,
        score=score,
        clues=clues,
        missing=missing,
        actions=hypothesis.actions,
        choice=next((clue.choice for clue in clues if clue.holds and clue.choice), None),
    )


def _reserved_arguments(method: object, scope: Scope, since: object) -> dict[str, object]:
    """`scope` and `since`, if the method has parameters of these names."""
    values: Mapping[str, object] = {"scope": scope, "since": since}
    parameters = inspect.signature(method).parameters  # type: ignore[arg-type]
    return {name: value for name, value in values.items() if name in parameters}


async def _read(
    name: str, probe: Probe[object], aws: Aws, scope: Scope, pool: Executor, seconds: float
) -> object:
    """The probe's evidence, or a gap. No error of a probe ends the investigation.

    `seconds` count from when a thread begins the read: time spent waiting for a thread is not
    AWS's.
    """
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()

    def read() -> object:
        loop.call_soon_threadsafe(begun.set)
        return probe.read(aws, scope)

    try:
        reading = loop.run_in_executor(pool, read)
        await begun.wait()
        async with asyncio.timeout(seconds):
            return await reading
    except ReadFailed as failed:
        return failed.as_gap(name)
    except TimeoutError:
        detail = f"{probe.title}: no answer in {seconds:.0f} s"
        return Gap(probe=name, reason=GapReason.TIMEOUT, detail=detail)
    except Exception as fault:
        log.exception("probe %s failed", name)
        detail = f"{probe.title}: {type(fault).__name__}: {fault}"
        return Gap(probe=name, reason=GapReason.ERROR, detail=detail)
