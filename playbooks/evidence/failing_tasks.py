"""Tasks that end by themselves since a release, told apart by task definition."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.playbook_contract import contradicting, decisive
from bot.domain.report import Clue, Gap
from playbooks.evidence import thresholds
from playbooks.evidence.changes import Suspect
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import asked, plural
from playbooks.probes.stopped_tasks import StoppedTask, StoppedTasks

NONE_BESIDE = "no task of another revision ran at the same time"
FEW_TASKS = 2  # one task that stops is an accident


def new_tasks_stop(
    anomaly: AnomalyWindow,
    found: Suspect | None,
    stopped: StoppedTasks | Gap | None,
    traffic: float | None,
) -> Iterator[Clue]:
    """Decisive: tasks of the released task definition end by themselves, and none of another.
    Against the release: those of another do as well.

    `traffic`: requests as a multiple of the usual. With more of them tasks may run out of memory
    whatever was released, and all that run are those of the release.
    """
    suspect = found.change.choice.suspect if found and found.change.choice else None
    if found is None or suspect is None or not isinstance(stopped, StoppedTasks):
        return
    if found.in_force >= thresholds.SERVED_WELL:
        return
    since = stopped.between(found.change.at, anomaly.end + thresholds.AFTERWARDS)
    grown = traffic is None or traffic >= thresholds.MORE_LOAD
    failed = [
        task
        for task in since
        if task.definition and (task.crashed or (task.out_of_memory and not grown))
    ]
    new = [task for task in failed if task.definition == suspect]
    old = [task for task in failed if task.definition != suspect]
    if not failed or (not new and ":" not in suspect):
        return
    text = (
        f"{plural(len(new), 'task')} of {suspect} ended by themselves, {len(old)} of other "
        f"revisions{_why(new or old)}"
    )
    if old and len(old) >= len(new):
        yield contradicting(True, text).resting_on(stopped)
        return
    holds = None if len(new) < FEW_TASKS or old else True
    question = "whether only tasks of the release end by themselves"
    clue = decisive(holds, asked(holds, question, text)).resting_on(stopped)
    alone = found.change.until is not None and found.change.until <= anomaly.start
    if holds and alone:  # what ends all tasks ends these
        clue = clue.model_copy(update={"missing": (*(clue.missing or ()), NONE_BESIDE)})
    yield clue


def _why(tasks: list[StoppedTask]) -> str:
    """The latest reason, for the end of a sentence."""
    last = max(tasks, key=lambda task: task.at)
    code = next((str(code) for code in last.exits if code), None)
    return f": {last.reason}" + (f" (exit code {code})" if code else "")
