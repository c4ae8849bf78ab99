"""Causes in what the code calls: by what messages say, and by changes that may be theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.report import CauseStatus, Change, Verdict
from playbooks.probes.backends import Backend
from playbooks.probes.changes import Changes
from playbooks.probes.ecs_services import EcsService
from playbooks.probes.exceptions import Exceptions
from tests.playbooks.causes.test_dependencies import CALM, POOL, RAISED
from tests.playbooks.samples import (
    NOTHING_SPECIAL,
    ONSET,
    change,
    changes,
    exceptions,
    minute,
    verdict,
    weighed,
)
from tests.playbooks.stories import NOBODY, STORIES

CLIENTS = "FATAL: sorry, too many clients already"


def said(name: str, message: str, says: str = "", version: str | None = None) -> Exceptions:
    found = exceptions(name, 180, version=version)
    told = (replace(each, says=says, message=message) for each in found.raised)
    return replace(found, raised=tuple(told))


def raising(name: str, message: str, says: str = "", **more: object) -> dict[str, object]:
    return RAISED | {"exceptions": said(name, message, says)} | more


# --- what messages say ----------------------------------------------------------------------------


@pytest.mark.parametrize("database", [(), (CALM,)])
@pytest.mark.parametrize("released", [1, 8])
def test_a_message_of_the_database_decides_whatever_was_released(
    database: tuple[Backend, ...], released: int
) -> None:
    """It is what failed; what brought it is another question, so that it is not sure."""
    evidence = raising("OperationalError", CLIENTS, "too many clients", dependencies=database)
    evidence["changes"] = changes(change(ONSET - released))
    assert verdict(evidence) == (Verdict.MEDIUM, "database-behind")
    silent = evidence | {"exceptions": said("OperationalError", "no such column")}
    assert verdict(silent | {"changes": changes(change(ONSET - 1))})[0] is Verdict.INCONCLUSIVE


def test_what_the_database_shows_as_well_is_sure() -> None:
    evidence = raising("BasketRejected", CLIENTS, "too many clients", dependencies=(POOL,))
    assert verdict(evidence) == (Verdict.HIGH, "database-behind")


@pytest.mark.parametrize(
    ("name", "says", "cause"),
    [
        ("ClientError", "not authorized to perform", "permission-removed"),
        ("ClientError", "rate exceeded", "throttled-dependency"),
        ("OperationalError", "name or service not known", "name-resolution"),
        ("BasketRejected", "certificate has expired", "expired-certificate"),
        ("BasketRejected", "deadlock detected", "database-behind"),
    ],
)
def test_a_message_names_the_cause_whatever_the_class_is_called(
    name: str, says: str, cause: str
) -> None:
    assert verdict(raising(name, says, says)) == (Verdict.MEDIUM, cause)
    assert weighed(raising("KeyError", says, says))[cause].status is CauseStatus.REFUTED


@pytest.mark.parametrize(
    ("message", "restarted", "supported"),
    [
        ("connect ECONNREFUSED 10.0.4.7:8080", True, True),
        ("connect ETIMEDOUT 10.0.4.7:8080", True, True),
        ("connect ECONNREFUSED 10.0.4.7:8080", False, False),
        ("connect ECONNREFUSED 10.0.4.7:5432", False, True),  # the port is a database's
    ],
)
def test_what_is_refused_may_mean_the_database_that_was_just_restarted(
    message: str, restarted: bool, supported: bool
) -> None:
    code = message.split()[1]
    known = (change(ONSET - 1, kind="database"),) if restarted else ()
    evidence = raising(f"Error: {code}", message, dependencies=(CALM,), changes=changes(*known))
    if not restarted:
        evidence["dependencies"] = None
    found = weighed(evidence)["database-behind"].status
    assert (found is CauseStatus.SUPPORTED) is supported


def test_a_database_that_cannot_be_reached_leaves_the_way_to_it_open() -> None:
    """A closed port and a database that is down look the same to the code."""
    evidence = raising("OperationalError", "could not connect: Connection timed out")
    closed = evidence | {"changes": changes(change(ONSET - 1, kind="security-group"))}
    assert verdict(closed) == (Verdict.HIGH, "network-path")
    refused = raising("OperationalError", "could not connect: Connection refused")
    closed = refused | {"changes": changes(change(ONSET - 1, kind="security-group"))}
    assert weighed(closed)["network-path"].status is CauseStatus.REFUTED


# --- changes of which nothing says that the service uses them -------------------------------------


def elsewhere(kind: str, *more: Change, before: float = 1) -> Changes:
    made = change(ONSET - before, kind=kind).model_copy(update={"resource": "/shop/fee"})
    return replace(changes(), elsewhere=(made, *more))


@pytest.mark.parametrize("kind", ["secret", "parameter", "flag"])
def test_a_setting_that_code_may_read_by_its_name_is_never_sure(kind: str) -> None:
    evidence = raising("InvalidPasswordException", "no")
    own = changes(change(ONSET - 1, kind=kind))
    assert verdict(evidence | {"changes": own}) == (Verdict.HIGH, "configuration-change")
    other = evidence | {"changes": elsewhere(kind)}
    assert verdict(other) == (Verdict.MEDIUM, "configuration-change")
    (clue,) = [c for c in weighed(other)["configuration-change"].clues if c.missing]
    assert "nothing says that the service uses /shop/fee" in (clue.missing or ())


@pytest.mark.parametrize(
    "known",
    [
        elsewhere("configuration"),  # AWS's own setting says who uses it
        elsewhere("parameter", before=20),
        elsewhere("parameter", change(ONSET - 3, kind="flag")),  # of two, neither tells
    ],
)
def test_changes_elsewhere_that_tell_nothing(known: Changes) -> None:
    evidence = raising("InvalidPasswordException", "no", changes=known)
    assert weighed(evidence)["configuration-change"].status is CauseStatus.REFUTED


def test_a_setting_elsewhere_is_innocent_of_a_mistake_in_the_code() -> None:
    """And of what was there before it."""
    usual = {"exceptions": exceptions("InvalidPasswordException", 2, usual=2)}
    evidence = RAISED | usual | {"changes": elsewhere("parameter")}
    assert weighed(evidence)["configuration-change"].status is CauseStatus.REFUTED


def test_a_certificate_that_was_replaced_elsewhere_is_not_sure() -> None:
    evidence = raising("SSLCertVerificationError", "certificate verify failed")
    own = evidence | {"changes": changes(change(ONSET - 1, kind="certificate"))}
    assert verdict(own) == (Verdict.HIGH, "expired-certificate")
    other = evidence | {"changes": elsewhere("certificate")}
    assert verdict(other) == (Verdict.MEDIUM, "expired-certificate")
    decisive = [clue for clue in weighed(other)["expired-certificate"].clues if clue.missing]
    assert "nothing says that the service uses /shop/fee" in str(decisive)


# --- changes that CloudTrail does not show yet ----------------------------------------------------

CHANGES_OF = ("configuration-change", "capacity-cut")


@pytest.mark.parametrize("cause", CHANGES_OF)
@pytest.mark.parametrize(("read", "refuted"), [(5, False), (14, False), (15, True), (40, True)])
def test_what_cloudtrail_may_not_show_yet_is_not_denied(
    cause: str, read: float, refuted: bool
) -> None:
    quiet = replace(changes(), read_at=minute(ONSET + read))
    found = weighed(NOTHING_SPECIAL | {"changes": quiet})[cause].status
    assert (found is CauseStatus.REFUTED) is refuted


def test_a_network_that_may_have_been_closed_is_not_denied_yet() -> None:
    early = replace(changes(), read_at=minute(ONSET + 5))
    late = replace(changes(), read_at=minute(ONSET + 15))
    hanging = STORIES["function-timeout"]
    open_question = weighed(hanging | {"changes": early})["network-path"]
    assert open_question.status is CauseStatus.POSSIBLE
    assert weighed(hanging | {"changes": late})["network-path"].status is CauseStatus.REFUTED


# --- what ECS says --------------------------------------------------------------------------------

UNABLE = "(service shop) failed to launch a task. Reason: CannotPullContainerError"


@pytest.mark.parametrize(
    ("services", "said_so"),
    [
        ((EcsService("shop", 4, 0, ((minute(-4), UNABLE),)),), True),
        ((EcsService("shop", 4, 0, ((minute(-40), UNABLE),)),), False),
        ((EcsService("shop", 4, 4, ((minute(-4), "has reached a steady state"),)),), False),
        (None, False),
    ],
)
def test_what_ecs_says_supports_that_no_target_was_healthy(services: Any, said_so: bool) -> None:
    cause = weighed(NOBODY | {"ecs_services": services})["no-healthy-targets"]
    assert cause.status is CauseStatus.SUPPORTED
    assert (f"ECS says: {UNABLE}" in [clue.text for clue in cause.clues]) is said_so
