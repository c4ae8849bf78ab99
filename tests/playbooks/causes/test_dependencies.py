"""What the code calls fails: told by exceptions and the thing itself, or by a change of it."""

from __future__ import annotations

import pytest

from bot.domain.report import CauseStatus, GapReason, Verdict
from playbooks.probes.backends import Backend
from playbooks.probes.changes import Unread
from tests.playbooks.samples import (
    NOTHING_SPECIAL,
    ONSET,
    change,
    changes,
    counts,
    exceptions,
    gap,
    reports,
    series,
    verdict,
    weighed,
)
from tests.playbooks.stories import DEPLOYED, HANGS, STORIES

RAISED = NOTHING_SPECIAL | {"access": None, "counts": counts(errors=(0, 180))}
POOL = Backend("rds", "db", {"connections": series(40, 160), "cpu": series(20, 22)})
LOST = Backend("rds", "db", {"connections": series(40, 3), "cpu": series(20, 5)})
CALM = Backend("rds", "db", {"connections": series(40, 42), "cpu": series(20, 22)})
THROTTLES = Backend("dynamodb", "baskets", {"read throttles": series(0, 170)})
QUIET = Backend("dynamodb", "baskets", {"read throttles": series(0, 0)})


@pytest.mark.parametrize("database", [POOL, LOST])
@pytest.mark.parametrize("released", [None, 8, 38])
def test_a_database_that_shows_it_is_the_cause_whatever_was_released(
    database: Backend, released: int | None
) -> None:
    evidence = RAISED | {
        "exceptions": exceptions("OperationalError", 180, version="42"),
        "dependencies": (database,),
        "changes": changes(*([] if released is None else [change(ONSET - released)])),
    }
    assert verdict(evidence) == (Verdict.HIGH, "database-behind")


@pytest.mark.parametrize("name", ["OperationalError", "PSQLException", "ER_LOCK_DEADLOCK"])
def test_a_restart_of_the_database_after_the_release_is_the_cause(name: str) -> None:
    reboot = change(ONSET - 1, kind="database")
    evidence = RAISED | {
        "exceptions": exceptions(name, 180, version="42"),
        "dependencies": (CALM,),
        "changes": changes(change(ONSET - 8), reboot),
    }
    assert verdict(evidence) == (Verdict.HIGH, "database-behind")


def test_a_calm_database_leaves_the_question_open() -> None:
    evidence = RAISED | {
        "exceptions": exceptions("OperationalError", 180),
        "dependencies": (CALM,),
    }
    assert verdict(evidence)[0] is Verdict.INCONCLUSIVE
    assert weighed(evidence)["database-behind"].status is CauseStatus.POSSIBLE


def test_the_class_alone_is_never_sure() -> None:
    alone = RAISED | {"exceptions": exceptions("OperationalError", 180)}
    assert verdict(alone) == (Verdict.MEDIUM, "database-behind")
    at_once = alone | {"changes": changes(change(ONSET - 1))}
    assert verdict(at_once)[0] is Verdict.INCONCLUSIVE
    served_well = alone | {"changes": changes(change(ONSET - 30))}
    assert verdict(served_well) == (Verdict.MEDIUM, "database-behind")
    unread = changes(unread=(Unread("CloudTrail", GapReason.DENIED, "CloudTrail: denied"),))
    assert verdict(alone | {"changes": unread})[0] is Verdict.INCONCLUSIVE


def test_a_nearer_change_that_may_be_unread_makes_it_less_sure() -> None:
    unread = (Unread("CloudTrail", GapReason.BUDGET, "CloudTrail has more"),)
    evidence = RAISED | {
        "exceptions": exceptions("OperationalError", 180),
        "dependencies": (CALM,),
        "changes": changes(change(ONSET - 1, kind="database"), unread=unread),
    }
    assert verdict(evidence) == (Verdict.MEDIUM, "database-behind")


def test_a_release_right_after_the_restart_leaves_both() -> None:
    evidence = RAISED | {
        "exceptions": exceptions("OperationalError", 180, version="42"),
        "dependencies": (CALM,),
        "changes": changes(change(ONSET - 9, kind="database"), change(ONSET - 1)),
    }
    assert verdict(evidence)[0] is Verdict.INCONCLUSIVE


def test_a_busy_database_is_innocent_of_a_mistake_in_the_code() -> None:
    evidence = DEPLOYED | {"dependencies": (POOL,)}
    assert verdict(evidence) == (Verdict.HIGH, "bad-deployment")
    assert weighed(evidence)["database-behind"].status is CauseStatus.REFUTED


def test_usual_exceptions_of_a_database_are_nothing_new() -> None:
    usual = RAISED | {
        "exceptions": exceptions("OperationalError", 2, usual=2),
        "dependencies": (POOL,),
    }
    assert weighed(usual)["database-behind"].status is CauseStatus.REFUTED


def test_a_table_that_throttles_as_often_is_the_cause() -> None:
    evidence = RAISED | {
        "exceptions": exceptions("ProvisionedThroughputExceededException", 180, version="42"),
        "dependencies": (THROTTLES,),
        "changes": changes(change(ONSET - 38)),
    }
    assert verdict(evidence) == (Verdict.HIGH, "throttled-dependency")
    # new code may ask more of the table
    at_once = evidence | {"changes": changes(change(ONSET - 1))}
    assert verdict(at_once) == (Verdict.MEDIUM, "throttled-dependency")


def test_throttling_by_another_service_is_known_by_its_class_only() -> None:
    alone = RAISED | {
        "exceptions": exceptions("ThrottlingException", 180),
        "dependencies": (QUIET,),
    }
    assert verdict(alone) == (Verdict.MEDIUM, "throttled-dependency")
    # the class says what refused the calls, whatever made them more
    at_once = alone | {"changes": changes(change(ONSET - 1))}
    assert verdict(at_once) == (Verdict.MEDIUM, "throttled-dependency")


def test_a_table_that_throttles_fails_nobody_without_exceptions() -> None:
    evidence = NOTHING_SPECIAL | {"dependencies": (THROTTLES,)}
    assert weighed(evidence)["throttled-dependency"].status is CauseStatus.REFUTED


@pytest.mark.parametrize("name", ["gaierror", "UnknownHostException", "Error: EAI_AGAIN"])
def test_a_name_that_is_not_resolved_since_dns_was_changed(name: str) -> None:
    evidence = RAISED | {
        "exceptions": exceptions(name, 180),
        "changes": changes(change(ONSET - 2, kind="dns")),
    }
    assert verdict(evidence) == (Verdict.HIGH, "name-resolution")
    assert verdict(evidence | {"changes": changes()}) == (Verdict.MEDIUM, "name-resolution")


def test_dns_that_was_changed_is_innocent_of_key_errors() -> None:
    evidence = DEPLOYED | {"changes": changes(change(ONSET - 1), change(ONSET - 9, kind="dns"))}
    assert weighed(evidence)["name-resolution"].status is CauseStatus.REFUTED


def test_connections_that_fail_since_the_network_was_closed() -> None:
    evidence = RAISED | {
        "exceptions": exceptions("ConnectTimeoutError", 180),
        "changes": changes(change(ONSET - 1, kind="security-group")),
    }
    assert verdict(evidence) == (Verdict.HIGH, "network-path")
    assert verdict(evidence | {"changes": changes()})[0] is Verdict.INCONCLUSIVE


def test_functions_that_hang_since_the_network_was_closed() -> None:
    closed = HANGS | {"changes": changes(change(ONSET - 1, kind="network"))}
    found = weighed(closed)
    assert found["function-timeout"].status is CauseStatus.SUPPORTED
    assert found["network-path"].status is CauseStatus.SUPPORTED
    assert weighed(HANGS)["network-path"].status is CauseStatus.REFUTED


@pytest.mark.parametrize("story", STORIES)
def test_a_gap_of_the_logs_names_no_dependency(story: str) -> None:
    found = weighed(STORIES[story] | {"exceptions": gap("exceptions")})
    named = {"database-behind", "throttled-dependency", "name-resolution", "permission-removed"}
    assert not {each for each in named if found[each].status is CauseStatus.SUPPORTED}


def test_a_pool_that_makes_functions_wait_is_no_rival_of_the_timeout() -> None:
    waiting = HANGS | {
        "reports": reports(
            missed_warm=120, timed_warm=120, timeout=10, warm_p50=(180, 190), warm_p99=(900, 10_000)
        ),
        "exceptions": exceptions("PoolTimeout", 180),
        "dependencies": (POOL,),
    }
    found = weighed(waiting)
    assert "function-timeout" in found["database-behind"].explains
