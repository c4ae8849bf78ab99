"""Runs a playbook's probes at once, weighs its hypotheses, ranks the causes.

The weighing is pure (`weigh`, `judge`) and the only place with numbers for clues; what counts as
a clue is the playbook's. `investigate` yields a report each time evidence has come in, so that a
card can fill up while the slow reads still run; the last one is complete.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor

from bot.domain.contract import Evidence, Hypothesis, Playbook, Probe, Scope, probe_parameters
from bot.domain.errors import ReadFailed
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
LEAD_FOR_HIGH = 2
LEAD_FOR_MEDIUM = 1
PROBE_SECONDS = 30.0
_ORDER = (
    CauseStatus.SUPPORTED,
    CauseStatus.POSSIBLE,
    CauseStatus.UNTESTED,
    CauseStatus.REFUTED,
)


async def investigate(
    playbook: Playbook, scope: Scope, aws: Aws, pool: Executor, *, patience: float = PROBE_SECONDS
) -> AsyncIterator[Report]:
    """Reports, each from all evidence so far; the last is complete.

    Reads that take longer than `patience` seconds become gaps.
    """
    evidence: dict[str, object] = {
        name: Gap(probe=name, reason=GapReason.PENDING, detail=probe.title)
        for name, probe in playbook.probes.items()
    }
    running = {
        asyncio.create_task(_read(name, probe, aws, scope, pool, patience), name=name)
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


async def gather(
    playbook: Playbook, scope: Scope, aws: Aws, pool: Executor, names: tuple[str, ...]
) -> dict[str, object]:
    """The evidence of some probes only, for verifying or planning."""
    found = await asyncio.gather(
        *(_read(name, playbook.probes[name], aws, scope, pool, PROBE_SECONDS) for name in names)
    )
    return dict(zip(names, found, strict=True))


async def recovered(
    playbook: Playbook, scope: Scope, aws: Aws, pool: Executor, since: object
) -> Verification:
    """The playbook's detector, on the probes it asks for."""
    names = tuple(probe_parameters(type(playbook), playbook.recovered))
    evidence = await gather(playbook, scope, aws, pool, names)
    gaps = [gap for gap in evidence.values() if isinstance(gap, Gap)]
    if len(gaps) == len(evidence):
        why = "; ".join(gap.detail for gap in gaps)
        return Verification(
            answer=Answer.INCONCLUSIVE, text=f"nothing to go by: {why}", at=aws.now()
        )
    given = _reserved(playbook.recovered, scope, since)
    return playbook.recovered(**given, **evidence)


def report(playbook: Playbook, scope: Scope, evidence: Evidence, aws: Aws) -> Report:
    """What the evidence says. Pure but for the clock and the cost it is stamped with."""
    causes = tuple(weigh(playbook, each, scope, evidence) for each in playbook.hypotheses)
    ranked = tuple(sorted(causes, key=lambda cause: (_ORDER.index(cause.status), -cause.score)))
    verdict = judge(ranked)
    gaps = tuple(value for value in evidence.values() if isinstance(value, Gap))
    seen = {name: evidence[name] for name in probe_parameters(type(playbook), playbook.overview)}
    overview: Overview = playbook.overview(**_reserved(playbook.overview, scope, None), **seen)
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
    """One hypothesis against the evidence."""
    given: dict[str, object] = _reserved(hypothesis.test, scope, None)
    missing = []
    for name, accepts in hypothesis.parameters.items():
        value = given[name] = evidence[name]
        if isinstance(value, Gap) and not accepts.gap:
            missing.append(name)
        elif value is None and not accepts.none:
            return _not_there(hypothesis, playbook.probes[name], scope)
    if missing:
        return _cause(hypothesis, CauseStatus.UNTESTED, 0, (), tuple(missing))
    clues = tuple(hypothesis.test(playbook, **given))
    score = sum(WEIGHT[clue.kind] for clue in clues if clue.holds)
    return _cause(hypothesis, status(clues, score), score, clues)


def status(clues: tuple[Clue, ...], score: int) -> CauseStatus:
    """How far the clues carry.

    A necessary clue that is false refutes. So does contradiction that outweighs all support.
    Support takes a decisive clue, and every necessary one known to hold.
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
    """High: the first is supported and leads the next that still stands by 2; medium: by 1.

    A rival that might turn out as strong, were what could not be read known, keeps it at medium.
    """
    standing = [cause for cause in ranked if cause.status is not CauseStatus.REFUTED]
    if not standing or standing[0].status is not CauseStatus.SUPPORTED:
        return Verdict.INCONCLUSIVE
    first, rest = standing[0], standing[1:]
    lead = first.score - max((cause.score for cause in rest), default=0)
    if lead < LEAD_FOR_MEDIUM:
        return Verdict.INCONCLUSIVE
    rivalled = any(potential(cause) >= first.score for cause in rest)
    return Verdict.HIGH if lead >= LEAD_FOR_HIGH and not rivalled else Verdict.MEDIUM


def potential(cause: Cause) -> float:
    """The score a cause would have if every unknown clue turned out in its favour."""
    if cause.missing:
        return math.inf
    return cause.score + sum(
        max(WEIGHT[clue.kind], 0) for clue in cause.clues if clue.holds is None
    )


def next_test(ranked: tuple[Cause, ...]) -> str | None:
    """The unknown clue that would weigh most, of the causes that still stand."""
    unknown = [
        (abs(WEIGHT[clue.kind]) or 4, clue.text)
        for cause in ranked
        if cause.status is not CauseStatus.REFUTED
        for clue in cause.clues
        if clue.holds is None
    ]
    return max(unknown, key=lambda each: each[0])[1] if unknown else None


def _not_there(hypothesis: Hypothesis, probe: Probe[object], scope: Scope) -> Cause:
    """The service has no such resource: refuted by that, if it is known what the service has."""
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
    )


def _reserved(method: object, scope: Scope, since: object) -> dict[str, object]:
    offered: Mapping[str, object] = {"scope": scope, "since": since}
    asked = inspect.signature(method).parameters  # type: ignore[arg-type]
    return {name: value for name, value in offered.items() if name in asked}


async def _read(
    name: str, probe: Probe[object], aws: Aws, scope: Scope, pool: Executor, patience: float
) -> object:
    """The probe's evidence, or the gap it left. Nothing a probe does ends the investigation.

    `patience` counts from when a thread took the read up: waiting for one is not AWS's silence.
    """
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()

    def read() -> object:
        loop.call_soon_threadsafe(begun.set)
        return probe.read(aws, scope)

    try:
        reading = loop.run_in_executor(pool, read)
        await begun.wait()
        async with asyncio.timeout(patience):
            return await reading
    except ReadFailed as failed:
        return Gap(
            probe=name, reason=failed.reason, detail=failed.detail, permission=failed.permission
        )
    except TimeoutError:
        waited = f"{probe.title}: no answer in {patience:.0f} s"
        return Gap(probe=name, reason=GapReason.TIMEOUT, detail=waited)
    except Exception as fault:
        log.exception("probe %s failed", name)
        detail = f"{probe.title}: {type(fault).__name__}: {fault}"
        return Gap(probe=name, reason=GapReason.ERROR, detail=detail)
