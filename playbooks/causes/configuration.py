"""Configuration: a secret, a parameter, a flag or a setting was changed, without new code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.domain.playbook_contract import (
    Scope,
    advice,
    contradicting,
    decisive,
    hypothesis,
    necessary,
    supporting,
)
from bot.domain.report import Advice, Clue, Gap
from playbooks.evidence import next_steps, thresholds
from playbooks.evidence.exception_kinds import Kind, KindOfExceptions
from playbooks.evidence.failure_sources import FailureSources
from playbooks.evidence.nearest import (
    Before,
    nearest_elsewhere,
    nearest_of,
    not_all_known,
    unread_changes,
)
from playbooks.evidence.onset import AnomalyWindow
from playbooks.evidence.raised import Raised, hardly_own, of_one_version
from playbooks.evidence.targets import told_by_ecs
from playbooks.evidence.wording import asked
from playbooks.probes.changes import Changes
from playbooks.probes.ecs_services import EcsService, EcsServicesProbe

SETTINGS = frozenset({"secret", "parameter", "flag", "configuration"})

FETCHED = frozenset({"secret", "parameter"})
"""What ECS puts into a task's variables when it starts."""

# "unable to pull secrets or registry auth" begins every such message, also those about a registry.
FETCHING = re.compile(r"retrieved? secret|from asm|from ssm|json key|secretsmanager", re.I)

READ_BY_CODE = frozenset({"secret", "parameter", "flag"})
"""What code may read by its name, so that no setting of AWS's says who uses it."""

NAMED = {
    "secret": (Kind.SETTING, Kind.DATABASE, Kind.PERMISSION),
    "parameter": (Kind.SETTING, Kind.NAME),
    "flag": (Kind.SETTING,),
    "configuration": (Kind.SETTING, Kind.NAME, Kind.MEMORY),
}
"""Kinds of exception that say themselves that what was changed is what fails."""


class ConfigurationChange(FailureSources):
    """What the code reads at run time, or its tasks when they start, was changed."""

    ecs_services = EcsServicesProbe()

    @hypothesis(
        "A secret, parameter or flag was changed",
        explains=(
            "database-behind",
            "permission-removed",
            "network-path",
            "name-resolution",
            "throttled-dependency",
            "function-timeout",
            "backend-overload",
            "out-of-memory",
            "expired-certificate",
            "no-healthy-targets",
        ),
    )
    def configuration_change(
        self,
        anomaly: AnomalyWindow,
        raised: Raised,
        ecs_services: tuple[EcsService, ...] | Gap | None,
        known_changes: Changes,
    ) -> Iterator[Clue]:
        """A setting was changed last before the onset, and the code raises what it did not; or ECS
        cannot start tasks with a secret that was changed."""
        unfetched = cannot_fetch(anomaly, known_changes, ecs_services)
        if unfetched is not None:
            yield from unfetched
            return
        onset = anomaly.onset
        before = nearest_of(known_changes, onset, SETTINGS, thresholds.SOON) or nearest_elsewhere(
            known_changes, onset, READ_BY_CODE, thresholds.SOON
        )
        if before is None:
            yield _no_change(anomaly, known_changes)
            return
        yield necessary(True, before.told(), lag=before.lag.total_seconds())
        yield new_exceptions(raised, before, known_changes)
        yield supporting(before.lag <= thresholds.AT_ONCE, before.told())
        for other in before.rivals[-1:]:
            yield contradicting(True, f"{other.summary} ({other.actor}) came after it")
        yield hardly_own(raised)

    @advice("configuration-change")
    def look_at_the_setting(self, scope: Scope, known_changes: Changes) -> Iterator[Advice]:
        """What the exceptions say, and the versions of what was changed."""
        yield from next_steps.exception_messages(scope)
        yield from next_steps.setting_versions(scope, known_changes.known)
        yield next_steps.trail(scope, "who changed secrets, parameters and flags")


def cannot_fetch(
    anomaly: AnomalyWindow, changes: Changes, services: tuple[EcsService, ...] | Gap | None
) -> tuple[Clue, ...] | None:
    """ECS says that tasks cannot start for want of a secret, and one was changed in the hour before
    (tasks fetch secrets when they start: ECS developer guide, "Pass Secrets Manager secrets").
    None where ECS says no such thing, or no such change is known."""
    told = told_by_ecs(anomaly, services)
    before = nearest_of(changes, anomaly.onset, FETCHED, thresholds.LATEST)
    if not FETCHING.search(told) or before is None:
        return None
    text = f"{told}; {before.told()}"
    decided = decisive(True, text).resting_on()
    missing = (*unread_changes(changes), "what the change did to the secret is not read")
    return (
        necessary(True, text).resting_on(changes),
        decided.model_copy(update={"missing": missing}),
    )


def _no_change(anomaly: AnomalyWindow, changes: Changes) -> Clue:
    if why := not_all_known(changes, anomaly.onset):
        text = f"whether a secret, parameter or flag was changed: {why}"
        return necessary(None, text).resting_on(changes)
    text = "no change of a secret, parameter or flag shortly before"
    return necessary(False, text).resting_on(changes)


def new_exceptions(raised: Raised, before: Before, changes: Changes) -> Clue:
    """Decisive: since the change, the code answers most errors with exceptions that are new.

    Where they name what was changed, that is sure. Where they say that something else fails, such
    as a pool without free connections, it stays open. Any other class is new by its time only: what
    the change did to it is read nowhere.
    """
    question = "whether the errors are those of the change"
    mostly = raised.mostly_own()
    if raised.unread():
        holds = False if mostly is False else None
        text = f"{before.told()}; {raised.unread()}; {raised.counted()}"
        return decisive(holds, asked(holds, question, text))
    named, found = raised.of(*NAMED[before.change.kind]), raised.all()
    speaks = named is not None and named.stand_out is not False
    one: bool | None = False
    if found is not None and not of_one_version(raised):
        one = _new(named if speaks and named else found)
    holds = False if one is False or mostly is False else one and mostly
    says_other = found is not None and found.explicit and not speaks
    if holds and (not before.nearest or says_other):
        holds = None
    told = (named if speaks and named else found) if found else None
    text = f"{told.told()}; {raised.counted()}" if told else f"no exceptions; {raised.counted()}"
    clue = decisive(holds, asked(holds, question, f"{before.told()}; {text}"))
    missing = raised.coverage.missing
    if holds:
        missing = (*missing, *unread_changes(changes), *before.missing)
    if holds and not speaks:
        missing = (*missing, "what the change did to the code was not read")
    return clue.model_copy(update={"missing": missing})


def _new(found: KindOfExceptions) -> bool | None:
    """Whether there are many of them, and there were next to none before."""
    return found.rose if found.count >= thresholds.FEW else False
