"""Targets that fail their health checks: which, why, since when, and whether they answer users."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from bot.domain.coverage import COMPLETE, Coverage, combined
from bot.domain.playbook_contract import Scope
from bot.domain.report import Gap
from playbooks.evidence import thresholds
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.targets import of_targets
from playbooks.evidence.wording import percent, times
from playbooks.probes.balancer import Balancer, Hosts, Target, TargetHealth
from playbooks.probes.metrics import MINUTE, TimeSeries, ratio

FLAPS = 3  # recoveries within the hour that is looked at: up and down, not once
LASTS = timedelta(minutes=5)  # unhealthy for so long without a break: not flapping
AT_ONCE = timedelta(minutes=2)  # all targets within it: something they have in common
WELL = 0.01  # share of requests that fail; below it users notice nothing
SICK = 0.05  # above it they do

TIMEOUT = "Target.Timeout"
MISMATCH = "Target.ResponseCodeMismatch"
FAILED = "Target.FailedHealthChecks"
INVALID = "Target.InvalidState"


@dataclass(frozen=True, slots=True)
class FailingTargets:
    """The targets of the group that the alarm is about, else of the one with most unhealthy ones.

    `targets`: as they are now, None when not read. `recoveries`: how often in the last hour the
    number of unhealthy targets fell; `apart`: minutes in which the balancer's nodes disagreed.
    `spell`: the longest time without a break with an unhealthy target. `together`: whether all
    became unhealthy within two minutes, None when not known.
    """

    group: str
    targets: tuple[Target, ...] | None
    recoveries: int | None
    apart: int
    spell: timedelta
    together: bool | None
    coverage: Coverage = COMPLETE

    @property
    def unhealthy(self) -> tuple[Target, ...]:
        return tuple(target for target in self.targets or () if target.unhealthy)

    @property
    def reasons(self) -> Counter[str]:
        """How many targets are unhealthy now for each reason."""
        return Counter(target.reason or "unknown" for target in self.unhealthy)

    @property
    def flapping(self) -> bool | None:
        """Whether targets become unhealthy and healthy again and again.

        Nodes that disagree all the time may be fast flapping, or a zone that cannot be reached.
        """
        if self.recoveries is None:
            return None
        if self.recoveries >= FLAPS:
            return True
        return False if self.spell >= LASTS and not self.recoveries and not self.apart else None

    def only(self, *reasons: str) -> bool | None:
        """Whether these are the reasons of all unhealthy targets; None when none is unhealthy now
        or they were not read."""
        return self.reasons.keys() <= set(reasons) if self.unhealthy else None

    @property
    def words(self) -> str:
        """ "2 of 4 targets of shop are unhealthy now (Target.Timeout)"."""
        if self.targets is None:
            return f"the targets of {self.group} were not read"
        if not self.unhealthy:
            return f"no target of {self.group} is unhealthy now"
        reasons = ", ".join(sorted(self.reasons))
        return (
            f"{len(self.unhealthy)} of {len(self.targets)} targets of {self.group} are unhealthy "
            f"now ({reasons})"
        )

    @property
    def rhythm(self) -> str:
        """ "became healthy again 6 times within the hour"."""
        if self.recoveries is None:
            return "how often targets became healthy again is not known"
        longest = f"the longest time with an unhealthy one is {self.spell // MINUTE} min"
        both = f", in {self.apart} minutes their number differed" if self.apart else ""
        return (
            f"targets became healthy again {self.recoveries} times within the hour, {longest}{both}"
        )


def failing_targets(
    scope: Scope,
    anomaly: AnomalyWindow,
    balancer: Balancer | Gap,
    health: TargetHealth | Gap | None,
) -> FailingTargets | None:
    """The failing targets; None when no target group is known."""
    hosts = balancer.hosts if isinstance(balancer, Balancer) else {}
    read = health if isinstance(health, TargetHealth) else None
    group = _group(scope, anomaly, hosts, read)
    if group is None:
        return None
    targets = read.of(group) if read is not None and group in read.groups else None
    counted = hosts.get(group)
    missing = Coverage.of(f"the targets of {group} were not read" if targets is None else None)
    return FailingTargets(
        group=group,
        targets=targets,
        recoveries=_recoveries(counted, scope) if counted else None,
        apart=_apart(counted, scope) if counted else 0,
        spell=_spell(counted.unhealthy_most, scope) if counted else timedelta(),
        together=_together(counted, anomaly) if counted else None,
        coverage=combined((missing, of_targets(balancer))),
    )


def _group(
    scope: Scope, anomaly: AnomalyWindow, known: Mapping[str, Hosts], read: TargetHealth | None
) -> str | None:
    """The alarm's target group, else the one with most unhealthy targets."""
    dimension = (scope.alarm.dimensions if scope.alarm else {}).get("TargetGroup", "")
    if dimension.count("/") == 2:
        return dimension.split("/")[1]
    names = [*known, *(read.groups if read else ())]
    if not names:
        return None

    def sick(name: str) -> tuple[float, int]:
        most = anomaly.during(known[name].unhealthy_most).peak() if name in known else None
        now = sum(target.unhealthy for target in read.of(name)) if read else 0
        return most or 0.0, now

    return max(dict.fromkeys(names), key=sick)


def _hour(series: TimeSeries, scope: Scope) -> list[tuple[float, float]]:
    """Each minute's value with the next one's, of the last hour."""
    end = scope.window.end
    found = series.between(end - timedelta(hours=1), end).points
    ordered = [found[at] for at in sorted(found)]
    return list(pairwise(ordered))


def _recoveries(hosts: Hosts, scope: Scope) -> int | None:
    """How often the number of unhealthy targets fell, as the nodes see it that see more of it."""
    if not hosts.unhealthy_most:
        return None
    both = (hosts.unhealthy_most, hosts.unhealthy_least)
    return max(sum(later < now for now, later in _hour(each, scope)) for each in both)


def _apart(hosts: Hosts, scope: Scope) -> int:
    """Minutes of the last hour in which the balancer's nodes saw different numbers."""
    end = scope.window.end
    most = hosts.unhealthy_most.between(end - timedelta(hours=1), end).points
    return sum(value > hosts.unhealthy_least.points.get(at, value) for at, value in most.items())


def _spell(unhealthy: TimeSeries, scope: Scope) -> timedelta:
    longest = run = 0
    for _, value in sorted(unhealthy.between(scope.window.start, scope.window.end).points.items()):
        run = run + 1 if value else 0
        longest = max(longest, run)
    return longest * MINUTE


def _together(hosts: Hosts, anomaly: AnomalyWindow) -> bool | None:
    unhealthy = anomaly.during(hosts.unhealthy_most).points
    first = min((at for at, value in unhealthy.items() if value), default=None)
    registered = anomaly.baseline(hosts.healthy_most).typical()
    if first is None or registered is None or registered < 2:
        return None
    soon = max(value for at, value in unhealthy.items() if first <= at <= first + AT_ONCE)
    return soon >= registered


@dataclass(frozen=True, slots=True)
class Answers:
    """How users are answered meanwhile. `failed`: share of requests; `p50`, `p99`: response times
    as multiples of their usual. All None when nothing is known of it."""

    failed: float | None
    usually: float | None
    p50: float | None
    p99: float | None

    @property
    def well(self) -> bool | None:
        """Whether users notice nothing; None when it is not known or between well and sick."""
        if self.failed is None or self.p99 is None:
            return False if self.sick else None
        few = self.failed < max(WELL, 1.5 * (self.usually or 0.0))
        if few and self.p99 < thresholds.ALL_SLOWER and (self.p50 or 1.0) <= thresholds.ABOUT_SAME:
            return True
        return False if self.sick else None

    @property
    def sick(self) -> bool:
        """Whether requests fail, or take much longer than usual."""
        failing = self.failed is not None and self.failed >= max(SICK, 3 * (self.usually or 0.0))
        return failing or self.slow is True

    @property
    def slow(self) -> bool | None:
        """Whether most requests take much longer than usual."""
        if self.p50 is None or self.p99 is None:
            return None
        return self.p50 >= thresholds.ALL_SLOWER and self.p99 >= thresholds.MUCH_SLOWER

    @property
    def words(self) -> str:
        return (
            f"{percent(self.failed)} of the requests fail, "
            f"answers take {times(self.p50)} (p50) and {times(self.p99)} (p99) their usual"
        )


def answers(balancer: Balancer | Gap | None, anomaly: AnomalyWindow) -> Answers:
    """How targets answer users in the anomaly, failed connections included."""
    if not isinstance(balancer, Balancer) or not anomaly.during(balancer.requests):
        return Answers(None, None, None, None)
    return Answers(
        failed=_failed(balancer, anomaly.during),
        usually=_failed(balancer, anomaly.baseline),
        p50=anomaly.times_usual(balancer.p50),
        p99=anomaly.times_usual(balancer.p99),
    )


def _failed(balancer: Balancer, part: Callable[[TimeSeries], TimeSeries]) -> float | None:
    failed = part(balancer.errors).total()
    if balancer.groups:  # what the balancer answers for a failed connection is not counted there
        failed += part(balancer.connection_errors).total()
    share = ratio(failed, part(balancer.requests).total())
    return None if share is None else min(1.0, share)


def all_of(*conditions: bool | None) -> bool | None:
    """Whether all hold: False when one is known not to, None when none is and one is not known."""
    if False in conditions:
        return False
    return None if None in conditions else True
