"""Memory: a function or a container needs more than it has, and is killed."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import (
    Scope,
    advice,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Advice, Clue, Gap
from playbooks.evidence import next_steps, rivals, target_steps, thresholds
from playbooks.evidence.exception_kinds import ENDED, Kind
from playbooks.evidence.failure_sources import FailureSources
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.raised import Raised, hardly_own
from playbooks.evidence.targets import answered_itself
from playbooks.evidence.traffic import LEAD_IN
from playbooks.evidence.wording import asked, percent, plural
from playbooks.probes.backends import Backends, TasksProbe
from playbooks.probes.balancer import Balancer
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.stopped_tasks import StoppedTask, StoppedTasks, StoppedTasksProbe


class OutOfMemory(FailureSources):
    """Functions or tasks are killed for their memory."""

    tasks = TasksProbe()
    stopped_tasks = StoppedTasksProbe()

    @hypothesis(
        "The code runs out of memory and is killed",
        explains=("no-healthy-targets", "connection-errors"),
    )
    def out_of_memory(
        self,
        anomaly: AnomalyWindow,
        raised: Raised,
        stopped_tasks: StoppedTasks | Gap | None,
        tasks: Backends | Gap | None,
        balancer: Balancer | Gap | None,
    ) -> Iterator[Clue]:
        """Lambda or ECS says that it killed for memory, as often as requests fail."""
        killed = killed_tasks(anomaly, stopped_tasks)
        yield _any_killed(raised, stopped_tasks, killed)
        if killed and isinstance(stopped_tasks, StoppedTasks):
            yield from _tasks(anomaly, balancer, stopped_tasks, killed)
        else:
            yield from _functions(raised, stopped_tasks)
        yield from rivals.in_one_zone(anomaly, balancer)
        used = _memory(anomaly, tasks)
        if used is not None:
            yield supporting(
                used >= thresholds.MEMORY_HIGH, f"the tasks use {used:.0f} % of their memory"
            )

    @advice("out-of-memory")
    def look_at_memory(self, scope: Scope) -> Iterator[Advice]:
        """Memory that was used, and the reasons for which tasks stopped."""
        yield from next_steps.memory_used(scope)
        yield from target_steps.stop_reasons(scope)
        yield from next_steps.function_settings(scope, "memory and version of the function")
        yield next_steps.trail(scope, "who changed code or memory")


def killed_tasks(
    anomaly: AnomalyWindow, stopped: StoppedTasks | Gap | None
) -> tuple[StoppedTask, ...]:
    """Tasks that were killed for their memory, from shortly before the onset on."""
    if not isinstance(stopped, StoppedTasks):
        return ()
    since = stopped.between(anomaly.start - LEAD_IN, anomaly.end)
    return tuple(task for task in since if task.out_of_memory)


def _any_killed(
    raised: Raised, stopped: StoppedTasks | Gap | None, killed: tuple[StoppedTask, ...]
) -> Clue:
    found = raised.of(Kind.MEMORY)
    if killed or found is not None:
        task = f"{plural(len(killed), 'task')} stopped: {killed[-1].reason}" if killed else ""
        return necessary(True, "; ".join(filter(None, (task, found.told() if found else ""))))
    if isinstance(stopped, Gap):
        return necessary(None, "whether tasks were killed for memory: they were not read")
    if _ended(raised):
        return necessary(
            None, "whether processes end because memory ran out: Runtime.ExitError does not say why"
        )
    if raised.unread() and stopped is None:
        return necessary(None, f"whether memory ran out: {raised.unread()}")
    text = "no message says that memory ran out"
    return necessary(False, text).resting_on(raised, stopped)


def _ended(raised: Raised) -> bool:
    if not isinstance(raised.exceptions, Exceptions):
        return False
    now = raised.exceptions.classes(raised.anomaly.start, raised.anomaly.end)
    return any(now[name] for name in ENDED)


def _functions(raised: Raised, stopped: StoppedTasks | Gap | None) -> Iterator[Clue]:
    """Are most errors those of killed functions?"""
    found, mostly = raised.of(Kind.MEMORY), raised.mostly_own()
    question = "whether requests fail because memory ran out"
    if found is None:
        open_still = raised.unread() or isinstance(stopped, Gap) or _ended(raised)
        said = "no log line and no stopped task says that"
        holds = None if open_still else False
        yield decisive(holds, asked(holds, question, said)).resting_on(raised, stopped)
        return
    one = found.stand_out
    holds = False if one is False or mostly is False else one and mostly
    text = asked(holds, question, f"{found.told()}; {raised.counted()}")
    yield decisive(holds, text).resting_on(raised)
    yield hardly_own(raised)


def _tasks(
    anomaly: AnomalyWindow,
    balancer: Balancer | Gap | None,
    stopped: StoppedTasks,
    killed: tuple[StoppedTask, ...],
) -> Iterator[Clue]:
    """Are tasks killed while requests fail at the balancer itself, as when targets are gone?"""
    since = stopped.between(anomaly.start - LEAD_IN, anomaly.end)
    own = (
        answered_itself(balancer, anomaly, "502", "503", "504")
        if isinstance(balancer, Balancer)
        else None
    )
    most = len(killed) >= thresholds.MOSTLY * len(since)
    holds = None if own is None else most and own >= thresholds.EXPLAINS
    unread = own is None and not isinstance(balancer, Balancer)
    if unread and most and len(killed) >= thresholds.FEW:
        holds = True
    told = f"{len(killed)} of {len(since)} stopped tasks were killed for memory"
    clue = decisive(
        holds,
        asked(
            holds,
            "whether the requests fail for it",
            f"{told}; {percent(own)} of the {anomaly.label} are the load balancer's own",
        ),
    ).resting_on(stopped, balancer)
    if holds and unread:
        missing = (*(clue.missing or ()), "whether the requests fail for it was not read")
        clue = clue.model_copy(update={"missing": missing})
    yield clue


def _memory(anomaly: AnomalyWindow, tasks: Backends | Gap | None) -> float | None:
    if not isinstance(tasks, tuple):
        return None
    used = [anomaly.during(each.metric("memory")).peak() for each in tasks]
    return max((each for each in used if each is not None), default=None)
