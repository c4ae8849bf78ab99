"""Capacity that was taken away: fewer tasks, less reserved or provisioned concurrency."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.playbook_contract import Scope, advice, decisive, hypothesis, necessary, supporting
from bot.domain.report import Advice, Clue, Gap
from playbooks.evidence import durations, next_steps, target_steps, thresholds
from playbooks.evidence.nearest import Before, nearest_of, not_all_known, unread_changes
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.raised import Shown
from playbooks.evidence.saturation import saturated
from playbooks.evidence.sources import BalancerSources, ChangeSources, FunctionSources
from playbooks.evidence.traffic import throttled_share
from playbooks.evidence.wording import asked, count, percent, times
from playbooks.probes.backends import Backends, TasksProbe
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.ecs_services import EcsService, EcsServicesProbe
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports

SCALING = frozenset({"scaling"})
_RESERVED = re.compile(r"\breserved (\d+)")
_TASKS = re.compile(r"\bto (\d+) (?:tasks|instances)")
_NUMBER = re.compile(r"\bprovisioned (\d+)")
_PROVISIONED = re.compile(r"\b(?:Delete|Put)ProvisionedConcurrencyConfig\b")


class CapacityCut(FunctionSources, BalancerSources, ChangeSources):
    """Somebody, or a scaling policy, lowered how much runs at once."""

    tasks = TasksProbe()
    ecs_services = EcsServicesProbe()

    @hypothesis(
        "Capacity was taken away",
        explains=(
            "backend-overload",
            "concurrency-limit",
            "cold-start-surge",
            "no-healthy-targets",
        ),
    )
    def capacity_cut(
        self,
        anomaly: AnomalyWindow,
        counts: FunctionCounts | Gap | None,
        reports: Reports | Gap | None,
        balancer: Balancer | Gap | None,
        tasks: Backends | Gap | None,
        ecs_services: tuple[EcsService, ...] | Gap | None,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """Less runs at once than before, by a change or as measured, and just that is short."""
        before = nearest_of(known_changes, anomaly.onset, SCALING, thresholds.LATEST)
        cut = cut_by(anomaly, before, counts, balancer) if before else None
        if cut is None or cut.less is not True:
            cut = measured(anomaly, counts, balancer, ecs_services) or cut
        if cut is None:
            yield _no_cut(anomaly, known_changes)
            return
        told = f"{before.told()}: " if before else ""
        yield necessary(cut.less, asked(cut.less, "whether that is less", f"{told}{cut.text}"))
        short = what_is_short(anomaly, cut, counts, reports, balancer, tasks)
        yield _decided(before, cut, short, known_changes)
        if before is not None:
            yield supporting(before.lag <= thresholds.SOON, before.told())

    @advice("capacity-cut")
    def look_at_capacity(self, scope: Scope) -> Iterator[Advice]:
        """What is set now, and who or what lowered it."""
        yield next_steps.trail(scope, "who lowered it")
        yield from next_steps.concurrency_settings(scope)
        yield from target_steps.scaling_activities(scope)
        yield from target_steps.service_events(scope)


def _no_cut(anomaly: AnomalyWindow, changes: Changes) -> Clue:
    if why := not_all_known(changes, anomaly.onset):
        return necessary(None, f"whether capacity was taken away: {why}").resting_on(changes)
    return necessary(False, "no change of capacity in the hour before").resting_on(changes)


class Part(StrEnum):
    """What there is less of."""

    PROVISIONED = "provisioned concurrency"
    RESERVED = "reserved concurrency"
    TARGETS = "targets"


@dataclass(frozen=True, slots=True)
class Cut:
    """Capacity that was taken away. `less`: whether it is less than what ran before."""

    part: Part
    less: bool | None
    text: str


def cut_by(
    anomaly: AnomalyWindow,
    before: Before,
    counts: FunctionCounts | Gap | None,
    balancer: Balancer | Gap | None,
) -> Cut:
    """What a change of scaling left, beside what ran before it."""
    summary = before.change.summary
    if _PROVISIONED.search(summary):
        left = _NUMBER.search(summary)
        used = _provisioned_before(anomaly, counts)
        if "Delete" in summary:
            return Cut(Part.PROVISIONED, True, "no provisioned concurrency is left")
        less = int(left[1]) < used if left and used is not None else None
        were = "not known how many" if used is None else f"up to {used:.0f}"
        return Cut(Part.PROVISIONED, less, f"provisioned executions in use before it: {were}")
    if (reserved := _RESERVED.search(summary)) and isinstance(counts, FunctionCounts):
        most = anomaly.baseline(counts.concurrency).peak()
        text = f"{reserved[1]} reserved, where up to {count(most or 0)} ran at once"
        return Cut(Part.RESERVED, None if most is None else int(reserved[1]) <= most, text)
    if (wanted := _TASKS.search(summary)) and isinstance(balancer, Balancer):
        number = int(wanted[1])
        fewest = _fewest(anomaly, balancer, wanted=number)
        usual = fewest.usual if fewest else None
        were = (
            "how many were healthy is not known" if usual is None else f"{usual:.0f} were healthy"
        )
        less = None if usual is None else number < usual
        return Cut(Part.TARGETS, less, f"{number} wanted, where {were}")
    return Cut(Part.TARGETS, None, "what was set before is not read")


def measured(
    anomaly: AnomalyWindow,
    counts: FunctionCounts | Gap | None,
    balancer: Balancer | Gap | None,
    services: tuple[EcsService, ...] | Gap | None,
) -> Cut | None:
    """Capacity that is less by its metrics, whoever lowered it; None when none is.

    Targets that failed were not taken away. So none may be unhealthy, some must be left, and an
    ECS service must want just as many. Of other targets nothing tells how many are wanted.
    """
    used = _provisioned_before(anomaly, counts)
    if used and isinstance(counts, FunctionCounts):
        spilled = anomaly.during(counts.spillover).total()
        now = anomaly.during(counts.provisioned).peak()
        if spilled >= thresholds.FEW and now is not None and now <= thresholds.EXPLAINS * used:
            text = f"up to {now:.0f} provisioned executions in use, up to {used:.0f} before"
            return Cut(Part.PROVISIONED, True, text)
    if not isinstance(balancer, Balancer) or not isinstance(services, tuple):
        return None
    fewest = _fewest(anomaly, balancer)
    if fewest is None or fewest.unhealthy or not 0 < fewest.left <= thresholds.FEWER * fewest.usual:
        return None
    if any(each.running < each.desired or each.desired >= fewest.usual for each in services):
        return None  # it may be this one's targets that failed
    wanted = [each for each in services if each.desired == fewest.left]
    if not wanted:
        return None
    asks = f"{wanted[0].name} wants no more"
    return Cut(Part.TARGETS, True, f"{fewest.told()}, none unhealthy, and {asks}")


@dataclass(frozen=True, slots=True)
class Fewest:
    """The target group that lost the greatest part of its healthy targets."""

    group: str
    usual: float
    left: float
    unhealthy: bool

    def told(self) -> str:
        return f"{self.group} has {self.left:.0f} targets, usually {self.usual:.0f}"


def _fewest(anomaly: AnomalyWindow, balancer: Balancer, wanted: int | None = None) -> Fewest | None:
    """With `wanted`, the group that is left with a number nearest to that and no more, none of it
    unhealthy. None when it is not known how many there were."""
    found = []
    for group, series in balancer.healthy.items():
        usual, left = anomaly.baseline(series).typical(), anomaly.during(series).lowest()
        if usual and left is not None:
            hosts = balancer.hosts.get(group)
            sick = anomaly.during(hosts.unhealthy_most).peak() if hosts else None
            found.append(Fewest(group, usual, left, bool(sick)))
    if wanted is None:
        return min(found, key=lambda each: each.left / each.usual, default=None)
    well = [
        each
        for each in found
        if not each.unhealthy and each.left <= wanted and (each.left or not wanted)
    ]
    return min(well, key=lambda each: abs(each.left - wanted), default=None)


def _provisioned_before(
    anomaly: AnomalyWindow, counts: FunctionCounts | Gap | None
) -> float | None:
    if not isinstance(counts, FunctionCounts):
        return None
    return anomaly.baseline(counts.provisioned).peak()


def _decided(before: Before | None, cut: Cut, short: Shown, changes: Changes) -> Clue:
    holds = short.holds if cut.less is not False else False
    if holds and cut.less is None:
        holds = None
    if holds and before is not None and not before.nearest:
        holds = None
    told = f"{before.told()}; " if before else ""
    clue = decisive(
        holds, asked(holds, "whether that is what is missing", f"{told}{cut.text}; {short.text}")
    )
    return clue.model_copy(update={"missing": unread_changes(changes)}) if holds else clue


def what_is_short(
    anomaly: AnomalyWindow,
    cut: Cut,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    balancer: Balancer | Gap | None,
    tasks: Backends | Gap | None,
) -> Shown:
    """Whether requests fail for what there is less of."""
    if cut.part is Part.PROVISIONED:
        if not isinstance(reports, Reports):
            return Shown(None, "whether cold starts are late: no REPORT lines")
        now, _ = durations.tallies(reports, anomaly)
        late = durations.cold_starts_are_late(now)
        enough = durations.accounts_for(anomaly, now.late_cold, now.total)
        text = f"{count(now.late_cold)} of {count(now.missed)} late requests were cold starts"
        return Shown(None if enough is None else late and enough, text)
    if cut.part is Part.RESERVED:
        if not isinstance(counts, FunctionCounts):
            return Shown(None, "whether calls were throttled: no metrics of the function")
        share = throttled_share(counts, anomaly)
        text = f"throttled calls account for {percent(share)} of the {anomaly.label}"
        return Shown(None if share is None else share >= thresholds.EXPLAINS, text)
    return _fewer_targets(anomaly, balancer, tasks)


def _fewer_targets(
    anomaly: AnomalyWindow, balancer: Balancer | Gap | None, tasks: Backends | Gap | None
) -> Shown:
    """Whether fewer targets were healthy, and those that are left are slow or at their limit."""
    if not isinstance(balancer, Balancer):
        return Shown(None, "how many targets there are: no metrics of them")
    fewest = _fewest(anomaly, balancer)
    if fewest is None:
        return Shown(None, "how many targets there were is not known")
    full, text = saturated((tasks,), anomaly)
    slower = anomaly.times_usual(balancer.p50)
    slow = slower is not None and slower >= thresholds.ALL_SLOWER
    told = f"{fewest.told()}; answers of targets take {times(slower)} their usual"
    if fewest.left >= fewest.usual:
        return Shown(False, told)
    none_left = fewest.left == 0
    short = True if full or slow or none_left else None if full is None else False
    return Shown(short, f"{told}; {text}")
