"""Runs a playbook's probes at the same time and makes reports of what they bring.

`investigate` yields a report whenever a probe has answered, so that the card fills up while slow
reads still run. The last report is complete. Points and verdicts are in `weighing` and `verdict`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor
from itertools import islice

from bot.domain.errors import ReadFailed
from bot.domain.playbook_contract import (
    Evidence,
    Playbook,
    Probe,
    Scope,
    TellsChanges,
)
from bot.domain.ports import Aws
from bot.domain.report import (
    Advice,
    Cause,
    CauseStatus,
    Change,
    Gap,
    GapReason,
    Overview,
    Report,
    SignalState,
    Verdict,
)
from bot.domain.run import Answer, Verification
from bot.investigation.facts import arguments_for, probes_behind, probes_for, with_facts
from bot.investigation.next_test import gaps_of, next_test
from bot.investigation.verdict import chain, chain_first, judge, rank
from bot.investigation.weighing import weigh

log = logging.getLogger(__name__)

PROBE_SECONDS = 30.0  # for one probe
MOST_ADVICE = 4
LEAST_ADVICE = 2  # steps with a command or a page, for a likely cause
SIGNAL_STATE = "signal_state"
"""The fact that says whether the incident type's signal is abnormal; a playbook may have it."""
CHANGES = ("known_changes", "changes")
"""The fact or the probe that says what was changed, the better one first; a playbook may have
either."""


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
    names = probes_for(type(playbook), playbook.recovered)
    evidence = await read_probes(playbook, scope, aws, pool, names)
    gaps = [gap for gap in evidence.values() if isinstance(gap, Gap)]
    if len(gaps) == len(evidence):
        why = "; ".join(gap.detail for gap in gaps)
        return Verification(
            answer=Answer.INCONCLUSIVE, text=f"no evidence could be read: {why}", at=aws.now()
        )
    known = with_facts(playbook, scope, evidence)
    return playbook.recovered(**arguments_for(playbook, playbook.recovered, scope, known, since))


async def read_changes(
    playbook: Playbook, scope: Scope, aws: Aws, pool: Executor
) -> tuple[Change, ...] | None:
    """What was changed around the scope's window, by the playbook's own collector alone: no metric
    and no log is read. None when it has none, or could not read it: not known."""
    found = next((name for name in CHANGES if name in {**playbook.facts, **playbook.probes}), None)
    if found is None:
        return None
    names = probes_behind(type(playbook), (found,))
    evidence = await read_probes(playbook, scope, aws, pool, names)
    value = with_facts(playbook, scope, evidence).get(found)
    return value.known if isinstance(value, TellsChanges) else None


def report(playbook: Playbook, scope: Scope, evidence: Evidence, aws: Aws) -> Report:
    """The report of this evidence. Pure, except that it asks `aws` for the time and the cost."""
    known = with_facts(playbook, scope, evidence)
    ranked = rank(tuple(weigh(playbook, each, scope, known) for each in playbook.hypotheses))
    gaps = tuple(gap for name, value in evidence.items() for gap in gaps_of(name, value))
    complete = not any(gap.reason is GapReason.PENDING for gap in gaps)
    signal = signal_state(playbook, known)
    verdict = judge(ranked, signal)
    overview: Overview = playbook.overview(
        **arguments_for(playbook, playbook.overview, scope, known)
    )
    return Report(
        playbook=playbook.id,
        service=scope.service.name,
        alarm=scope.alarm,
        window=scope.window,
        overview=overview,
        verdict=verdict,
        signal=signal,
        causes=chain_first(ranked),
        chain=chain(ranked) if verdict in (Verdict.HIGH, Verdict.MEDIUM) else (),
        gaps=gaps,
        next_test=next_test(playbook, scope, evidence, ranked, signal)
        if complete and verdict not in (Verdict.HIGH, Verdict.NOTHING_WRONG)
        else None,
        first_guess=playbook.first_guess or None,
        by_hand=tuple(advice(playbook, scope, known, ranked, verdict))[:MOST_ADVICE],
        cost=aws.cost(),
        complete=complete,
        made_at=aws.now(),
    )


def signal_state(playbook: Playbook, evidence: Evidence) -> SignalState | None:
    """Whether the signal is abnormal; not known when it could not be read. None: not told."""
    if SIGNAL_STATE not in playbook.facts:
        return None
    state = evidence[SIGNAL_STATE]
    if isinstance(state, SignalState):
        return state
    text = state.detail if isinstance(state, Gap) else "the service has nothing to measure it at"
    return SignalState(abnormal=None, text=text)


def advice(
    playbook: Playbook,
    scope: Scope,
    evidence: Evidence,
    ranked: tuple[Cause, ...],
    verdict: Verdict,
) -> Iterator[Advice]:
    """Next steps: for the causes in question, the likeliest first, then general ones.

    Without a likely cause, two steps for the cause that most speaks for: the general ones matter
    more then. A likely cause has at least `LEAST_ADVICE` with a command or a page: general ones
    where its own are fewer.
    """
    likely = verdict in (Verdict.HIGH, Verdict.MEDIUM)
    asked = (
        chain(ranked)
        if likely
        else tuple(
            cause.id
            for cause in ranked
            if cause.status in (CauseStatus.SUPPORTED, CauseStatus.POSSIBLE) and cause.score > 0
        )[:1]
    )
    seen = set()
    advisers = [
        adviser for cause in asked for adviser in playbook.advisers if cause in adviser.causes
    ]
    general = [adviser for adviser in playbook.advisers if not adviser.causes]
    if verdict is Verdict.INCONCLUSIVE or likely:
        advisers += general
    given = 0
    for adviser in {adviser.advise: adviser for adviser in advisers}.values():
        if likely and adviser in general and given >= LEAST_ADVICE:
            continue
        arguments = arguments_for(playbook, adviser.advise, scope, evidence)
        refused = any(
            (isinstance(evidence[name], Gap) and not accepts.gap)
            or (evidence[name] is None and not accepts.none)
            for name, accepts in adviser.parameters.items()
        )
        steps = iter(()) if refused else adviser.advise(playbook, **arguments)
        for step in steps if likely or not adviser.causes else islice(steps, 2):
            if step.text not in seen:
                seen.add(step.text)
                given += bool(step.command or step.url)
                yield step


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
