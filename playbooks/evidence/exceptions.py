"""The exception that is logged most in the anomaly."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.wording import times
from playbooks.probes.exceptions import Exceptions
from playbooks.probes.metrics import MINUTE


@dataclass(frozen=True, slots=True)
class LeadingException:
    """The exception whose log lines increased most.

    `count`: its lines in the anomaly; `share`: of all exceptions there; `usual`: lines in as many
    minutes of the baseline; `rose`: whether it is logged far more than usual, None like `usual`
    when too little of the baseline was read; `owner`: the function or ECS service that nearly all
    lines are from, `version`: the function version, if one; `message`: the latest.
    """

    name: str
    count: int
    share: float
    rose: bool | None
    usual: float | None
    version: str | None
    owner: str | None = None
    message: str = ""

    @property
    def stands_out(self) -> bool | None:
        """Whether most exceptions are of this class, and far more than usual."""
        main = self.count >= thresholds.FEW and self.share >= thresholds.MOSTLY
        return self.rose if main else False

    def compared(self) -> str:
        """How much more often it is logged than usual, in words."""
        if self.rose is None:
            return "how many are usual was not read"
        if not self.rose:
            return "as usual"
        if self.usual:
            return f"{times(self.count / self.usual)} the usual"
        return "new since it began"


def leading_exception(
    exceptions: Exceptions, anomaly: AnomalyWindow, traffic: float | None
) -> LeadingException | None:
    """The leading exception; None when none is logged in the anomaly.

    `traffic`: requests as a multiple of the usual; as many times more exceptions are nothing new.
    """
    now = exceptions.classes(anomaly.start, anomaly.end)
    if not now:
        return None
    baseline_start = max(anomaly.baseline_start, exceptions.since)
    before = exceptions.classes(baseline_start, anomaly.baseline_end)
    minutes = (anomaly.end - anomaly.start) / MINUTE
    minutes_read = (anomaly.baseline_end - baseline_start) / MINUTE
    baseline_minutes = max(1.0, minutes_read)
    increase = {name: now[name] / minutes - before[name] / baseline_minutes for name in now}
    name = max(increase, key=lambda each: increase[each])
    writers = exceptions.writers(anomaly.start, anomaly.end, name)
    usual = rose = None
    if minutes_read >= thresholds.ENOUGH_BASELINE:
        usual = before[name] / baseline_minutes * minutes
        rose = now[name] >= thresholds.EXCEPTION_ROSE * max(1.0, traffic or 1.0) * usual
    return LeadingException(
        name=name,
        count=now[name],
        share=now[name] / now.total(),
        rose=rose,
        usual=usual,
        version=_nearly_all(writers)[1],
        owner=_nearly_all(_by_owner(writers))[0],
        message=exceptions.example(anomaly.start, anomaly.end, (name,)),
    )


def _nearly_all(
    writers: Counter[tuple[str | None, str | None]],
) -> tuple[str | None, str | None]:
    """The writer of nearly all lines; nobody where there is none."""
    top, lines = max(writers.items(), key=lambda each: each[1])
    return top if lines >= thresholds.NEARLY_ALL * writers.total() else (None, None)


def _by_owner(
    writers: Counter[tuple[str | None, str | None]],
) -> Counter[tuple[str | None, str | None]]:
    counted: Counter[tuple[str | None, str | None]] = Counter()
    for (owner, _), lines in writers.items():
        counted[owner, None] += lines
    return counted
