"""A permission that was taken away, and a secret, parameter or flag that was changed."""

from __future__ import annotations

import pytest

from bot.domain.report import CauseStatus, GapReason, Verdict
from playbooks.probes.changes import Unread
from tests.playbooks.causes.test_dependencies import RAISED
from tests.playbooks.samples import (
    NOTHING_SPECIAL,
    ONSET,
    change,
    changes,
    counts,
    edge,
    exceptions,
    gap,
    verdict,
    weighed,
)
from tests.playbooks.stories import COLD, DEPLOYED


@pytest.mark.parametrize("name", ["AccessDeniedException", "KMSDisabledException", "AccessDenied"])
@pytest.mark.parametrize("released", [None, 8, 38])
def test_refusals_since_a_policy_was_changed(name: str, released: int | None) -> None:
    before = [] if released is None else [change(ONSET - released)]
    evidence = RAISED | {
        "exceptions": exceptions(name, 180, version="42"),
        "changes": changes(*before, change(ONSET - 2, kind="permission")),
    }
    assert verdict(evidence) == (Verdict.HIGH, "permission-removed")


def test_refusals_without_a_known_change_are_not_sure() -> None:
    alone = RAISED | {"exceptions": exceptions("AccessDeniedException", 180)}
    assert verdict(alone) == (Verdict.MEDIUM, "permission-removed")
    released = alone | {"changes": changes(change(ONSET - 1))}
    assert verdict(released) == (Verdict.MEDIUM, "permission-removed")


def test_new_code_after_the_policy_may_ask_for_more() -> None:
    evidence = RAISED | {
        "exceptions": exceptions("AccessDeniedException", 180, version="42"),
        "changes": changes(change(ONSET - 10, kind="permission"), change(ONSET - 1)),
    }
    assert verdict(evidence) == (Verdict.MEDIUM, "permission-removed")
    assert weighed(evidence)["bad-deployment"].status is CauseStatus.POSSIBLE


def test_a_policy_change_is_innocent_of_a_mistake_in_the_code() -> None:
    evidence = DEPLOYED | {
        "changes": changes(change(ONSET - 10, kind="permission"), change(ONSET - 1))
    }
    assert verdict(evidence) == (Verdict.HIGH, "bad-deployment")
    assert weighed(evidence)["permission-removed"].status is CauseStatus.REFUTED


@pytest.mark.parametrize("name", ["OperationalError", "InvalidPasswordException"])
def test_a_secret_that_was_rotated_since_when_passwords_fail(name: str) -> None:
    evidence = RAISED | {
        "exceptions": exceptions(name, 180, version="42"),
        "changes": changes(change(ONSET - 20), change(ONSET - 1, kind="secret")),
    }
    assert verdict(evidence) == (Verdict.HIGH, "configuration-change")


@pytest.mark.parametrize("kind", ["parameter", "flag", "secret"])
def test_any_other_exception_that_is_new_since_a_setting_is_not_sure(kind: str) -> None:
    evidence = RAISED | {
        "exceptions": exceptions("BasketRejected", 180),
        "changes": changes(change(ONSET - 1, kind=kind)),
    }
    assert verdict(evidence) == (Verdict.MEDIUM, "configuration-change")


def test_a_release_after_the_flag_leaves_both() -> None:
    evidence = RAISED | {
        "exceptions": exceptions("BasketRejected", 180, version="42"),
        "changes": changes(change(ONSET - 9, kind="flag"), change(ONSET - 6)),
    }
    assert verdict(evidence)[0] is Verdict.INCONCLUSIVE


def test_a_setting_is_innocent_of_cold_starts() -> None:
    evidence = COLD | {"changes": changes(change(ONSET - 1, kind="flag"))}
    assert verdict(evidence) == (Verdict.HIGH, "cold-start-surge")
    assert weighed(evidence)["configuration-change"].status is CauseStatus.REFUTED


def test_usual_exceptions_accuse_no_setting() -> None:
    evidence = NOTHING_SPECIAL | {
        "exceptions": exceptions("InvalidPasswordException", 2, usual=2),
        "changes": changes(change(ONSET - 1, kind="secret")),
    }
    assert weighed(evidence)["configuration-change"].status is CauseStatus.REFUTED


def test_settings_of_which_not_all_was_read_stay_open() -> None:
    unread = changes(unread=(Unread("CloudTrail", GapReason.DENIED, "CloudTrail: denied"),))
    assert weighed(NOTHING_SPECIAL | {"changes": unread})["configuration-change"].status is (
        CauseStatus.UNTESTED
    )
    unknown = NOTHING_SPECIAL | {"edge": gap("edge")}
    assert weighed(unknown)["configuration-change"].status is CauseStatus.UNTESTED


def test_errors_that_the_code_did_not_answer_are_no_settings() -> None:
    evidence = NOTHING_SPECIAL | {
        "exceptions": exceptions("InvalidPasswordException", 3),
        "counts": counts(errors=(0, 3)),
        "edge": edge(),
        "changes": changes(change(ONSET - 1, kind="secret")),
    }
    assert weighed(evidence)["configuration-change"].status is CauseStatus.REFUTED
