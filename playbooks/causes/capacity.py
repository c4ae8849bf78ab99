"""Capacity that was taken away: fewer tasks, less reserved or provisioned concurrency."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.domain.playbook_contract import Scope, advice, decisive, hypothesis, necessary, supporting
from bot.domain.report import Advice, Change, Clue, Gap
from playbooks.evidence import durations, next_steps, target_steps, thresholds
from playbooks.evidence.nearest import Before, nearest_of, unread_changes
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.raised import Shown
from playbooks.evidence.saturation import saturated
from playbooks.evidence.sources import BalancerSources, ChangeSources, FunctionSources
from playbooks.evidence.traffic import throttled_share
from playbooks.evidence.wording import asked, count, percent, times
from playbooks.probes.backends import Backends, TasksProbe
from playbooks.probes.balancer import Balancer
from playbooks.probes.changes import Changes
from playbooks.probes.functions import FunctionCounts
from playbooks.probes.lambda_reports import Reports

SCALING = frozenset({"scaling"})
_RESERVED = re.compile(r"\breserved (\d+)")
_TASKS = re.compile(r"\bto (\d+) (?:tasks|instances)")
_PROVISIONED = re.compile(r"\b(?:Delete|Put)ProvisionedConcurrencyConfig\b")


class CapacityCut(FunctionSources, BalancerSources, ChangeSources):
    """Somebody, or a scaling policy, lowered how much runs at once."""

    tasks = TasksProbe()

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
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """A change lowered what runs at once, and just that is short since."""
        before = nearest_of(known_changes, anomaly.onset, SCALING, thresholds.LATEST)
        if before is None:
            yield _no_cut(anomaly, known_changes)
            return
        lower = lowered(anomaly, before.change, counts, balancer)
        text = f"{before.told()}: {lower.text}"
        yield necessary(lower.holds, asked(lower.holds, "whether that is less", text))
        short = brought(anomaly, before.change, counts, reports, balancer, tasks)
        yield _decided(before, lower, short, known_changes)
        yield supporting(before.lag <= thresholds.SOON, before.told())

    @advice("capacity-cut")
    def look_at_capacity(self, scope: Scope) -> Iterator[Advice]:
        """What is set now, and who or what lowered it."""
        yield next_steps.trail(scope, "who lowered it")
        yield from next_steps.concurrency_settings(scope)
        yield from target_steps.scaling_activities(scope)
        yield from target_steps.service_events(scope)


def _no_cut(anomaly: AnomalyWindow, changes: Changes) -> Clue:
    question = "whether capacity was taken away"
    if anomaly.onset is None or changes.unread or not changes.asked:
        return necessary(None, f"{question}: not all changes could be read")
    return necessary(False, "no change of capacity in the hour before")


def _decided(before: Before, lower: Shown, short: Shown, changes: Changes) -> Clue:
    holds = short.holds if lower.holds is not False else False
    if holds and lower.holds is None:
        holds = None
    if holds and not before.nearest:
        holds = None
    text = f"{before.told()}; {short.text}"
    clue = decisive(holds, asked(holds, "whether that is what is short", text))
    return clue.model_copy(update={"missing": unread_changes(changes)}) if holds else clue


def lowered(
    anomaly: AnomalyWindow,
    change: Change,
    counts: FunctionCounts | Gap | None,
    balancer: Balancer | Gap | None,
) -> Shown:
    """Whether less runs at once since the change than ran before it."""
    if _PROVISIONED.search(change.summary):
        removed = "Delete" in change.summary
        return Shown(True if removed else None, "provisioned concurrency")
    if (reserved := _RESERVED.search(change.summary)) and isinstance(counts, FunctionCounts):
        most = anomaly.baseline(counts.concurrency).peak()
        text = f"{reserved[1]} reserved, where up to {count(most or 0)} ran at once"
        return Shown(None if most is None else int(reserved[1]) <= most, text)
    if (wanted := _TASKS.search(change.summary)) and isinstance(balancer, Balancer):
        usual = _targets(anomaly, balancer)
        text = f"{wanted[1]} wanted, where {count(usual or 0)} were healthy"
        return Shown(None if usual is None else int(wanted[1]) < usual, text)
    return Shown(None, "what was set before is not read")


def _targets(anomaly: AnomalyWindow, balancer: Balancer) -> float | None:
    usual = [anomaly.baseline(each).typical() for each in balancer.healthy.values()]
    return max((each for each in usual if each is not None), default=None)


def brought(
    anomaly: AnomalyWindow,
    change: Change,
    counts: FunctionCounts | Gap | None,
    reports: Reports | Gap | None,
    balancer: Balancer | Gap | None,
    tasks: Backends | Gap | None,
) -> Shown:
    """Whether what the change took away is what requests fail for."""
    if _PROVISIONED.search(change.summary):
        if not isinstance(reports, Reports):
            return Shown(None, "whether cold starts are late: no REPORT lines")
        now, _ = durations.tallies(reports, anomaly)
        late = durations.cold_starts_are_late(now)
        enough = durations.accounts_for(anomaly, now.late_cold, now.total)
        text = f"{count(now.late_cold)} of {count(now.missed)} late requests were cold starts"
        return Shown(None if enough is None else late and enough, text)
    if _RESERVED.search(change.summary):
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
    usual = _targets(anomaly, balancer)
    now = [anomaly.during(each).lowest() for each in balancer.healthy.values()]
    left = min((each for each in now if each is not None), default=None)
    if usual is None or left is None:
        return Shown(None, "how many targets there were is not known")
    full, text = saturated((tasks,), anomaly)
    slower = anomaly.times_usual(balancer.p50)
    slow = slower is not None and slower >= thresholds.ALL_SLOWER
    told = f"{left:.0f} targets, usually {usual:.0f}; target response {times(slower)} its usual"
    if left >= usual:
        return Shown(False, told)
    none_left = left == 0
    short = True if full or slow or none_left else None if full is None else False
    return Shown(short, f"{told}; {text}")
