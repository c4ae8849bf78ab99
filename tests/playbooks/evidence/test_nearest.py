"""The change nearest before the onset, and whether there may be one that is not known yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.report import Change, GapReason
from playbooks.evidence import thresholds
from playbooks.evidence.nearest import (
    nearest_elsewhere,
    nearest_of,
    no_other_change,
    not_all_known,
)
from playbooks.probes.changes import Changes, Unread
from tests.playbooks.samples import ONSET, change, changes, minute

BEGAN = minute(ONSET)
SPAN = thresholds.SOON
SETTINGS = frozenset({"parameter", "flag"})
DENIED = (Unread("CloudTrail", GapReason.DENIED, "CloudTrail: denied"),)


def of(at: float, kind: str = "parameter", resource: str = "/shop/fee", **more: object) -> Change:
    return change(at, kind=kind).model_copy(update={"resource": resource, **more})


def elsewhere(*known: Change, own: tuple[Change, ...] = ()) -> Changes:
    return Changes(known=own, elsewhere=known, asked=("CloudTrail",))


# --- not known yet --------------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "behind"), [(5, True), (14, True), (15, False), (60, False)])
def test_cloudtrail_may_be_minutes_behind(later: float, behind: bool) -> None:
    read = replace(changes(), read_at=BEGAN + timedelta(minutes=later))
    assert ("CloudTrail may be minutes behind" in not_all_known(read, BEGAN)) is behind


def test_when_the_changes_were_read_is_not_known_of_a_replay() -> None:
    assert not_all_known(changes(), BEGAN) == ""


def test_what_was_not_read_is_not_known() -> None:
    assert not_all_known(changes(), None) == "onset not known"
    assert not_all_known(changes(unread=DENIED), BEGAN) == "not all changes could be read"
    assert not_all_known(Changes(), BEGAN) == "not all changes could be read"


# --- elsewhere in the account ---------------------------------------------------------------------


def test_one_change_that_nothing_says_is_used() -> None:
    found = nearest_elsewhere(elsewhere(of(ONSET - 2)), BEGAN, SETTINGS, SPAN)
    assert found is not None
    assert (found.used, found.nearest, found.lag) == (False, True, timedelta(minutes=2))
    assert found.missing == ("nothing says that the service uses /shop/fee",)


def test_what_the_service_uses_needs_no_such_remark() -> None:
    found = nearest_of(changes(of(ONSET - 2)), BEGAN, SETTINGS, SPAN)
    assert found is not None
    assert found.missing == ()


def test_of_several_things_that_were_changed_none_tells() -> None:
    two = elsewhere(of(ONSET - 2), of(ONSET - 9, resource="/mailer/from"))
    assert nearest_elsewhere(two, BEGAN, SETTINGS, SPAN) is None
    twice = elsewhere(of(ONSET - 9), of(ONSET - 2))
    found = nearest_elsewhere(twice, BEGAN, SETTINGS, SPAN)
    assert found is not None
    assert found.lag == timedelta(minutes=2)


@pytest.mark.parametrize(
    "other",
    [
        of(ONSET - 2, kind="secret"),
        of(ONSET - 2, error="AccessDeniedException"),
        of(ONSET - 16),
        of(ONSET + 3),
    ],
)
def test_what_is_no_change_shortly_before(other: Change) -> None:
    assert nearest_elsewhere(elsewhere(other), BEGAN, SETTINGS, SPAN) is None
    assert nearest_elsewhere(elsewhere(other, of(ONSET - 2)), BEGAN, SETTINGS, SPAN) is not None


def test_without_an_onset_nothing_is_near() -> None:
    assert nearest_elsewhere(elsewhere(of(ONSET - 2)), None, SETTINGS, SPAN) is None
    assert nearest_of(changes(of(ONSET - 2)), None, SETTINGS, SPAN) is None


@pytest.mark.parametrize(
    ("own", "nearest"),
    [
        (change(ONSET - 1), False),
        (change(ONSET - 9), True),
        (change(ONSET - 9, kind="deployment", until=ONSET - 1), False),
        (change(ONSET + 3), True),
        (change(ONSET - 1, kind="other"), True),
        (change(ONSET - 1, kind="scaling"), False),
    ],
)
def test_a_change_of_the_service_itself_is_a_rival_of_one_elsewhere(
    own: Change, nearest: bool
) -> None:
    found = nearest_elsewhere(elsewhere(of(ONSET - 5), own=(own,)), BEGAN, SETTINGS, SPAN)
    assert found is not None
    assert found.nearest is nearest


# --- no other change ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "alone"),
    [
        ((), True),
        ((change(ONSET - 6),), True),  # it served well
        ((change(ONSET - 5),), False),
        ((change(ONSET - 2, kind="secret"),), False),
        ((change(ONSET - 2, kind="database"),), True),  # the kind that is asked about
        ((change(ONSET - 20, kind="secret"),), True),
    ],
)
def test_whether_anything_else_could_have_brought_it(
    known: tuple[Change, ...], alone: bool
) -> None:
    assert no_other_change(changes(*known), BEGAN, frozenset({"database"})) is alone


def test_what_was_not_read_may_hold_another_change() -> None:
    assert not no_other_change(changes(unread=DENIED), BEGAN, SETTINGS)
    assert not no_other_change(Changes(), BEGAN, SETTINGS)
    assert not no_other_change(changes(), None, SETTINGS)
